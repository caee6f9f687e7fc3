//! What each misbehaviour of a mail server means for the letter.

use std::time::Duration;

use base64::Engine as _;
use futures_util::future::join_all;
use watchfire::model::notification::{Letter, Pending};
use watchfire::model::{EventKind, IncidentId, Secret, Timestamp};
use watchfire::notify::email::{Limits, Smtp};
use watchfire::notify::{Acceptance, Answer, Channel as _, Login, SmtpConfig, Step};

use super::server::{At, Authority, Certificate, Do, Journal, Mode, Server, WELL};

const USER: &str = "watchfire";
const PASSWORD: &str = "canary-hunter2";
/// Ample for loopback, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// For what can only end by the clock; time enough for a handshake on a busy machine.
const SHORT: Duration = Duration::from_secs(3);
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

/// What must be seen.
struct Case {
    name: &'static str,
    mode: Mode,
    limit: Duration,
    acceptance: Acceptance,
    step: Step,
    code: Option<u16>,
    /// Part of the words.
    says: &'static str,
    /// Messages that the server has read whole, accepted or not.
    whole: usize,
}

const fn faulty(faults: &'static [(At, Do)]) -> Mode {
    Mode { faults, ..WELL }
}

/// A fault for which the letter is kept and tried again; the server has nothing of it.
const fn later(name: &'static str, mode: Mode, step: Step, says: &'static str) -> Case {
    Case {
        name,
        mode,
        limit: LONG,
        acceptance: Acceptance::Later,
        step,
        code: None,
        says,
        whole: 0,
    }
}

/// The same, after a reply with this code.
const fn deferred(
    name: &'static str,
    mode: Mode,
    step: Step,
    code: u16,
    says: &'static str,
) -> Case {
    Case {
        code: Some(code),
        ..later(name, mode, step, says)
    }
}

/// The same, because nothing comes any more.
const fn mute(name: &'static str, mode: Mode, step: Step) -> Case {
    Case {
        limit: SHORT,
        ..later(name, mode, step, "no answer in time")
    }
}

/// The letter will never pass.
const fn refused(name: &'static str, mode: Mode, step: Step, code: u16, whole: usize) -> Case {
    Case {
        acceptance: Acceptance::Refused,
        whole,
        ..deferred(name, mode, step, code, "")
    }
}

/// The server has all of it, and did not say so.
const fn unsure(name: &'static str, mode: Mode, says: &'static str) -> Case {
    Case {
        acceptance: Acceptance::Unsure,
        whole: 1,
        ..later(name, mode, Step::Message, says)
    }
}

const fn accepted(name: &'static str, mode: Mode) -> Case {
    Case {
        acceptance: Acceptance::Accepted,
        whole: 1,
        ..deferred(name, mode, Step::Message, 250, "queued as 7")
    }
}

