//! Claims about budgets: single plans as data, and whole days played through.

use super::*;

const HOUR: u64 = 3600;
const DAY_S: u64 = 86_400;

fn bill(id: u32, seconds: u64, micro: u64) -> Bill {
    Bill {
        probe: ProbeId(id),
        interval: Duration::from_secs(seconds),
        cost: MicroUsd(micro),
        before: Ration::FULL,
    }
}

fn purse(budget: u64, spent: u64, seconds: u64) -> Purse {
    Purse {
        budget: MicroUsd(budget),
        spent: MicroUsd(spent),
        time_left: Duration::from_secs(seconds),
    }
}

fn codes(rations: &[Ration]) -> Vec<u32> {
    rations.iter().map(|p| p.code()).collect()
}

#[test]
fn what_costs_most_a_day_is_thinned_first_and_most() {
    // A cheap chat costs 23,040 a day, a dear one 1,440,000, a picture an hour 120,000.
    let (cheap, dear, picture) = (bill(1, 60, 16), bill(2, 60, 1_000), bill(3, HOUR, 5_000));
    let cases: &[(&str, &[Bill], u64, &[u32])] = &[
        (
            "enough for all",
            &[cheap, dear, picture],
            2_000_000,
            &[1, 1, 1],
        ),
        ("not quite", &[cheap, dear, picture], 1_500_000, &[1, 2, 1]),
        (
            "much less: the dear one gives way alone",
            &[cheap, dear, picture],
            340_000,
            &[1, 8, 1],
        ),
        (
            "less still: now the picture too",
            &[cheap, dear, picture],
            130_000,
            &[1, 32, 2],
        ),
        (
            "hardly anything",
            &[cheap, dear, picture],
            30_000,
            &[4, 128, 16],
        ),
        ("alone", &[dear], 1_000_000, &[2]),
        (
            "a run a day is dearer than the budget",
            &[bill(1, HOUR, 900_000)],
            500_000,
            &[0],
        ),
        ("nothing costs anything", &[], 10, &[]),
    ];
    for (what, bills, budget, want) in cases {
        let purse = purse(*budget, 0, DAY_S);
        assert_eq!(codes(&purse.rations(bills)), *want, "{what}");
    }
}

#[test]
fn what_is_left_counts_for_what_is_left_of_the_day() {
    let probe = [bill(1, 60, 1_000)];
    let rations = |spent, seconds| codes(&purse(1_440_000, spent, seconds).rations(&probe));
    assert_eq!(rations(0, DAY_S), [1]);
    assert_eq!(rations(720_000, DAY_S / 2), [1]);
    assert_eq!(rations(1_080_000, DAY_S / 2), [2]);
    assert_eq!(rations(1_439_000, 60), [1]);
    assert_eq!(rations(1_439_001, 60), [0]);
    assert_eq!(rations(1_440_000, DAY_S / 2), [0]);
    assert_eq!(rations(9_999_999, 60), [0]);
}

#[test]
fn a_pace_gets_quicker_only_when_that_will_last() {
    let slow = Bill {
        before: Ration::OneIn(2),
        ..bill(1, 60, 1_000)
    };
    // At full ration the rest of the day costs 720,000.
    let ration = |left| purse(left, 0, DAY_S / 2).rations(&[slow])[0];
    assert_eq!(ration(719_999), Ration::OneIn(2));
    assert_eq!(ration(730_000), Ration::OneIn(2));
    assert_eq!(ration(810_000), Ration::FULL);
    assert_eq!(ration(300_000), Ration::OneIn(4));
    let resting = Bill {
        before: Ration::Nothing,
        ..slow
    };
    assert_eq!(purse(1, 0, 1).rations(&[resting]), [Ration::Nothing]);
    assert_eq!(
        purse(2_000_000, 0, DAY_S).rations(&[resting]),
        [Ration::FULL]
    );
}

#[test]
fn ten_thousand_probes_are_thinned_at_once() {
    let bills: Vec<Bill> = (0..10_000)
        .map(|n| bill(n, 30, 10 + u64::from(n)))
        .collect();
    let purse = purse(2_000_000, 0, DAY_S);
    let rations = purse.rations(&bills);
    let spent: f64 = bills
        .iter()
        .zip(&rations)
        .map(|(bill, ration)| bill.over(*ration, purse.time_left))
        .sum();
    assert!((1_000_000.0..=2_000_000.0).contains(&spent), "{spent}");
}

/// A day of a service, second by second: what is spent, how often rations change, and the runs of each probe.
struct Day {
    spent: u64,
    changes: Vec<(u64, Vec<u32>)>,
    runs: Vec<u64>,
}

