//! Whom what is told, and when, through the engine: hours, escalation, quiet hours, and the most an hour.

use chrono_tz::Tz;
use watchfire::model::hours::Hours;
use watchfire::model::notification::Notification;
use watchfire::model::roster::{Roster, Seat};
use watchfire::model::said::{Ask, Joins};
use watchfire::model::{EventKind, IncidentId, Severity};
use watchfire::store::DeliveryState;

use crate::said::{ALL, Host, MINUTE, NONE, start};

fn seat(who: &str) -> Seat {
    Seat::always(format!("{who}@example.com"))
}

fn hours(span: &str) -> Option<Hours> {
    Some(Hours::parse(span, None, Tz::UTC).unwrap())
}

/// A host with these on its list; its clock begins at 14:00.
fn host(seats: Vec<Seat>, edit: impl FnOnce(&mut Roster)) -> Host {
    let mut roster = Roster {
        seats,
        ..Roster::default()
    };
    edit(&mut roster);
    let mut host = Host::new();
    host.roster = Some(roster);
    host.restart();
    host
}

/// What is in the outbox: `open to all`, with the minute at which it is due.
fn letters(host: &Host) -> Vec<(String, u64)> {
    use DeliveryState::{Dead, Dropped, Folded, Pending, Sent};
    let mut rows = host
        .reader()
        .letters(&[Pending, Sent, Dead, Folded, Dropped], 1_000)
        .unwrap();
    rows.reverse();
    let of = |row: &watchfire::store::DeliveryRow| {
        let what = row.event.map_or("note", |e| e.name());
        let to = row.recipient.split('@').next().unwrap();
        let due = row.next_at.since(start()).as_secs() / 60;
        (format!("{what} to {to}"), due)
    };
    rows.iter().map(of).collect()
}

fn words(host: &Host) -> Vec<String> {
    letters(host).into_iter().map(|(what, _)| what).collect()
}

/// The mail that a mail's thread hangs on, and the mail itself.
fn root(mail: &Notification) -> (IncidentId, u32) {
    (mail.thread.incident, mail.thread.sequence)
}

fn own(mail: &Notification) -> (IncidentId, u32) {
    (mail.event.incident, mail.event.sequence)
}