const CASES: &[Case] = &[
    accepted("all is well", WELL),
    accepted(
        "TLS from the start",
        Mode {
            tls_at_once: true,
            ..WELL
        },
    ),
    accepted(
        "AUTH LOGIN only",
        Mode {
            inside: b"250-mail.test\r\n250 AUTH LOGIN\r\n",
            ..WELL
        },
    ),
    Case {
        says: "250",
        ..accepted(
            "replies of a code alone",
            faulty(&[
                (At::Greeting, Do::Say(b"220\r\n")),
                (At::Auth, Do::Say(b"235 \r\n")),
                (At::Recipient, Do::Say(b"250\r\n")),
                (At::Data, Do::Say(b"354\r\n")),
                (At::Dot, Do::Say(b"250 \r\n")),
            ]),
        )
    },
    deferred(
        "greeting 421",
        faulty(&[(At::Greeting, Do::Say(b"421 4.3.2 too busy\r\n"))]),
        Step::Greeting,
        421,
        "too busy",
    ),
    deferred(
        "greeting 554",
        faulty(&[(At::Greeting, Do::Say(b"554 no mail here\r\n"))]),
        Step::Greeting,
        554,
        "no mail here",
    ),
    mute(
        "silent greeting",
        faulty(&[(At::Greeting, Do::Mute)]),
        Step::Greeting,
    ),
    later(
        "dropped at once",
        faulty(&[(At::Greeting, Do::Drop)]),
        Step::Greeting,
        "closed the connection",
    ),
    later(
        "endless line",
        faulty(&[(
            At::Greeting,
            Do::Repeat(b"220 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        )]),
        Step::Greeting,
        "without end",
    ),
    later(
        "endless reply",
        faulty(&[(At::Greeting, Do::Repeat(b"220-and another thing\r\n"))]),
        Step::Greeting,
        "without end",
    ),
    later(
        "endless capabilities",
        faulty(&[(At::Hello, Do::Repeat(b"250-X\r\n"))]),
        Step::Greeting,
        "without end",
    ),
    later(
        "endless blank capabilities",
        faulty(&[(At::SecondHello, Do::Repeat(b"250- \t \r\n"))]),
        Step::Greeting,
        "without end",
    ),
    later(
        "8-bit greeting",
        faulty(&[(At::Greeting, Do::Say(b"\xff\xfe\x00\x80\xc3\x28\r\n"))]),
        Step::Greeting,
        "an answer that is not SMTP",
    ),
    later(
        "not SMTP",
        faulty(&[(At::Greeting, Do::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n"))]),
        Step::Greeting,
        "an answer that is not SMTP: HTTP/1.1 400 Bad Request",
    ),
    later(
        "nothing but line ends",
        faulty(&[(At::Greeting, Do::Repeat(b"\r\n"))]),
        Step::Greeting,
        "an answer that is not SMTP",
    ),
    deferred(
        "reply with a terminal's commands",
        faulty(&[(
            At::Greeting,
            Do::Say(b"421 \x1b[2J\x1b]0;gone\x07 \xe2\x80\xae\r\n"),
        )]),
        Step::Greeting,
        421,
        "?[2J?]0;gone?",
    ),
    later(
        "no STARTTLS offered",
        Mode {
            clear: b"250-mail.test\r\n250 SIZE 1000\r\n",
            ..WELL
        },
        Step::Starttls,
        "no STARTTLS",
    ),
    later(
        "AUTH in clear and no STARTTLS",
        Mode {
            clear: b"250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n",
            ..WELL
        },
        Step::Starttls,
        "no STARTTLS",
    ),
    deferred(
        "STARTTLS refused for now",
        faulty(&[(At::Starttls, Do::Say(b"454 4.7.0 TLS not available\r\n"))]),
        Step::Starttls,
        454,
        "not available",
    ),
    deferred(
        "STARTTLS refused",
        faulty(&[(At::Starttls, Do::Say(b"502 5.5.1 what?\r\n"))]),
        Step::Starttls,
        502,
        "what?",
    ),
    later(
        "text in clear after STARTTLS",
        faulty(&[(
            At::Starttls,
            Do::Say(b"220 go ahead\r\n250-injected\r\n250 AUTH PLAIN\r\n"),
        )]),
        Step::Tls,
        "tampering",
    ),
    later(
        "garbage for a handshake",
        faulty(&[(
            At::Starttls,
            Do::Say(b"220 go ahead\r\nno handshake at all"),
        )]),
        Step::Tls,
        "tampering",
    ),
    mute(
        "mute after STARTTLS",
        faulty(&[(At::Starttls, Do::Mute)]),
        Step::Starttls,
    ),
    later(
        "certificate of another name",
        Mode {
            certificate: Certificate::WrongName,
            ..WELL
        },
        Step::Tls,
        "not valid for",
    ),
    later(
        "certificate of a stranger",
        Mode {
            certificate: Certificate::Untrusted,
            ..WELL
        },
        Step::Tls,
        "UnknownIssuer",
    ),
    later(
        "certificate of the past",
        Mode {
            certificate: Certificate::Expired,
            ..WELL
        },
        Step::Tls,
        "expired",
    ),
    later(
        "certificate of the past, TLS at once",
        Mode {
            certificate: Certificate::Expired,
            tls_at_once: true,
            ..WELL
        },
        Step::Tls,
        "expired",
    ),
    later(
        "no AUTH inside TLS",
        Mode {
            inside: b"250 mail.test\r\n",
            ..WELL
        },
        Step::Auth,
        "neither AUTH PLAIN nor AUTH LOGIN",
    ),
    later(
        "AUTH in clear only",
        Mode {
            clear: b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
            inside: b"250 mail.test\r\n",
            ..WELL
        },
        Step::Auth,
        "neither AUTH PLAIN nor AUTH LOGIN",
    ),
    later(
        "AUTH of an unknown way",
        Mode {
            inside: b"250-mail.test\r\n250 AUTH GSSAPI CRAM-MD5\r\n",
            ..WELL
        },
        Step::Auth,
        "neither AUTH PLAIN nor AUTH LOGIN",
    ),
    deferred(
        "wrong password",
        faulty(&[(At::Auth, Do::Say(b"535 5.7.8 authentication failed\r\n"))]),
        Step::Auth,
        535,
        "authentication failed",
    ),
    deferred(
        "the password said back",
        faulty(&[(
            At::Auth,
            Do::Say(b"535 no: AHdhdGNoZmlyZQBjYW5hcnktaHVudGVyMg== (canary-hunter2)\r\n"),
        )]),
        Step::Auth,
        535,
        "no: [secret] ([secret])",
    ),
    later(
        "questions without end",
        faulty(&[(At::Auth, Do::Say(b"334 \r\n"))]),
        Step::Auth,
        "",
    ),
    mute(
        "silent after AUTH",
        faulty(&[(At::Auth, Do::Mute)]),
        Step::Auth,
    ),
    deferred(
        "sender refused",
        faulty(&[(At::Sender, Do::Say(b"553 5.7.1 not yours\r\n"))]),
        Step::Sender,
        553,
        "not yours",
    ),
    deferred(
        "log-in asked for",
        faulty(&[(At::Sender, Do::Say(b"530 5.7.0 log in first\r\n"))]),
        Step::Sender,
        530,
        "log in first",
    ),
    deferred(
        "greylisted",
        faulty(&[(At::Recipient, Do::Say(b"450 4.2.0 greylisted\r\n"))]),
        Step::Recipient,
        450,
        "greylisted",
    ),
    refused(
        "no such recipient",
        faulty(&[(At::Recipient, Do::Say(b"550 5.1.1 user unknown\r\n"))]),
        Step::Recipient,
        550,
        0,
    ),
    deferred(
        "relaying denied",
        faulty(&[(At::Recipient, Do::Say(b"554 5.7.1 relay access denied\r\n"))]),
        Step::Recipient,
        554,
        "relay access denied",
    ),
    mute(
        "silent at the recipient",
        faulty(&[(At::Recipient, Do::Mute)]),
        Step::Recipient,
    ),
    later(
        "an odd yes to DATA",
        faulty(&[(At::Data, Do::Say(b"250 2.0.0 fine\r\n"))]),
        Step::Data,
        "unexpected answer 250",
    ),
    deferred(
        "DATA not now",
        faulty(&[(At::Data, Do::Say(b"452 4.3.1 disk full\r\n"))]),
        Step::Data,
        452,
        "disk full",
    ),
    Case {
        whole: 1,
        ..deferred(
            "not now after the dot",
            faulty(&[(At::Dot, Do::Say(b"451 4.3.0 queue full\r\n"))]),
            Step::Message,
            451,
            "queue full",
        )
    },
    refused(
        "too large after the dot",
        faulty(&[(At::Dot, Do::Say(b"552 5.3.4 too large\r\n"))]),
        Step::Message,
        552,
        1,
    ),
    unsure(
        "dropped after the dot",
        faulty(&[(At::Dot, Do::Drop)]),
        "the server closed the connection",
    ),
    Case {
        limit: SHORT,
        ..unsure(
            "silent after the dot",
            faulty(&[(At::Dot, Do::Mute)]),
            "no answer in time",
        )
    },
    unsure(
        "garbage after the dot",
        faulty(&[(At::Dot, Do::Say(b"\x00\xff\xff\r\n"))]),
        "an answer that is not SMTP",
    ),
    unsure(
        "endless reply after the dot",
        faulty(&[(At::Dot, Do::Repeat(b"250-still here\r\n"))]),
        "without end",
    ),
];

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
    if journal.whole.len() != case.whole || journal.whole.iter().any(|m| *m != whole) {
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
