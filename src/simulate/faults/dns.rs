//! A name server that misbehaves (RFC 1035, over UDP): the label before `.test` says how.
//!
//! `x.servfail.test` and `y.servfail.test` are both answered with SERVFAIL. Nothing listens on TCP.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Mode, Seen, mode};
use crate::model::{FailureKind as Kind, Fault, Phase};

/// Answers that are being held back at a time; questions beyond that go unanswered.
const MOST_WAITING: usize = 4_096;
/// As long as a resolver that asks all its servers twice.
const SLOW: Duration = Duration::from_secs(5);
/// Largest question that is understood.
const MOST_BYTES: usize = 512;

const SERVFAIL: u16 = 2;
const NXDOMAIN: u16 = 3;
const REFUSED: u16 = 5;
const TRUNCATED: u16 = 0x0200;

const A: u16 = 1;
const CNAME: u16 = 5;

const DNS: Seen = Seen::Failure(Kind::Dns, Fault::Network, Phase::Dns);

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("good", "the address 127.0.0.1", Seen::Success, &[]),
    mode("nxdomain", "no such name", DNS, &[]),
    mode("servfail", "the server has failed", DNS, &[]),
    mode("refused", "the server does not want to", DNS, &[]),
    mode("no-address", "the name exists and has no address", DNS, &[]),
    mode("silent", "no answer", DNS, &[]),
    mode("slow", "an answer after 5 s", DNS, &[]),
    mode("truncated", "too long for UDP, and nothing listens on TCP", DNS, &[]),
    mode("loop", "an alias of itself", DNS, &[]),
    mode("chain", "an alias of the next, without end", DNS, &[]),
    mode("noise", "bytes without sense", DNS, &[]),
    mode("wrong-id", "answers to a question that nobody asked", DNS, &[]),
    mode("other-name", "the address of another name", DNS, &[]),
    mode("cut", "an answer that breaks off", DNS, &[]),
];

/// Answers until `stop`.
pub async fn serve(socket: UdpSocket, stop: CancellationToken) {
    let mut waiting = JoinSet::new();
    let socket = std::sync::Arc::new(socket);
    let mut buffer = [0; MOST_BYTES];
    loop {
        let (bytes, from) = tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = waiting.join_next() => continue,
            received = socket.recv_from(&mut buffer) => match received {
                Ok((count, from)) => (&buffer[..count], from),
                // A client that has gone says so by an error here.
                Err(_) => continue,
            },
        };
        let Some(question) = Question::read(bytes) else {
            continue;
        };
        let answer = question.answer();
        if question.mode == "slow" && waiting.len() < MOST_WAITING {
            let socket = std::sync::Arc::clone(&socket);
            waiting.spawn(async move {
                tokio::time::sleep(SLOW).await;
                send(&socket, &answer, from).await;
            });
        } else if question.mode != "slow" {
            send(&socket, &answer, from).await;
        }
    }
}

async fn send(socket: &UdpSocket, answer: &[u8], to: SocketAddr) {
    if !answer.is_empty() {
        // Whoever asked does not care any more.
        let _ = socket.send_to(answer, to).await;
    }
}

struct Question {
    id: [u8; 2],
    /// Name, type and class, as they were asked.
    section: Vec<u8>,
    kind: u16,
    /// The label before the last.
    mode: String,
    /// The first label.
    first: String,
}

