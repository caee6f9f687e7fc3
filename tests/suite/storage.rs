//! What people hear when the database refuses: once that it does, once that it is over, and past the outbox what cannot
//! even be laid into it.

use watchfire::engine::Input;
use watchfire::model::EventKind;
use watchfire::model::roster::{Roster, Seat};
use watchfire::model::said::Ask;
use watchfire::store::DeliveryState;

use crate::said::{ALL, Host, MINUTE, NONE};

const SAMPLES: &[&str] = &["sample"];
/// Nothing that the engine writes gets in.
const EVERYTHING: &[&str] = &["sample", "event", "incident", "outbox", "meta", "state"];

fn host(who: &[&str]) -> Host {
    let mut host = Host::new();
    let seats = who
        .iter()
        .map(|who| Seat::always(format!("{who}@example.com")));
    host.roster = Some(Roster {
        seats: seats.collect(),
        ..Roster::default()
    });
    host.restart();
    host
}

/// Has the database refuse rows of these tables, or take them again.
fn refuse(host: &Host, tables: &[&str], refuses: bool) {
    let conn = rusqlite::Connection::open(host.dir().join("watchfire.db")).unwrap();
    for table in tables {
        for what in ["INSERT", "UPDATE"] {
            let name = format!("refuse_{what}_{table}");
            let sql = match refuses {
                true => format!(
                    "CREATE TRIGGER {name} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END"
                ),
                false => format!("DROP TRIGGER {name}"),
            };
            conn.execute(&sql, []).unwrap();
        }
    }
}

/// The notes in the outbox, each by its first word and its reader, in order.
fn notes(host: &Host) -> Vec<String> {
    use DeliveryState::{Pending, Sent};
    let mut rows = host.reader().letters(&[Pending, Sent], 1_000).unwrap();
    rows.reverse();
    let told = rows.iter().filter(|row| row.event.is_none());
    told.map(|row| {
        let bytes = host.reader().letter(row.id).unwrap().unwrap().1.unwrap();
        said(&bytes, &row.recipient)
    })
    .collect()
}

fn direct(host: &Host) -> Vec<String> {
    let all = host.direct();
    all.iter().map(|l| said(&l.bytes, &l.recipient)).collect()
}

