//! A complete answer: is it the right one, and did it come in time?
//!
//! An end that looks right proves nothing: gateways close a stream that was cut behind them with a proper reason and
//! `[DONE]`. Only what the answer says tells.

use std::time::Duration;

use super::Chat;
use super::ask::Asked;
use super::said::{Said, Stop};
use crate::model::{FailureKind, Fault, Outcome, Question};
use crate::probe::evidence::with_excerpt;
use crate::probe::reply::{Reply, Trace};
use crate::probe::verdict::wrong;
use crate::probe::{Judgement, expect};

/// Between these some servers leave the reasoning within the text.
const THOUGHTS: (&str, &str) = ("<think>", "</think>");

/// An answer, however it came.
pub(super) struct Answer<'a> {
    text: &'a str,
    refused: bool,
    thought: bool,
    tool: bool,
    finish: Option<&'a str>,
    first_token: Option<Duration>,
}

impl<'a> Answer<'a> {
    pub fn streamed(trace: &'a Trace) -> Self {
        Self {
            text: &trace.text,
            refused: trace.refused,
            thought: trace.thought,
            tool: trace.tool,
            finish: trace.finish.as_deref(),
            first_token: trace.first_token,
        }
    }

    pub fn whole(said: &'a Said) -> Self {
        Self {
            text: &said.text,
            refused: said.refused,
            thought: said.thought,
            tool: said.tool,
            finish: said.finish.as_deref(),
            first_token: None,
        }
    }

    fn stop(&self) -> Option<Stop> {
        self.finish.map(Stop::of)
    }
}

impl Chat {
    /// What a complete answer means.
    pub(super) fn judge_answer(&self, reply: &Reply, answer: Answer<'_>) -> Judgement {
        let why = |why: String| match answer.finish {
            Some(finish) => format!("{why} (stopped: {finish})"),
            None => why,
        };
        if answer.stop() == Some(Stop::Filter) {
            let why = why("the answer was withheld by a content filter".to_owned());
            return wrong(FailureKind::ContentFilter, Fault::Ours, why);
        }
        let text = spoken(answer.text);
        if answer.refused || answer.stop() == Some(Stop::Refusal) {
            if let Some(judgement) = self.judge_refusal(reply, text) {
                return judgement;
            }
        } else if text.is_empty() {
            return self.judge_silence(&answer);
        }
        if let Some(fault) = self.fault_of_text(reply, text) {
            return wrong(
                FailureKind::WrongContent,
                Fault::Provider,
                with_excerpt(why(fault) + ", got", text.as_bytes()),
            );
        }
        let judgement = self.expect.judge_rest(reply);
        match (self.first_token_within, answer.first_token) {
            (Some(limit), Some(took))
                if took > limit && !matches!(judgement.outcome, Outcome::Failure(..)) =>
            {
                expect::too_slow("the first token", took, limit)
            }
            _ => judgement,
        }
    }

    /// A refusal is a wrong answer to a question of ours, and our own doing with a prompt of the user's; `None` when it is
    /// what was expected.
    fn judge_refusal(&self, reply: &Reply, text: &str) -> Option<Judgement> {
        let (kind, fault, why) = match &self.asked {
            Asked::BuiltIn => {
                let asked = Question::of(reply.nonce).ask;
                let why = format!("the model refused to answer \"{asked}\"");
                (FailureKind::WrongContent, Fault::Provider, why)
            }
            Asked::Own(_)
                if self
                    .expect
                    .text
                    .as_ref()
                    .is_some_and(|t| t.is_match(text.as_bytes())) =>
            {
                return None;
            }
            Asked::Own(_) => {
                let why = "the model refused to answer the prompt: ask something else, or expect it with `expect.text`";
                (FailureKind::ContentFilter, Fault::Ours, why.to_owned())
            }
        };
        Some(wrong(kind, fault, with_excerpt(why, text.as_bytes())))
    }

    /// An answer without text.
    fn judge_silence(&self, answer: &Answer<'_>) -> Judgement {
        let (kind, fault, why) = match answer.stop() {
            Some(Stop::Length) => (
                FailureKind::BadRequest,
                Fault::Ours,
                format!(
                    "{} tokens were used up before the first word of the answer (by reasoning?): raise `max_tokens`",
                    self.max_tokens
                ),
            ),
            _ if answer.tool => (
                FailureKind::Empty,
                Fault::Provider,
                "the model called a tool, which it was not given, and said nothing".to_owned(),
            ),
            _ if answer.thought => (
                FailureKind::Empty,
                Fault::Provider,
                "the answer is complete and has reasoning, but no text".to_owned(),
            ),
            _ => (
                FailureKind::Empty,
                Fault::Provider,
                "the answer is complete and has no text".to_owned(),
            ),
        };
        wrong(kind, fault, why)
    }

    /// What is wrong with what the answer says.
    fn fault_of_text(&self, reply: &Reply, text: &str) -> Option<String> {
        if self.asked == Asked::BuiltIn {
            let question = Question::of(reply.nonce);
            if !question.is_answered_by(text) {
                return Some(format!(
                    "asked \"{}\", wanted \"{}\"",
                    question.ask,
                    question.answer()
                ));
            }
        }
        if let Some(least) = self.expect.min_chars {
            let got = text.chars().count() as u64;
            if got < least {
                return Some(format!(
                    "the answer has {got} characters, wanted at least {least}"
                ));
            }
        }
        self.expect.fault_of_content(text.as_bytes())
    }
}

/// The text without the reasoning that stands in front of it, and without white space around it.
fn spoken(text: &str) -> &str {
    let text = text.trim();
    let Some(thoughts) = text.strip_prefix(THOUGHTS.0) else {
        return text;
    };
    thoughts
        .split_once(THOUGHTS.1)
        .map_or("", |(_, said)| said.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_within_the_text_is_not_the_answer() {
        assert_eq!(spoken("<think>Paris? Yes.</think>\n\nParis\n"), "Paris");
        assert_eq!(spoken("<think>It may be Paris, or"), "");
        assert_eq!(spoken(" Paris <think>"), "Paris <think>");
    }
}
