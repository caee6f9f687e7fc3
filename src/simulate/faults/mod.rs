//! A server that breaks the rules, one way at a time: HTTP/1.1, event streams, TLS, HTTP/2 and DNS, for drills and tests.
//!
//! A way to misbehave is a [`Mode`]: data, with what a probe must make of it. `play` performs it on a connection,
//! `server` opens the doors. All bytes are written by hand: a library would refuse to say most of this.

mod certificate;
mod dns;
mod gzip;
mod http1;
mod http2;
mod play;
mod server;
mod sse;
mod tls;

use crate::model::{FailureKind, Fault, Outcome, Phase};

pub use certificate::{CertificateError, acceptor, plain_acceptor};
pub use dns::serve as serve_dns;
pub use server::{Door, serve};

use play::Act;

/// One way to misbehave.
#[derive(Debug)]
pub struct Mode {
    /// Unique within its protocol; stands in addresses.
    pub name: &'static str,
    /// What the server does, in a few words.
    pub does: &'static str,
    /// Keys that the probe must have besides its address for `seen` to hold, as in probes.toml.
    pub keys: &'static str,
    /// What a probe must make of it.
    pub seen: Seen,
    acts: &'static [Act],
}

/// What a probe must make of a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Odd, and still a whole answer.
    Success,
    /// Failed: what, whose fault, and in which phase.
    Failure(FailureKind, Fault, Phase),
}

/// What is spoken; decides where a mode is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `/h1/MODE`, asked by a probe of kind `http`.
    Http1,
    /// `/sse/MODE`, asked by a streamed probe of kind `chat` that expects the text `pong`.
    Sse,
    /// A port each, asked over https: the handshake never ends well.
    Tls,
    /// A port each, asked over https: TLS as it should be, and HTTP/2 on top of it.
    Http2,
    /// Names that end in `.MODE.test`, asked of the name server.
    Dns,
}

impl Protocol {
    /// All, in the order in which they are listed.
    pub const ALL: &'static [Protocol] = &[
        Protocol::Http1,
        Protocol::Sse,
        Protocol::Tls,
        Protocol::Http2,
        Protocol::Dns,
    ];

    /// One word: `h1`, `sse`, `tls`, `h2` or `dns`.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Http1 => "h1",
            Protocol::Sse => "sse",
            Protocol::Tls => "tls",
            Protocol::Http2 => "h2",
            Protocol::Dns => "dns",
        }
    }

    /// Its modes, in the order of their ports.
    pub fn modes(self) -> impl Iterator<Item = &'static Mode> {
        let tables: &[&'static [Mode]] = match self {
            Protocol::Http1 => http1::TABLES,
            Protocol::Sse => &[sse::MODES],
            Protocol::Tls => &[tls::MODES],
            Protocol::Http2 => &[http2::MODES],
            Protocol::Dns => &[dns::MODES],
        };
        tables.iter().flat_map(|table| table.iter())
    }

    /// The mode of a name.
    pub fn mode(self, name: &str) -> Option<&'static Mode> {
        self.modes().find(|mode| mode.name == name)
    }
}

impl Seen {
    /// Whether a run came to this.
    pub fn is(self, outcome: Outcome, failed_in: Option<Phase>) -> bool {
        match self {
            Seen::Success => outcome == Outcome::Success,
            Seen::Failure(kind, fault, phase) => {
                outcome == Outcome::Failure(kind, fault) && failed_in == Some(phase)
            }
        }
    }
}

const fn mode(name: &'static str, does: &'static str, seen: Seen, acts: &'static [Act]) -> Mode {
    Mode {
        name,
        does,
        keys: "",
        seen,
        acts,
    }
}

impl Mode {
    const fn asked_with(self, keys: &'static str) -> Self {
        Self { keys, ..self }
    }
}

// The verdicts that most modes come to.
const PROTOCOL: Seen = Seen::Failure(FailureKind::Protocol, Fault::Provider, Phase::FirstByte);
const PROTOCOL_IN_BODY: Seen = in_body(FailureKind::Protocol);

const fn in_body(kind: FailureKind) -> Seen {
    Seen::Failure(kind, Fault::Provider, Phase::Body)
}

const fn waiting(kind: FailureKind, fault: Fault) -> Seen {
    Seen::Failure(kind, fault, Phase::FirstByte)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_mode_has_a_name_of_its_own_that_can_stand_in_an_address() {
        for protocol in Protocol::ALL {
            let mut names = HashSet::new();
            for mode in protocol.modes() {
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                assert!(mode.name.bytes().all(plain), "{}", mode.name);
                assert!(names.insert(mode.name), "{} stands twice", mode.name);
                assert!(
                    !mode.does.is_empty() && mode.does.len() <= 80,
                    "{}",
                    mode.does
                );
                assert_eq!(protocol.mode(mode.name).map(|m| m.name), Some(mode.name));
            }
            assert!(!names.is_empty(), "{protocol:?}");
        }
    }

    #[test]
    fn the_keys_of_a_mode_are_toml() {
        for mode in Protocol::ALL.iter().flat_map(|p| p.modes()) {
            assert!(mode.keys.parse::<toml::Table>().is_ok(), "{}", mode.keys);
        }
    }
}
