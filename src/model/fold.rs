//! The heart: folds the samples of a service, one after the other, into its incidents.
//!
//! The live engine and `replay` call the same [`fold`]; the state between two samples is all there is, and can be
//! stored and taken up again anywhere. Pure: time comes with the samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

mod record;

pub use super::detect::rules::{ProbeRules, ServiceRules};
pub use super::detect::state::Recheck;

use self::record::Record;
use super::detect::state::{Detector, ProbeState, Run};
use super::detect::{is_default, seconds_between};
use super::incident::IncidentState;
use super::{IncidentEvent, IncidentId, Origin, ProbeId, Sample, Severity, Timestamp};

/// No re-check is asked for further ahead than this.
const FARTHEST_RECHECK: Duration = Duration::from_secs(60);

/// What a service knows of itself between two samples. Stored as JSON, from which it comes back exactly.
///
/// After loading, and whenever the rules change, call [`ServiceState::reconcile`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceState {
    detector: Detector,
    #[serde(default, skip_serializing_if = "is_default")]
    incident: Option<Record>,
    /// Incidents whose watch was over before anybody settled them; as many as there were opens between two settlings.
    #[serde(default, skip_serializing_if = "is_default")]
    unsettled: Vec<IncidentId>,
}

/// An incident that is open, or recovered and still watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenIncident {
    /// Which one.
    pub id: IncidentId,
    /// `Open` or `Recovered`.
    pub state: IncidentState,
    /// How bad it is now; when recovered, how bad it was at worst.
    pub severity: Severity,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Estimated first onset.
    pub since: Timestamp,
    /// When it was last closed; `None` while open.
    pub closed_at: Option<Timestamp>,
    /// The number of its next event.
    pub sequence: u32,
    /// How often it came back within the watch.
    pub reopened: u32,
}

/// What one sample led to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Folded {
    /// What happened to the incident.
    pub event: Option<IncidentEvent>,
    /// Re-checks to be made; at most one for each probe is pending at a time.
    pub rechecks: Vec<Recheck>,
}

/// Folds one sample in.
///
/// Samples come in the order in which they became known. A sample of a probe that is not in `rules` is ignored; one
/// that says nothing about the service ([`super::Outcome::counts`]) only answers the re-check it was made for.
/// A new incident takes its number from `next_incident`, which is then counted up.
pub fn fold(
    state: &mut ServiceState,
    rules: &ServiceRules,
    sample: &Sample,
    next_incident: &mut IncidentId,
) -> Folded {
    let mut folded = Folded::default();
    let recheck = sample.origin == Origin::Recheck;
    let Some(failed) = sample.outcome.counts() else {
        if let Some(probe) = state.detector.probe_mut(sample.probe) {
            probe.latest = probe.latest.max(Some(sample.at));
            if recheck {
                probe.rechecks.answered();
            }
        }
        return folded;
    };
    let known = sample.known_at();
    let run = Run {
        start: sample.at,
        start_s: known.as_seconds() - f64::from(sample.total_us) / 1e6,
        known,
        failed,
        recheck,
    };
    let change = state
        .detector
        .take(rules, sample.probe, run, &mut folded.rechecks);
    folded.event = change.map(|change| state.record(change, known, next_incident));
    folded
}

impl ServiceState {
    /// The state of a service of which nothing is known yet.
    pub fn new(rules: &ServiceRules) -> Self {
        let mut detector = Detector::default();
        detector.reconcile(rules, Timestamp::EPOCH);
        Self {
            detector,
            incident: None,
            unsettled: Vec::new(),
        }
    }

    /// Adapts to the rules after a start or a reload.
    ///
    /// Probes that stay keep what they have learned, new ones begin at the prior, removed ones are forgotten. An open
    /// incident of which no affected probe is left is closed: nobody can tell any more whether it goes on. Moments
    /// later than `now` (the clock ran ahead when they were kept) become `now`.
    pub fn reconcile(&mut self, rules: &ServiceRules, now: Timestamp) -> Vec<IncidentEvent> {
        for moment in self.moments() {
            *moment = (*moment).min(now);
        }
        for moment in self.detector.seconds() {
            *moment = moment.min(now.as_seconds());
        }
        for due in self.detector.dues() {
            // A re-check is due in the future by its nature, but not far.
            *due = (*due).min(now + FARTHEST_RECHECK);
        }
        let change = self.detector.reconcile(rules, now);
        // A closing change takes no number.
        let mut unused = IncidentId(0);
        change
            .map(|change| self.record(change, now, &mut unused))
            .into_iter()
            .collect()
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        for moment in self.moments() {
            *moment = moment.shifted(micros);
        }
        for moment in self.detector.seconds() {
            *moment += micros as f64 / 1e6;
        }
        for due in self.detector.dues() {
            *due = due.shifted(micros);
        }
    }

    /// Whether an incident is open, or some evidence speaks for one.
    pub fn suspects(&self) -> bool {
        self.detector.suspects()
    }

    /// The incident that is open or still watched.
    pub fn incident(&self) -> Option<OpenIncident> {
        let record = self.incident.as_ref()?;
        let (state, severity) = match record.closed_at {
            None => (IncidentState::Open, record.severity),
            Some(_) => (IncidentState::Recovered, record.worst),
        };
        Some(OpenIncident {
            id: record.id,
            state,
            severity,
            opened_at: record.opened_at,
            since: record.since,
            closed_at: record.closed_at,
            sequence: record.sequence,
            reopened: record.reopened,
        })
    }

    /// Ends the watch over a recovered incident when its time has come: `Some` once for each incident that became
    /// final. Call until `None`.
    pub fn settle(&mut self, rules: &ServiceRules, now: Timestamp) -> Option<IncidentId> {
        if !self.unsettled.is_empty() {
            return Some(self.unsettled.remove(0));
        }
        let record = self.incident.as_ref()?;
        let watched = seconds_between(record.closed_at?, now);
        if watched < rules.reopen_within.as_secs_f64() {
            return None;
        }
        self.detector.end_watch();
        self.incident.take().map(|record| record.id)
    }

    /// Re-checks that were asked for and have not come yet: to be asked for again after a restart.
    pub fn wanted(&self) -> Vec<Recheck> {
        let due = |p: &ProbeState| {
            Some(Recheck {
                probe: p.id,
                at: p.rechecks.due()?,
            })
        };
        self.detector.probes().iter().filter_map(due).collect()
    }

    /// Whether a re-check of `probe` that became known at `known` is one that was asked for.
    pub fn wants(&self, probe: ProbeId, known: Timestamp) -> bool {
        let probe = self.detector.probe(probe);
        probe.is_some_and(|p| p.rechecks.wants(known))
    }

    /// The latest start among the folded samples of a probe.
    pub fn last_folded(&self, probe: ProbeId) -> Option<Timestamp> {
        self.detector.probe(probe)?.latest
    }

    /// The usual failure rate of a probe, as an upper estimate; 0 for a stranger.
    pub fn usual(&self, probe: ProbeId) -> f64 {
        self.detector
            .probe(probe)
            .map_or(0.0, |p| p.baseline.usual())
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let record = self.incident.iter_mut().flat_map(Record::moments);
        self.detector.moments().chain(record)
    }
}

#[cfg(test)]
#[path = "fold/tests.rs"]
mod tests;
