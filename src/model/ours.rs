//! Trouble of our own making: the key is refused, the quota is used up, a bot check stands in the way.
//!
//! It says nothing about the service, and never opens an outage. But a probe that only ever hears "401" watches nothing,
//! and somebody has to be told, once, in words of its own. Each cause has an incident of kind `notice` for itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::state::{Change, Episode};
use super::detect::{is_default, seconds_between};
use super::life::{Life, OpenIncident, Theme};
use super::{
    FailureKind, Fault, IncidentEvent, IncidentId, Outcome, ProbeId, Sample, Severity, Timestamp,
    Verdict,
};

/// A notice that comes back within a day of its end is the same one.
pub(super) const WATCH: Duration = Duration::from_secs(86_400);
/// So many runs of a probe in a row with the same cause are no accident.
const IN_A_ROW: u32 = 2;
/// Somebody else with the same key may use up a minute's allowance now and then.
const LIMITED_IN_A_ROW: u32 = 3;
/// So many answers in a row, and the cause is gone.
const CLEAN: u32 = 2;

/// All troubles of a service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ours(Vec<Trouble>);

/// Trouble of one cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Trouble {
    cause: FailureKind,
    #[serde(default, skip_serializing_if = "is_default")]
    life: Life,
    /// By id.
    probes: Vec<Seen>,
    /// Runs since the notice was opened.
    #[serde(default, skip_serializing_if = "is_default")]
    failed: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    of: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    open: bool,
}

/// What one probe has shown of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seen {
    probe: ProbeId,
    in_a_row: u32,
    /// Start of the first of them.
    since: Timestamp,
    clean: u32,
    affected: bool,
}

impl Ours {
    /// Takes a run in: at most one notice changes by it.
    pub fn take(&mut self, sample: &Sample, next: &mut IncidentId) -> Option<IncidentEvent> {
        match sample.outcome {
            Outcome::Failure(cause, Fault::Ours | Fault::Blocked) => {
                self.failed(cause, sample, next)
            }
            Outcome::Success | Outcome::Degraded(_) => self.passed(sample, next),
            Outcome::Failure(..) | Outcome::Inconclusive(_) | Outcome::Noted => None,
        }
    }

    fn failed(
        &mut self,
        cause: FailureKind,
        sample: &Sample,
        next: &mut IncidentId,
    ) -> Option<IncidentEvent> {
        for other in self.0.iter_mut().filter(|t| t.cause != cause) {
            other.interrupt(sample.probe);
        }
        let at = match self.0.iter().position(|t| t.cause == cause) {
            Some(at) => at,
            None => {
                self.0.push(Trouble::new(cause));
                self.0.len() - 1
            }
        };
        self.0.get_mut(at)?.fail(sample, next)
    }

    fn passed(&mut self, sample: &Sample, next: &mut IncidentId) -> Option<IncidentEvent> {
        let mut events = self.0.iter_mut().filter_map(|t| t.pass(sample, next));
        // A probe is affected by the latest cause only, so that a second one cannot end by the same run.
        let event = events.next();
        drop(events);
        self.forget();
        event
    }

    /// Keeps only `probes`. Notices that nothing is left of are retired.
    pub fn retain(
        &mut self,
        probes: impl Fn(ProbeId) -> bool,
        now: Timestamp,
        next: &mut IncidentId,
    ) -> Vec<IncidentEvent> {
        let mut events = Vec::new();
        for trouble in &mut self.0 {
            trouble.probes.retain(|seen| probes(seen.probe));
            if trouble.open && !trouble.probes.iter().any(|s| s.affected) {
                let (episode, usual) = (trouble.end(), 0.0);
                let change = Change::Retired {
                    since: now,
                    episode,
                    usual,
                };
                events.extend(trouble.enter(change, now, next));
            }
        }
        self.forget();
        events
    }

    /// Ends watches; see [`Life::settle`].
    pub fn settle(&mut self, now: Timestamp) -> Option<IncidentId> {
        let settled = self.0.iter_mut().find_map(|t| t.life.settle(WATCH, now));
        self.forget();
        settled
    }

