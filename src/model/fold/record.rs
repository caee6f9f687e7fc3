//! The incident's own book: which one it is, how it is counted, and what its events say.

use serde::{Deserialize, Serialize};

use super::ServiceState;
use crate::model::detect::seconds_between;
use crate::model::detect::state::Change;
use crate::model::{
    EventKind, IncidentEvent, IncidentId, IncidentKind, Severity, Timestamp, Verdict,
};

/// The incident that is open or watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub id: IncidentId,
    pub sequence: u32,
    pub severity: Severity,
    pub worst: Severity,
    pub opened_at: Timestamp,
    pub since: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub reopened: u32,
    /// Runs and failed runs in the open periods that are over.
    pub failed: u32,
    pub of: u32,
}

impl Record {
    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let begins = [&mut self.opened_at, &mut self.since];
        begins.into_iter().chain(self.closed_at.as_mut())
    }
}

impl ServiceState {
    /// Enters a change that was decided at `at`, and gives the event that tells of it.
    pub(super) fn record(
        &mut self,
        change: Change,
        at: Timestamp,
        next_incident: &mut IncidentId,
    ) -> IncidentEvent {
        let (event, severity, since, verdict) = match change {
            Change::Risen {
                again,
                severity,
                since,
                verdict,
            } => {
                let event = self.rise(again, severity, since, at, next_incident);
                (event, severity, since, verdict)
            }
            Change::Worse { since, verdict } => {
                let record = self.record_mut(at, next_incident);
                record.severity = Severity::Major;
                record.worst = Severity::Major;
                (EventKind::Escalate, Severity::Major, since, verdict)
            }
            Change::Recovered {
                since,
                episode,
                usual,
            } => {
                let record = self.record_mut(at, next_incident);
                record.closed_at = Some(at);
                record.failed = record.failed.saturating_add(episode.failed);
                record.of = record.of.saturating_add(episode.of);
                let verdict = Verdict {
                    failed: record.failed,
                    of: record.of,
                    usual,
                    window_s: seconds_between(record.since, at).max(0.0),
                    score: 0.0,
                    bound: 0.0,
                };
                (EventKind::Close, record.worst, since, verdict)
            }
        };
        let record = self.record_mut(at, next_incident);
        let sequence = record.sequence;
        record.sequence = sequence.saturating_add(1);
        IncidentEvent {
            incident: record.id,
            sequence,
            event,
            kind: IncidentKind::Errors,
            severity,
            at,
            since,
            verdict,
        }
    }

    /// Continues the watched incident, or begins one.
    fn rise(
        &mut self,
        again: bool,
        severity: Severity,
        since: Timestamp,
        at: Timestamp,
        next_incident: &mut IncidentId,
    ) -> EventKind {
        if let Some(record) = self.incident.as_mut().filter(|_| again) {
            record.severity = severity;
            record.worst = record.worst.max(severity);
            record.closed_at = None;
            record.reopened = record.reopened.saturating_add(1);
            return EventKind::Reopen;
        }
        self.unsettled.extend(self.incident.take().map(|r| r.id));
        let record = self.record_mut(at, next_incident);
        record.since = since;
        record.severity = severity;
        record.worst = severity;
        EventKind::Open
    }

    /// The record of the incident; one is begun when there is none.
    fn record_mut(&mut self, at: Timestamp, next_incident: &mut IncidentId) -> &mut Record {
        self.incident.get_or_insert_with(|| {
            let id = *next_incident;
            next_incident.0 = next_incident.0.saturating_add(1);
            Record {
                id,
                sequence: 0,
                severity: Severity::Partial,
                worst: Severity::Partial,
                opened_at: at,
                since: at,
                closed_at: None,
                reopened: 0,
                failed: 0,
                of: 0,
            }
        })
    }
}
