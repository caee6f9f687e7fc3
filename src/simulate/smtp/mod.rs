//! A mail server that breaks the rules, one way at a time, and keeps a journal of what it was told: for drills and tests.
//!
//! A way to misbehave is a [`Conduct`]: data, said with the part of the conversation in which it happens. `modes` names those
//! that a sender of alerts must bear, `session` performs one on a connection, `server` opens the door. All replies are
//! written by hand: a library would refuse to say most of them.

mod journal;
mod modes;
mod server;
mod session;

use std::time::Duration;

pub use journal::{Journal, Taken};
pub use modes::{MODES, Meaning, Mode, mode};
pub use server::{Host, serve};

/// Where in a conversation a server may misbehave: each the server's turn to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// Its first word.
    Greeting,
    /// The capabilities in clear, or the only ones with TLS from the start.
    Hello,
    /// The answer to STARTTLS.
    Starttls,
    /// The capabilities inside TLS.
    SecondHello,
    /// The answer to the password.
    Auth,
    /// The answer to the sender's address.
    Sender,
    /// The answer to the recipient's address.
    Recipient,
    /// The answer to DATA.
    Data,
    /// After the first bytes of the message.
    MidMessage,
    /// After the dot that ends it.
    Dot,
}

/// What it does there in place of the proper answer.
#[derive(Debug, Clone, Copy)]
pub enum Do {
    /// Says something else.
    Say(&'static [u8]),
    /// Nothing, with the connection open.
    Mute,
    /// Hangs up.
    Drop,
    /// The same again and again, without end.
    Repeat(&'static [u8]),
    /// The same again and again, one byte at a time, with this pause (real time) before each.
    Drip(&'static [u8], Duration),
    /// The proper answer, but so much later (real time).
    Late(Duration),
    /// A line whose end comes after so many bytes.
    LongLine(usize),
}

/// Where TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shield {
    /// Nowhere.
    None,
    /// When it is asked for.
    Starttls,
    /// With the first byte.
    AtOnce,
}

/// How a server behaves.
#[derive(Debug, Clone, Copy)]
pub struct Conduct {
    /// Where it misbehaves, and how.
    pub faults: &'static [(At, Do)],
    /// Only towards recipients whose address begins so, from their naming on; empty: towards all.
    pub only: &'static str,
    /// So many times, counted for each part of the conversation and each recipient; 0: always.
    pub times: usize,
    /// Where TLS begins.
    pub shield: Shield,
    /// Capabilities in clear.
    pub clear: &'static [u8],
    /// Capabilities inside TLS.
    pub inside: &'static [u8],
}

impl Conduct {
    /// Without fault, in clear, without passwords: a relay on this host.
    pub const RELAY: Self = Self {
        faults: &[],
        only: "",
        times: 0,
        shield: Shield::None,
        clear: b"250-mail.test\r\n250-SIZE 10485760\r\n250 8BITMIME\r\n",
        inside: b"",
    };

    /// Without fault: STARTTLS, and AUTH inside it only.
    pub const SUBMISSION: Self = Self {
        shield: Shield::Starttls,
        clear: b"250-mail.test\r\n250-SIZE 10485760\r\n250 STARTTLS\r\n",
        inside: b"250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
        ..Self::RELAY
    };

    /// What it does at a part of the conversation, if not the proper thing.
    fn fault(&self, at: At) -> Option<Do> {
        let mut faults = self.faults.iter();
        faults
            .find(|(place, _)| *place == at)
            .map(|(_, what)| *what)
    }
}