/// Plays from `from` seconds after midnight; `dearer` is by how much runs cost more than is thought, in percent.
fn play(bills: &[Bill], budget: u64, from: u64, dearer: u64) -> Day {
    let mut bills = bills.to_vec();
    let mut day = Day {
        spent: 0,
        changes: Vec::new(),
        runs: vec![0; bills.len()],
    };
    let mut reviewed = None;
    for second in from..DAY_S {
        let spent_up = day.spent >= budget && bills.iter().any(|b| b.before != Ration::Nothing);
        let due = reviewed.is_none_or(|at: u64| second - at >= REVIEW.as_secs());
        if due || spent_up {
            reviewed = Some(second);
            let rations = purse(budget, day.spent, DAY_S - second).rations(&bills);
            if bills.iter().map(|b| b.before).ne(rations.iter().copied()) {
                day.changes.push((second, codes(&rations)));
            }
            bills
                .iter_mut()
                .zip(&rations)
                .for_each(|(bill, ration)| bill.before = *ration);
        }
        for (bill, runs) in bills.iter().zip(&mut day.runs) {
            let every = bill.interval.as_secs() * u64::from(bill.before.code());
            if every > 0 && second % every == u64::from(bill.probe.0) % every {
                day.spent += bill.cost.0 * (100 + dearer) / 100;
                *runs += 1;
            }
        }
    }
    day
}

#[test]
fn a_day_costs_no_more_than_its_budget_and_one_run_of_each_probe() {
    let probes = [
        bill(1, 60, 16),
        bill(2, 60, 1_000),
        bill(3, HOUR, 5_000),
        bill(4, 30, 300),
    ];
    let one_each: u64 = probes.iter().map(|b| b.cost.0).sum();
    for budget in [5_000, 50_000, 300_000, 1_000_000, 2_000_000, 5_000_000] {
        for from in [0, 12 * HOUR, 23 * HOUR + 1800] {
            for dearer in [0, 50, 400] {
                let day = play(&probes, budget, from, dearer);
                let most = budget + one_each * (100 + dearer) / 100;
                assert!(day.spent <= most, "{budget} {from} {dearer}: {}", day.spent);
            }
        }
    }
}

#[test]
fn the_money_is_used_and_the_cheap_probe_is_served_in_full() {
    let probes = [bill(1, 60, 16), bill(2, 60, 1_000)];
    let day = play(&probes, 500_000, 0, 0);
    assert_eq!(day.runs[0], 1_440);
    assert!(day.spent >= 450_000, "{}", day.spent);
    assert!((300..500).contains(&day.runs[1]), "{}", day.runs[1]);
}

#[test]
fn paces_change_a_few_times_a_day_and_not_each_minute() {
    for budget in [50_000, 120_000, 300_000, 700_000, 1_400_000] {
        let day = play(&[bill(1, 60, 16), bill(2, 60, 1_000)], budget, 0, 7);
        assert!(day.changes.len() <= 24, "{budget}: {:?}", day.changes);
        let quick = day
            .changes
            .windows(2)
            .filter(|w| w[1].0 - w[0].0 < 600)
            .count();
        assert_eq!(quick, 0, "{budget}: {:?}", day.changes);
    }
}

#[test]
fn a_day_begins_at_midnight_utc() {
    let at = Timestamp::parse("2026-11-08T23:59:59.5Z").unwrap();
    assert_eq!(day(at).to_string(), "2026-11-08T00:00:00Z");
    let purse = Purse::new(MicroUsd(5), MicroUsd(2), at);
    assert_eq!(purse.time_left, Duration::from_millis(500));
    assert_eq!(purse.left(), MicroUsd(3));
    assert_eq!(
        day(Timestamp::from_micros(-1)).to_string(),
        "1969-12-31T00:00:00Z"
    );
}

#[test]
fn a_pace_comes_back_from_its_number() {
    for ration in [Ration::FULL, Ration::OneIn(8), Ration::Nothing] {
        assert_eq!(Ration::from_code(ration.code()), ration);
    }
}

#[test]
fn a_day_of_calm_is_its_runs_and_the_re_checks_of_chance_failures() {
    let minute = Duration::from_secs(60);
    for (confirm, want) in [
        (Confirm::Off, 144_000),
        // One failure in 200 runs, followed by 20 or by 4 re-checks.
        (Confirm::CHEAP, 158_400),
        (Confirm::COSTLY, 146_880),
    ] {
        assert_eq!(a_day(minute, confirm, MicroUsd(100)), MicroUsd(want));
    }
}
