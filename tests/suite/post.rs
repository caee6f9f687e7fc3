//! What becomes of mails that are not accepted: they are folded, spoken of, sent again or dropped, and all of it is kept.

use std::time::Duration;

use watchfire::engine::Input;
use watchfire::model::EventKind;
use watchfire::model::notification::{DeliveryReport, DeliveryResult, Pending};
use watchfire::model::said::Ask;
use watchfire::store::{DeliveryRow, DeliveryState};

use crate::said::{ALL, Host, MINUTE, NONE};

const EVERY: &[DeliveryState] = &[
    DeliveryState::Pending,
    DeliveryState::Ambiguous,
    DeliveryState::Sent,
    DeliveryState::Dead,
    DeliveryState::Folded,
    DeliveryState::Dropped,
];

/// How an attempt ends.
#[derive(Clone, Copy)]
enum End {
    Away,
    Taken,
    Refused,
}

fn host(recipients: &[&str]) -> Host {
    let mut host = Host::new();
    host.recipients = recipients.iter().map(|r| (*r).to_owned()).collect();
    host.restart();
    host
}

fn rows(host: &Host) -> Vec<DeliveryRow> {
    let mut rows = host.reader().letters(EVERY, 1_000).unwrap();
    rows.reverse();
    rows
}

/// `open to a: sent`, in the order of the outbox; a note by its first word.
fn shown(host: &Host) -> Vec<String> {
    let of = |row: &DeliveryRow| {
        let what = match row.event {
            Some(event) => event.name(),
            None => "note",
        };
        let to = row.recipient.split('@').next().unwrap();
        format!("{what} to {to}: {}", row.state.name())
    };
    rows(host).iter().map(of).collect()
}

fn due(host: &Host) -> Vec<Pending> {
    let soon = host.clock.now() + Duration::from_secs(600);
    host.reader().due(soon, 100).unwrap()
}

/// What the sender does with all that waits.
fn try_all(host: &mut Host, end: impl Fn(&Pending) -> End) {
    let now = host.clock.now();
    let report = |pending: &Pending| {
        let (result, reached) = match end(pending) {
            End::Away => (DeliveryResult::Deferred(now + MINUTE), false),
            End::Taken => (DeliveryResult::Sent, true),
            End::Refused => (DeliveryResult::Dead, true),
        };
        Input::Report(DeliveryReport {
            id: pending.id,
            at: now,
            result,
            reached,
            reply: "so says the test".to_owned(),
        })
    };
    let reports = due(host).iter().map(report).collect();
    host.turn(Vec::new(), reports);
}

