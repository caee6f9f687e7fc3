//! What `watchfire probe` shows of a stream: when its tokens came, how fast, and how the answer begins.

use std::time::Duration;

use serde_json::{Value, json};

use super::evidence;
use super::reply::Trace;
use super::spans::micros;
use crate::model::Redactor;

/// Bytes of the answer that are shown.
const SHOWN_BYTES: usize = 160;
/// Bytes of it that secrets are looked for in: more than is shown, so that one at the edge is found whole.
const SEARCHED_BYTES: usize = 4096;

/// The course of a stream. All moments are in microseconds from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Streamed {
    /// When the first event came, whatever it said.
    pub first_event_us: Option<u32>,
    /// When tokens came, in order; at most [`Trace::MOST_MOMENTS`].
    pub moments_us: Vec<u32>,
    /// Non-empty pieces of text or reasoning.
    pub tokens: u32,
    /// Tokens a second from the first to the last.
    pub tokens_per_second: Option<f64>,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<String>,
    /// Whether the stream said that it is complete.
    pub complete: bool,
    /// How the answer begins: one line, without secrets and control characters.
    pub answer: String,
}

impl Streamed {
    /// What is shown of `trace`.
    pub(super) fn of(trace: &Trace, redactor: &Redactor) -> Self {
        let head = trace.text.floor_char_boundary(SEARCHED_BYTES);
        let safe = |text: &str| evidence::fit(&redactor.redact(text), SHOWN_BYTES);
        let us = |at: Option<Duration>| at.map(micros);
        Self {
            first_event_us: us(trace.first_event),
            moments_us: trace.moments_us.clone(),
            tokens: trace.tokens,
            tokens_per_second: trace.tokens_per_second(),
            finish: trace.finish.as_deref().map(safe),
            complete: trace.terminal || trace.finish.is_some(),
            answer: safe(&trace.text[..head]),
        }
    }

    /// As users' scripts see it.
    pub(super) fn to_json(&self) -> Value {
        let ms = |us: u32| f64::from(us) / 1000.0;
        json!({
            "first_event_ms": self.first_event_us.map(ms),
            "tokens": self.tokens,
            "tokens_per_second": self.tokens_per_second.map(|rate| (rate * 10.0).round() / 10.0),
            "moments_ms": self.moments_us.iter().map(|us| ms(*us)).collect::<Vec<_>>(),
            "finish": self.finish,
            "complete": self.complete,
            "answer": self.answer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn an_answer_is_shown_short_safe_and_without_secrets() {
        let redactor = Redactor::new([&Secret::new("sk-canary-0123456789".to_owned())]);
        let mut trace = Trace {
            text: "a\u{1b}[2Jb sk-canary-0123456789\nc".to_owned(),
            finish: Some("stop\u{7}".to_owned()),
            ..Trace::default()
        };
        let shown = Streamed::of(&trace, &redactor);
        assert_eq!(shown.answer, "a\\u{1b}[2Jb [secret] c");
        assert_eq!(shown.finish.as_deref(), Some("stop\\u{7}"));
        trace.text = "\u{e9}".repeat(10_000);
        assert_eq!(Streamed::of(&trace, &redactor).answer.len(), SHOWN_BYTES);
    }
}
