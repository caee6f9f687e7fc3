//! What the fold does beyond the detector: numbers, restarts, reloads, steps of the clock.

use std::time::Duration;

use super::*;
use crate::model::incident::IncidentState;
use crate::model::{
    Cause, Confirm, EventKind, FailureKind, Fault, IncidentKind, Outcome, Phases, Severity,
};

const START: f64 = 1.7e9;
const FAILED: Outcome = Outcome::Failure(FailureKind::ServerError, Fault::Provider);

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(START + seconds)
}

fn rules(probes: &[(u32, Confirm)]) -> ServiceRules {
    let probe = |(id, confirm): &(u32, Confirm)| ProbeRules {
        id: ProbeId(*id),
        interval: Duration::from_secs(30),
        confirm: *confirm,
    };
    ServiceRules {
        probes: probes.iter().map(probe).collect(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    }
}

fn sample(probe: u32, start: Timestamp, outcome: Outcome, origin: Origin) -> Sample {
    Sample {
        probe: ProbeId(probe),
        at: start,
        outcome,
        origin,
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: 100_000,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

/// A service, the next number, and what has happened.
struct Story {
    rules: ServiceRules,
    state: ServiceState,
    next: IncidentId,
    events: Vec<IncidentEvent>,
}

impl Story {
    fn new(probes: &[(u32, Confirm)]) -> Self {
        let rules = rules(probes);
        Self {
            state: ServiceState::new(&rules),
            rules,
            next: IncidentId(1),
            events: Vec::new(),
        }
    }

    fn run(&mut self, probe: u32, seconds: f64, outcome: Outcome, origin: Origin) -> Vec<Recheck> {
        let sample = sample(probe, at(seconds), outcome, origin);
        let folded = fold(&mut self.state, &self.rules, &sample, &mut self.next);
        self.events.extend(folded.events);
        folded.rechecks
    }

    /// Scheduled runs of probe 1 each 30 s in `[from, to)`.
    fn runs(&mut self, from: f64, to: f64, outcome: Outcome) {
        let mut seconds = from;
        while seconds < to {
            self.run(1, seconds, outcome, Origin::Scheduled);
            seconds += 30.0;
        }
    }

    /// The same, but each takes so long and succeeds.
    fn answers(&mut self, from: f64, to: f64, total_us: u32, origin: Origin) {
        let mut seconds = from;
        while seconds < to {
            let run = Sample {
                total_us,
                ..sample(1, at(seconds), Outcome::Success, origin)
            };
            let folded = fold(&mut self.state, &self.rules, &run, &mut self.next);
            self.events.extend(folded.events);
            seconds += 30.0;
        }
    }

    fn told(&self) -> Vec<(u64, IncidentKind, EventKind)> {
        let told = |e: &IncidentEvent| (e.incident.0, e.kind, e.event);
        self.events.iter().map(told).collect()
    }

    fn kinds(&self) -> Vec<EventKind> {
        self.events.iter().map(|e| e.event).collect()
    }
}

#[test]
fn a_failure_asks_for_a_recheck_five_seconds_after_its_start() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    let wanted = Recheck {
        probe: ProbeId(1),
        at: at(5.0),
    };
    assert_eq!(story.run(1, 0.0, FAILED, Origin::Scheduled), [wanted]);
    assert_eq!(story.state.wanted(), [wanted]);
    assert!(!story.state.wants(ProbeId(1), at(4.0)));
    assert!(story.state.wants(ProbeId(1), at(5.2)));
}

#[test]
fn an_answer_that_says_nothing_still_answers_its_recheck() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.run(1, 0.0, FAILED, Origin::Scheduled);
    story.run(1, 5.0, Outcome::Inconclusive(Cause::Blind), Origin::Recheck);
    assert_eq!(story.state.wanted(), []);
    assert_eq!(story.run(1, 30.0, FAILED, Origin::Scheduled).len(), 1);
}

#[test]
fn the_failure_of_a_costly_probe_asks_its_cheap_siblings_once() {
    let mut story = Story::new(&[(1, Confirm::Off), (2, Confirm::CHEAP), (3, Confirm::COSTLY)]);
    let asked = story.run(1, 0.0, FAILED, Origin::Scheduled);
    assert_eq!(
        asked,
        [Recheck {
            probe: ProbeId(2),
            at: at(0.1)
        }]
    );
    assert_eq!(story.run(1, 30.0, FAILED, Origin::Scheduled), []);
}

#[test]
fn an_incident_is_opened_closed_and_settled_after_its_watch() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.runs(0.0, 300.0, FAILED);
    story.runs(300.0, 1500.0, Outcome::Success);
    assert_eq!(story.kinds(), [EventKind::Open, EventKind::Close]);
    let closed = story.events[1];
    assert_eq!(closed.since, at(300.1));
    assert_eq!(
        (closed.severity, closed.verdict.failed),
        (Severity::Major, 10)
    );
    let incident = story.state.incident().unwrap();
    assert_eq!(incident.state, IncidentState::Recovered);
    assert_eq!((incident.id, incident.sequence), (IncidentId(1), 2));

    let over = closed.at + story.rules.reopen_within;
    assert_eq!(
        story
            .state
            .settle(&story.rules, over - Duration::from_secs(1)),
        None
    );
    assert_eq!(story.state.settle(&story.rules, over), Some(IncidentId(1)));
    assert_eq!(story.state.settle(&story.rules, over), None);
    assert_eq!(story.state.incident(), None);
}

