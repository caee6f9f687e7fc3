//! What `check` forecasts, against the detector itself: a simulated prober in simulated outages.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use watchfire::model::fold::{ProbeRules, ServiceRules, ServiceState, fold};
use watchfire::model::forecast::Watch;
use watchfire::model::{
    Confirm, EventKind, FailureKind, Fault, IncidentId, Origin, Outcome, Phases, ProbeId, Sample,
    Timestamp,
};

/// The forecast is not further from the median than by this factor, of outages in which one run in ten fails by the second.
const FACTORS: (f64, f64) = (1.7, 2.0);
/// Outages that a median is of.
const OUTAGES: u64 = 41;
/// Scheduled runs of each probe before the outages, all at the usual rate.
const HISTORY: u32 = 2_000;
/// A run takes so long.
const LATENCY: Duration = Duration::from_millis(300);

struct Case {
    probes: u32,
    every_s: u64,
    confirm: Confirm,
    usual: f64,
    min_error_rate: f64,
    false_pages_per_year: f64,
}

impl Case {
    fn rules(&self) -> ServiceRules {
        ServiceRules {
            probes: (0..self.probes)
                .map(|id| ProbeRules {
                    id: ProbeId(id),
                    interval: Duration::from_secs(self.every_s),
                    confirm: self.confirm,
                })
                .collect(),
            false_pages_per_year: self.false_pages_per_year,
            min_error_rate: self.min_error_rate,
            reopen_within: Duration::from_secs(3600),
            judge: Default::default(),
        }
    }

    fn forecast(&self, usual: f64, rate: f64) -> Option<f64> {
        let watch = Watch {
            probes: vec![(Duration::from_secs(self.every_s), self.confirm); self.probes as usize],
            false_pages_per_year: self.false_pages_per_year,
            min_error_rate: self.min_error_rate,
            usual,
        };
        watch.time_to_detect(rate).map(|t| t.as_secs_f64())
    }
}

/// A service, its clock, and the runs that are to come.
#[derive(Clone)]
struct World {
    rules: ServiceRules,
    state: ServiceState,
    now: Timestamp,
    due: BinaryHeap<Reverse<(Timestamp, u32, bool)>>,
    next: IncidentId,
}

impl World {
    fn new(rules: ServiceRules) -> Self {
        let mut due = BinaryHeap::new();
        for (n, probe) in (0..).zip(&rules.probes) {
            let offset = probe.interval * n / rules.probes.len() as u32;
            due.push(Reverse((Timestamp::EPOCH + offset, probe.id.0, false)));
        }
        Self {
            state: ServiceState::new(&rules),
            rules,
            now: Timestamp::EPOCH,
            due,
            next: IncidentId(1),
        }
    }

    /// One run, which fails at the given rate. True when an incident was opened.
    fn step(&mut self, rate: f64, chance: &mut fastrand::Rng) -> bool {
        let Reverse((at, probe, recheck)) = self.due.pop().unwrap();
        self.now = at;
        let failed = chance.f64() < rate;
        let sample = Sample {
            probe: ProbeId(probe),
            at,
            outcome: match failed {
                true => Outcome::Failure(FailureKind::ServerError, Fault::Provider),
                false => Outcome::Success,
            },
            origin: if recheck {
                Origin::Recheck
            } else {
                Origin::Scheduled
            },
            status: None,
            failed_in: None,
            phases: Phases::default(),
            total_us: LATENCY.as_micros() as u32,
            bytes: 0,
            evidence: None,
            found: None,
        };
        if !recheck {
            let every = self.rules.probes[probe as usize].interval;
            self.due.push(Reverse((at + every, probe, false)));
        }
        let folded = fold(&mut self.state, &self.rules, &sample, &mut self.next);
        for wanted in folded.rechecks {
            self.due.push(Reverse((wanted.at, wanted.probe.0, true)));
        }
        folded.events.iter().any(|e| e.event == EventKind::Open)
    }
}

/// Seconds from an onset at a random moment to the incident; at most `patience`.
fn delay(world: &World, rate: f64, usual: f64, patience: f64, seed: u64) -> f64 {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut world = world.clone();
    let every = world.rules.probes[0].interval.as_secs_f64();
    let onset = world.now + Duration::from_secs_f64(every * (1.0 + chance.f64()));
    loop {
        let next = world.due.peek().unwrap().0.0;
        let here = if next < onset { usual } else { rate };
        let opened = world.step(here, &mut chance);
        let waited = (world.now + LATENCY).micros_since(onset) as f64 / 1e6;
        if (opened && waited > 0.0) || waited > patience {
            return waited;
        }
    }
}

#[test]
fn the_forecast_is_near_the_median_of_simulated_outages() {
    let case = |probes, every_s, confirm, usual| Case {
        probes,
        every_s,
        confirm,
        usual,
        min_error_rate: 0.1,
        false_pages_per_year: 1.0,
    };
    let cases = [
        case(1, 30, Confirm::CHEAP, 0.005),
        case(1, 60, Confirm::CHEAP, 0.001),
        case(1, 60, Confirm::CHEAP, 0.02),
        case(4, 60, Confirm::CHEAP, 0.005),
        case(2, 300, Confirm::COSTLY, 0.005),
        case(1, 60, Confirm::Off, 0.005),
        case(3, 20, Confirm::Off, 0.002),
        Case {
            min_error_rate: 0.3,
            ..case(1, 60, Confirm::CHEAP, 0.005)
        },
        Case {
            false_pages_per_year: 10.0,
            ..case(1, 60, Confirm::CHEAP, 0.01)
        },
    ];
    let mut far = Vec::new();
    for (number, case) in (0..).zip(&cases) {
        let mut chance = fastrand::Rng::with_seed(number);
        let mut world = World::new(case.rules());
        for _ in 0..HISTORY * case.probes {
            world.step(case.usual, &mut chance);
        }
        let usual = world.state.learned(ProbeId(0)).unwrap();
        for rate in [0.1, 0.3, 0.5, 1.0] {
            if rate < case.min_error_rate {
                assert_eq!(case.forecast(usual, rate), None);
                continue;
            }
            let Some(forecast) = case.forecast(usual, rate) else {
                panic!("case {number}, {rate}: no forecast");
            };
            let mut delays: Vec<f64> = (0..OUTAGES)
                .map(|seed| delay(&world, rate, case.usual, forecast * 20.0, seed))
                .collect();
            delays.sort_by(f64::total_cmp);
            let median = delays[delays.len() / 2];
            let off = (forecast / median).max(median / forecast);
            let allowed = if rate < 0.3 { FACTORS.1 } else { FACTORS.0 };
            if off > allowed {
                far.push(format!(
                    "case {number}, {rate}: forecast {forecast:.0} s, median {median:.0} s"
                ));
            }
        }
    }
    assert!(far.is_empty(), "{}", far.join("\n"));
}
