//! The ways of mail servers that a sender of alerts must bear, with what each must mean to it.

use std::time::Duration;

use super::{At, Conduct, Do, Shield};

/// One way to misbehave.
#[derive(Debug)]
pub struct Mode {
    /// Unique; one word.
    pub name: &'static str,
    /// What the server does, in a few words.
    pub does: &'static str,
    /// What a sender must make of it while it lasts.
    pub means: Meaning,
    /// How it is done.
    pub conduct: Conduct,
}

/// What a sender must make of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The server has the letter.
    Taken,
    /// It has nothing; the same letter is to be tried again.
    Later,
    /// It never takes this letter for this recipient.
    Refused,
    /// It may have it; the same bytes are to be sent again.
    Unsure,
}

impl Meaning {
    /// `taken`, `later`, `refused` or `unsure`.
    pub const fn name(self) -> &'static str {
        match self {
            Meaning::Taken => "taken",
            Meaning::Later => "later",
            Meaning::Refused => "refused",
            Meaning::Unsure => "unsure",
        }
    }
}

/// The mode of a name.
pub fn mode(name: &str) -> Option<&'static Mode> {
    MODES.iter().find(|mode| mode.name == name)
}

impl Mode {
    /// Whether it needs a certificate: it comes to a handshake.
    pub fn is_shielded(&self) -> bool {
        let word = b"STARTTLS";
        match self.conduct.shield {
            Shield::None => false,
            Shield::Starttls => self.conduct.clear.windows(word.len()).any(|w| w == word),
            Shield::AtOnce => true,
        }
    }
}

const fn faulty(
    name: &'static str,
    does: &'static str,
    means: Meaning,
    faults: &'static [(At, Do)],
) -> Mode {
    let conduct = Conduct {
        faults,
        ..Conduct::RELAY
    };
    Mode {
        name,
        does,
        means,
        conduct,
    }
}

const fn shielded(
    name: &'static str,
    does: &'static str,
    means: Meaning,
    conduct: Conduct,
) -> Mode {
    Mode {
        name,
        does,
        means,
        conduct,
    }
}

impl Mode {
    const fn only(mut self, only: &'static str) -> Self {
        self.conduct.only = only;
        self
    }

    const fn times(mut self, times: usize) -> Self {
        self.conduct.times = times;
        self
    }
}

use Meaning::{Later, Refused, Taken, Unsure};

/// All of them, in the order of their ports.
#[rustfmt::skip]
pub const MODES: &[Mode] = &[
    faulty("ok", "takes everything", Taken, &[]),
    faulty("multi-line", "says everything in several lines", Taken, &[
        (At::Greeting, Do::Say(b"220-mail.test ESMTP\r\n220-no spam\r\n220 welcome\r\n")),
        (At::Recipient, Do::Say(b"250-2.1.5 known\r\n250 2.1.5 ok\r\n")),
        (At::Dot, Do::Say(b"250-2.0.0 taken\r\n250-2.0.0 queued as 7\r\n250 2.0.0 thanks\r\n")),
    ]),
    faulty("slow", "half a second before each answer", Taken, &[
        (At::Greeting, Do::Late(Duration::from_millis(500))),
        (At::Recipient, Do::Late(Duration::from_millis(500))),
        (At::Dot, Do::Late(Duration::from_millis(500))),
    ]),
    faulty("busy", "421 for a greeting", Later, &[(At::Greeting, Do::Say(b"421 4.3.2 too busy\r\n"))]),
    faulty("greylist", "450 to the first two attempts for each recipient", Later,
        &[(At::Recipient, Do::Say(b"450 4.2.0 greylisted\r\n"))]).times(2),
    faulty("unknown", "550 to recipients that begin with `gone`", Refused,
        &[(At::Recipient, Do::Say(b"550 5.1.1 user unknown\r\n"))]).only("gone"),
    faulty("late", "a greeting after five minutes", Later, &[(At::Greeting, Do::Late(Duration::from_secs(300)))]),
    faulty("drip", "a greeting of one byte each half second, without end", Later,
        &[(At::Greeting, Do::Drip(b"220-x\r\n", Duration::from_millis(500)))]),
    faulty("endless-line", "a reply line without end", Later,
        &[(At::Greeting, Do::Repeat(b"220 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))]),
    faulty("endless-reply", "a reply of lines without end", Later,
        &[(At::Hello, Do::Repeat(b"250-X-AND-ANOTHER-THING\r\n"))]),
    faulty("silent", "takes the connection and says nothing", Later, &[(At::Greeting, Do::Mute)]),
    faulty("mute", "falls silent at the recipient", Later, &[(At::Recipient, Do::Mute)]),
    faulty("hang-up", "hangs up in the middle of the message", Later, &[(At::MidMessage, Do::Drop)]),
    faulty("later", "451 after the dot", Later, &[(At::Dot, Do::Say(b"451 4.3.0 queue full\r\n"))]),
    faulty("too-large", "552 after the dot", Refused, &[(At::Dot, Do::Say(b"552 5.3.4 too large\r\n"))]),
    faulty("drop", "hangs up after the dot, once for each recipient", Unsure, &[(At::Dot, Do::Drop)]).times(1),
    faulty("unsaid", "takes the message and never says so", Unsure, &[(At::Dot, Do::Mute)]),
    shielded("stripped", "offers no STARTTLS, and AUTH in clear", Later, Conduct {
        clear: b"250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n", ..Conduct::SUBMISSION }),
    shielded("starttls", "STARTTLS, and AUTH inside it", Taken, Conduct::SUBMISSION),
    shielded("smtps", "TLS from the first byte", Taken, Conduct { shield: Shield::AtOnce, ..Conduct::SUBMISSION }),
    shielded("injected", "goes on in clear after STARTTLS", Later, Conduct {
        faults: &[(At::Starttls, Do::Say(b"220 go ahead\r\n250 AUTH PLAIN\r\n"))], ..Conduct::SUBMISSION }),
    shielded("clear-auth", "offers AUTH in clear only, beside STARTTLS", Later, Conduct {
        clear: b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n", inside: b"250 mail.test\r\n", ..Conduct::SUBMISSION }),
    shielded("password", "535 to every password", Later, Conduct {
        faults: &[(At::Auth, Do::Say(b"535 5.7.8 authentication failed\r\n"))], ..Conduct::SUBMISSION }),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_mode_has_a_name_of_its_own_and_says_what_it_does() {
        let mut names = HashSet::new();
        for mode in MODES {
            let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
            assert!(mode.name.bytes().all(plain), "{}", mode.name);
            assert!(names.insert(mode.name), "{} stands twice", mode.name);
            assert!((1..=80).contains(&mode.does.len()), "{}", mode.does);
        }
    }
}
