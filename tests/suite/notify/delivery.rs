//! The outbox, the sender and a real conversation with a mail server that misbehaves in every way that is known: nothing
//! is lost, nothing overtakes, and what comes twice is the same.
//!
//! On paused time: a wait for the other side costs nothing, and all limits are those of the program.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::model::notification::{DeliveryReport, Letter, Pending};
use watchfire::model::{EventKind, IncidentId, Secret, Timestamp};
use watchfire::notify::email::Smtp;
use watchfire::notify::worker::{self, Outbox};
use watchfire::notify::{Login, SmtpConfig};
use watchfire::simulate::smtp::{At, Conduct, Do, Host, MODES, Meaning, Mode, Shield, Taken};
use watchfire::store::{About, DeliveryState, Reader, Store};

use super::server::{Authority, Certificate, Server};

const PASSWORD: &str = "canary-hunter2";
const PEOPLE: [&str; 3] = ["gone@example.com", "b@example.com", "c@example.com"];
const EVENTS: [EventKind; 3] = [EventKind::Open, EventKind::Escalate, EventKind::Close];
/// Nobody waits longer for the sender (of paused time).
const PATIENCE: Duration = Duration::from_secs(3 * 86_400);

struct Shelf(Reader);

impl Outbox for Shelf {
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String> {
        self.0.due(now, limit).map_err(|e| e.to_string())
    }

    fn next_due(&self) -> Result<Option<Timestamp>, String> {
        self.0.next_due().map_err(|e| e.to_string())
    }
}

/// A database, a sender at work on it, and one who writes down what the sender reports.
struct Post {
    reader: Reader,
    clock: Clock,
    server: Server,
    incidents: u64,
    recorded: Arc<Notify>,
    stop: CancellationToken,
    _tasks: [JoinHandle<()>; 2],
    _dir: tempfile::TempDir,
}

/// The letter of an event to one of the recipients.
fn letter(incident: u64, sequence: usize, recipient: &str) -> Letter {
    let message_id = format!("<{incident}.{sequence}.{recipient}>");
    let body = format!("Event {sequence} of {incident}.\r\n.\r\n..\r\nQUIT");
    Letter {
        recipient: recipient.to_owned(),
        bytes: format!("Message-ID: {message_id}\r\nSubject: x\r\n\r\n{body}\r\n").into_bytes(),
        message_id,
    }
}

impl Post {
    async fn open(
        conduct: Conduct,
        incidents: u64,
        people: &[&str],
        authority: &Authority,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::sped(Timestamp::parse("2026-11-08T03:00:00Z").unwrap(), 1.0);
        let mut store = Store::open(dir.path()).unwrap();
        let mut tx = store.begin().unwrap();
        for (sequence, event) in EVENTS.into_iter().enumerate() {
            for incident in 1..=incidents {
                for recipient in people {
                    let about = About {
                        incident: IncidentId(incident),
                        sequence: u32::try_from(sequence).unwrap(),
                        event,
                    };
                    let letter = letter(incident, sequence, recipient);
                    tx.letter(Some(about), &letter, clock.now()).unwrap();
                }
            }
        }
        tx.commit().unwrap();

        let host = Host::new(conduct, Some(authority.acceptor(Certificate::Good)));
        let server = Server::open(host).await;
        let scheme = match conduct.shield {
            Shield::None => "smtp-plain",
            Shield::Starttls => "smtp",
            Shield::AtOnce => "smtps",
        };
        let login = Login {
            user: "watchfire".to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
        };
        let url = format!("{scheme}://127.0.0.1:{}", server.port);
        let channel = Smtp::new(&SmtpConfig {
            server: SmtpConfig::parse_url(&url).unwrap(),
            login: (conduct.shield != Shield::None).then_some(login),
            from: "watchfire@example.com".to_owned(),
            ca: Some(authority.pem.clone().into_bytes()),
        });
        let (reports, mut reported) = mpsc::channel::<DeliveryReport>(64);
        let (wake, recorded) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let stop = CancellationToken::new();
        let sender = tokio::spawn(worker::run(
            Shelf(Reader::open(dir.path()).unwrap()),
            Arc::new(channel.unwrap()),
            reports,
            Arc::clone(&wake),
            clock.clone(),
            stop.clone(),
        ));
        let done = Arc::clone(&recorded);
        let engine = tokio::spawn(async move {
            let mut batch = Vec::new();
            while reported.recv_many(&mut batch, 64).await > 0 {
                let mut tx = store.begin().unwrap();
                for report in batch.drain(..) {
                    tx.report(&report).unwrap();
                }
                tx.commit().unwrap();
                wake.notify_one();
                done.notify_one();
            }
        });
        Self {
            reader: Reader::open(dir.path()).unwrap(),
            clock,
            server,
            incidents,
            recorded,
            stop,
            _tasks: [sender, engine],
            _dir: dir,
        }
    }