#[test]
fn an_incident_that_nobody_settled_is_settled_after_the_next_one_opened() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    for outage in [0.0, 20_000.0] {
        story.runs(outage, outage + 300.0, FAILED);
        story.runs(outage + 300.0, outage + 1500.0, Outcome::Success);
    }
    assert_eq!(story.next, IncidentId(3));
    assert_eq!(
        story.state.settle(&story.rules, at(21_500.0)),
        Some(IncidentId(1))
    );
    assert_eq!(story.state.settle(&story.rules, at(21_500.0)), None);
}

#[test]
fn probes_that_stay_keep_what_they_have_learned_over_a_reload() {
    let mut story = Story::new(&[(1, Confirm::CHEAP), (2, Confirm::CHEAP)]);
    story.runs(0.0, 30_000.0, Outcome::Success);
    let learned = story.state.usual(ProbeId(1));
    assert!(learned < 0.005);
    let rules = rules(&[(3, Confirm::CHEAP), (1, Confirm::CHEAP)]);
    assert_eq!(story.state.reconcile(&rules, at(30_000.0)), []);
    assert_eq!(story.state.usual(ProbeId(1)), learned);
    assert_eq!(story.state.usual(ProbeId(2)), 0.0);
    assert!(story.state.usual(ProbeId(3)) > 0.01);
    assert_eq!(story.state.last_folded(ProbeId(1)), Some(at(29_970.0)));
}

#[test]
fn an_open_incident_is_closed_when_its_last_affected_probe_is_removed() {
    let mut story = Story::new(&[(1, Confirm::CHEAP), (2, Confirm::CHEAP)]);
    story.runs(0.0, 300.0, FAILED);
    let without = rules(&[(2, Confirm::CHEAP)]);
    let events = story.state.reconcile(&without, at(310.0));
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].event, events[0].sequence), (EventKind::Close, 1));
    assert_eq!((events[0].verdict.failed, events[0].verdict.of), (10, 10));
    assert_eq!(story.state.reconcile(&without, at(320.0)), []);
}

