//! The life of an incident: where it can stand, what can happen to it there, and what that leads to.
//!
//! [`TABLE`] is all of it: `Life` takes no step that is not in it, the documentation shows it, and a test walks it.
//! A topic of a service (its errors, its latency, one trouble of ours) has at most one incident that is not final.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::state::{Change, Episode};
use super::detect::{is_default, seconds_between};
use super::incident::IncidentState;
use super::{
    EventKind, FailureKind, IncidentEvent, IncidentId, IncidentKind, Severity, Timestamp, Verdict,
};

/// What can happen to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turn {
    /// The evidence for trouble is enough.
    Rise,
    /// It has got worse.
    Worsen,
    /// It has got better, and goes on.
    Improve,
    /// The evidence for its end is enough.
    Recover,
    /// Nothing of what it was about is watched any more.
    Retire,
    /// The watch after it is over.
    Settle,
}

impl Turn {
    /// All.
    pub const ALL: &'static [Turn] = &[
        Turn::Rise,
        Turn::Worsen,
        Turn::Improve,
        Turn::Recover,
        Turn::Retire,
        Turn::Settle,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Turn::Rise => "trouble, beyond chance",
            Turn::Worsen => "it gets worse, beyond chance",
            Turn::Improve => "it gets better, beyond chance, and goes on",
            Turn::Recover => "recovery, beyond chance",
            Turn::Retire => "its probes are removed from probes.toml",
            Turn::Settle => "the watch is over",
        }
    }
}

/// One way to go: from a state (`None`: there is no incident), by a turn, to a state, told by an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Where it stood.
    pub from: Option<IncidentState>,
    /// What happened.
    pub turn: Turn,
    /// Where it stands after that.
    pub to: IncidentState,
    /// What is told; `None` for the quiet end of the watch.
    pub event: Option<EventKind>,
}

const fn way(
    from: Option<IncidentState>,
    turn: Turn,
    to: IncidentState,
    event: Option<EventKind>,
) -> Way {
    Way {
        from,
        turn,
        to,
        event,
    }
}

use IncidentState::{Final, Open, Recovered};

/// Every way there is.
#[rustfmt::skip]
pub const TABLE: &[Way] = &[
    way(None,            Turn::Rise,    Open,      Some(EventKind::Open)),
    way(Some(Open),      Turn::Worsen,  Open,      Some(EventKind::Escalate)),
    way(Some(Open),      Turn::Improve, Open,      Some(EventKind::Deescalate)),
    way(Some(Open),      Turn::Recover, Recovered, Some(EventKind::Close)),
    way(Some(Open),      Turn::Retire,  Final,     Some(EventKind::Close)),
    way(Some(Recovered), Turn::Rise,    Open,      Some(EventKind::Reopen)),
    way(Some(Recovered), Turn::Retire,  Final,     None),
    way(Some(Recovered), Turn::Settle,  Final,     None),
];

/// Where a turn leads; `None` when it cannot happen there.
pub fn next(from: Option<IncidentState>, turn: Turn) -> Option<Way> {
    // After a final incident there is none.
    let from = from.filter(|state| *state != Final);
    TABLE
        .iter()
        .copied()
        .find(|way| way.from == from && way.turn == turn)
}

/// Trouble that comes back within this time of the last is taken for the same; and no watch is doubled beyond it.
pub const LONGEST_WATCH: Duration = Duration::from_secs(8 * 3600);

/// How long a recovered incident is watched after so many relapses: `reopen_within` at first, twice as long with each
/// relapse, up to [`LONGEST_WATCH`] (or `reopen_within`, where that is longer).
pub fn watch(reopen_within: Duration, relapses: u32) -> Duration {
    let times = 1u32.checked_shl(relapses).unwrap_or(u32::MAX);
    reopen_within
        .saturating_mul(times)
        .min(LONGEST_WATCH.max(reopen_within))
}

/// What an incident is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    /// The kind.
    pub kind: IncidentKind,
    /// Of a notice: what goes wrong on our side.
    pub cause: Option<FailureKind>,
}

impl Theme {
    /// The error rate has risen.
    pub const ERRORS: Theme = Theme {
        kind: IncidentKind::Errors,
        cause: None,
    };
    /// Answers are slow.
    pub const LATENCY: Theme = Theme {
        kind: IncidentKind::Latency,
        cause: None,
    };