    /// Those that are open or watched.
    pub fn incidents(&self) -> impl Iterator<Item = OpenIncident> + '_ {
        self.0
            .iter()
            .filter_map(|t| t.life.incident(Theme::notice(t.cause)))
    }

    /// The probes that meet the trouble of a notice.
    pub fn failing(&self, incident: IncidentId) -> impl Iterator<Item = ProbeId> + '_ {
        let of = move |t: &&Trouble| {
            let open = t.life.incident(Theme::notice(t.cause));
            open.is_some_and(|i| i.id == incident)
        };
        let seen = self.0.iter().filter(of).flat_map(|t| &t.probes);
        seen.filter(|s| s.affected).map(|s| s.probe)
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.iter_mut().flat_map(|t| {
            let seen = t.probes.iter_mut().map(|s| &mut s.since);
            t.life.moments().chain(seen)
        })
    }

    fn forget(&mut self) {
        self.0
            .retain(|t| !t.probes.is_empty() || t.life != Life::default());
    }
}

impl Trouble {
    fn new(cause: FailureKind) -> Self {
        Self {
            cause,
            life: Life::default(),
            probes: Vec::new(),
            failed: 0,
            of: 0,
            open: false,
        }
    }

    fn fail(&mut self, sample: &Sample, next: &mut IncidentId) -> Option<IncidentEvent> {
        let at = match self.probes.binary_search_by_key(&sample.probe, |s| s.probe) {
            Ok(at) => at,
            Err(at) => {
                let seen = Seen {
                    probe: sample.probe,
                    in_a_row: 0,
                    since: sample.at,
                    clean: 0,
                    affected: false,
                };
                self.probes.insert(at, seen);
                at
            }
        };
        let seen = self.probes.get_mut(at)?;
        if seen.in_a_row == 0 {
            seen.since = sample.at;
        }
        seen.in_a_row = seen.in_a_row.saturating_add(1);
        seen.clean = 0;
        let needed = match self.cause {
            FailureKind::RateLimited => LIMITED_IN_A_ROW,
            _ => IN_A_ROW,
        };
        seen.affected |= seen.in_a_row >= needed;
        let (runs, since, affected) = (seen.in_a_row, seen.since, seen.affected);
        self.failed = self.failed.saturating_add(1);
        self.of = self.of.saturating_add(1);
        if self.open || !affected {
            return None;
        }
        self.open = true;
        (self.failed, self.of) = (runs, runs);
        let known = sample.known_at();
        let watched = self.life.incident(Theme::notice(self.cause));
        let again = watched
            .and_then(|i| i.closed_at)
            .is_some_and(|at| known.since(at) < WATCH);
        let verdict = Verdict {
            failed: runs,
            of: runs,
            usual: 0.0,
            window_s: seconds_between(since, known).max(0.0),
            score: 0.0,
            bound: 0.0,
        };
        let change = Change::Risen {
            again,
            severity: Severity::Degraded,
            since,
            verdict,
        };
        self.enter(change, known, next)
    }

    fn pass(&mut self, sample: &Sample, next: &mut IncidentId) -> Option<IncidentEvent> {
        let at = self
            .probes
            .binary_search_by_key(&sample.probe, |s| s.probe)
            .ok()?;
        self.of = self.of.saturating_add(1);
        let seen = self.probes.get_mut(at)?;
        seen.in_a_row = 0;
        seen.clean = seen.clean.saturating_add(1);
        if seen.affected && seen.clean < CLEAN {
            return None;
        }
        self.probes.remove(at);
        if !self.open || self.probes.iter().any(|s| s.affected) {
            return None;
        }
        let (episode, usual) = (self.end(), 0.0);
        let change = Change::Recovered {
            since: sample.at,
            episode,
            usual,
        };
        self.enter(change, sample.known_at(), next)
    }

    /// Another trouble has come in between.
    fn interrupt(&mut self, probe: ProbeId) {
        for seen in self.probes.iter_mut().filter(|s| s.probe == probe) {
            seen.in_a_row = 0;
            seen.clean = 0;
        }
    }

    fn end(&mut self) -> Episode {
        self.open = false;
        let (failed, of) = (self.failed, self.of);
        (self.failed, self.of) = (0, 0);
        Episode {
            severity: Severity::Degraded,
            failed,
            of,
        }
    }

    fn enter(
        &mut self,
        change: Change,
        at: Timestamp,
        next: &mut IncidentId,
    ) -> Option<IncidentEvent> {
        self.life.enter(Theme::notice(self.cause), change, at, next)
    }
}

#[cfg(test)]
#[path = "ours_tests.rs"]
mod tests;
