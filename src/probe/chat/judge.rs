//! What a reply to the question means: the status first, then how it ended, then what it says.
//!
//! Truncated is a stream that ended with neither `finish_reason` nor `[DONE]`; a connection that broke before the first
//! byte of the body is a `reset`. What is no JSON in a 200 is `wrong_content`. An error inside a 200 keeps its kind
//! (`error_body`, `error_event`), and its words decide whose fault it is.

use std::time::Duration;

use serde_json::Value;

use super::Chat;
use super::stream::text_of;
use crate::model::{FailureKind, Fault, Outcome};
use crate::probe::evidence::with_excerpt;
use crate::probe::reply::{End, Failed, Reply, Reported, Trace};
use crate::probe::verdict::{page_instead, refusal, unfinished, wrong};
use crate::probe::{Judgement, classify, expect};

/// The answer, however it came.
struct Answer<'a> {
    text: &'a str,
    finish: Option<&'a str>,
    first_token: Option<Duration>,
}

impl Chat {
    /// What a reply to the question means.
    pub(super) fn verdict(&self, reply: &Reply) -> Judgement {
        if !(200..300).contains(&reply.status) {
            // Before any parsing: gateways answer 500 with an event stream.
            return refusal(reply, "2xx");
        }
        match &reply.trace {
            Some(trace) => self.judge_stream(reply, trace),
            None => self.judge_whole(reply),
        }
    }

    fn judge_stream(&self, reply: &Reply, trace: &Trace) -> Judgement {
        if let Some(reported) = &trace.error {
            let why = format!(
                "an error in the stream after {}: {}",
                tokens(trace.tokens),
                reported.line()
            );
            return wrong(FailureKind::ErrorEvent, classify::fault_of(reported), why);
        }
        if trace.terminal || trace.finish.is_some() {
            return self.judge_answer(
                reply,
                Answer {
                    text: &trace.text,
                    finish: trace.finish.as_deref(),
                    first_token: trace.first_token,
                },
            );
        }
        if let Some(Failed { kind, fault, words }) = &trace.malformed {
            return wrong(*kind, *fault, words.clone());
        }
        let after = format!("after {}", tokens(trace.tokens));
        match &reply.end {
            End::Complete | End::Enough if reply.read_bytes == 0 => wrong(
                FailureKind::Empty,
                Fault::Provider,
                "HTTP 200 and an empty stream".to_owned(),
            ),
            End::Complete | End::Enough => wrong(
                FailureKind::Truncated,
                Fault::Provider,
                format!("the stream ended {after}, with neither finish_reason nor [DONE]"),
            ),
            End::Stalled => wrong(
                FailureKind::Stalled,
                Fault::Provider,
                format!(
                    "the stream was silent for {:.1} s {after}",
                    self.stall_after.as_secs_f64()
                ),
            ),
            End::TimedOut => wrong(
                FailureKind::Timeout,
                Fault::Provider,
                format!(
                    "the stream was not complete after {:.1} s, {after}",
                    reply.elapsed.as_secs_f64()
                ),
            ),
            End::Broken(Failed {
                kind: FailureKind::Reset | FailureKind::Truncated,
                words,
                ..
            }) if reply.read_bytes > 0 => {
                // The service had begun to answer: it is the answer that is cut.
                wrong(
                    FailureKind::Truncated,
                    Fault::Provider,
                    format!("the stream broke off {after}: {words}"),
                )
            }
            _ => unfinished(reply).unwrap_or(Judgement::SUCCESS),
        }
    }

    fn judge_whole(&self, reply: &Reply) -> Judgement {
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return judgement;
        }
        if reply.body.trim_ascii().is_empty() {
            return wrong(
                FailureKind::Empty,
                Fault::Provider,
                "HTTP 200 and an empty body".to_owned(),
            );
        }
        let value: Value = match serde_json::from_slice(&reply.body) {
            Ok(value) => value,
            Err(fault) => {
                let why = format!("HTTP 200 and no JSON ({fault})");
                return wrong(
                    FailureKind::WrongContent,
                    Fault::Provider,
                    with_excerpt(why, &reply.body),
                );
            }
        };
        if let Some(reported) = Reported::in_value(&value) {
            let why = format!("HTTP 200 with an error inside: {}", reported.line());
            return wrong(FailureKind::ErrorBody, classify::fault_of(&reported), why);
        }
        if self.stream {
            let why = "a whole answer came where a stream was asked for".to_owned();
            return wrong(
                FailureKind::WrongContent,
                Fault::Provider,
                with_excerpt(why, &reply.body),
            );
        }
        let choice = &value["choices"][0];
        let text = text_of(&choice["message"]);
        let finish = choice["finish_reason"].as_str();
        if choice.is_null() {
            let why = "HTTP 200 and no choice in the answer".to_owned();
            return wrong(
                FailureKind::Empty,
                Fault::Provider,
                with_excerpt(why, &reply.body),
            );
        }
        self.judge_answer(
            reply,
            Answer {
                text: &text,
                finish,
                first_token: None,
            },
        )
    }

    /// A complete answer: is it the right one, and did it come in time?
    fn judge_answer(&self, reply: &Reply, answer: Answer<'_>) -> Judgement {
        let Answer {
            text,
            finish,
            first_token,
        } = answer;
        if finish == Some("content_filter") {
            let why = "the answer was withheld by a content filter".to_owned();
            return wrong(FailureKind::ContentFilter, Fault::Ours, why);
        }
        if text.trim().is_empty() {
            return match finish {
                Some("length") => wrong(
                    FailureKind::BadRequest,
                    Fault::Ours,
                    "max_tokens was used up before the first word (by reasoning?): raise `max_tokens`".to_owned(),
                ),
                _ => wrong(FailureKind::Empty, Fault::Provider, "the answer is complete and has no text".to_owned()),
            };
        }
        if let Some(why) = self.expect.fault_of_content(text.as_bytes()) {
            let why = format!("{why} (finish_reason {})", finish.unwrap_or("none"));
            return wrong(
                FailureKind::WrongContent,
                Fault::Provider,
                with_excerpt(why, text.as_bytes()),
            );
        }
        let judgement = self.expect.judge_rest(reply);
        match (self.first_token_within, first_token) {
            (Some(limit), Some(took))
                if took > limit && !matches!(judgement.outcome, Outcome::Failure(..)) =>
            {
                expect::too_slow("the first token", took, limit)
            }
            _ => judgement,
        }
    }
}

/// "1 token", "2 tokens".
fn tokens(count: u32) -> String {
    match count {
        1 => "1 token".to_owned(),
        count => format!("{count} tokens"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_token_is_not_several() {
        assert_eq!(
            [0, 1, 2].map(super::tokens),
            ["0 tokens", "1 token", "2 tokens"]
        );
    }
}
