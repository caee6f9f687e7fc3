//! What holds for the detector whatever it is told.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use watchfire::model::fold::{ProbeRules, ServiceRules, ServiceState, fold};
use watchfire::model::{
    Cause, Confirm, EventKind, FailureKind, Fault, IncidentEvent, IncidentId, IncidentKind, Origin,
    Outcome, Phases, ProbeId, Sample, Severity, Timestamp,
};

fn rules(probes: u32, confirm: Confirm) -> ServiceRules {
    let probe = |id| ProbeRules {
        id: ProbeId(id),
        interval: Duration::from_secs(30),
        confirm,
    };
    ServiceRules {
        probes: (0..probes).map(probe).collect(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    }
}

/// A run; of a third that is a stream, the first token comes after a third of the time.
fn sample(probe: u32, at: Timestamp, outcome: Outcome, origin: Origin, total_us: u32) -> Sample {
    let stream = (probe % 3 == 2).then_some(total_us);
    Sample {
        probe: ProbeId(probe),
        at,
        outcome,
        origin,
        status: None,
        failed_in: None,
        phases: Phases {
            first_token_us: stream.map(|us| us / 3),
            longest_gap_us: stream.map(|us| us / 100),
            ..Phases::default()
        },
        total_us,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let failed = |fault| Outcome::Failure(FailureKind::Timeout, fault);
    prop_oneof![
        Just(Outcome::Success),
        Just(Outcome::Degraded(FailureKind::TooSlow)),
        Just(failed(Fault::Provider)),
        Just(failed(Fault::Network)),
        Just(failed(Fault::Ours)),
        Just(Outcome::Inconclusive(Cause::Blind)),
    ]
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![3 => Just(Origin::Scheduled), 1 => Just(Origin::Recheck)]
}

/// A history with outages and slow times in it: spells of a failure rate and a slowness, run by run, 1 to 40 s apart.
fn history() -> impl Strategy<Value = Vec<Sample>> {
    let rate = prop_oneof![Just(0u8), Just(2), Just(30), Just(60), Just(100)];
    let slowness = prop_oneof![3 => Just(1u32), 1 => Just(5)];
    let run = (0u32..3, 1u32..40_000, 0u8..100, origin(), 1u32..2_000_000);
    let spell = (rate, slowness, prop::collection::vec(run, 1..300));
    prop::collection::vec(spell, 1..12).prop_map(|spells| {
        let mut at = Timestamp::from_seconds(1.7e9);
        let mut samples = Vec::new();
        for (rate, slowness, runs) in spells {
            for (probe, gap_ms, dice, origin, total_us) in runs {
                let total_us = total_us * slowness;
                at = at + Duration::from_millis(u64::from(gap_ms));
                let outcome = if dice < rate {
                    Outcome::Failure(FailureKind::ServerError, Fault::Provider)
                } else if slowness > 1 && dice > 80 {
                    Outcome::Degraded(FailureKind::TooSlow)
                } else {
                    Outcome::Success
                };
                samples.push(sample(probe, at, outcome, origin, total_us));
            }
        }
        // Samples are folded in the order in which they became known: a short run may overtake a long one.
        samples.sort_by_key(Sample::known_at);
        samples
    })
}

/// Any moment, with many around now.
fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        any::<i64>().prop_map(Timestamp::from_micros),
        (0i64..10_000_000_000).prop_map(|by| Timestamp::from_micros(1_700_000_000_000_000 + by)),
        Just(Timestamp::from_micros(i64::MIN)),
        Just(Timestamp::from_micros(i64::MAX)),
    ]
}

fn restarted(state: &ServiceState) -> ServiceState {
    let stored = serde_json::to_string(state).expect("a state is storable");
    serde_json::from_str(&stored).expect("a stored state comes back")
}