/// All that waits is taken.
pub(crate) fn deliver(host: &mut Host) {
    try_all(host, |_| End::Taken);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_and_a_recovery_that_both_waited_are_one_mail_and_who_got_it_late_is_told_why() {
    for restarts in [false, true] {
        let mut host = host(&["a@example.com", "b@example.com"]);
        host.pass(MINUTE * 60, NONE).await;
        while host.incidents().is_empty() {
            host.pass(MINUTE / 2, ALL).await;
        }
        try_all(&mut host, |_| End::Away);
        host.pass(MINUTE * 20, ALL).await;
        if restarts {
            host.restart();
        }
        host.pass(MINUTE * 60, NONE).await;
        assert_eq!(
            shown(&host),
            [
                "open to a: folded",
                "open to b: folded",
                "close to a: pending",
                "close to b: pending"
            ]
        );
        let stands_for = host.last_mail().remarks.stands_for.unwrap();
        assert_eq!((stands_for.mails, stands_for.server_away), (1, true));
        let (mail, own) = (host.last_mail(), host.last_mail().event.sequence);
        assert_eq!(mail.thread.sequence, own, "nobody has the first one");
        assert_eq!(stands_for.since, rows(&host)[0].created_at);

        try_all(&mut host, |_| End::Taken);
        let shown = shown(&host);
        assert_eq!(
            shown[2..],
            [
                "close to a: sent",
                "close to b: sent",
                "note to a: pending",
                "note to b: pending"
            ]
        );
        let note = host.reader().letter(rows(&host)[5].id).unwrap().unwrap();
        let note = String::from_utf8(note.1.unwrap()).unwrap();
        assert!(note.starts_with("Late {"), "{note}");
        assert!(note.contains("waiting: 1, folded: 1"), "{note}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_waited_a_moment_is_sent_as_it_is() {
    let mut host = host(&["a@example.com"]);
    host.pass(MINUTE * 60, NONE).await;
    while host.incidents().is_empty() {
        host.pass(MINUTE / 2, ALL).await;
    }
    try_all(&mut host, |_| End::Away);
    host.pass(MINUTE, ALL).await;
    try_all(&mut host, |_| End::Taken);
    assert_eq!(shown(&host)[0], "open to a: sent");
    assert!(!shown(&host).iter().any(|row| row.starts_with("note")));
}

#[tokio::test(start_paused = true)]
async fn that_somebody_gets_no_mail_is_told_to_the_others_once() {
    let mut host = host(&["a@example.com", "gone@example.com", "c@example.com"]);
    host.pass(MINUTE * 60, NONE).await;
    while host.incidents().is_empty() {
        host.pass(MINUTE / 2, ALL).await;
    }
    let refuse = |pending: &Pending| match pending.letter.recipient.starts_with("gone") {
        true => End::Refused,
        false => End::Taken,
    };
    try_all(&mut host, refuse);
    let told = ["note to a: pending", "note to c: pending"];
    assert_eq!(shown(&host)[3..], told);
    try_all(&mut host, refuse);
    host.pass(MINUTE * 60, NONE).await;
    try_all(&mut host, refuse);
    let notes = shown(&host)
        .iter()
        .filter(|r| r.starts_with("note"))
        .count();
    assert_eq!(notes, 2, "{:?}", shown(&host));
    let dead = |row: &&DeliveryRow| row.state == DeliveryState::Dead;
    let dead: Vec<_> = rows(&host).iter().filter(dead).map(|r| r.event).collect();
    assert_eq!(dead, [Some(EventKind::Open), Some(EventKind::Close)]);
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_was_given_up_is_sent_again_on_demand_and_one_that_waits_is_dropped() {
    let mut host = host(&["a@example.com"]);
    host.pass(MINUTE * 60, NONE).await;
    while host.incidents().is_empty() {
        host.pass(MINUTE / 2, ALL).await;
    }
    let retry = |letter| Ask::Retry { letter };
    assert_eq!(host.say(retry(None)).await.answer, "no mail was given up");
    assert_eq!(
        host.say(retry(Some(99))).await.answer,
        "there is no mail 99 in the outbox"
    );
    try_all(&mut host, |_| End::Refused);
    let id = rows(&host)[0].id;
    let said = host.say(retry(None)).await;
    assert_eq!(said.answer, "1 mail that was given up is sent again");
    assert_eq!((said.refused, said.what.name()), (false, "retry"));
    assert_eq!(due(&host).len(), 1);
    let drop = Ask::Drop {
        letter: id,
        why: "it is old".to_owned(),
    };
    let said = host.say(drop.clone()).await;
    assert_eq!(
        said.answer,
        format!("mail {id} to a@example.com is not sent any more")
    );
    assert!(due(&host).is_empty());
    let row = &rows(&host)[0];
    assert_eq!(row.state, DeliveryState::Dropped);
    assert_eq!(row.last_reply.as_deref(), Some("dropped by ann: it is old"));
    assert!(host.say(drop).await.refused);
    host.say(retry(Some(id))).await;
    try_all(&mut host, |_| End::Taken);
    assert_eq!(shown(&host)[0], "open to a: sent");
    assert_eq!(
        host.say(retry(Some(id))).await.answer,
        format!("mail {id} was accepted already")
    );
}