fn said(bytes: &[u8], recipient: &str) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let what = text.split(' ').next().unwrap();
    format!("{what} to {}", recipient.split('@').next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn that_the_database_takes_no_samples_is_told_to_each_once_and_so_is_its_end() {
    let mut host = host(&["a", "b"]);
    host.pass(MINUTE * 10, NONE).await;
    refuse(&host, SAMPLES, true);
    host.pass(MINUTE / 2, NONE).await;
    assert_eq!(notes(&host), [""; 0], "it may be over in a moment");
    host.pass(MINUTE, NONE).await;
    assert_eq!(notes(&host), ["Storage to a", "Storage to b"]);
    host.pass(MINUTE * 30, NONE).await;
    refuse(&host, SAMPLES, false);
    host.pass(MINUTE * 2, NONE).await;
    let all = ["Storage to a", "Storage to b", "Stored to a", "Stored to b"];
    assert_eq!(notes(&host), all);
    assert_eq!(direct(&host), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_trouble_that_comes_and_goes_is_not_told_each_time() {
    let mut host = host(&["a"]);
    for _ in 0..5 {
        refuse(&host, SAMPLES, true);
        host.pass(MINUTE * 3, NONE).await;
        refuse(&host, SAMPLES, false);
        host.pass(MINUTE * 3, NONE).await;
    }
    assert_eq!(notes(&host), ["Storage to a", "Stored to a"]);
    refuse(&host, SAMPLES, true);
    host.pass(MINUTE * 20, NONE).await;
    assert_eq!(notes(&host)[2..], ["Storage to a"]);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_even_be_laid_into_the_outbox_is_told_past_it_and_again_in_its_thread() {
    let mut host = host(&["a", "b"]);
    host.pass(MINUTE * 60, NONE).await;
    refuse(&host, EVERYTHING, true);
    host.pass(MINUTE * 2, NONE).await;
    assert_eq!(direct(&host), ["Unrecorded to a", "Unrecorded to b"]);
    while direct(&host).len() == 2 {
        host.pass(MINUTE / 2, ALL).await;
    }
    assert_eq!(direct(&host)[2..], ["Unrecorded to a", "Unrecorded to b"]);
    let told = String::from_utf8(host.direct()[2].bytes.clone()).unwrap();
    assert!(
        told.contains("\"OpenAI\"") && told.contains("event: Open"),
        "{told}"
    );
    host.pass(MINUTE * 30, ALL).await;
    assert_eq!(direct(&host).len(), 4, "nothing else has happened");
    assert_eq!(host.events(), []);
    refuse(&host, EVERYTHING, false);
    host.pass(MINUTE * 2, ALL).await;
    assert_eq!(host.events(), [EventKind::Open]);
    assert_eq!(host.last_mail().event.event, EventKind::Open);
    assert_eq!(notes(&host), ["Stored to a", "Stored to b"]);
    assert_eq!(direct(&host).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn past_the_outbox_too_nobody_is_woken_by_what_is_silent() {
    let mut host = host(&["a"]);
    host.pass(MINUTE * 60, NONE).await;
    let wish = host.wish_silence("openai", 600);
    host.say(Ask::Begin(wish)).await;
    refuse(&host, EVERYTHING, true);
    host.pass(MINUTE * 30, ALL).await;
    assert_eq!(direct(&host), ["Unrecorded to a"]);
}

#[tokio::test(start_paused = true)]
async fn that_a_damaged_database_was_moved_aside_is_told_once() {
    let mut host = host(&["a"]);
    host.pass(MINUTE * 5, NONE).await;
    host.stop();
    std::fs::write(host.dir().join("watchfire.db"), b"no database at all").unwrap();
    host.restart();
    host.pass(MINUTE * 5, NONE).await;
    host.restart();
    host.pass(MINUTE * 5, NONE).await;
    assert_eq!(notes(&host), ["Damaged to a"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_past_the_outbox_at_once_although_the_trouble_itself_was_told_an_hour_ago()
 {
    let mut host = host(&["a"]);
    host.pass(MINUTE * 60, NONE).await;
    refuse(&host, SAMPLES, true);
    host.pass(MINUTE * 2, NONE).await;
    refuse(&host, SAMPLES, false);
    host.pass(MINUTE * 2, NONE).await;
    refuse(&host, EVERYTHING, true);
    host.pass(MINUTE * 2, NONE).await;
    assert_eq!(direct(&host), [""; 0]);
    host.pass(MINUTE * 8, ALL).await;
    assert_eq!(direct(&host), ["Unrecorded to a"]);
    let told = String::from_utf8(host.direct()[0].bytes.clone()).unwrap();
    assert!(told.contains("event: Open"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_began_and_ended_while_nothing_could_be_written_is_mailed_as_ended() {
    let mut host = host(&["a"]);
    host.pass(MINUTE * 60, NONE).await;
    refuse(&host, EVERYTHING, true);
    host.pass(MINUTE * 20, ALL).await;
    host.pass(MINUTE * 60, NONE).await;
    let told = |n: usize| String::from_utf8(host.direct()[n].bytes.clone()).unwrap();
    assert_eq!(
        direct(&host).len(),
        3,
        "the trouble, the alarm, the recovery"
    );
    assert!(told(1).contains("event: Open") && told(2).contains("event: Close"));
    refuse(&host, EVERYTHING, false);
    host.pass(MINUTE * 2, NONE).await;
    assert_eq!(host.events(), [EventKind::Open, EventKind::Close]);
    assert_eq!(host.last_mail().event.event, EventKind::Close);
}

#[tokio::test(start_paused = true)]
async fn damage_that_a_reader_finds_at_work_is_looked_into_and_the_new_database_knows_who_is_watched()
 {
    let mut host = host(&["a"]);
    host.pass(MINUTE * 5, NONE).await;
    host.turn(Vec::new(), vec![Input::Damaged]);
    host.pass(MINUTE * 2, NONE).await;
    assert_eq!(notes(&host), [""; 0], "what is sound stays");
    let known = |host: &Host| host.reader().services().unwrap();
    let before = known(&host);
    let file = host.dir().join("watchfire.db");
    let length = std::fs::metadata(&file).unwrap().len() as usize;
    std::fs::write(&file, vec![0x55; length]).unwrap();
    host.turn(Vec::new(), vec![Input::Damaged]);
    host.pass(MINUTE * 2, NONE).await;
    assert_eq!(notes(&host), ["Damaged to a"]);
    assert_eq!(known(&host), before);
}