impl Question {
    fn read(bytes: &[u8]) -> Option<Self> {
        let id = bytes.get(..2)?.try_into().ok()?;
        let mut labels = Vec::new();
        let mut at = 12;
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            let label = bytes.get(at..at + length)?;
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
            at += length;
        }
        let kind = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
        let mode = labels.len().checked_sub(2).and_then(|n| labels.get(n));
        Some(Self {
            id,
            section: bytes.get(12..at + 4)?.to_vec(),
            kind,
            mode: mode.cloned().unwrap_or_default(),
            first: labels.first().cloned().unwrap_or_default(),
        })
    }

    /// The answer in bytes; empty for none. A name that belongs to no mode does not exist.
    fn answer(&self) -> Vec<u8> {
        match self.mode.as_str() {
            "good" | "slow" if self.kind == A => self.message(0, &[self.address()]),
            "good" | "slow" | "no-address" => self.message(0, &[]),
            "servfail" => self.message(SERVFAIL, &[]),
            "refused" => self.message(REFUSED, &[]),
            "silent" => Vec::new(),
            "truncated" => self.message(TRUNCATED, &[]),
            // The name of the question stands at byte 12.
            "loop" => self.message(0, &[record(CNAME, &[0xc0, 12])]),
            "chain" => self.message(0, &[record(CNAME, &self.next_name())]),
            "noise" => b"\x13\x37\xff\x00\xff".repeat(20),
            "wrong-id" => {
                let mut message = self.message(0, &[self.address()]);
                message[0] ^= 0xff;
                message
            }
            "other-name" => {
                let mut message = self.message(0, &[self.address()]);
                // Another first letter, in the question and so in the answer.
                message[13] ^= 1;
                message
            }
            "cut" => {
                let mut message = self.message(0, &[self.address()]);
                message.truncate(message.len() - 6);
                message
            }
            _ => self.message(NXDOMAIN, &[]),
        }
    }

    fn address(&self) -> Vec<u8> {
        record(A, &[127, 0, 0, 1])
    }

    /// `n1.chain.test` for `n.chain.test`, and so on; the rest by reference to the question.
    fn next_name(&self) -> Vec<u8> {
        let mut label = self.first.clone();
        label.push('1');
        label.truncate(60);
        let mut name = vec![label.len() as u8];
        name.extend(label.bytes());
        let rest = 12 + 1 + self.first.len();
        name.extend([0xc0, u8::try_from(rest).unwrap_or(12)]);
        name
    }

    fn message(&self, flags: u16, answers: &[Vec<u8>]) -> Vec<u8> {
        let mut out = self.id.to_vec();
        // An answer, recursion wanted and available.
        out.extend((0x8180 | flags).to_be_bytes());
        out.extend([0, 1, 0, answers.len() as u8, 0, 0, 0, 0]);
        out.extend(&self.section);
        out.extend(answers.concat());
        out
    }
}

/// A record of the name that was asked for, good for no time at all.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0, 12];
    out.extend(kind.to_be_bytes());
    out.extend([0, 1, 0, 0, 0, 0]);
    out.extend((data.len() as u16).to_be_bytes());
    out.extend(data);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut out = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0".to_vec();
        for label in name.split('.') {
            out.push(label.len() as u8);
            out.extend(label.bytes());
        }
        out.push(0);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out
    }

    fn answer(name: &str) -> Vec<u8> {
        Question::read(&question(name, A)).unwrap().answer()
    }

    #[test]
    fn the_label_before_the_last_chooses_the_mode() {
        let good = answer("x.good.test");
        assert_eq!(good[..4], [0x12, 0x34, 0x81, 0x80]);
        assert!(good.ends_with(&[0, 4, 127, 0, 0, 1]), "{good:?}");
        assert_eq!(answer("x.servfail.test")[3], 0x82);
        assert_eq!(answer("x.unknown.test")[3], 0x83);
        assert!(answer("x.silent.test").is_empty());
        assert!(answer("n.chain.test").ends_with(b"\x02n1\xc0\x0e"));
    }

    #[test]
    fn each_mode_is_answered_in_its_own_way() {
        let mut seen = Vec::new();
        for mode in MODES.iter().filter(|mode| mode.name != "slow") {
            let said = answer(&format!("x.{}.test", mode.name));
            let tail = said.get(2..4).map(<[u8]>::to_vec);
            let rest = said.get(said.len().saturating_sub(8)..).map(<[u8]>::to_vec);
            let told = (
                tail,
                rest,
                said.len(),
                said.first().copied(),
                said.get(13).copied(),
            );
            assert!(!seen.contains(&told), "{}", mode.name);
            seen.push(told);
        }
    }

    #[test]
    fn what_is_no_question_is_passed_over() {
        let whole = question("x.good.test", A);
        for cut in 0..whole.len() {
            assert!(Question::read(&whole[..cut]).is_none(), "cut at {cut}");
        }
    }
}