    /// Trouble of our own making.
    pub const fn notice(cause: FailureKind) -> Self {
        Theme {
            kind: IncidentKind::Notice,
            cause: Some(cause),
        }
    }
}

/// An incident that is open, or recovered and still watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenIncident {
    /// Which one.
    pub id: IncidentId,
    /// What it is about.
    pub theme: Theme,
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
    /// How often in a row trouble came back soon, in this incident and in those shortly before it: see [`watch`].
    pub relapses: u32,
}

impl OpenIncident {
    /// How long its recovery is watched, in a service with this `reopen_within`.
    pub fn watch(&self, reopen_within: Duration) -> Duration {
        match self.theme.kind {
            IncidentKind::Notice => super::ours::WATCH,
            _ => watch(reopen_within, self.relapses),
        }
    }

    /// When the watch over it ends; `None` while it is open.
    pub fn watched_until(&self, reopen_within: Duration) -> Option<Timestamp> {
        Some(self.closed_at? + self.watch(reopen_within))
    }
}

/// The book of one topic: its incident, and those whose end nobody has written down yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Life {
    #[serde(default, skip_serializing_if = "is_default")]
    incident: Option<Record>,
    /// Incidents whose watch was over before anybody settled them; as many as there were opens between two settlings.
    #[serde(default, skip_serializing_if = "is_default")]
    unsettled: Vec<IncidentId>,
    /// When the latest incident was closed last, for as long as that matters.
    #[serde(default, skip_serializing_if = "is_default")]
    last_closed: Option<Timestamp>,
    /// How often in a row trouble came back soon.
    #[serde(default, skip_serializing_if = "is_default")]
    relapses: u32,
}

/// The incident that is open or watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    id: IncidentId,
    sequence: u32,
    severity: Severity,
    worst: Severity,
    opened_at: Timestamp,
    since: Timestamp,
    closed_at: Option<Timestamp>,
    reopened: u32,
    /// Runs and failed runs in the open periods that are over.
    failed: u32,
    of: u32,
}

impl Record {
    fn state(&self) -> IncidentState {
        match self.closed_at {
            None => Open,
            Some(_) => Recovered,
        }
    }
}

impl Life {
    /// Enters a change that was decided at `at`, and gives the event that tells of it. `None` for a change that cannot
    /// happen where the incident stands.
    ///
    /// A new incident takes its number from `next_incident`, which is then counted up.
    pub fn enter(
        &mut self,
        theme: Theme,
        change: Change,
        at: Timestamp,
        next_incident: &mut IncidentId,
    ) -> Option<IncidentEvent> {
        if let Change::Risen { again: false, .. } = change {
            // The watch is over, though nobody has settled it yet.
            let watched = self.incident.take_if(|r| r.state() == Recovered);
            self.unsettled.extend(watched.map(|r| r.id));
        }
        let way = next(self.state(), change.turn())?;
        if way.turn == Turn::Rise {
            let soon = self
                .last_closed
                .is_some_and(|closed| seconds_between(closed, at) < LONGEST_WATCH.as_secs_f64());
            let again = soon || way.event == Some(EventKind::Reopen);
            self.relapses = if again {
                self.relapses.saturating_add(1)
            } else {
                0
            };
        }
        if way.event.is_none() {
            self.retire();
            return None;
        }
        let (severity, since, verdict) = match change {
            Change::Risen {
                severity,
                since,
                verdict,
                ..
            } => {
                let record = self
                    .incident
                    .get_or_insert_with(|| begin(next_incident, severity, since, at));
                record.severity = severity;
                record.worst = record.worst.max(severity);
                if way.event == Some(EventKind::Reopen) {
                    record.closed_at = None;
                    record.reopened = record.reopened.saturating_add(1);
                }
                (severity, since, verdict)
            }
            Change::Worse { since, verdict } => self.become_of(Severity::Major, since, verdict)?,
            Change::Better { since, verdict } => {
                self.become_of(Severity::Partial, since, verdict)?
            }
            Change::Recovered {
                since,
                episode,
                usual,
            }
            | Change::Retired {
                since,
                episode,
                usual,
            } => {
                let record = self.incident.as_mut()?;
                record.closed_at = Some(at);
                self.last_closed = Some(at);
                (record.worst, since, record.sum_up(episode, usual, at))
            }
        };
        let record = self.incident.as_mut()?;
        let (incident, sequence) = (record.id, record.sequence);
        record.sequence = sequence.saturating_add(1);
        if way.to == Final {
            self.unsettled.push(incident);
            self.incident = None;
            self.forget();
        }
        Some(IncidentEvent {
            incident,
            sequence,
            event: way.event?,
            kind: theme.kind,
            cause: theme.cause,
            slow: None,
            retired: matches!(change, Change::Retired { .. }),
            severity,
            at,
            since,
            verdict,
        })
    }