async fn outage(host: &mut Host) {
    host.pass(MINUTE * 60, NONE).await;
    while host.incidents().is_empty() {
        host.pass(MINUTE / 2, ALL).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_acknowledges_it_and_another_is_called_once_and_told_to_the_end() {
    let boss = Seat {
        after: MINUTE * 15,
        ..seat("boss")
    };
    let mut host = host(vec![seat("all"), boss], |_| ());
    outage(&mut host).await;
    host.pass(MINUTE * 14, ALL).await;
    assert_eq!(words(&host), ["open to all"]);
    host.restart();
    host.pass(MINUTE * 3, ALL).await;
    assert_eq!(words(&host), ["open to all", "open to boss"]);
    assert_eq!(
        host.last_mail().remarks.joins,
        Some(Joins::Called(MINUTE * 15))
    );
    host.pass(MINUTE * 60, NONE).await;
    let end = ["close to all", "close to boss"];
    assert_eq!(words(&host)[2..], end);
}

#[tokio::test(start_paused = true)]
async fn who_has_acknowledged_it_keeps_the_others_from_being_called() {
    let boss = Seat {
        after: MINUTE * 15,
        ..seat("boss")
    };
    let mut host = host(vec![seat("all"), boss], |_| ());
    outage(&mut host).await;
    let ack = Ask::Ack {
        incident: IncidentId(1),
        note: String::new(),
    };
    host.say(ack).await;
    host.pass(MINUTE * 60, ALL).await;
    assert_eq!(words(&host), ["open to all"]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_on_duty_is_told_what_is_open_and_who_goes_off_is_told_the_end() {
    let late = Seat {
        hours: hours("15:30-23:00"),
        ..seat("late")
    };
    let early = Seat {
        hours: hours("06:00-15:30"),
        ..seat("early")
    };
    let hard = Seat {
        from: Some(Severity::Major),
        hours: hours("03:00-04:00"),
        ..seat("hard")
    };
    let mut host = host(vec![early, late, hard], |_| ());
    outage(&mut host).await;
    assert_eq!(words(&host), ["open to early"]);
    host.pass(MINUTE * 40, ALL).await;
    assert_eq!(words(&host), ["open to early", "open to late"]);
    assert_eq!(host.last_mail().remarks.joins, Some(Joins::OnDuty));
    host.pass(MINUTE * 60, NONE).await;
    assert_eq!(words(&host)[2..], ["close to early", "close to late"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_goes_in_quiet_hours_too_and_a_notice_waits_for_their_end() {
    // From 14:00 to 18:00, which is 240 minutes after the start.
    let quiet = |roster: &mut Roster| roster.quiet = hours("13:00-18:00");
    let mut one = host(vec![seat("all")], quiet);
    outage(&mut one).await;
    let opened = one.clock.now().since(start()).as_secs() / 60;
    assert_eq!(letters(&one), [("open to all".to_owned(), opened)]);

    let mut other = host(vec![seat("all")], quiet);
    other.pass(MINUTE * 60, NONE).await;
    other.refused_key(MINUTE * 5).await;
    assert_eq!(letters(&other), [("open to all".to_owned(), 240)]);
    // What both waited for its end is one mail.
    other.pass(MINUTE * 30, NONE).await;
    let all = letters(&other);
    assert_eq!(all[1..], [("close to all".to_owned(), 240)]);
    let last = other.last_mail();
    let unsent = last.remarks.stands_for.as_ref().unwrap();
    assert_eq!((unsent.mails, unsent.server_away), (1, false));
    assert_eq!(root(&last), own(&last), "nobody has the first one");
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_goes_on_is_mailed_again_ever_more_rarely_until_somebody_takes_it_up() {
    let mut host = host(vec![seat("all")], |roster| {
        roster.remind_every = Some(MINUTE * 60);
    });
    outage(&mut host).await;
    let opened = host.clock.now().since(start()).as_secs() / 60;
    host.pass(MINUTE * 300, ALL).await;
    host.restart();
    host.pass(MINUTE * 130, ALL).await;
    let due: Vec<u64> = letters(&host).iter().map(|(_, due)| due - opened).collect();
    assert_eq!(words(&host), ["open to all"; 4]);
    assert_eq!(due, [0, 60, 180, 420], "{due:?}");
    let last = host.last_mail();
    let at = last.event.at.since(start()).as_secs() / 60;
    assert_eq!((last.remarks.reminder, at), (3, opened + 420));
    let ack = Ask::Ack {
        incident: IncidentId(1),
        note: String::new(),
    };
    host.say(ack).await;
    host.pass(MINUTE * 600, ALL).await;
    assert_eq!(words(&host).len(), 4);
    host.pass(MINUTE * 120, NONE).await;
    assert_eq!(words(&host)[4..], ["close to all"]);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_most_an_hour_what_happens_is_folded_into_one_mail() {
    let mut host = host(vec![seat("all")], |roster| roster.most_per_hour = 1);
    outage(&mut host).await;
    host.pass(MINUTE * 5, ALL).await;
    host.pass(MINUTE * 40, NONE).await;
    let all = words(&host);
    assert_eq!(all, ["open to all", "note to all"], "{:?}", host.events());
    let rows = host
        .reader()
        .letters(&[DeliveryState::Pending], 10)
        .unwrap();
    let note = host
        .reader()
        .letter(rows[0].id)
        .unwrap()
        .unwrap()
        .1
        .unwrap();
    let note = String::from_utf8(note).unwrap();
    assert!(note.starts_with("Folded { most: 1"), "{note}");
    assert!(
        note.contains("\"OpenAI\"") && note.contains("Close"),
        "{note}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_thread_hangs_on_the_first_mail_that_its_reader_has() {
    let mut host = host(vec![seat("all")], |roster| roster.most_per_hour = 1);
    host.pass(MINUTE * 60, NONE).await;
    // The only mail of this hour.
    host.refused_key(MINUTE * 5).await;
    assert_eq!(words(&host), ["open to all"]);
    let before = host.incidents().len();
    while host.incidents().len() == before {
        host.pass(MINUTE / 2, ALL).await;
    }
    host.pass(MINUTE * 120, ALL).await;
    host.pass(MINUTE * 60, NONE).await;
    let last = host.last_mail();
    assert_eq!(last.event.event, EventKind::Close);
    assert!(last.event.sequence > 0);
    assert_eq!(root(&last), own(&last), "{:?}", words(&host));
}
