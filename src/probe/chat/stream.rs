//! Reads a chat completion's event stream while it arrives: when tokens came, what they said, and how it ended.
//!
//! A token is a non-empty piece of text, of reasoning, of a refusal or a tool call. Comments, role-only pieces and the
//! usage piece are none: they neither stop the clock of the first token nor feed the clock of the stall. That second
//! clock starts with the first token; until then the run's own timeout holds.

use std::time::Duration;

use serde_json::Value;

use crate::model::{FailureKind, Fault};
use crate::probe::reply::{Failed, Reported, StreamReader, Trace, Turn};
use crate::probe::sse::{Events, LONGEST_LINE};

/// More text than this is not kept: probes ask for a word.
const TEXT_BYTES: usize = 64 * 1024;

/// The state of one stream.
pub(super) struct ChatStream {
    events: Events,
    trace: Trace,
    stall_after: Duration,
    last_token: Option<Duration>,
    /// When the stream said that the answer is complete.
    finished: Option<Duration>,
}

impl ChatStream {
    /// A stream counts as stalled when no token comes for `stall_after`.
    pub(super) fn new(stall_after: Duration) -> Self {
        Self {
            events: Events::default(),
            trace: Trace::default(),
            stall_after,
            last_token: None,
            finished: None,
        }
    }

    fn event(&mut self, data: &[u8], at: Duration) -> Turn {
        if data.starts_with(b"[DONE]") {
            self.trace.terminal = true;
            self.finished.get_or_insert(at);
            return Turn::Enough;
        }
        if data.trim_ascii().is_empty() {
            return Turn::More;
        }
        let value: Value = match serde_json::from_slice(data) {
            Ok(value) => value,
            Err(fault) => {
                let why = format!("a piece of the stream is no JSON ({fault})");
                return self.malformed(
                    FailureKind::WrongContent,
                    crate::probe::evidence::with_excerpt(why, data),
                );
            }
        };
        if let Some(reported) = Reported::in_value(&value) {
            self.trace.error = Some(reported);
            return Turn::Enough;
        }
        // The usage piece has no choices, or one that is empty.
        let choice = &value["choices"][0];
        let delta = &choice["delta"];
        let text = text_of(delta);
        if !text.is_empty() || thinks(delta) {
            self.token(&text, at);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.trace.finish = Some(reason.to_owned());
            self.finished.get_or_insert(at);
        }
        Turn::More
    }

    fn token(&mut self, text: &str, at: Duration) {
        self.trace.tokens = self.trace.tokens.saturating_add(1);
        self.trace.first_token.get_or_insert(at);
        self.gap_until(at);
        self.last_token = Some(at);
        if self.trace.text.len() + text.len() <= TEXT_BYTES {
            self.trace.text.push_str(text);
        }
    }

    fn gap_until(&mut self, at: Duration) {
        if let Some(last) = self.last_token {
            let gap = at.saturating_sub(last);
            self.trace.longest_gap = Some(
                self.trace
                    .longest_gap
                    .map_or(gap, |longest| longest.max(gap)),
            );
        }
    }

    fn malformed(&mut self, kind: FailureKind, words: String) -> Turn {
        self.trace.malformed = Some(Failed {
            kind,
            fault: Fault::Provider,
            words,
        });
        Turn::Enough
    }
}

