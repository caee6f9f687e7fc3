//! What each misbehaviour of a mail server means for the letter.

use std::time::Duration;

use base64::Engine as _;
use futures_util::future::join_all;
use watchfire::model::notification::{Letter, Pending};
use watchfire::model::{EventKind, IncidentId, Secret, Timestamp};
use watchfire::notify::email::{Limits, Smtp};
use watchfire::notify::{Acceptance, Answer, Channel as _, Login, SmtpConfig, Step};
use watchfire::simulate::smtp::Journal;

use super::cases::{CASES, Case, LONG, SHORT, faulty};
use super::server::{At, Authority, Do, Mode, Server, WELL};

const USER: &str = "watchfire";
const PASSWORD: &str = "canary-hunter2";
/// Nothing may hang: longer than any sum of limits.
const HUNG: Duration = Duration::from_secs(120);

fn letter(body: &str) -> Pending {
    let head = "Message-ID: <1.0.abc@test>\r\nSubject: test\r\n\r\n";
    Pending {
        id: 1,
        incident: Some(IncidentId(1)),
        event: Some(EventKind::Open),
        letter: Letter {
            recipient: "oncall@example.com".to_owned(),
            message_id: "<1.0.abc@test>".to_owned(),
            bytes: format!("{head}{body}\r\n").into_bytes(),
        },
        attempts: 0,
        created_at: Timestamp::from_micros(0),
    }
}

fn channel(server: &Server, mode: &Mode, authority: &Authority, limits: Limits) -> Smtp {
    let scheme = if mode.tls_at_once { "smtps" } else { "smtp" };
    let url = format!("{scheme}://127.0.0.1:{}", server.port);
    let config = SmtpConfig {
        server: SmtpConfig::parse_url(&url).unwrap(),
        login: Some(Login {
            user: USER.to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
        }),
        from: "watchfire@example.com".to_owned(),
        ca: Some(authority.pem.clone().into_bytes()),
    };
    Smtp::new(&config).unwrap().limits(limits)
}

/// A server and a channel to it. All that takes the processor long is done here, before any clock runs.
struct Pair {
    server: Server,
    channel: Smtp,
}

impl Pair {
    async fn set(authority: &Authority, mode: &Mode, limit: Duration) -> Self {
        let server = Server::start(*mode, authority).await;
        let limits = Limits {
            connect: limit,
            dialog: limit,
            confirmation: limit,
        };
        let channel = channel(&server, mode, authority, limits);
        Self { server, channel }
    }

    async fn attempt(&self, pending: &Pending) -> (Answer, Journal) {
        let answer = tokio::time::timeout(HUNG, self.channel.deliver(pending))
            .await
            .expect("an attempt ends by itself");
        (answer, self.server.journal())
    }
}

async fn attempt(
    authority: &Authority,
    mode: Mode,
    limit: Duration,
    pending: &Pending,
) -> (Answer, Journal) {
    let pair = Pair::set(authority, &mode, limit).await;
    pair.attempt(pending).await
}

/// Whether these bytes hold the password, as it is or as AUTH sends it.
fn betrays(bytes: &[u8]) -> bool {
    let base64 = base64::engine::general_purpose::STANDARD;
    let text = String::from_utf8_lossy(bytes);
    let plain = format!("\0{USER}\0{PASSWORD}");
    [
        PASSWORD.to_owned(),
        base64.encode(plain),
        base64.encode(PASSWORD),
    ]
    .iter()
    .any(|form| text.contains(form))
}

fn fault(case: &Case, answer: &Answer, journal: &Journal, sent: &Pending) -> Option<String> {
    let got = (answer.acceptance, answer.step, answer.code);
    if got != (case.acceptance, case.step, case.code) {
        return Some(format!("came to {got:?}"));
    }
    if !answer.reply.contains(case.says) {
        return Some("says something else".to_owned());
    }
    if answer.reply.is_empty() || answer.reply.chars().count() > Answer::REPLY_LIMIT {
        return Some("has no words, or too many".to_owned());
    }
    if answer.reply.contains(char::is_control) || betrays(answer.reply.as_bytes()) {
        return Some("has unfit words".to_owned());
    }
    if betrays(&journal.raw) || String::from_utf8_lossy(&journal.raw).contains("AUTH") {
        return Some("sent its password in clear".to_owned());
    }
    let mut whole = sent.letter.bytes.clone();
    whole.extend_from_slice(b"\r\n");
    if journal.whole.len() != case.whole || journal.whole.iter().any(|m| m.message != whole) {
        return Some(format!("left {} messages", journal.whole.len()));
    }
    (journal.connections != 1).then(|| format!("took {} connections", journal.connections))
}

