//! Claims about the books: what is counted, and when rations change.

use super::*;
use crate::model::{Findings, Origin, Outcome, Phases};

const SERVICE: ServiceId = ServiceId(1);
const CHAT: ProbeId = ProbeId(1);
const WEB: ProbeId = ProbeId(2);

fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-08T{time}Z")).unwrap()
}

fn money(budget: Option<u64>, forecast: Option<u64>) -> Money {
    let probe = |probe, name: &str, forecast: Option<u64>| ProbeMoney {
        probe,
        name: name.to_owned(),
        interval: Duration::from_secs(60),
        forecast: forecast.map(MicroUsd),
    };
    Money {
        budget: budget.map(MicroUsd),
        probes: vec![probe(WEB, "web", Some(0)), probe(CHAT, "chat", forecast)],
    }
}

fn ledger(money: &Money, spent: &[Spending], rations: &[RationRow], now: Timestamp) -> Ledger {
    Ledger::new(
        [(SERVICE, "openai", money)].into_iter(),
        spent,
        rations,
        now,
    )
}

fn run(probe: ProbeId, at: Timestamp, cost: Option<Cost>) -> Sample {
    Sample {
        probe,
        at,
        outcome: Outcome::Success,
        origin: Origin::Scheduled,
        status: Some(200),
        failed_in: None,
        phases: Phases::default(),
        total_us: 100,
        bytes: 0,
        evidence: None,
        found: Some(Box::new(Findings {
            cost,
            ..Findings::default()
        })),
    }
}

fn spending(day: &str, runs: u64, priced: u64, cost: u64) -> Spending {
    Spending {
        probe: CHAT,
        day: Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap(),
        runs,
        priced,
        tokens: (0, 0),
        cost: MicroUsd(cost),
    }
}

fn known(micro: u64) -> Option<Cost> {
    Some(Cost::Known(MicroUsd(micro)))
}

const CALM: fn(ServiceId) -> bool = |_| false;
const TROUBLE: fn(ServiceId) -> bool = |_| true;

#[test]
fn a_budget_thins_what_costs_and_leaves_what_is_free() {
    // 1,440 runs of 1,000 are 1,440,000 a day.
    let mut books = ledger(&money(Some(800_000), Some(1_000)), &[], &[], at("00:00:00"));
    let changes = books.review(at("00:00:00"), CALM);
    assert_eq!(changes.rations, [(CHAT, Ration::OneIn(2))]);
    assert_eq!(changes.rows.len(), 1);
    assert_eq!(books.review(at("00:00:01"), CALM), Changes::default());
}

#[test]
fn without_budget_or_without_a_known_price_nothing_is_thinned() {
    for money in [money(None, Some(1_000_000)), money(Some(1), None)] {
        let mut books = ledger(&money, &[], &[], at("00:00:00"));
        assert_eq!(books.review(at("00:00:00"), CALM), Changes::default());
    }
}

#[test]
fn a_suspicion_ends_the_thinning_at_once_and_its_end_brings_it_back() {
    let mut books = ledger(&money(Some(800_000), Some(1_000)), &[], &[], at("00:00:00"));
    books.review(at("00:00:00"), CALM);
    assert_eq!(
        books.review(at("00:00:07"), TROUBLE).rations,
        [(CHAT, Ration::FULL)]
    );
    // However much is spent meanwhile.
    books.take(SERVICE, &run(CHAT, at("00:00:08"), known(900_000)));
    assert_eq!(books.review(at("00:00:08"), TROUBLE), Changes::default());
    assert_eq!(books.review(at("00:30:00"), TROUBLE), Changes::default());
    assert_eq!(
        books.review(at("00:30:01"), CALM).rations,
        [(CHAT, Ration::Nothing)]
    );
}

#[test]
fn a_spent_budget_stops_the_probe_at_once_until_midnight() {
    let mut books = ledger(&money(Some(10_000), Some(1)), &[], &[], at("12:00:00"));
    assert_eq!(books.review(at("12:00:00"), CALM), Changes::default());
    books.take(SERVICE, &run(CHAT, at("12:00:01"), known(5_000)));
    books.take(SERVICE, &run(CHAT, at("12:00:01"), known(5_000)));
    assert_eq!(
        books.review(at("12:00:01"), CALM).rations,
        [(CHAT, Ration::Nothing)]
    );
    assert_eq!(books.review(at("23:59:59"), CALM), Changes::default());
    let midnight = at("23:59:59") + Duration::from_secs(1);
    let rations = books.review(midnight, CALM).rations;
    // A run is now known to cost half of the budget: a day has room for one or two.
    assert_eq!(rations, [(CHAT, Ration::OneIn(1024))]);
}

