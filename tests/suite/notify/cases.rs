//! The misbehaviours of mail servers, and what each must mean.

use std::time::Duration;

use watchfire::notify::{Acceptance, Step};

use super::server::{At, Certificate, Do, Mode, WELL};

/// Ample for loopback, also on a busy machine.
pub const LONG: Duration = Duration::from_secs(20);
/// For what can only end by the clock; time enough for a handshake on a busy machine.
pub const SHORT: Duration = Duration::from_secs(3);
/// What must be seen.
pub struct Case {
    pub name: &'static str,
    pub mode: Mode,
    pub limit: Duration,
    pub acceptance: Acceptance,
    pub step: Step,
    pub code: Option<u16>,
    /// Part of the words.
    pub says: &'static str,
    /// Messages that the server has read whole, accepted or not.
    pub whole: usize,
}

pub const fn faulty(faults: &'static [(At, Do)]) -> Mode {
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

pub const CASES: &[Case] = &[
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
