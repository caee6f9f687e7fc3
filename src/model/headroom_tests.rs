//! Claims about what is left of limits: hours of marks, as data.

use super::*;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-08T12:00:00Z").unwrap()
}

/// Marks whose shares in percent are those of the hours before now, the last one of half an hour ago. In each hour the
/// limit is also seen nearly full.
fn marks(percents: &[u64]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (n, percent) in percents.iter().enumerate() {
        let ago = HOUR * u32::try_from(percents.len() - 1 - n).unwrap() + HOUR / 2;
        for (later, remaining) in [(0, percent * 10), (600, 990)] {
            marks.push(Mark {
                at: now() - ago + Duration::from_secs(later),
                limit: 1_000,
                remaining,
                resets_in: Some(Duration::from_secs(6)),
            });
        }
    }
    marks
}

#[test]
fn a_fall_over_hours_is_foretold_and_everything_else_is_not() {
    let cases: &[(&str, &[u64], Option<&str>)] = &[
        ("steady", &[60, 61, 60, 59, 60, 60], None),
        (
            "a key that fills up",
            &[60, 50, 40, 30, 20, 10],
            Some("2026-11-08T12:30:00Z"),
        ),
        ("slower", &[90, 87, 84, 81, 78, 75], None),
        (
            "slower, but within a day",
            &[60, 55, 50, 45, 40],
            Some("2026-11-08T19:30:00Z"),
        ),
        ("one odd hour", &[60, 50, 40, 99, 20, 10], None),
        (
            "one odd hour among many",
            &[90, 85, 80, 75, 10, 65, 60, 55, 50, 45],
            Some("2026-11-08T20:30:00Z"),
        ),
        (
            "used up already",
            &[30, 20, 10, 0],
            Some("2026-11-08T12:00:00Z"),
        ),
        ("too short", &[30, 20, 10], None),
        ("a fall that is none", &[60, 59, 58, 57, 56], None),
        ("rising", &[10, 20, 30, 40, 50], None),
        ("a new window", &[50, 40, 30, 20, 10, 98, 97, 96], None),
        (
            "a new window that falls too",
            &[20, 10, 98, 78, 58, 38, 18],
            Some("2026-11-08T12:24:00Z"),
        ),
        ("full", &[100, 100, 100, 100, 100], None),
        ("nothing", &[], None),
    ];
    for (what, percents, want) in cases {
        let found = used_up(&marks(percents), now());
        let want = want.map(|at| Timestamp::parse(at).unwrap());
        assert_eq!(found, want, "{what}: {:?}", found.map(|f| f.to_string()));
    }
}

#[test]
fn a_window_that_is_full_again_before_it_is_used_up_is_no_worry() {
    let mut day = marks(&[60, 55, 50, 45, 40]);
    for mark in &mut day {
        mark.resets_in = Some((now() + HOUR * 6).since(mark.at));
    }
    assert_eq!(used_up(&day, now()), None);
    for mark in &mut day {
        mark.resets_in = Some((now() + HOUR * 10).since(mark.at));
    }
    assert!(used_up(&day, now()).is_some());
}

#[test]
fn the_outlook_names_the_lowest_mark_of_the_last_hour() {
    let mut all = marks(&[3, 60, 8]);
    let seen = outlook("tokens", &all, now()).unwrap();
    assert_eq!(
        seen.to_string(),
        "tokens: 8 % left at the lowest in the last hour (80 of 1000)"
    );
    assert!(seen.is_worth_telling());
    all.retain(|m| now().since(m.at) > HOUR);
    assert_eq!(outlook("tokens", &all, now()), None);
    let full = outlook("tokens", &marks(&[90]), now()).unwrap();
    assert!(!full.is_worth_telling());
    let falling = outlook("tokens", &marks(&[60, 55, 50, 45, 40]), now()).unwrap();
    assert_eq!(
        falling.to_string(),
        "tokens: 40 % left at the lowest in the last hour (400 of 1000); at this rate used up at about 19:30 UTC"
    );
    assert!(falling.is_worth_telling());
}

#[test]
fn a_limit_of_nothing_says_nothing() {
    let mut odd = marks(&[10, 5]);
    odd.iter_mut().for_each(|m| m.limit = 0);
    assert_eq!(outlook("tokens", &odd, now()), None);
    let said = Headroom {
        resource: "tokens".to_owned(),
        limit: Some(0),
        remaining: 0,
        resets_in: None,
    };
    assert_eq!(said.share(), None);
}

#[test]
fn each_threshold_is_told_once_until_an_hour_was_well() {
    let mut alarm = Alarm::default();
    let mut told = Vec::new();
    // A limit that is refilled each minute: every second look finds it full.
    for (minute, percent) in [
        (0, 100),
        (1, 19),
        (2, 100),
        (3, 15),
        (4, 9),
        (5, 100),
        (6, 8),
        (7, 3),
        (8, 19),
        (9, 0),
    ] {
        let at = now() + Duration::from_secs(minute * 60);
        told.extend(
            alarm
                .take(f64::from(percent) / 100.0, at)
                .map(|t| (minute, t)),
        );
    }
    assert_eq!(told, [(1, 20), (4, 10), (7, 5)]);
    assert_eq!(alarm.take(0.5, now() + HOUR), None);
    assert_eq!(alarm.take(0.04, now() + HOUR), None);
    assert_eq!(
        alarm.take(0.5, now() + HOUR * 2 + Duration::from_secs(1)),
        None
    );
    assert_eq!(alarm.take(0.19, now() + HOUR * 3), Some(20));
}
