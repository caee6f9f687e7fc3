//! Who is told what, and when: as data. A line of a plot is `second service event [severity]`.

use super::*;
use crate::model::{IncidentId, Verdict};

const START: f64 = 1.7e9;

fn event(incident: u64, second: f64, kind: EventKind, severity: Severity) -> IncidentEvent {
    let at = Timestamp::from_seconds(START + second);
    IncidentEvent {
        incident: IncidentId(incident),
        sequence: 0,
        event: kind,
        kind: IncidentKind::Errors,
        cause: None,
        slow: None,
        retired: false,
        severity,
        at,
        since: at,
        verdict: Verdict {
            failed: 3,
            of: 3,
            usual: 0.01,
            window_s: 30.0,
            score: 13.0,
            bound: 12.0,
        },
    }
}

/// The mails of a plot, a second at a time: `second: events that are new; open members/members`.
fn mails(plot: &[&str], until: u32, suspected: impl Fn(u32) -> usize) -> Vec<String> {
    let mut stories = Stories::default();
    let mut mails = Vec::new();
    for second in 0..=until {
        let now = Timestamp::from_seconds(START + f64::from(second));
        for line in plot {
            let words: Vec<&str> = line.split(' ').collect();
            if words[0].parse() != Ok(second) {
                continue;
            }
            let service: u32 = words[1].parse().unwrap();
            let kind = EventKind::from_name(words[2]).unwrap();
            let severity = words
                .get(3)
                .map_or(Severity::Partial, |s| Severity::from_name(s).unwrap());
            let event = event(u64::from(service), f64::from(second), kind, severity);
            stories.take(ServiceId(service), &event, true);
        }
        let json = serde_json::to_string(&stories).unwrap();
        stories = serde_json::from_str(&json).unwrap();
        for telling in stories.due(now, suspected(second), 50) {
            let news: Vec<String> = telling
                .news
                .iter()
                .map(|n| format!("{}{}", n.event.event.name(), n.service.0))
                .collect();
            let open = telling.members.iter().filter(|m| m.open).count();
            mails.push(format!(
                "{second}: {}; {open}/{}",
                news.join(" "),
                telling.members.len()
            ));
        }
    }
    mails
}

fn calm(_: u32) -> usize {
    0
}

#[test]
fn what_is_taken_back_is_not_told_and_what_comes_after_it_is() {
    let recipients = ["a".to_owned(), "b".to_owned()];
    let mut audience = Audience::default();
    let take = |audience: &mut Audience, service: u32, kind| {
        let event = event(u64::from(service), 0.0, kind, Severity::Partial);
        audience.take(&recipients, ServiceId(service), &event, true);
    };
    take(&mut audience, 1, EventKind::Open);
    take(&mut audience, 2, EventKind::Open);
    let silent = |news: &News| news.service == ServiceId(1);
    let back = audience.withdraw(silent);
    assert_eq!(back.len(), 2, "one of each recipient");
    assert!(back.iter().all(silent));
    let told = |audience: &mut Audience| -> Vec<(String, u32)> {
        let now = Timestamp::from_seconds(START);
        let due = audience.due(now, 0, 50).into_iter();
        let all = due.flat_map(|(who, telling)| {
            let news = telling.news.into_iter();
            news.map(move |news| (who.clone(), news.service.0))
        });
        all.collect()
    };
    assert_eq!(
        told(&mut audience),
        [("a".to_owned(), 2), ("b".to_owned(), 2)]
    );
    assert!(!audience.waits());
    take(&mut audience, 1, EventKind::Escalate);
    assert!(audience.waits());
}

#[test]
fn a_service_alone_is_told_of_at_once_at_every_step() {
    let plot = [
        "5 1 open",
        "40 1 escalate major",
        "300 1 close",
        "500 1 reopen",
        "900 1 close",
    ];
    assert_eq!(
        mails(&plot, 1000, calm),
        [
            "5: open1; 1/1",
            "40: escalate1; 1/1",
            "300: close1; 0/1",
            "500: reopen1; 1/1",
            "900: close1; 0/1"
        ]
    );
}

#[test]
fn those_that_join_are_gathered_and_a_rise_of_severity_is_not() {
    let plot = [
        "5 1 open",
        "20 2 open",
        "30 3 open",
        "100 4 open",
        "110 4 escalate major",
    ];
    assert_eq!(
        mails(&plot, 1000, calm),
        [
            "5: open1; 1/1",
            "65: open2 open3; 3/3",
            "110: open4 escalate4; 4/4"
        ]
    );
}

#[test]
fn the_end_is_told_when_the_last_one_has_recovered() {
    let plot = ["5 1 open", "20 2 open", "300 1 close", "420 2 close"];
    assert_eq!(
        mails(&plot, 1000, calm),
        ["5: open1; 1/1", "65: open2; 2/2", "420: close1 close2; 0/2"]
    );
}

