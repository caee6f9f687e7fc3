//! Nights, as lines of what happened and when, and which of it is mailed.

use super::*;
use crate::model::{IncidentId, Verdict};

const SERVICE: ServiceId = ServiceId(1);
const HOUR: Duration = Duration::from_secs(3600);

fn at(minutes: f64) -> Timestamp {
    Timestamp::from_seconds(1.7e9 + minutes * 60.0)
}

fn event(incident: u64, minutes: f64, event: EventKind, severity: Severity) -> IncidentEvent {
    IncidentEvent {
        incident: IncidentId(incident),
        sequence: 0,
        event,
        kind: IncidentKind::Errors,
        cause: None,
        slow: None,
        retired: false,
        severity,
        at: at(minutes),
        since: at(minutes),
        verdict: Verdict {
            failed: 1,
            of: 1,
            usual: 0.0,
            window_s: 0.0,
            score: 0.0,
            bound: 0.0,
        },
    }
}

/// Plays a night such as `0 open partial, 5 escalate major, 18 close major`, minute by minute, and gives the mails as
/// `0 open, 5 escalate`. After each step the state is stored and taken up again.
fn mails(night: &str) -> String {
    let mut mailings = Mailings::default();
    let mut incident = 0;
    let mut told: Vec<String> = Vec::new();
    let mut clock = 0.0;
    let until = |clock: &mut f64, end: f64, mailings: &mut Mailings, told: &mut Vec<String>| {
        while *clock < end {
            let due = mailings.due(at(*clock));
            told.extend(due.iter().map(|(_, e)| format!("{clock} {} late", e.event)));
            *clock += 1.0;
        }
    };
    for step in night.split(", ") {
        let words: Vec<&str> = step.split(' ').collect();
        let [minutes, kind, severity] = words[..] else {
            panic!("not a step: {step}")
        };
        let minutes: f64 = minutes.parse().unwrap();
        until(&mut clock, minutes, &mut mailings, &mut told);
        let kind = EventKind::from_name(kind).unwrap();
        incident += u64::from(kind == EventKind::Open);
        let event = event(
            incident,
            minutes,
            kind,
            Severity::from_name(severity).unwrap(),
        );
        if mailings.take(SERVICE, &event, true, HOUR) {
            told.push(format!("{minutes} {kind}"));
        }
        let kept = serde_json::to_string(&mailings).unwrap();
        mailings = serde_json::from_str(&kept).unwrap();
    }
    until(&mut clock, 5000.0, &mut mailings, &mut told);
    assert_eq!(mailings, Mailings::default(), "in the end all is forgotten");
    told.join(", ")
}

#[test]
fn an_outage_is_mailed_step_by_step() {
    assert_eq!(
        mails("0 open partial, 5 escalate major, 90 close major"),
        "0 open, 5 escalate, 90 close"
    );
}

#[test]
fn one_that_comes_back_once_is_mailed_step_by_step_too() {
    assert_eq!(
        mails("0 open partial, 68 close partial, 78 reopen partial, 145 close partial"),
        "0 open, 68 close, 78 reopen, 145 close"
    );
}

#[test]
fn from_the_fourth_mail_on_only_the_end_of_a_trouble_that_keeps_coming_back_is_told() {
    // Ten blows in a night, the eighth of November 2023; the watch is eight hours long in the end.
    let night = "1 open partial, 5 escalate major, 18 close major, 20 reopen major, 44 close major, 133 reopen partial, \
         146 close major, 213 reopen partial, 222 close major, 291 reopen partial, 304 close major, 318 reopen major, \
         333 close major, 382 reopen major, 393 close major, 459 reopen partial, 473 close major, 549 reopen partial, \
         561 close major, 824 reopen partial, 840 close major";
    assert_eq!(
        mails(night),
        "1 open, 5 escalate, 18 close, 20 reopen, 1320 close late"
    );
    assert_eq!(
        mails(&night.replace("open partial, 5 escalate major", "open major")),
        "1 open, 18 close, 20 reopen, 44 close, 133 reopen, 1320 close late"
    );
}

#[test]
fn an_incident_that_follows_soon_continues_the_count() {
    let night = "0 open partial, 22 escalate major, 44 close major, 134 open partial, 145 close partial, \
         214 reopen partial, 224 close partial, 290 reopen partial, 304 close partial, 318 reopen partial, \
         322 escalate major, 335 close major, 549 reopen partial, 561 close partial, 823 reopen partial, 835 close major";
    assert_eq!(
        mails(night),
        "0 open, 22 escalate, 44 close, 134 open, 1315 close late"
    );
    // Hours later it is another trouble.
    assert_eq!(
        mails("0 open major, 44 close major, 600 open major, 620 close major"),
        "0 open, 44 close, 600 open, 620 close"
    );
}

