//! The kind `chat`: a question to a model, over four shapes of API, streamed or not.
//!
//! `build` reads the keys, `models` and `ask` make the request, `shape` and the file of each shape know its words, `stream`
//! keeps the clocks, `judge` and `answer` decide. The built-in question has a known answer, because an end that looks
//! right proves nothing; a number that differs from run to run keeps caches from answering in the model's place.

mod answer;
mod anthropic;
mod ask;
mod build;
mod gemini;
mod judge;
mod lax;
mod models;
mod openai;
mod responses;
mod said;
mod shape;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use self::ask::{Asked, Body};
use self::shape::Shape;
use self::stream::ChatStream;
use super::expect::Expect;
use super::reply::{Reply, StreamReader};
use super::{Check, Kind, Pace, Prepared, Request, Step};
use crate::model::{Confirm, Usage};

/// The kind `chat`.
pub const KIND: Kind = Kind {
    name: "chat",
    keys: build::KEYS,
    sends_key: true,
    confirm: Confirm::CHEAP,
    pace: Pace::USUAL,
    build: build::build,
};

/// What `api = ".."` may say, the usual one first.
pub const APIS: [&str; 4] = [
    Shape::OpenAi.name(),
    Shape::Responses.name(),
    Shape::Anthropic.name(),
    Shape::Gemini.name(),
];

#[derive(Debug)]
struct Chat {
    prepared: Arc<Prepared>,
    shape: Shape,
    body: Arc<Body>,
    asked: Asked,
    model: String,
    max_tokens: u64,
    stream: bool,
    expect: Arc<Expect>,
    first_token_within: Option<Duration>,
    stall_after: Duration,
    host: String,
}

impl Check for Chat {
    fn first(&self, nonce: u64) -> Request {
        Request {
            prepared: Arc::clone(&self.prepared),
            body: self.body.with(&self.asked, nonce),
        }
    }

    fn judge(&self, reply: &Reply) -> Step {
        self.verdict(reply).into()
    }

    fn reader(&self, _: u8) -> Option<Box<dyn StreamReader>> {
        self.stream.then(|| {
            Box::new(ChatStream::new(self.shape, self.stall_after)) as Box<dyn StreamReader>
        })
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn expected(&self) -> Usage {
        Usage {
            input_tokens: self.asked.tokens(),
            output_tokens: self.max_tokens,
            ..Usage::default()
        }
    }

    fn describe(&self) -> String {
        let how = if self.stream { "streamed" } else { "whole" };
        format!("POST {}, {}, {how}", self.prepared.url, self.model)
    }
}
