//! Why an attempt ended before the server had said yes, and what that means for the letter.

use std::io;

use lettre::transport::smtp::response::Response;

use crate::notify::{Acceptance, Step};

/// How much of a message the server has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handed {
    Never,
    Whole,
}

/// What the operator reads when the server says nothing.
pub(super) const SILENCE: &str = "no answer in time";

/// Why an attempt ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no.
    Reply { code: u16, words: String },
    /// The conversation broke down.
    Broken(String),
}

impl Failure {
    /// The server said nothing in the time it had.
    pub fn silence() -> Self {
        Failure::Broken(SILENCE.into())
    }

    /// What it means for a letter of which the server has so much.
    pub fn meaning(&self, step: Step, handed: Handed) -> Acceptance {
        match (self, handed) {
            (Failure::Reply { code, words }, _) if is_final(step, *code, words) => {
                Acceptance::Refused
            }
            (Failure::Reply { .. }, _) | (Failure::Broken(_), Handed::Never) => Acceptance::Later,
            (Failure::Broken(_), Handed::Whole) => Acceptance::Unsure,
        }
    }

    /// A reply that is no refusal, but not the one that must come here.
    pub fn unexpected(response: &Response) -> Self {
        let code: u16 = response.code().into();
        Failure::Broken(format!("unexpected answer {code} {}", words(response)))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Broken(broken(&error))
    }
}

impl From<lettre::transport::smtp::Error> for Failure {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        use std::error::Error as _;
        let source = error.source();
        let words = source.map_or_else(|| error.to_string(), ToString::to_string);
        if let Some(code) = error.status() {
            let code = code.into();
            return Failure::Reply { code, words };
        }
        Failure::Broken(match source.and_then(|s| s.downcast_ref()) {
            Some(error) => broken(error),
            None if words == "incomplete response" => CLOSED.to_owned(),
            None => match words.split_once(" at: ") {
                // The parser's own words mean nothing to an operator; what it stumbled over does.
                Some((parser, text)) if parser.starts_with("error ") => {
                    format!("an answer that is not SMTP: {text}")
                }
                _ => words,
            },
        })
    }
}

/// What the operator reads when the server hangs up.
const CLOSED: &str = "the server closed the connection";

fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CLOSED.to_owned(),
        _ => error.to_string(),
    }
}

/// The text of a reply on one line.
pub(super) fn words(response: &Response) -> String {
    response.message().collect::<Vec<_>>().join(" ")
}

/// A 5xx that is about this letter and this recipient, and will be the same tomorrow.
///
/// Everything else is about the configuration: a log-in, TLS, a sender that is not ours, a relay that does not know us
/// (the class 5.7 of RFC 3463, "security or policy"). An operator can mend that, and until then no alert may be
/// thrown away.
fn is_final(step: Step, code: u16, words: &str) -> bool {
    let about_us = matches!(code, 530 | 534 | 535 | 538) || words.starts_with("5.7.");
    code >= 500 && (step == Step::Message || step >= Step::Recipient && !about_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_can_mend_is_never_final() {
        for (step, code, words, wanted) in [
            (Step::Recipient, 550, "5.1.1 user unknown", true),
            (Step::Recipient, 550, "no such user", true),
            (Step::Message, 552, "5.3.4 too large", true),
            (Step::Message, 550, "5.7.1 looks like spam", true),
            (Step::Recipient, 554, "5.7.1 relay access denied", false),
            (Step::Recipient, 530, "log in first", false),
            (Step::Sender, 553, "sender rejected", false),
            (Step::Auth, 535, "5.7.8 wrong password", false),
            (Step::Greeting, 554, "no mail here", false),
            (Step::Recipient, 451, "greylisted", false),
        ] {
            assert_eq!(
                is_final(step, code, words),
                wanted,
                "{step:?} {code} {words}"
            );
        }
    }
}