    fn become_of(
        &mut self,
        severity: Severity,
        since: Timestamp,
        verdict: Verdict,
    ) -> Option<(Severity, Timestamp, Verdict)> {
        let record = self.incident.as_mut()?;
        record.severity = severity;
        record.worst = record.worst.max(severity);
        Some((severity, since, verdict))
    }

    fn state(&self) -> Option<IncidentState> {
        self.incident.as_ref().map(Record::state)
    }

    /// The incident that is open or still watched.
    pub fn incident(&self, theme: Theme) -> Option<OpenIncident> {
        let record = self.incident.as_ref()?;
        let state = record.state();
        Some(OpenIncident {
            id: record.id,
            theme,
            state,
            severity: match state {
                Open => record.severity,
                _ => record.worst,
            },
            opened_at: record.opened_at,
            since: record.since,
            closed_at: record.closed_at,
            sequence: record.sequence,
            reopened: record.reopened,
            relapses: self.relapses,
        })
    }

    /// How long a recovery is watched now.
    pub fn watch(&self, reopen_within: Duration) -> Duration {
        watch(reopen_within, self.relapses)
    }

    /// Ends the watch over a recovered incident when its time is over: `Some` once for each incident that became final.
    /// Call until `None`.
    pub fn settle(&mut self, reopen_within: Duration, now: Timestamp) -> Option<IncidentId> {
        if !self.unsettled.is_empty() {
            return Some(self.unsettled.remove(0));
        }
        let quiet = |since: Timestamp| seconds_between(since, now);
        let Some(record) = &self.incident else {
            let longest = LONGEST_WATCH.as_secs_f64();
            if self
                .last_closed
                .is_some_and(|closed| quiet(closed) >= longest)
            {
                (self.last_closed, self.relapses) = (None, 0);
            }
            return None;
        };
        if quiet(record.closed_at?) < self.watch(reopen_within).as_secs_f64() {
            return None;
        }
        self.incident.take().map(|record| record.id)
    }

    /// Nothing of what it was about is watched any more: a recovered incident becomes final at the next settling.
    pub fn retire(&mut self) {
        let watched = self.incident.take_if(|r| r.state() == Recovered);
        self.unsettled.extend(watched.map(|r| r.id));
        if self.incident.is_none() {
            self.forget();
        }
    }

    /// What comes next has nothing to do with what was.
    fn forget(&mut self) {
        (self.last_closed, self.relapses) = (None, 0);
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let record = self.incident.iter_mut().flat_map(|record| {
            let begins = [&mut record.opened_at, &mut record.since];
            begins.into_iter().chain(record.closed_at.as_mut())
        });
        record.chain(self.last_closed.as_mut())
    }
}

impl Record {
    /// Adds an open period that is over, and gives the numbers of the whole incident.
    fn sum_up(&mut self, episode: Episode, usual: f64, at: Timestamp) -> Verdict {
        self.failed = self.failed.saturating_add(episode.failed);
        self.of = self.of.saturating_add(episode.of);
        Verdict {
            failed: self.failed,
            of: self.of,
            usual,
            window_s: seconds_between(self.since, at).max(0.0),
            score: 0.0,
            bound: 0.0,
        }
    }
}

fn begin(
    next_incident: &mut IncidentId,
    severity: Severity,
    since: Timestamp,
    at: Timestamp,
) -> Record {
    let id = *next_incident;
    next_incident.0 = next_incident.0.saturating_add(1);
    Record {
        id,
        sequence: 0,
        severity,
        worst: severity,
        opened_at: at,
        since,
        closed_at: None,
        reopened: 0,
        failed: 0,
        of: 0,
    }
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