#[test]
fn slow_answers_are_an_incident_of_their_own_that_an_outage_leaves_alone() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.answers(0.0, 30_000.0, 200_000, Origin::Scheduled);
    story.answers(30_000.0, 30_600.0, 900_000, Origin::Scheduled);
    assert!(story.state.is_slow() && !story.state.suspects());
    story.runs(30_600.0, 31_200.0, FAILED);
    story.answers(31_200.0, 33_600.0, 200_000, Origin::Scheduled);
    assert_eq!(
        story.told(),
        [
            (1, IncidentKind::Latency, EventKind::Open),
            (2, IncidentKind::Errors, EventKind::Open),
            (1, IncidentKind::Latency, EventKind::Close),
            (2, IncidentKind::Errors, EventKind::Close),
        ]
    );
    assert_eq!(story.events[0].severity, Severity::Degraded);
    let slow = story.events[0]
        .slow
        .map(|s| (s.usual_us / 1000, s.now_us / 1000));
    assert_eq!(slow, Some((200, 900)));
    let over = at(40_000.0);
    let settled: Vec<_> = std::iter::from_fn(|| story.state.settle(&story.rules, over)).collect();
    assert_eq!(settled, [IncidentId(2), IncidentId(1)]);
    assert_eq!(story.state.incidents().count(), 0);
}

#[test]
fn an_outage_whose_answers_are_slow_is_one_incident() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.answers(0.0, 30_000.0, 200_000, Origin::Scheduled);
    for run in 0..200u32 {
        let from = 30_000.0 + f64::from(run) * 30.0;
        match run % 2 {
            0 => story.runs(from, from + 30.0, FAILED),
            _ => story.answers(from, from + 30.0, 900_000, Origin::Scheduled),
        }
    }
    assert_eq!(story.told(), [(1, IncidentKind::Errors, EventKind::Open)]);
}

#[test]
fn slow_rechecks_are_no_series() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.answers(0.0, 30_000.0, 200_000, Origin::Scheduled);
    story.answers(30_000.0, 60_000.0, 900_000, Origin::Recheck);
    assert_eq!(story.told(), []);
}

#[test]
fn a_history_that_does_not_say_how_long_runs_took_has_no_latency() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.answers(0.0, 30_000.0, 0, Origin::Scheduled);
    story.answers(30_000.0, 60_000.0, 900_000, Origin::Scheduled);
    assert_eq!(story.told(), []);
}

#[test]
fn a_slowdown_ends_for_good_when_its_last_probe_is_removed() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.answers(0.0, 30_000.0, 200_000, Origin::Scheduled);
    story.answers(30_000.0, 30_600.0, 900_000, Origin::Scheduled);
    let events = story.state.reconcile(&rules(&[]), at(30_700.0));
    let told: Vec<_> = events.iter().map(|e| (e.kind, e.event)).collect();
    assert_eq!(told, [(IncidentKind::Latency, EventKind::Close)]);
    assert_eq!(story.state.incidents().count(), 0);
}

#[test]
fn a_step_of_the_clock_is_neither_a_gap_nor_a_burst() {
    let play = |step: f64| {
        let mut story = Story::new(&[(1, Confirm::CHEAP)]);
        story.runs(0.0, 60.0, FAILED);
        story.state.shift((step * 1e6) as i64);
        story.runs(60.0 + step, 300.0 + step, FAILED);
        story.runs(300.0 + step, 1500.0 + step, Outcome::Success);
        let told = |e: &IncidentEvent| {
            (
                e.event,
                e.at.shifted((-step * 1e6) as i64),
                e.verdict.failed,
            )
        };
        story.events.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(play(7200.0), play(0.0));
    assert_eq!(play(-7200.0), play(0.0));
}

#[test]
fn a_clock_that_ran_ahead_is_brought_back_at_the_next_start() {
    let mut story = Story::new(&[(1, Confirm::CHEAP)]);
    story.run(1, 1e6, FAILED, Origin::Scheduled);
    story.state.reconcile(&story.rules, at(0.0));
    assert_eq!(story.state.last_folded(ProbeId(1)), Some(at(0.0)));
    let due = story.state.wanted()[0].at;
    assert!(due <= at(0.0) + FARTHEST_RECHECK);
}