#[test]
fn when_some_recover_and_others_do_not_a_mail_says_so_in_time() {
    let plot = ["5 1 open", "20 2 open", "300 1 close"];
    assert_eq!(
        mails(&plot, 2000, calm),
        ["5: open1; 1/1", "65: open2; 2/2", "965: close1; 1/2"]
    );
}

#[test]
fn what_begins_later_is_another_story() {
    let plot = ["5 1 open", "400 2 open", "401 1 close", "500 3 open"];
    assert_eq!(
        mails(&plot, 900, calm),
        [
            "5: open1; 1/1",
            "400: open2; 1/1",
            "401: close1; 0/1",
            "500: open3; 2/2"
        ]
    );
}

#[test]
fn notices_are_told_each_for_itself_and_outages_do_not_join_them() {
    let mut stories = Stories::default();
    for (service, kind) in [
        (1, IncidentKind::Notice),
        (2, IncidentKind::Notice),
        (3, IncidentKind::Errors),
    ] {
        let mut event = event(service, 0.0, EventKind::Open, Severity::Degraded);
        event.kind = kind;
        stories.take(ServiceId(service as u32), &event, true);
    }
    let told = stories.due(Timestamp::from_seconds(START), 0, 9);
    assert_eq!(
        told.iter().map(|t| t.members.len()).collect::<Vec<_>>(),
        [1, 1, 1]
    );
}

#[test]
fn a_storm_of_five_hundred_is_one_mail() {
    let plot: Vec<String> = (0..500)
        .map(|n| format!("{} {} open major", 30 + n / 12, n + 1))
        .collect();
    let plot: Vec<&str> = plot.iter().map(String::as_str).collect();
    // Those that have not opened yet are under suspicion.
    let suspected = |second: u32| 500_usize.saturating_sub(12 * second.saturating_sub(30) as usize);
    let mails = mails(&plot, 4000, suspected);
    assert_eq!(mails.len(), 1, "{}", mails.join("\n"));
    assert!(mails[0].ends_with("500/500"), "{}", mails[0]);
}

#[test]
fn a_storm_that_goes_on_is_told_of_after_a_minute_and_a_half() {
    let plot: Vec<String> = (0..40)
        .map(|n| format!("{} {} open", 5 * n, n + 1))
        .collect();
    let plot: Vec<&str> = plot.iter().map(String::as_str).collect();
    let mails = mails(&plot, 600, |_| 20);
    let at: Vec<&str> = mails.iter().filter_map(|m| m.split(':').next()).collect();
    assert_eq!(at, ["90", "150", "450"]);
}

#[test]
fn each_recipient_has_threads_of_his_own() {
    let mut audience = Audience::default();
    let (both, second) = ("a@b.example".to_owned(), "c@b.example".to_owned());
    for service in [1, 2] {
        let event = event(u64::from(service), 0.0, EventKind::Open, Severity::Major);
        let recipients = match service {
            1 => vec![both.clone()],
            _ => vec![both.clone(), second.clone()],
        };
        audience.take(&recipients, ServiceId(service), &event, true);
    }
    let now = Timestamp::from_seconds(START);
    assert!(audience.waits() && audience.is_due(now, 0, 9));
    let told: Vec<(String, u64, usize)> = audience
        .due(now, 0, 9)
        .into_iter()
        .map(|(recipient, t)| (recipient, t.root.incident.0, t.members.len()))
        .collect();
    assert_eq!(told, [(both.clone(), 1, 2), (second, 2, 1)]);
    // A later mail hangs on the first.
    let event = event(2, 9.0, EventKind::Reopen, Severity::Major);
    audience.take(&[both], ServiceId(2), &event, true);
    let later = audience.due(now + Duration::from_secs(100), 0, 9);
    assert_eq!(later[0].1.root.incident, IncidentId(1));
    audience.forget(IncidentId(1));
    audience.forget(IncidentId(2));
    assert_eq!(audience, Audience::default());
}

#[test]
fn what_began_and_ended_since_the_last_mail_is_told_as_ended() {
    let lead = |plot: &[(u64, EventKind)]| {
        let mut stories = Stories::default();
        for (second, (incident, kind)) in plot.iter().enumerate() {
            let event = event(*incident, second as f64, *kind, Severity::Major);
            stories.take(ServiceId(*incident as u32), &event, true);
        }
        let now = Timestamp::from_seconds(START + 60.0);
        let all = stories.due(now, 0, 50);
        let lead = all[0].lead.event;
        (lead.incident.0, lead.event)
    };
    use EventKind::{Close, Open, Reopen};
    assert_eq!(lead(&[(1, Open), (1, Close)]), (1, Close));
    assert_eq!(lead(&[(1, Open), (1, Close), (1, Reopen)]), (1, Open));
    assert_eq!(lead(&[(1, Open), (2, Open), (1, Close)]), (2, Open));
    assert_eq!(
        lead(&[(1, Open), (2, Open), (2, Close), (1, Close)]),
        (1, Close)
    );
}