/// Runs these cases side by side.
async fn run(cases: impl Iterator<Item = &Case>) {
    let authority = Authority::new("watchfire's own");
    let sent = letter("Hello.\r\n.\r\n..two dots\r\n.\r\nQUIT");
    let mut pairs = Vec::new();
    for case in cases {
        pairs.push((case, Pair::set(&authority, &case.mode, case.limit).await));
    }
    let runs = pairs.iter().map(|(case, pair)| async {
        let (answer, journal) = pair.attempt(&sent).await;
        let why = fault(case, &answer, &journal, &sent)?;
        let commands = &journal.commands;
        Some(format!(
            "{}: {why}\n  {answer:?}\n  {commands:?}",
            case.name
        ))
    });
    let wrong: Vec<String> = join_all(runs).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn each_misbehaviour_has_its_meaning_and_none_costs_the_password_or_a_letter() {
    run(CASES.iter().filter(|c| c.limit == LONG)).await;
}

#[tokio::test]
async fn each_silence_ends_by_the_clock_and_keeps_the_letter() {
    run(CASES.iter().filter(|c| c.limit == SHORT)).await;
}

#[tokio::test]
async fn the_reply_that_is_kept_is_bounded() {
    let authority = Authority::new("watchfire's own");
    for bytes in [400, 3_000, 60_000] {
        let faults: &'static [(At, Do)] = Box::leak(Box::new([(At::Dot, Do::LongLine(bytes))]));
        let (answer, _) = attempt(&authority, faulty(faults), LONG, &letter("x")).await;
        assert!(
            answer.reply.chars().count() <= Answer::REPLY_LIMIT,
            "{bytes}"
        );
        assert!(
            matches!(answer.acceptance, Acceptance::Accepted | Acceptance::Unsure),
            "{bytes}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_message_leaves_nothing_and_is_not_ambiguous() {
    let authority = Authority::new("watchfire's own");
    // More than the sockets of both sides hold, so that the dot cannot have left.
    let sent = letter(&"0123456789abcdef\r\n".repeat(2_000_000));
    for (what, limit) in [(Do::Drop, LONG), (Do::Mute, SHORT)] {
        let faults: &'static [(At, Do)] = Box::leak(Box::new([(At::MidMessage, what)]));
        let (answer, journal) = attempt(&authority, faulty(faults), limit, &sent).await;
        assert_eq!(
            (answer.acceptance, answer.step),
            (Acceptance::Later, Step::Message),
            "{answer:?}"
        );
        assert!(journal.whole.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_with_its_step_and_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for (host, step) in [
        (format!("127.0.0.1:{port}"), Step::Connect),
        ("no-such-host.invalid:587".to_owned(), Step::Resolve),
    ] {
        let config = SmtpConfig {
            server: SmtpConfig::parse_url(&format!("smtp://{host}")).unwrap(),
            login: None,
            from: "watchfire@example.com".to_owned(),
            ca: None,
        };
        let answer = Smtp::new(&config).unwrap().deliver(&letter("x")).await;
        assert_eq!((answer.acceptance, answer.step), (Acceptance::Later, step));
        assert!(!answer.reply.is_empty());
    }
}

#[tokio::test]
async fn a_recipient_that_is_no_address_reaches_no_server() {
    let authority = Authority::new("watchfire's own");
    for bad in [
        "a b@example.com",
        "a@b.c\r\nDATA",
        "<a@b.c>",
        "",
        "a@b.c> SIZE=1",
    ] {
        let mut sent = letter("x");
        sent.letter.recipient = bad.to_owned();
        let (answer, journal) = attempt(&authority, WELL, LONG, &sent).await;
        assert_eq!(
            answer.acceptance,
            Acceptance::Refused,
            "{bad:?}: {answer:?}"
        );
        let told = |c: &String| {
            ["MAIL", "RCPT", "DATA"]
                .iter()
                .any(|word| c.starts_with(word))
        };
        assert!(!journal.commands.iter().any(told), "{:?}", journal.commands);
    }
}

#[test]
fn a_password_is_never_configured_to_travel_in_clear() {
    let config = SmtpConfig {
        server: SmtpConfig::parse_url("smtp-plain://127.0.0.1:25").unwrap(),
        login: Some(Login {
            user: USER.to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
        }),
        from: "watchfire@example.com".to_owned(),
        ca: None,
    };
    let why = Smtp::new(&config).err().unwrap();
    assert!(why.contains("never sends a password") && !betrays(why.as_bytes()));
}
