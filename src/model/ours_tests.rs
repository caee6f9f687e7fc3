//! Notices as stories: what a probe heard, one letter a run, and what became of it.

use super::*;
use crate::model::{EventKind, Origin, Phases};

/// `k` key refused, `q` quota, `l` our rate limit, `b` bot check, `.` success, `X` failure of the provider.
fn outcome(letter: char) -> Outcome {
    match letter {
        'k' => Outcome::Failure(FailureKind::Auth, Fault::Ours),
        'q' => Outcome::Failure(FailureKind::Quota, Fault::Ours),
        'l' => Outcome::Failure(FailureKind::RateLimited, Fault::Ours),
        'b' => Outcome::Failure(FailureKind::Blocked, Fault::Blocked),
        'X' => Outcome::Failure(FailureKind::ServerError, Fault::Provider),
        _ => Outcome::Success,
    }
}

fn sample(probe: u32, minute: usize, outcome: Outcome) -> Sample {
    Sample {
        probe: ProbeId(probe),
        at: Timestamp::from_seconds(1.7e9 + 60.0 * minute as f64),
        outcome,
        origin: Origin::Scheduled,
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: 0,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

/// What happens to the runs of a probe, one a minute: `minute event cause`.
fn told(runs: &str) -> Vec<String> {
    let (mut ours, mut next) = (Ours::default(), IncidentId(1));
    let mut told = Vec::new();
    for (minute, letter) in runs.chars().enumerate() {
        if let Some(e) = ours.take(&sample(1, minute, outcome(letter)), &mut next) {
            assert_eq!((e.kind.name(), e.severity), ("notice", Severity::Degraded));
            let cause = e.cause.map_or("", FailureKind::name);
            told.push(format!("{minute} #{} {} {cause}", e.incident, e.event));
        }
        let json = serde_json::to_string(&ours).unwrap();
        assert_eq!(serde_json::from_str::<Ours>(&json).unwrap(), ours);
    }
    told
}

#[test]
fn a_notice_opens_at_the_second_refusal_and_closes_at_the_second_answer() {
    let stories: [(&str, &[&str]); 10] = [
        ("k", &[]),
        ("k.k.k.k.", &[]),
        ("kkkkkk", &["1 #1 open auth"]),
        ("kk..", &["1 #1 open auth", "3 #1 close auth"]),
        // Neither of two causes that alternate comes twice in a row.
        ("kqkqkq", &[]),
        // A failure of the service says nothing of the key.
        ("kXk", &["2 #1 open auth"]),
        ("kkX.X.", &["1 #1 open auth", "5 #1 close auth"]),
        // A rate limit is met now and then.
        ("ll.lll", &["5 #1 open rate_limited"]),
        (
            "kk..kk",
            &["1 #1 open auth", "3 #1 close auth", "5 #1 reopen auth"],
        ),
        ("kkqq", &["1 #1 open auth", "3 #2 open quota"]),
    ];
    for (runs, want) in stories {
        assert_eq!(told(runs), want, "{runs}");
    }
}

#[test]
fn two_causes_end_each_for_itself() {
    assert_eq!(
        told("kkqq..."),
        [
            "1 #1 open auth",
            "3 #2 open quota",
            "5 #1 close auth",
            "6 #2 close quota"
        ]
    );
}

#[test]
fn after_a_day_the_same_trouble_is_another_notice() {
    let (mut ours, mut next) = (Ours::default(), IncidentId(1));
    for (minute, letter) in "kk..".chars().enumerate() {
        ours.take(&sample(1, minute, outcome(letter)), &mut next);
    }
    let later = 24 * 60 + 4;
    let at = sample(1, later, Outcome::Success).at;
    assert_eq!(ours.settle(at), Some(IncidentId(1)));
    assert_eq!((ours.settle(at), &ours), (None, &Ours::default()));
    ours.take(&sample(1, later, outcome('k')), &mut next);
    let event = ours.take(&sample(1, later + 1, outcome('k')), &mut next);
    let event = event.map(|e| (e.incident, e.event));
    assert_eq!(event, Some((IncidentId(2), EventKind::Open)));
}

#[test]
fn a_notice_ends_with_the_probe_that_saw_it() {
    let (mut ours, mut next) = (Ours::default(), IncidentId(1));
    for probe in [1, 2] {
        for minute in 0..2 {
            ours.take(&sample(probe, minute, outcome('k')), &mut next);
        }
    }
    let now = sample(1, 9, Outcome::Success).at;
    assert_eq!(ours.retain(|p| p == ProbeId(2), now, &mut next), []);
    let events = ours.retain(|_| false, now, &mut next);
    assert_eq!(
        events.iter().map(|e| e.event).collect::<Vec<_>>(),
        [EventKind::Close]
    );
    assert_eq!(ours.settle(now), Some(IncidentId(1)));
    assert_eq!(ours, Ours::default());
}