    /// The letters of an incident, as they stand.
    fn states(&self) -> Vec<(IncidentId, watchfire::store::DeliveryRow)> {
        let of = |n| {
            let incident = IncidentId(n);
            let rows = self.reader.deliveries(incident).unwrap();
            rows.into_iter().map(move |row| (incident, row))
        };
        (1..=self.incidents).flat_map(of).collect()
    }

    /// Waits until the letters stand as wanted.
    async fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                self.recorded.notified().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{what}: never");
    }

    fn all(&self, holds: impl Fn(&watchfire::store::DeliveryRow) -> bool) -> bool {
        self.states().iter().all(|(_, row)| holds(row))
    }

    fn finished(&self) -> bool {
        self.reader.outbox_summary().unwrap().pending == 0
    }

    /// What is wrong with what the server has; nothing, when all came once, or `twice` where that cannot be helped, in
    /// order and unchanged.
    fn faults(&self, twice: bool) -> Vec<String> {
        let journal = self.server.journal();
        let kept: Vec<&Taken> = journal.kept().collect();
        let mut firsts: HashMap<String, usize> = HashMap::new();
        let mut faults = Vec::new();
        for (n, taken) in kept.iter().enumerate() {
            if firsts.contains_key(&taken.id()) && !twice {
                faults.push(format!("{} came twice", taken.id()));
            }
            firsts.entry(taken.id()).or_insert(n);
        }
        let mut last: HashMap<(IncidentId, String), usize> = HashMap::new();
        for (incident, row) in self.states() {
            let sequence = usize::try_from(row.sequence.unwrap()).unwrap();
            let whole = letter(incident.0, sequence, &row.recipient).bytes;
            let copies = kept.iter().filter(|t| t.id() == row.message_id);
            let others = copies.filter(|t| t.message != [&whole[..], b"\r\n"].concat());
            if others.count() > 0 {
                faults.push(format!("{} came changed", row.message_id));
            }
            match (row.state, firsts.get(&row.message_id)) {
                (DeliveryState::Sent, Some(at)) => {
                    if last
                        .get(&(incident, row.recipient.clone()))
                        .is_some_and(|l| l > at)
                    {
                        faults.push(format!("{} overtook", row.message_id));
                    }
                    last.insert((incident, row.recipient.clone()), *at);
                }
                (DeliveryState::Sent, None) => faults.push(format!("{} is lost", row.message_id)),
                (DeliveryState::Dead, None) => {}
                (state, _) => faults.push(format!("{} is {}", row.message_id, state.name())),
            }
        }
        let raw = String::from_utf8_lossy(&journal.raw).into_owned();
        if raw.contains("AUTH") || raw.contains(PASSWORD) {
            faults.push("the password went out in clear".to_owned());
        }
        faults
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Plays one mode until it has shown itself to everybody, then a server that works.
async fn bear(mode: &'static Mode, authority: &Authority) {
    let post = Post::open(mode.conduct, 2, &PEOPLE, authority).await;
    let refused = |row: &watchfire::store::DeliveryRow| {
        mode.means == Meaning::Refused && row.recipient.starts_with(mode.conduct.only)
    };
    match mode.means {
        Meaning::Taken | Meaning::Refused => post.until(mode.name, Post::finished).await,
        Meaning::Later | Meaning::Unsure => {
            let tried = |post: &Post| {
                let attempts = post.states().into_iter().map(|(_, row)| row.attempts);
                attempts.sum::<u32>() >= 6
            };
            post.until(mode.name, tried).await;
            let early = post.all(|row| row.state != DeliveryState::Dead);
            assert!(early, "{}: given up", mode.name);
        }
    }
    post.server.host.behave(match mode.conduct.shield {
        Shield::None => Conduct::RELAY,
        shield => Conduct {
            shield,
            ..Conduct::SUBMISSION
        },
    });
    post.until(mode.name, Post::finished).await;
    let faults = post.faults(mode.means == Meaning::Unsure);
    assert!(faults.is_empty(), "{}: {faults:#?}", mode.name);
    for (_, row) in post.states() {
        assert_eq!(
            row.state == DeliveryState::Dead,
            refused(&row),
            "{}: {row:?}",
            mode.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_the_mail_server_does_nothing_is_lost_or_overtakes_and_nothing_comes_twice_but_after_the_dot()
 {
    let authority = Authority::new("watchfire's own");
    for mode in MODES {
        bear(mode, &authority).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_cut_off_after_its_dot_comes_twice_at_most_and_with_the_same_bytes() {
    let authority = Authority::new("watchfire's own");
    let people: Vec<String> = (0..200).map(|n| format!("p{n}@example.com")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let drop = watchfire::simulate::smtp::mode("drop").unwrap();
    let post = Post::open(drop.conduct, 1, &people, &authority).await;
    post.until("all are out", Post::finished).await;
    assert_eq!(post.faults(true), Vec::<String>::new());
    let mut copies: HashMap<String, usize> = HashMap::new();
    for taken in post.server.journal().kept() {
        *copies.entry(taken.id()).or_default() += 1;
    }
    let so_often = |times: usize| copies.values().filter(|n| **n == times).count();
    assert_eq!((so_often(1), so_often(2)), (400, 200));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_yes_nine_minutes_after_the_dot_is_waited_for() {
    let authority = Authority::new("watchfire's own");
    const NINE: &[(At, Do)] = &[(At::Dot, Do::Late(Duration::from_secs(540)))];
    let conduct = Conduct {
        faults: NINE,
        ..Conduct::RELAY
    };
    let post = Post::open(conduct, 1, &["b@example.com"], &authority).await;
    post.until("all are out", Post::finished).await;
    assert_eq!(post.faults(false), Vec::<String>::new());
    assert!(post.all(|row| row.attempts == 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_says_nothing_for_eleven_minutes_gets_the_same_again() {
    let authority = Authority::new("watchfire's own");
    const ELEVEN: &[(At, Do)] = &[(At::Dot, Do::Late(Duration::from_secs(660)))];
    let conduct = Conduct {
        faults: ELEVEN,
        times: 1,
        ..Conduct::RELAY
    };
    let post = Post::open(conduct, 1, &["b@example.com"], &authority).await;
    let begun = post.clock.now();
    post.until("all are out", Post::finished).await;
    let took = post.clock.now().since(begun);
    assert!(took > Duration::from_secs(600), "{took:?}");
    assert_eq!(post.faults(true), Vec::<String>::new());
    assert_eq!(post.server.journal().kept().count(), 4);
}

#[tokio::test(start_paused = true)]
async fn after_eight_hours_without_a_server_five_hundred_incidents_are_out_within_five_minutes() {
    let authority = Authority::new("watchfire's own");
    let busy = watchfire::simulate::smtp::mode("busy").unwrap();
    let post = Post::open(busy.conduct, 500, &["b@example.com"], &authority).await;
    tokio::time::sleep(Duration::from_secs(8 * 3600)).await;
    let knocks = post.server.journal().connections;
    assert!((400..600).contains(&knocks), "{knocks} attempts in 8 h");
    let back = post.clock.now();
    post.server.host.behave(Conduct::RELAY);
    post.until("all are out", Post::finished).await;
    let took = post.clock.now().since(back);
    assert!(took <= Duration::from_secs(300), "{took:?}");
    assert_eq!(post.faults(false), Vec::<String>::new());
    assert_eq!(post.server.journal().kept().count(), 1500);
}
