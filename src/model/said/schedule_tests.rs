//! Schedules at the edges, above all where clocks are put forward and back.

use chrono_tz::Tz;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|| panic!("{text}"))
}

fn each(cron: &str, zone: Tz, span: &str) -> Schedule {
    Schedule::Each {
        cron: Box::new(Cron::parse(cron, zone).unwrap()),
        span: humantime::parse_duration(span).unwrap(),
    }
}

const BERLIN: Tz = Tz::Europe__Berlin;
const YORK: Tz = Tz::America__New_York;

#[test]
fn forty_instants_around_the_changes_of_clocks_are_inside_or_outside_as_a_calendar_says() {
    let night = "0 1 * * *";
    let skipped = "30 2 * * *";
    let weekly = "0 3 * * SUN";
    let late = "0 23 * * *";
    for (cron, zone, span, instant, inside) in [
        // A window across the hour that Berlin skips: from 01:00 CET, two hours that pass.
        (night, BERLIN, "2h", "2026-03-28T23:59:59Z", false),
        (night, BERLIN, "2h", "2026-03-29T00:00:00Z", true),
        (night, BERLIN, "2h", "2026-03-29T01:00:00Z", true),
        (night, BERLIN, "2h", "2026-03-29T01:59:59.999Z", true),
        (night, BERLIN, "2h", "2026-03-29T02:00:00Z", false),
        (night, BERLIN, "2h", "2026-03-29T23:00:00Z", true),
        (night, BERLIN, "2h", "2026-03-29T22:59:59Z", false),
        // One that begins in it: begins at its end.
        (skipped, BERLIN, "1h", "2026-03-29T00:30:00Z", false),
        (skipped, BERLIN, "1h", "2026-03-29T00:59:59Z", false),
        (skipped, BERLIN, "1h", "2026-03-29T01:00:00Z", true),
        (skipped, BERLIN, "1h", "2026-03-29T01:59:59Z", true),
        (skipped, BERLIN, "1h", "2026-03-29T02:00:00Z", false),
        (skipped, BERLIN, "1h", "2026-03-30T00:30:00Z", true),
        // In the hour that comes twice: the first time only.
        (skipped, BERLIN, "30m", "2026-10-25T00:29:59Z", false),
        (skipped, BERLIN, "30m", "2026-10-25T00:30:00Z", true),
        (skipped, BERLIN, "30m", "2026-10-25T00:59:59Z", true),
        (skipped, BERLIN, "30m", "2026-10-25T01:00:00Z", false),
        (skipped, BERLIN, "30m", "2026-10-25T01:30:00Z", false),
        (skipped, BERLIN, "30m", "2026-10-25T01:59:59Z", false),
        (skipped, BERLIN, "30m", "2026-10-26T01:30:00Z", true),
        // A window across both.
        (night, BERLIN, "3h", "2026-10-24T22:59:59Z", false),
        (night, BERLIN, "3h", "2026-10-24T23:00:00Z", true),
        (night, BERLIN, "3h", "2026-10-25T01:59:59Z", true),
        (night, BERLIN, "3h", "2026-10-25T02:00:00Z", false),
        // Once a week, on the Sundays themselves.
        (weekly, BERLIN, "2h", "2026-03-29T00:59:59Z", false),
        (weekly, BERLIN, "2h", "2026-03-29T01:00:00Z", true),
        (weekly, BERLIN, "2h", "2026-03-29T02:59:59Z", true),
        (weekly, BERLIN, "2h", "2026-03-29T03:00:00Z", false),
        (weekly, BERLIN, "2h", "2026-10-25T01:30:00Z", false),
        (weekly, BERLIN, "2h", "2026-10-25T02:00:00Z", true),
        (weekly, BERLIN, "2h", "2026-10-25T04:00:00Z", false),
        (weekly, BERLIN, "2h", "2026-10-26T02:30:00Z", false),
        // Across midnight, with an hour less and an hour more in the night.
        (late, BERLIN, "5h", "2026-03-28T22:00:00Z", true),
        (late, BERLIN, "5h", "2026-03-29T02:59:59Z", true),
        (late, BERLIN, "5h", "2026-03-29T03:00:00Z", false),
        (late, BERLIN, "5h", "2026-10-25T01:59:59Z", true),
        (late, BERLIN, "5h", "2026-10-25T02:00:00Z", false),
        // New York, three weeks before Berlin and one after.
        (skipped, YORK, "1h", "2026-03-08T06:59:59Z", false),
        (skipped, YORK, "1h", "2026-03-08T07:00:00Z", true),
        ("30 1 * * *", YORK, "1h", "2026-11-01T05:30:00Z", true),
        ("30 1 * * *", YORK, "1h", "2026-11-01T06:30:00Z", false),
        // Where nothing changes.
        ("30 2 * * *", Tz::UTC, "1h", "2026-03-29T02:30:00Z", true),
        (
            "30 2 * * *",
            Tz::Asia__Kolkata,
            "1h",
            "2026-03-28T21:00:00Z",
            true,
        ),
    ] {
        let schedule = each(cron, zone, span);
        let found = schedule.at(at(instant)).is_some();
        assert_eq!(found, inside, "{cron} {zone} for {span} at {instant}");
        assert_eq!(
            Planned::new(schedule).holds(at(instant)),
            inside,
            "{instant}"
        );
    }
}

