//! How many samples the detector folds in a second, in good and in bad times.

use std::time::{Duration, Instant};

use watchfire::model::fold::{ProbeRules, ServiceRules, ServiceState, fold};
use watchfire::model::{
    Confirm, FailureKind, Fault, IncidentId, Origin, Outcome, Phases, ProbeId, Sample, Timestamp,
};

use super::spread;

const EVERY: Duration = Duration::from_secs(30);
const SAMPLES: u32 = 400_000;
const ROUNDS: usize = 7;

/// Prints the table.
pub fn print() {
    println!("### Detector\n");
    println!(
        "| probes of the service | runs that fail | samples folded a second, millions | least..most |"
    );
    println!("|--:|--:|--:|--:|");
    for (probes, fails) in [
        (10, 0.001),
        (10, 0.5),
        (10, 1.0),
        (1_000, 0.001),
        (1_000, 0.5),
    ] {
        let rounds = (0..ROUNDS).map(|round| measure(probes, fails, round as u64));
        let (least, middle, most) = spread(rounds.collect());
        let share = fails * 100.0;
        println!("| {probes} | {share} % | **{middle:.1}** | {least:.1}..{most:.1} |");
    }
    println!();
}

fn measure(probes: u32, fails: f64, seed: u64) -> f64 {
    let rules = ServiceRules {
        probes: (0..probes)
            .map(|n| ProbeRules {
                id: ProbeId(n),
                interval: EVERY,
                confirm: Confirm::CHEAP,
            })
            .collect(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    };
    let mut chance = fastrand::Rng::with_seed(seed);
    let start = Timestamp::parse("2026-11-24T00:00:00Z").unwrap();
    let samples: Vec<Sample> = (0..SAMPLES)
        .map(|n| sample(n % probes, start + EVERY * n / probes, chance.f64() < fails))
        .collect();
    let mut state = ServiceState::new(&rules);
    let mut next = IncidentId(1);
    let begun = Instant::now();
    for sample in &samples {
        std::hint::black_box(fold(&mut state, &rules, sample, &mut next));
    }
    f64::from(SAMPLES) / begun.elapsed().as_secs_f64() / 1e6
}

fn sample(probe: u32, at: Timestamp, failed: bool) -> Sample {
    let failure = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    Sample {
        probe: ProbeId(probe),
        at,
        outcome: if failed { failure } else { Outcome::Success },
        origin: Origin::Scheduled,
        status: Some(200),
        failed_in: None,
        phases: Phases::default(),
        total_us: 200_000,
        bytes: 300,
        evidence: None,
        found: None,
    }
}