impl StreamReader for ChatStream {
    fn feed(&mut self, bytes: &[u8], at: Duration) -> Turn {
        let mut turn = Turn::More;
        // Taken out, so that the events can be handled while they are taken apart.
        let mut events = std::mem::take(&mut self.events);
        let fed = events.feed(bytes, |data| {
            turn = self.event(data, at);
            turn == Turn::More
        });
        self.events = events;
        match fed {
            Ok(()) => turn,
            Err(_) => {
                let words = format!(
                    "an event of the stream is longer than {} KiB",
                    LONGEST_LINE / 1024
                );
                self.malformed(FailureKind::TooLarge, words)
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let since = self.finished.or(self.last_token)?;
        Some(since + self.stall_after)
    }

    fn finish(mut self: Box<Self>, at: Duration) -> Trace {
        self.gap_until(self.finished.unwrap_or(at));
        self.trace
    }
}

/// The text of a message or a piece of one: a string, or parts with text; else a refusal.
pub(super) fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => message["refusal"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Whether a piece shows that the model is at work without saying anything yet.
fn thinks(delta: &Value) -> bool {
    let words = |key: &str| delta[key].as_str().is_some_and(|text| !text.is_empty());
    words("reasoning_content")
        || words("reasoning")
        || delta["tool_calls"]
            .as_array()
            .is_some_and(|c| !c.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn piece(delta: &str, finish: &str) -> String {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    }

    fn play(pieces: &[(u64, String)], end: u64) -> (Turn, Option<Duration>, Trace) {
        let mut stream = Box::new(ChatStream::new(MS(1000)));
        let mut turn = Turn::More;
        for (at, text) in pieces {
            assert_eq!(turn, Turn::More, "fed after enough");
            turn = stream.feed(text.as_bytes(), MS(*at));
        }
        let deadline = stream.deadline();
        (turn, deadline, stream.finish(MS(end)))
    }

    #[test]
    fn only_text_counts_as_a_token() {
        let (turn, deadline, trace) = play(
            &[
                (10, ": keep-alive\n\n".to_owned()),
                (20, piece(r#"{"role":"assistant","content":""}"#, "null")),
                (30, piece(r#"{"content":null}"#, "null")),
                (100, piece(r#"{"content":"po"}"#, "null")),
                (250, ": still here\n\n".to_owned()),
                (400, piece(r#"{"content":"ng"}"#, "null")),
                (410, piece("{}", "\"stop\"")),
                (
                    420,
                    "data: {\"choices\":[],\"usage\":{\"total_tokens\":2}}\n\n".to_owned(),
                ),
                (430, "data: [DONE]\n\n".to_owned()),
            ],
            430,
        );
        assert_eq!((turn, deadline), (Turn::Enough, Some(MS(1410))));
        let wanted = Trace {
            first_token: Some(MS(100)),
            longest_gap: Some(MS(300)),
            tokens: 2,
            text: "pong".to_owned(),
            finish: Some("stop".to_owned()),
            terminal: true,
            error: None,
            malformed: None,
        };
        assert_eq!(trace, wanted);
    }

    #[test]
    fn comments_do_not_put_off_the_stall() {
        let token = (100, piece(r#"{"content":"a"}"#, "null"));
        let (_, deadline, _) = play(
            &[
                token,
                (900, ":\n\n".to_owned()),
                (1000, "data: {}\n\n".to_owned()),
            ],
            1100,
        );
        assert_eq!(deadline, Some(MS(1100)));
        let (_, deadline, trace) = play(&[(900, ": hello\n\n".to_owned())], 1000);
        assert_eq!((deadline, trace), (None, Trace::default()));
    }

    #[test]
    fn reasoning_stops_the_first_token_clock_and_is_not_the_answer() {
        let (_, _, trace) = play(&[(50, piece(r#"{"reasoning_content":"hm"}"#, "null"))], 60);
        assert_eq!(
            (trace.first_token, trace.tokens, trace.text.as_str()),
            (Some(MS(50)), 1, "")
        );
    }

    #[test]
    fn the_silence_before_a_cut_is_a_gap() {
        let (_, _, trace) = play(&[(50, piece(r#"{"content":"a"}"#, "null"))], 950);
        assert_eq!(trace.longest_gap, Some(MS(900)));
        assert!(!trace.terminal && trace.finish.is_none());
    }

    #[test]
    fn an_error_in_the_stream_ends_the_reading() {
        let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
        let (turn, _, trace) = play(&[(50, error.to_owned())], 60);
        assert_eq!(turn, Turn::Enough);
        assert_eq!(
            trace.error.map(|e| e.kind).as_deref(),
            Some("overloaded_error")
        );
    }

    #[test]
    fn what_is_no_json_or_too_long_ends_the_reading() {
        let (turn, _, trace) = play(&[(1, "data: {malformed\n\n".to_owned())], 2);
        assert_eq!(
            (turn, trace.malformed.map(|m| m.kind)),
            (Turn::Enough, Some(FailureKind::WrongContent))
        );
        let (turn, _, trace) = play(&[(1, "x".repeat(LONGEST_LINE + 1))], 2);
        assert_eq!(
            (turn, trace.malformed.map(|m| m.kind)),
            (Turn::Enough, Some(FailureKind::TooLarge))
        );
    }

    #[test]
    fn no_piece_of_json_makes_it_panic() {
        for data in [
            "0",
            "null",
            "[]",
            "\"x\"",
            "[[[]]]",
            r#"{"choices":0}"#,
            r#"{"choices":[[]]}"#,
            r#"{"choices":[{"delta":[1]}]}"#,
            r#"{"choices":[{"delta":{"content":{"a":1}}}]}"#,
            "1e400",
            r#""\ud800""#,
        ] {
            let _ = play(&[(1, format!("data: {data}\n\n"))], 2);
        }
    }
}