/// The plain way: go through all begins from long before.
fn slowly(schedule: &Schedule, moment: Timestamp) -> bool {
    let mut before = moment - Duration::from_secs(2 * 86_400);
    while let Some(stretch) = schedule.next(before).filter(|s| s.from <= moment) {
        if stretch.holds(moment) {
            return true;
        }
        before = stretch.from;
    }
    false
}

#[test]
fn every_quarter_of_an_hour_around_a_change_is_as_going_through_all_begins_finds_it() {
    let nights = [
        (BERLIN, "2026-03-28"),
        (BERLIN, "2026-10-24"),
        (YORK, "2026-10-31"),
        (Tz::Australia__Lord_Howe, "2026-04-04"),
    ];
    let plans = [
        ("30 2 * * *", "45m"),
        ("0 23 * * *", "5h"),
        ("15 */6 * * *", "3h"),
    ];
    for ((zone, day), (cron, span)) in nights.iter().flat_map(|n| plans.map(|p| (n, p))) {
        let schedule = each(cron, *zone, span);
        let mut planned = Planned::new(schedule.clone());
        let begin = at(&format!("{day}T12:00:00Z"));
        for quarter in 0..96 {
            let moment = begin + Duration::from_secs(900 * quarter);
            let wanted = slowly(&schedule, moment);
            let context = format!("{cron} {zone} {span} {moment}");
            assert_eq!(schedule.at(moment).is_some(), wanted, "{context}");
            assert_eq!(planned.holds(moment), wanted, "remembered: {context}");
        }
    }
}

#[test]
fn what_is_remembered_is_right_for_a_run_that_comes_late_and_after_a_step_of_the_clock() {
    let mut planned = Planned::new(each("0 3 * * *", Tz::UTC, "2h"));
    for (instant, inside) in [
        ("2026-11-25T04:00:00Z", true),
        ("2026-11-25T05:00:00Z", false),
        ("2026-11-25T04:59:59Z", true),
        ("2026-11-25T02:00:00Z", false),
        ("2026-11-25T03:00:00Z", true),
        ("2020-01-01T03:00:00Z", true),
        ("2020-01-01T06:00:00Z", false),
        ("2026-11-26T03:00:00Z", true),
    ] {
        assert_eq!(planned.holds(at(instant)), inside, "{instant}");
    }
}

#[test]
fn once_is_once() {
    let (from, until) = (at("2026-11-25T22:00:00Z"), at("2026-11-26T02:00:00Z"));
    let mut planned = Planned::new(Schedule::Once(Stretch { from, until }));
    for (instant, inside) in [
        ("2026-11-25T21:59:59.999Z", false),
        ("2026-11-25T22:00:00Z", true),
        ("2026-11-26T01:59:59.999Z", true),
        ("2026-11-26T02:00:00Z", false),
        ("2026-12-25T22:00:00Z", false),
    ] {
        assert_eq!(planned.holds(at(instant)), inside, "{instant}");
    }
    assert_eq!(planned.schedule.next(from), None);
    assert_eq!(
        planned.schedule.next(Timestamp::EPOCH).map(|s| s.from),
        Some(from)
    );
}
