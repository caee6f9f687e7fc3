//! A recorded history, folded as if it were happening: what would have been mailed under these rules?
//!
//! The clock is that of the rows. An available re-check is used only where the detector has asked for one.

use std::time::Duration;

use super::fold::{Folded, Judge, Part, ProbeRules, ServiceRules, ServiceState, fold};
use super::mailing::Mailings;
use super::trace::{Row, Trace};
use super::{
    Confirm, EventKind, FailureKind, Fault, IncidentEvent, IncidentId, Origin, Outcome, Phases,
    ProbeId, Sample, ServiceId, Severity, Timestamp,
};

/// What is milder is not mailed.
const PAGE_AT: Severity = Severity::Partial;

/// What a user may turn in a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Dials {
    /// Time between two scheduled runs; by default what the rows say.
    pub interval: Option<Duration>,
    /// How suspicions are confirmed.
    pub confirm: Confirm,
    /// Pages a year by mere chance that are accepted for each service.
    pub false_pages_per_year: f64,
    /// A rise that stays below this is never paged.
    pub min_error_rate: f64,
    /// How long a recovered service is watched.
    pub reopen_within: Duration,
    /// Who judges.
    pub judge: Judge,
}

impl Default for Dials {
    fn default() -> Self {
        Self {
            interval: None,
            confirm: Confirm::CHEAP,
            false_pages_per_year: 1.0,
            min_error_rate: 0.1,
            reopen_within: Duration::from_secs(3600),
            judge: Judge::Detector,
        }
    }
}

/// How many rows were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Scheduled runs.
    pub scheduled: u64,
    /// Re-checks that were asked for.
    pub rechecks: u64,
    /// Available re-checks that nobody had asked for.
    pub skipped: u64,
}

/// What a replay tells.
#[derive(Debug)]
pub enum Step<'a> {
    /// Something happened to an incident.
    Event {
        /// What.
        event: &'a IncidentEvent,
        /// The probes that it is about.
        probes: Vec<(ProbeId, Option<Part>)>,
        /// How long a recovery is watched now.
        watch: Duration,
    },
    /// A mail would have been sent.
    Mail {
        /// Of which event.
        event: &'a IncidentEvent,
        /// When.
        at: Timestamp,
    },
}

/// Replays a trace; `tell` gets each step with the index of its service, in order.
///
/// Incidents are numbered from `next_incident` on, which is counted up. Mails are those of a service with the default
/// `page_at`.
pub fn replay(
    trace: &Trace,
    dials: &Dials,
    next_incident: &mut IncidentId,
    mut tell: impl FnMut(usize, Step<'_>),
) -> Tally {
    let mut services: Vec<(ServiceRules, ServiceState)> = rules(trace, dials)
        .into_iter()
        .map(|rules| {
            let state = ServiceState::new(&rules);
            (rules, state)
        })
        .collect();
    let mut mailings = Mailings::default();
    let mut tally = Tally::default();
    for row in &trace.rows {
        if mailings.is_due(row.known) {
            for (service, event) in mailings.due(row.known) {
                let (event, at) = (&event, row.known);
                tell(service.0 as usize, Step::Mail { event, at });
            }
        }
        let (rules, state) = &mut services[row.service];
        let sample = sample(row);
        match row.origin {
            Origin::Scheduled => tally.scheduled += 1,
            Origin::Recheck if state.wants(sample.probe, row.known) => tally.rechecks += 1,
            Origin::Recheck => {
                tally.skipped += 1;
                continue;
            }
        }
        while state.settle(rules, row.known).is_some() {}
        let Folded { events, .. } = fold(state, rules, &sample, next_incident);
        for event in &events {
            let incident = state.incidents().find(|i| i.id == event.incident);
            let watch = incident.map_or(rules.reopen_within, |i| i.watch(rules.reopen_within));
            let probes = state.concerned(event);
            tell(
                row.service,
                Step::Event {
                    event,
                    probes,
                    watch,
                },
            );
            let id = ServiceId(u32::try_from(row.service).unwrap_or(u32::MAX));
            let wanted = event.severity >= PAGE_AT && event.event != EventKind::Deescalate;
            if mailings.take(id, event, wanted, rules.reopen_within) {
                let at = event.at;
                tell(row.service, Step::Mail { event, at });
            }
        }
    }
    tally
}

/// The rules of each service of the trace; a probe's id is its index.
pub fn rules(trace: &Trace, dials: &Dials) -> Vec<ServiceRules> {
    let of_service = |intervals: Vec<Duration>| ServiceRules {
        probes: intervals
            .into_iter()
            .zip(0..)
            .map(|(interval, id)| ProbeRules {
                id: ProbeId(id),
                interval: dials.interval.unwrap_or(interval),
                confirm: dials.confirm,
            })
            .collect(),
        false_pages_per_year: dials.false_pages_per_year,
        min_error_rate: dials.min_error_rate,
        reopen_within: dials.reopen_within,
        judge: dials.judge,
    };
    trace.intervals().into_iter().map(of_service).collect()
}

/// The sample that a row stands for. Of a failure a row does not tell the kind, so it counts as the provider's.
pub fn sample(row: &Row) -> Sample {
    let outcome = if row.failed {
        Outcome::Failure(FailureKind::UnexpectedStatus, Fault::Provider)
    } else {
        Outcome::Success
    };
    Sample {
        probe: ProbeId(u32::try_from(row.probe).unwrap_or(u32::MAX)),
        at: row.start(),
        outcome,
        origin: row.origin,
        status: row.status,
        failed_in: None,
        phases: Phases::default(),
        total_us: row.latency_us,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> (Vec<EventKind>, Tally) {
        let trace = Trace::parse("t.csv", text.as_bytes(), "svc").unwrap();
        let mut events = Vec::new();
        let tally = replay(&trace, &Dials::default(), &mut IncidentId(1), |_, step| {
            if let Step::Event { event, .. } = step {
                events.push(event.event);
            }
        });
        (events, tally)
    }

    #[test]
    fn available_rechecks_are_used_only_when_asked_for() {
        let mut text = "t_seconds,probe,ok,kind\n".to_owned();
        for run in 0..100 {
            text += &format!("{},a,1,s\n{},a,1,r\n", run * 30, run * 30 + 10);
        }
        let (events, tally) = events(&text);
        assert_eq!(events, []);
        assert_eq!(
            (tally.scheduled, tally.rechecks, tally.skipped),
            (100, 0, 100)
        );
    }

    #[test]
    fn an_outage_opens_and_its_end_closes_one_incident() {
        let mut text = "t_seconds,probe,ok\n".to_owned();
        for run in 0..1000 {
            let ok = u8::from(!(500..560).contains(&run));
            text += &format!("{},a,{ok}\n", run * 30);
        }
        assert_eq!(events(&text).0, [EventKind::Open, EventKind::Close]);
    }
}