fn fold_all(
    rules: &ServiceRules,
    samples: &[Sample],
    restarts: &[usize],
) -> (Vec<IncidentEvent>, String) {
    let mut state = ServiceState::new(rules);
    let (mut next, mut events) = (IncidentId(1), Vec::new());
    for (i, sample) in samples.iter().enumerate() {
        if restarts.contains(&i) {
            state = restarted(&state);
            events.extend(state.reconcile(rules, sample.known_at()));
        }
        events.extend(fold(&mut state, rules, sample, &mut next).events);
    }
    (events, serde_json::to_string(&state).expect("storable"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restart_at_any_sample_changes_nothing(samples in history(), at in prop::collection::vec(any::<prop::sample::Index>(), 1..4)) {
        let rules = rules(3, Confirm::CHEAP);
        let restarts: Vec<usize> = at.iter().map(|i| i.index(samples.len())).collect();
        prop_assert_eq!(fold_all(&rules, &samples, &restarts), fold_all(&rules, &samples, &[]));
    }

    #[test]
    fn opens_and_closes_alternate_and_events_are_numbered(samples in history()) {
        let (events, _) = fold_all(&rules(3, Confirm::CHEAP), &samples, &[]);
        // Of each kind there is at most one at a time.
        let mut lives: HashMap<IncidentKind, (bool, u64, u32)> = HashMap::new();
        let mut last = 0;
        for event in events {
            let (open, incident, sequence) = lives.entry(event.kind).or_default();
            match event.event {
                EventKind::Open => {
                    prop_assert!(!*open);
                    last += 1;
                    (*open, *incident, *sequence) = (true, last, 0);
                }
                EventKind::Reopen => {
                    prop_assert!(!*open && *incident > 0);
                    *open = true;
                }
                EventKind::Escalate | EventKind::Deescalate => {
                    prop_assert!(*open);
                    prop_assert_eq!(event.kind, IncidentKind::Errors);
                }
                EventKind::Close => {
                    prop_assert!(*open);
                    *open = false;
                }
            }
            prop_assert_eq!((event.incident.0, event.sequence), (*incident, *sequence));
            prop_assert!(event.verdict.failed <= event.verdict.of);
            let slow = event.kind == IncidentKind::Latency;
            prop_assert!(!slow || event.severity == Severity::Degraded);
            *sequence += 1;
        }
    }

    #[test]
    fn a_constant_latency_is_never_slow_whenever_it_comes(
        us in prop_oneof![any::<u32>(), 0u32..3000, Just(u32::MAX)],
        times in prop::collection::vec(moment(), 1..300),
        stray_us in 0u32..3,
    ) {
        let rules = rules(3, Confirm::CHEAP);
        let mut state = ServiceState::new(&rules);
        let mut next = IncidentId(1);
        for (run, at) in (0u32..).zip(times) {
            // Rounded to whole units, it may well be one more or less.
            let us = us.saturating_add(run % (stray_us + 1));
            let run = sample(run % 3, at, Outcome::Success, Origin::Scheduled, us);
            prop_assert_eq!(fold(&mut state, &rules, &run, &mut next).events, []);
        }
    }

    #[test]
    fn nothing_that_it_is_told_makes_it_panic_or_unstorable(
        steps in prop::collection::vec((0u32..5, moment(), outcome(), origin(), any::<u32>(), 0u8..20, any::<i64>()), 1..300),
        confirm in prop_oneof![Just(Confirm::CHEAP), Just(Confirm::COSTLY), Just(Confirm::Off)],
    ) {
        let mut rules = rules(3, confirm);
        let mut state = ServiceState::new(&rules);
        let mut next = IncidentId(1);
        for (probe, at, outcome, origin, total_us, act, by) in steps {
            match act {
                0 => state.shift(by),
                1 => {
                    rules.probes.retain(|p| p.id != ProbeId(probe));
                    state.reconcile(&rules, at);
                }
                2 => {
                    rules.probes.retain(|p| p.id != ProbeId(probe));
                    rules.probes.push(ProbeRules { id: ProbeId(probe), interval: Duration::from_secs(60), confirm });
                    state.reconcile(&rules, at);
                }
                3 => while state.settle(&rules, at).is_some() {},
                4 => state = restarted(&state),
                _ => {
                    fold(&mut state, &rules, &sample(probe, at, outcome, origin, total_us), &mut next);
                }
            }
            state.wanted();
            state.incident();
        }
        prop_assert_eq!(serde_json::to_string(&restarted(&state)).unwrap(), serde_json::to_string(&state).unwrap());
    }
}

#[test]
fn the_state_of_a_quiet_probe_is_stored_in_500_bytes() {
    let rules = rules(100, Confirm::CHEAP);
    let mut state = ServiceState::new(&rules);
    let mut next = IncidentId(1);
    for run in 0..5000u32 {
        let at = Timestamp::from_seconds(1.7e9 + f64::from(run) * 0.3 + 0.123_456);
        let outcome = if run % 997 == 5 {
            Outcome::Failure(FailureKind::ServerError, Fault::Provider)
        } else {
            Outcome::Success
        };
        let run = sample(
            run % 100,
            at,
            outcome,
            Origin::Scheduled,
            100_000 + run * 7919 % 50_000,
        );
        fold(&mut state, &rules, &run, &mut next);
    }
    let bytes = serde_json::to_string(&state).unwrap().len();
    assert!(bytes < 100 * 500, "{bytes} bytes for 100 probes");
}
