//! Reads an answer's event stream while it arrives, whatever its shape: when tokens came, what they said, how it ended.
//!
//! A token is a non-empty piece of text, of reasoning, of a refusal or of a tool call. Comments, pings, role-only pieces
//! and the usage are none: they neither stop the clock of the first token nor feed the clock of the stall. That second
//! clock starts with the first token; until then the run's own timeout holds.

use std::time::Duration;

use super::said::Said;
use super::shape::Shape;
use crate::model::{FailureKind, Fault};
use crate::probe::evidence::with_excerpt;
use crate::probe::reply::{Failed, StreamReader, Trace, Turn};
use crate::probe::spans::micros;
use crate::probe::sse::{Events, LONGEST_LINE};

/// More text than this is not kept: probes ask for a word.
const TEXT_BYTES: usize = 64 * 1024;
/// The end of a stream in OpenAI's chat completions; gateways send it in other shapes too.
const DONE: &[u8] = b"[DONE]";

/// The state of one stream.
pub(super) struct ChatStream {
    shape: Shape,
    events: Events,
    said: Said,
    trace: Trace,
    stall_after: Duration,
    /// When the stream said that the answer is complete.
    finished: Option<Duration>,
    /// Each how manieth token's moment is kept.
    stride: u32,
}

impl ChatStream {
    /// A stream counts as stalled when no token comes for `stall_after`.
    pub(super) fn new(shape: Shape, stall_after: Duration) -> Self {
        Self {
            shape,
            events: Events::default(),
            said: Said::default(),
            trace: Trace::default(),
            stall_after,
            finished: None,
            stride: 1,
        }
    }

    fn event(&mut self, data: &[u8], at: Duration) -> Turn {
        if data.starts_with(DONE) {
            self.trace.terminal = true;
            self.finished.get_or_insert(at);
            return Turn::Enough;
        }
        if data.trim_ascii().is_empty() {
            return Turn::More;
        }
        self.trace.first_event.get_or_insert(at);
        self.said.clear();
        if let Err(fault) = self.shape.read_event(data, &mut self.said) {
            let why = format!("a piece of the stream is no JSON ({fault})");
            return self.malformed(FailureKind::WrongContent, with_excerpt(why, data));
        }
        self.trace.counted.update(self.said.counted);
        if self.said.suspect
            && let Some(reported) = self.shape.reported(data)
        {
            self.trace.error = Some(reported);
            return Turn::Enough;
        }
        if self.trace.text.is_empty() && self.said.text.is_empty() {
            std::mem::swap(&mut self.said.text, &mut self.said.again);
        }
        if !self.said.text.is_empty() || self.said.thought || self.said.tool {
            self.token(at);
        }
        if let Some(reason) = self.said.finish.take() {
            self.trace.finish = Some(reason);
            self.finished.get_or_insert(at);
        }
        if self.said.terminal {
            self.trace.terminal = true;
            self.finished.get_or_insert(at);
            return Turn::Enough;
        }
        Turn::More
    }

    fn token(&mut self, at: Duration) {
        self.gap_until(at);
        let trace = &mut self.trace;
        trace.first_token.get_or_insert(at);
        trace.last_token = Some(at);
        trace.thought |= self.said.thought;
        trace.tool |= self.said.tool;
        trace.refused |= self.said.refused;
        if trace.text.len() + self.said.text.len() <= TEXT_BYTES {
            trace.text.push_str(&self.said.text);
        }
        if trace.moments_us.len() == Trace::MOST_MOMENTS {
            let mut odd = false;
            trace.moments_us.retain(|_| {
                odd = !odd;
                odd
            });
            self.stride = self.stride.saturating_mul(2);
        }
        if trace.tokens.is_multiple_of(self.stride) {
            trace.moments_us.push(micros(at));
        }
        trace.tokens = trace.tokens.saturating_add(1);
    }

    fn gap_until(&mut self, at: Duration) {
        if let Some(last) = self.trace.last_token {
            let gap = at.saturating_sub(last);
            let longest = self.trace.longest_gap;
            self.trace.longest_gap = Some(longest.map_or(gap, |longest| longest.max(gap)));
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
        let since = self.finished.or(self.trace.last_token)?;
        Some(since + self.stall_after)
    }

    fn finish(mut self: Box<Self>, at: Duration) -> Trace {
        self.gap_until(self.finished.unwrap_or(at));
        self.trace
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
