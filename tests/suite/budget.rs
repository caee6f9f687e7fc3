//! A budget and the detector together, played through days: thinning neither cries wolf nor sleeps.

use std::time::Duration;

use watchfire::model::budget::{self, Bill, Purse, REVIEW, Ration};
use watchfire::model::fold::{ProbeRules, ServiceRules, ServiceState, fold};
use watchfire::model::{
    Confirm, EventKind, FailureKind, Fault, IncidentId, MicroUsd, Origin, Outcome, Phases, ProbeId,
    Sample, Timestamp,
};

const EVERY: u64 = 30;
const DAY: u64 = 86_400;
const COST: u64 = 1_000;
/// A sixteenth of what a day at full pace costs.
const BUDGET: u64 = COST * DAY / EVERY / 16;

/// What happens to the service, by the second.
struct World {
    rng: fastrand::Rng,
    /// Short disturbances, as networks have them.
    blips: Vec<(u64, u64)>,
    outage: (u64, u64),
}

impl World {
    /// One run in 200 fails, most of them within blips of 1 to 20 s.
    fn new(seed: u64, seconds: u64, outage: (u64, u64)) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let blips = (0..seconds / 1_500).map(|_| {
            let from = rng.u64(..seconds);
            (from, from + rng.u64(1..10))
        });
        Self {
            blips: blips.collect(),
            outage,
            rng,
        }
    }

    fn fails(&mut self, at: u64) -> bool {
        let within = |(from, to): &(u64, u64)| (*from..*to).contains(&at);
        let blip = self.blips.iter().any(within) && self.rng.f64() < 0.9;
        within(&self.outage) || blip || self.rng.f64() < 0.001
    }
}

/// What came of it.
#[derive(Default)]
struct Played {
    opened: Vec<u64>,
    runs: u64,
    /// By day: spent in all, and while something was suspected.
    spent: Vec<(u64, u64)>,
    /// The ration that was in force most lately while all was well.
    ration: Option<Ration>,
}

fn play(mut world: World, seconds: u64) -> Played {
    let rules = ServiceRules {
        probes: vec![ProbeRules {
            id: ProbeId(1),
            interval: Duration::from_secs(EVERY),
            confirm: Confirm::CHEAP,
        }],
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    };
    let midnight = Timestamp::parse("2026-11-08T00:00:00Z").unwrap();
    let (mut state, mut next) = (ServiceState::new(&rules), IncidentId(1));
    let mut played = Played::default();
    let (mut allowed, mut rechecks) = (Ration::FULL, Vec::<u64>::new());
    for second in 0..seconds {
        let at = midnight + Duration::from_secs(second);
        if second % DAY == 0 {
            played.spent.push((0, 0));
        }
        let today = played.spent.last_mut().unwrap();
        if second % REVIEW.as_secs() == 0 || today.0 >= BUDGET {
            let bill = Bill {
                probe: ProbeId(1),
                interval: Duration::from_secs(EVERY),
                cost: MicroUsd(COST),
                before: allowed,
            };
            allowed = Purse::new(MicroUsd(BUDGET), MicroUsd(today.0), at).rations(&[bill])[0];
        }
        let suspects = state.suspects();
        let one_in = match allowed {
            _ if suspects => 1,
            Ration::OneIn(n) => u64::from(n),
            Ration::Nothing => u64::MAX,
        };
        if !suspects {
            played.ration = Some(allowed);
        }
        let slot = second % EVERY == 7 && (second / EVERY).is_multiple_of(one_in);
        let recheck = rechecks.iter().any(|due| *due <= second);
        rechecks.retain(|due| *due > second);
        for origin in [(slot, Origin::Scheduled), (recheck, Origin::Recheck)]
            .into_iter()
            .filter_map(|(due, origin)| due.then_some(origin))
        {
            let fails = world.fails(second);
            let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
            let sample = Sample {
                probe: ProbeId(1),
                at,
                outcome: if fails { failed } else { Outcome::Success },
                origin,
                status: None,
                failed_in: None,
                phases: Phases::default(),
                total_us: 200_000,
                bytes: 0,
                evidence: None,
                found: None,
            };
            played.runs += 1;
            today.0 += COST;
            today.1 += if suspects { COST } else { 0 };
            let folded = fold(&mut state, &rules, &sample, &mut next);
            let since = |at: Timestamp| at.since(midnight).as_secs_f64().ceil() as u64;
            rechecks.extend(folded.rechecks.iter().map(|r| since(r.at)));
            let opened = folded
                .events
                .into_iter()
                .find(|e| e.event == EventKind::Open);
            played.opened.extend(opened.map(|_| second));
        }
    }
    played
}

#[test]
fn a_thinned_service_raises_no_false_alarm_in_three_months() {
    let (mut runs, mut suspected) = (0, 0);
    for seed in 0..3 {
        let played = play(World::new(seed, 30 * DAY, (0, 0)), 30 * DAY);
        assert!(played.opened.is_empty(), "seed {seed}: {:?}", played.opened);
        for (spent, in_suspicion) in &played.spent {
            assert!(
                spent - in_suspicion <= BUDGET + COST,
                "{spent} {in_suspicion}"
            );
            suspected += in_suspicion / COST;
        }
        runs += played.runs;
    }
    // It was thinned indeed, and there was something to be wrong about.
    assert!(runs < 90 * DAY / EVERY / 10, "{runs}");
    assert!(suspected > 500, "{suspected}");
}

#[test]
fn an_outage_of_a_thinned_service_is_found_after_its_first_failure_as_fast_as_ever() {
    for seed in 0..40 {
        let from = 3 * DAY + 1_000 + seed * 1_753;
        let world = World::new(seed, 4 * DAY, (from, from + 7_200));
        let played = play(world, from + 7_200);
        let found = played.opened.iter().find(|at| **at >= from);
        let took = found.map(|at| at - from);
        // At one slot in 16 or 32, the first failure comes within 8 or 16 minutes; 100 s more open the incident.
        let slowest = u64::from(played.ration.unwrap().code().max(32)) * EVERY;
        assert!(
            took.is_some_and(|t| t <= slowest + 100),
            "seed {seed}: {took:?}"
        );
    }
}

#[test]
fn the_day_of_an_outage_costs_more_than_its_budget_and_the_next_one_does_not() {
    let world = World::new(1, 4 * DAY, (DAY + 10_000, DAY + 80_000));
    let played = play(world, 3 * DAY);
    let spent: Vec<u64> = played.spent.iter().map(|(spent, _)| *spent).collect();
    assert!(spent[0] <= BUDGET + 30 * COST, "{spent:?}");
    assert!(spent[1] > BUDGET * 5, "{spent:?}");
    assert!(spent[2] <= BUDGET + 60 * COST, "{spent:?}");
    assert_eq!(budget::day(Timestamp::EPOCH), Timestamp::EPOCH);
}
