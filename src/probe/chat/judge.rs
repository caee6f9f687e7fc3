//! What a reply to the question means: the status first, then how it ended, then what it says.
//!
//! A stream is truncated when it ended without what its shape promises; a connection that broke before the first byte of
//! the body is a `reset`. What is no JSON in a 200 is `wrong_content`. An error inside a 200 keeps its kind (`error_body`,
//! `error_event`), and its words decide whose fault it is.

use super::Chat;
use super::answer::Answer;
use super::said::Said;
use crate::model::{FailureKind, Fault, Usage};
use crate::probe::evidence::with_excerpt;
use crate::probe::reply::{End, Failed, Reply, Trace};
use crate::probe::verdict::{page_instead, refusal, unfinished, walled, wrong};
use crate::probe::{Judgement, classify};

impl Chat {
    /// What a reply to the question means, and what it cost.
    pub(super) fn verdict(&self, reply: &Reply) -> Judgement {
        if !(200..300).contains(&reply.status) {
            // Before any parsing: gateways answer 500 with an event stream.
            return refusal(reply, "2xx");
        }
        if let Some(walled) = walled(reply) {
            return walled;
        }
        let (mut judgement, usage) = match &reply.trace {
            Some(trace) => (self.judge_stream(reply, trace), trace.counted.told()),
            None => self.judge_whole(reply),
        };
        if usage.is_some() {
            judgement.found.get_or_insert_default().usage = usage;
        }
        judgement
    }

    fn judge_stream(&self, reply: &Reply, trace: &Trace) -> Judgement {
        let after = format!("after {}", tokens(trace.tokens));
        if let Some(reported) = &trace.error {
            let why = format!("an error in the stream {after}: {}", reported.line());
            return wrong(FailureKind::ErrorEvent, classify::fault_of(reported), why);
        }
        if trace.terminal || trace.finish.is_some() {
            return self.judge_answer(reply, Answer::streamed(trace));
        }
        if let Some(Failed { kind, fault, words }) = &trace.malformed {
            return wrong(*kind, *fault, words.clone());
        }
        let (kind, why) = match &reply.end {
            End::Complete | End::Enough if reply.read_bytes == 0 => (
                FailureKind::Empty,
                "HTTP 200 and an empty stream".to_owned(),
            ),
            End::Complete | End::Enough => (
                FailureKind::Truncated,
                format!("the stream ended {after}, {}", self.shape.end()),
            ),
            End::Stalled => {
                let silent = self.stall_after.as_secs_f64();
                (
                    FailureKind::Stalled,
                    format!("the stream was silent for {silent:.1} s {after}"),
                )
            }
            End::TimedOut => {
                let took = reply.elapsed.as_secs_f64();
                (
                    FailureKind::Timeout,
                    format!("the stream was not complete after {took:.1} s, {after}"),
                )
            }
            // The service had begun to answer: it is the answer that is cut.
            End::Broken(Failed {
                kind: FailureKind::Reset | FailureKind::Truncated,
                words,
                ..
            }) if reply.read_bytes > 0 => (
                FailureKind::Truncated,
                format!("the stream broke off {after}: {words}"),
            ),
            _ => return unfinished(reply).unwrap_or(Judgement::SUCCESS),
        };
        wrong(kind, Fault::Provider, why)
    }

    fn judge_whole(&self, reply: &Reply) -> (Judgement, Option<Usage>) {
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return (judgement, None);
        }
        let provider =
            |kind, why: String| wrong(kind, Fault::Provider, with_excerpt(why, &reply.body));
        if reply.body.trim_ascii().is_empty() {
            return (
                provider(FailureKind::Empty, "HTTP 200 and an empty body".to_owned()),
                None,
            );
        }
        let mut said = Said::default();
        if let Err(fault) = self.shape.read_whole(&reply.body, &mut said) {
            let why = format!("HTTP 200 and no JSON ({fault})");
            return (provider(FailureKind::WrongContent, why), None);
        }
        let usage = said.counted.told();
        let judgement = match said
            .suspect
            .then(|| self.shape.reported(&reply.body))
            .flatten()
        {
            Some(reported) => {
                let why = format!("HTTP 200 with an error inside: {}", reported.line());
                wrong(FailureKind::ErrorBody, classify::fault_of(&reported), why)
            }
            None if self.stream => {
                let why = "a whole answer came where a stream was asked for".to_owned();
                provider(FailureKind::WrongContent, why)
            }
            None if !said.answered => {
                let why = format!("HTTP 200 and no {} in the answer", self.shape.place());
                provider(FailureKind::Empty, why)
            }
            None => self.judge_answer(reply, Answer::whole(&said)),
        };
        (judgement, usage)
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
