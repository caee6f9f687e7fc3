//! Pictures as an event stream: partial ones first, then `image_generation.completed` with the whole.
//!
//! Each event carries a picture in base64, so that a line is as long as a picture may be. The first picture stops the
//! clock that a chat's first token stops.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, none, text};
use super::openai;
use crate::model::{FailureKind, Fault};
use crate::probe::evidence::with_excerpt;
use crate::probe::reply::{End, Failed, Reply, Reported, StreamReader, Trace, Turn};
use crate::probe::sse::Events;
use crate::probe::verdict::{unfinished, wrong};
use crate::probe::{Judgement, classify};

/// The state of one stream.
pub(super) struct Pictures {
    events: Events,
    longest: usize,
    trace: Trace,
    partial: u32,
    completed: Value,
}

impl Pictures {
    /// No event is longer than `longest` bytes.
    pub(super) fn new(longest: usize) -> Self {
        Self {
            events: Events::up_to(longest),
            longest,
            trace: Trace::default(),
            partial: 0,
            completed: Value::Null,
        }
    }

    fn event(&mut self, data: &[u8], at: Duration) -> Turn {
        if data.trim_ascii().is_empty() || data.starts_with(b"[DONE]") {
            return Turn::More;
        }
        self.trace.first_event.get_or_insert(at);
        let value: Value = match serde_json::from_slice(data) {
            Ok(value) => value,
            Err(fault) => {
                let why = format!("a piece of the stream is no JSON ({fault})");
                return self.malformed(FailureKind::WrongContent, with_excerpt(why, data));
            }
        };
        let kind = text(&value["type"]).unwrap_or_default();
        if let Some(reported) = reported(&value, kind) {
            self.trace.error = Some(reported);
            return Turn::Enough;
        }
        let drawn = text(&value["b64_json"]).is_some() || text(&value["url"]).is_some();
        if drawn {
            self.trace.first_token.get_or_insert(at);
        }
        if kind.ends_with(".completed") {
            self.trace.terminal = true;
            self.completed = value;
            return Turn::Enough;
        }
        self.partial += u32::from(drawn);
        Turn::More
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

/// An error event: with an object of its own, or flat.
fn reported(value: &Value, kind: &str) -> Option<Reported> {
    let nested = Reported::in_value(value);
    if nested.is_some() || kind != "error" {
        return nested;
    }
    let mut flat = value.clone();
    // The event's own type is no word about the error.
    flat["type"] = Value::Null;
    Reported::in_value(&json!({ "error": flat }))
}

impl StreamReader for Pictures {
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
                    "an event of the stream is longer than {} bytes",
                    self.longest
                );
                self.malformed(FailureKind::TooLarge, words)
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    /// What is carried is for [`read`]: how many partial pictures came, and the last event.
    fn finish(mut self: Box<Self>, _: Duration) -> Trace {
        let told = json!({ "partial": self.partial, "completed": self.completed });
        self.trace.carried = Some(Box::new(told));
        self.trace
    }
}

/// Reads what came by a stream.
pub(super) fn read(reply: &Reply, trace: &Trace) -> Result<Answer, Judgement> {
    let nothing = Value::Null;
    let told = trace.carried.as_deref().unwrap_or(&nothing);
    let partial = told["partial"].as_u64().unwrap_or(0);
    let after = match partial {
        1 => "after 1 partial picture".to_owned(),
        count => format!("after {count} partial pictures"),
    };
    if let Some(reported) = &trace.error {
        let why = format!("an error in the stream {after}: {}", reported.line());
        return Err(wrong(
            FailureKind::ErrorEvent,
            classify::fault_of(reported),
            why,
        ));
    }
    if trace.terminal {
        let completed = &told["completed"];
        let body = completed.to_string();
        let picture =
            openai::one(completed, completed).unwrap_or_else(|| Err(none(body.as_bytes())))?;
        return Ok(Answer {
            picture,
            usage: openai::usage(completed, 1),
        });
    }
    if let Some(Failed { kind, fault, words }) = &trace.malformed {
        return Err(wrong(*kind, *fault, words.clone()));
    }
    let failed = |kind, why| Err(wrong(kind, Fault::Provider, why));
    match &reply.end {
        End::Complete | End::Enough if reply.read_bytes == 0 => failed(
            FailureKind::Empty,
            "HTTP 200 and an empty stream".to_owned(),
        ),
        End::Broken(Failed {
            kind: FailureKind::Reset | FailureKind::Truncated,
            words,
            ..
        }) if reply.read_bytes > 0 => failed(
            FailureKind::Truncated,
            format!("the stream broke off {after}: {words}"),
        ),
        End::TimedOut => failed(
            FailureKind::Timeout,
            format!(
                "the stream was not complete after {:.1} s, {after}",
                reply.elapsed.as_secs_f64()
            ),
        ),
        _ => match unfinished(reply) {
            Some(judgement) => Err(judgement),
            None => failed(
                FailureKind::Truncated,
                format!("the stream ended {after}, without image_generation.completed"),
            ),
        },
    }
}