#[test]
fn what_is_worse_than_anything_that_was_told_is_always_mailed() {
    let night = "0 open partial, 10 close partial, 20 reopen partial, 30 close partial, 40 reopen partial, \
         50 close partial, 60 reopen partial, 65 escalate major, 80 close major";
    assert_eq!(
        mails(night),
        "0 open, 10 close, 20 reopen, 30 close, 40 reopen, 65 escalate, 560 close late"
    );
    let at_once = "0 open partial, 10 close partial, 20 reopen partial, 30 close partial, 40 reopen partial, \
         50 close partial, 60 reopen major, 80 close major";
    assert_eq!(
        mails(at_once),
        "0 open, 10 close, 20 reopen, 30 close, 40 reopen, 60 reopen, 560 close late"
    );
}

#[test]
fn that_it_became_as_bad_as_was_told_before_is_no_news() {
    assert_eq!(
        mails("0 open major, 10 escalate major, 20 close major"),
        "0 open, 20 close"
    );
}

#[test]
fn a_relapse_that_stays_is_mailed_after_an_hour_and_its_end_at_once() {
    let night = "0 open major, 10 close major, 20 reopen major, 30 close major, 40 reopen major, 50 close major, \
         60 reopen partial, 300 close major";
    assert_eq!(
        mails(night),
        "0 open, 10 close, 20 reopen, 30 close, 40 reopen, 120 reopen late, 300 close"
    );
}

#[test]
fn a_lull_before_the_announced_time_is_over_is_not_mailed() {
    let night = "0 open major, 10 close major, 20 reopen major, 30 close major, 40 reopen major, 50 close major, \
         289 reopen major, 299 close major";
    // Four hours of quiet were asked for after the second relapse, and eight after the third.
    assert_eq!(
        mails(night),
        "0 open, 10 close, 20 reopen, 30 close, 40 reopen, 779 close late"
    );
}

#[test]
fn what_nobody_wants_is_not_mailed_and_does_not_count_as_mailed() {
    let mut mailings = Mailings::default();
    let open = event(1, 0.0, EventKind::Open, Severity::Partial);
    assert!(!mailings.take(SERVICE, &open, false, HOUR));
    let worse = event(1, 5.0, EventKind::Escalate, Severity::Major);
    assert!(mailings.take(SERVICE, &worse, true, HOUR));
}

#[test]
fn notices_and_services_are_kept_apart() {
    let mut mailings = Mailings::default();
    let notice = IncidentEvent {
        kind: IncidentKind::Notice,
        ..event(9, 0.0, EventKind::Open, Severity::Degraded)
    };
    assert!(mailings.take(SERVICE, &notice, true, HOUR));
    assert!(!mailings.take(SERVICE, &notice, false, HOUR));
    assert_eq!(mailings, Mailings::default());
    for service in [1, 2] {
        for (minute, kind) in [
            (0.0, EventKind::Open),
            (1.0, EventKind::Close),
            (2.0, EventKind::Reopen),
            (3.0, EventKind::Close),
        ] {
            let event = event(service, minute, kind, Severity::Major);
            assert!(mailings.take(ServiceId(service as u32), &event, true, HOUR));
        }
    }
    assert!(!mailings.comes_back(SERVICE, IncidentKind::Errors));
    let again = event(1, 4.0, EventKind::Reopen, Severity::Major);
    assert!(mailings.take(SERVICE, &again, true, HOUR));
    assert!(mailings.comes_back(SERVICE, IncidentKind::Errors));
    assert!(!mailings.comes_back(ServiceId(2), IncidentKind::Errors));
}

#[test]
fn a_step_of_the_clock_moves_what_is_held() {
    let mut mailings = Mailings::default();
    for (minute, kind) in [
        (0.0, EventKind::Open),
        (1.0, EventKind::Close),
        (2.0, EventKind::Reopen),
        (3.0, EventKind::Close),
        (4.0, EventKind::Reopen),
        (5.0, EventKind::Close),
    ] {
        mailings.take(
            SERVICE,
            &event(1, minute, kind, Severity::Major),
            true,
            HOUR,
        );
    }
    mailings.shift(3_600_000_000);
    assert!(!mailings.is_due(at(5.0 + 240.0)));
    let due: Vec<ServiceId> = mailings.services_due(at(5.0 + 300.0)).collect();
    assert_eq!(due, [SERVICE]);
}

#[test]
fn the_end_of_what_keeps_coming_back_is_told_at_once_when_its_probes_are_removed() {
    let mut mailings = Mailings::default();
    let mut take = |minutes: f64, kind, retired| {
        let mut event = event(1, minutes, kind, Severity::Major);
        event.retired = retired;
        mailings.take(SERVICE, &event, true, HOUR)
    };
    for (minutes, kind) in [
        (0.0, EventKind::Open),
        (10.0, EventKind::Close),
        (20.0, EventKind::Reopen),
        (30.0, EventKind::Close),
        (40.0, EventKind::Reopen),
    ] {
        assert!(take(minutes, kind, false));
    }
    assert!(!take(50.0, EventKind::Close, false), "it keeps coming back");
    assert!(!take(60.0, EventKind::Reopen, false));
    assert!(take(70.0, EventKind::Close, true));
    assert_eq!(mailings.due(at(5_000.0)), []);
}