#[test]
fn what_is_learned_comes_before_the_forecast_and_old_runs_fade() {
    let mut books = ledger(
        &money(Some(3_000_000), Some(1_000)),
        &[],
        &[],
        at("00:00:00"),
    );
    assert_eq!(books.review(at("00:00:00"), CALM), Changes::default());
    for _ in 0..1_000 {
        books.take(SERVICE, &run(CHAT, at("00:00:01"), known(100)));
    }
    let cost = |books: &Ledger| books.accounts[&SERVICE].probes[0].cost();
    assert_eq!(cost(&books), Some(MicroUsd(100)));
    for _ in 0..1_000 {
        books.take(SERVICE, &run(CHAT, at("00:00:02"), known(4_000)));
    }
    assert!(cost(&books).unwrap() > MicroUsd(3_900));
    let later = books.review(at("00:10:00"), CALM).rations;
    assert_eq!(later, [(CHAT, Ration::Nothing)]);
}

#[test]
fn runs_of_unknown_cost_count_as_what_they_are_probably_worth() {
    let mut books = ledger(&money(Some(5_000), Some(1_000)), &[], &[], at("23:58:00"));
    books.review(at("23:58:00"), CALM);
    for _ in 0..5 {
        books.take(SERVICE, &run(CHAT, at("23:58:01"), Some(Cost::Unknown)));
    }
    assert_eq!(
        books.review(at("23:58:01"), CALM).rations,
        [(CHAT, Ration::Nothing)]
    );
    // A run that surely cost nothing counts for nothing.
    books.take(SERVICE, &run(CHAT, at("23:58:02"), None));
    assert_eq!(books.accounts[&SERVICE].spent(), MicroUsd(5_000));
}

#[test]
fn a_restart_knows_what_was_spent_and_tells_the_schedule_the_pace() {
    let spent = [
        spending("2026-11-07", 10, 10, 99),
        spending("2026-11-08", 500, 400, 400_000),
    ];
    let ration = RationRow {
        probe: CHAT,
        at: at("10:00:00"),
        ration: Ration::OneIn(2),
    };
    // 400,000 were counted, 100 runs more are worth 100,000: half of what is left suffices for half of the runs.
    let mut books = ledger(
        &money(Some(1_000_000), Some(7)),
        &spent,
        &[ration],
        at("12:00:00"),
    );
    assert_eq!(books.accounts[&SERVICE].spent(), MicroUsd(500_000));
    let changes = books.review(at("12:00:00"), CALM);
    assert_eq!(changes.rations, [(CHAT, Ration::OneIn(2))]);
    assert_eq!(changes.rows, []);
    // The next day begins with nothing spent, and learns nothing anew.
    let mut next = ledger(
        &money(Some(2_000_000), Some(7)),
        &spent,
        &[ration],
        at("12:00:00") + Duration::from_secs(86_400),
    );
    let changes = next.review(at("12:00:00") + Duration::from_secs(86_400), CALM);
    // The schedule begins at full pace anyway.
    assert_eq!(changes.rations, []);
    assert_eq!(changes.rows.len(), 1);
}

#[test]
fn a_reload_keeps_what_was_counted_and_adopts_the_new_budget() {
    let mut books = ledger(
        &money(Some(5_000_000), Some(1_000)),
        &[],
        &[],
        at("12:00:00"),
    );
    books.review(at("12:00:00"), CALM);
    books.take(SERVICE, &run(CHAT, at("12:00:01"), known(1_000)));
    let mut reloaded = ledger(&money(Some(1_500), Some(1_000)), &[], &[], at("12:00:02"));
    reloaded.inherit(books);
    assert_eq!(reloaded.accounts[&SERVICE].spent(), MicroUsd(1_000));
    assert_eq!(
        reloaded.review(at("12:00:02"), CALM).rations,
        [(CHAT, Ration::Nothing)]
    );
    let mut without = ledger(&money(None, Some(1_000)), &[], &[], at("12:00:03"));
    without.inherit(reloaded);
    let changes = without.review(at("12:00:03"), CALM);
    assert_eq!(
        changes.rows.iter().map(|r| r.ration).collect::<Vec<_>>(),
        [Ration::FULL]
    );
}

#[test]
fn a_wall_clock_that_is_set_back_does_not_stop_the_reviews() {
    let mut books = ledger(&money(Some(800_000), Some(100)), &[], &[], at("12:00:00"));
    books.review(at("12:00:00"), CALM);
    books.take(SERVICE, &run(CHAT, at("12:00:01"), known(799_000)));
    books.clock_stepped();
    assert!(!books.review(at("02:00:00"), CALM).rations.is_empty());
}
