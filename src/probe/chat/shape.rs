//! The shapes of API that a chat probe speaks, and what differs between them.
//!
//! A shape says where a question goes, how it is put, and what an event means. When things came and what follows from
//! it is the same for all, and stands in `stream` and `judge`.

use http::HeaderName;
use serde_json::Value;

use super::ask::Ask;
use super::said::Said;
use super::{anthropic, gemini, openai, responses};
use crate::probe::reply::Reported;
use crate::probe::target::Auth;

/// Whose interface it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// OpenAI's chat completions, and everything compatible.
    OpenAi,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's generateContent.
    Gemini,
}

impl Shape {
    pub const ALL: [Shape; 4] = [
        Shape::OpenAi,
        Shape::Responses,
        Shape::Anthropic,
        Shape::Gemini,
    ];

    /// As written in `api = ".."`.
    pub const fn name(self) -> &'static str {
        match self {
            Shape::OpenAi => "openai",
            Shape::Responses => "responses",
            Shape::Anthropic => "anthropic",
            Shape::Gemini => "gemini",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// Where questions go, below the base address.
    pub fn path(self, model: &str, stream: bool) -> String {
        match self {
            Shape::OpenAi => "/chat/completions".to_owned(),
            Shape::Responses => "/responses".to_owned(),
            Shape::Anthropic => "/messages".to_owned(),
            Shape::Gemini => gemini::path(model, stream),
        }
    }

    /// How the key travels when the probe does not say.
    pub fn auth(self) -> Auth {
        match self {
            Shape::OpenAi | Shape::Responses => Auth::Bearer,
            Shape::Anthropic => Auth::Header(HeaderName::from_static("x-api-key")),
            Shape::Gemini => Auth::Header(HeaderName::from_static("x-goog-api-key")),
        }
    }

    /// The body of the request.
    pub fn body(self, ask: &Ask<'_>) -> Value {
        match self {
            Shape::OpenAi => openai::body(ask),
            Shape::Responses => responses::body(ask),
            Shape::Anthropic => anthropic::body(ask),
            Shape::Gemini => gemini::body(ask),
        }
    }

    /// Reads an event of a stream. Errs when it is no JSON.
    pub fn read_event(self, data: &[u8], said: &mut Said) -> serde_json::Result<()> {
        let read = match self {
            Shape::OpenAi => openai::read,
            Shape::Responses => responses::read_event,
            Shape::Anthropic => anthropic::read_event,
            Shape::Gemini => gemini::read,
        };
        leniently(read, data, said)
    }

    /// Reads a whole answer. Errs when it is no JSON.
    pub fn read_whole(self, body: &[u8], said: &mut Said) -> serde_json::Result<()> {
        let read = match self {
            Shape::OpenAi => openai::read,
            Shape::Responses => responses::read_whole,
            Shape::Anthropic => anthropic::read_whole,
            Shape::Gemini => gemini::read,
        };
        leniently(read, body, said)
    }

    /// The error in an event or a whole answer that is suspected to hold one.
    pub fn reported(self, document: &[u8]) -> Option<Reported> {
        let value: Value = serde_json::from_slice(document).ok()?;
        match self {
            Shape::Responses => responses::reported(&value),
            _ => Reported::in_value(&value),
        }
    }

    /// What a stream lacks that ended too early.
    pub fn end(self) -> &'static str {
        match self {
            Shape::OpenAi => "with neither finish_reason nor [DONE]",
            Shape::Responses => "without response.completed",
            Shape::Anthropic => "with neither stop_reason nor message_stop",
            Shape::Gemini => "without finishReason",
        }
    }

    /// Where an answer stands, for the case that there is none.
    pub fn place(self) -> &'static str {
        match self {
            Shape::OpenAi => "choice",
            Shape::Responses => "response",
            Shape::Anthropic => "message",
            Shape::Gemini => "candidate",
        }
    }
}

/// Reads a document; one that names a key twice is read again with the last of them.
fn leniently(
    read: fn(&[u8], &mut Said) -> serde_json::Result<()>,
    bytes: &[u8],
    said: &mut Said,
) -> serde_json::Result<()> {
    if read(bytes, said).is_ok() {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(bytes)?;
    said.clear();
    read(value.to_string().as_bytes(), said)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON that is made of the words that the shapes look for, in any order and depth.
    fn json() -> impl Strategy<Value = Value> {
        let word = prop::sample::select(vec![
            "choices",
            "delta",
            "message",
            "content",
            "text",
            "finish_reason",
            "error",
            "type",
            "response",
            "output",
            "status",
            "usage",
            "candidates",
            "parts",
            "finishReason",
            "promptFeedback",
            "blockReason",
            "thought",
            "content_block",
            "response.completed",
            "response.failed",
            "content_block_delta",
            "message_start",
            "prompt_tokens",
            "code",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((word.clone(), inner), 0..6)
                    .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_makes_a_shape_fail_or_panic(value in json()) {
            let text = value.to_string();
            for shape in Shape::ALL {
                let mut said = Said::default();
                prop_assert!(shape.read_event(text.as_bytes(), &mut said).is_ok());
                prop_assert!(shape.read_whole(text.as_bytes(), &mut said).is_ok());
                let _ = shape.reported(text.as_bytes());
            }
        }

        #[test]
        fn no_bytes_make_a_shape_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for shape in Shape::ALL {
                let mut said = Said::default();
                let _ = shape.read_event(&bytes, &mut said);
                let _ = shape.read_whole(&bytes, &mut said);
                let _ = shape.reported(&bytes);
            }
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_no_fault() {
        let mut said = Said::default();
        let twice = br#"{"choices":[],"choices":[{"delta":{"content":"a"}}]}"#;
        assert!(Shape::OpenAi.read_event(twice, &mut said).is_ok());
        assert_eq!(said.text, "a");
    }

    #[test]
    fn every_shape_is_found_by_its_name() {
        for shape in Shape::ALL {
            assert_eq!(Shape::from_name(shape.name()), Some(shape));
        }
        assert_eq!(Shape::from_name("OpenAI"), None);
    }
}
