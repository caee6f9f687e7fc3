//! What is asked, and the request's body: taken apart once where the question goes, put together at each run.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde_json::Value;

use super::shape::Shape;
use crate::model::Question;
use crate::model::question::run_number;
use crate::probe::pool::Pool;

/// Stands in a prompt of the user's own for the number of the run.
pub(super) const NONCE: &str = "{nonce}";
/// Asked when `expect.text` says what the answer is, and no `prompt` what the question.
pub(super) const PING: &str = "ping {nonce}: answer with the one word pong";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// The built-in question of the run.
    BuiltIn,
    /// Always the same, but for the number of the run.
    Own(String),
}

impl Asked {
    /// The text for the model.
    fn prompt(&self, nonce: u64) -> Cow<'_, str> {
        match self {
            Asked::BuiltIn => Question::of(nonce).prompt(nonce).into(),
            Asked::Own(text) if text.contains(NONCE) => {
                text.replace(NONCE, &run_number(nonce)).into()
            }
            Asked::Own(text) => text.into(),
        }
    }

    /// How many tokens the question comes to, about, with what providers put around it.
    pub(super) fn tokens(&self) -> u64 {
        /// Of a built-in question.
        const QUESTION: u64 = 40;
        /// What stands around a question of any length.
        const AROUND: u64 = 15;
        /// Characters of a token: English has four, other languages fewer.
        const CHARS: u64 = 3;
        match self {
            Asked::BuiltIn => QUESTION,
            Asked::Own(text) => {
                let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                AROUND + chars.div_ceil(CHARS)
            }
        }
    }
}

/// All that a shape puts into the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub model: &'a str,
    pub prompt: &'a str,
    pub max_tokens: u64,
    pub max_tokens_field: &'a str,
    pub stream: bool,
    /// Whether a stream is asked to tell the usage.
    pub usage: bool,
    /// Whether the host is told not to keep the conversation.
    pub may_store: bool,
    /// How hard the model thinks, in the provider's word.
    pub effort: Option<&'a str>,
    /// How many tokens it may think.
    pub budget: Option<u64>,
}

/// The body of a request, but for the question.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Body {
    before: Box<str>,
    after: Box<str>,
}

/// Those of all probes: of one model most ask in the same words.
static BODIES: LazyLock<Pool<Body>> = LazyLock::new(Pool::new);

impl Body {
    /// `ask` without its prompt, in the words of `shape`.
    pub fn new(shape: Shape, ask: Ask<'_>) -> Arc<Self> {
        // Stands where the question goes, and nowhere else.
        let mut mark = "\u{1}".to_owned();
        while ask.model.contains(&mark) || ask.effort.is_some_and(|effort| effort.contains(&mark)) {
            mark.push('\u{1}');
        }
        let ask = Ask {
            prompt: &mark,
            ..ask
        };
        let text = shape.body(&ask).to_string();
        let mark = Value::from(mark.as_str()).to_string();
        let (before, after) = text.split_once(&mark).unwrap_or((&text, ""));
        BODIES.share(Self {
            before: before.into(),
            after: after.into(),
        })
    }

    /// The whole body of a run.
    pub fn with(&self, asked: &Asked, nonce: u64) -> Bytes {
        let question = Value::from(asked.prompt(nonce).into_owned()).to_string();
        [&*self.before, &question, &self.after].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::probe::chat::models;

    fn ask(model: &str) -> Ask<'_> {
        Ask {
            model,
            prompt: "",
            max_tokens: 40,
            max_tokens_field: "max_tokens",
            stream: true,
            usage: true,
            may_store: false,
            effort: None,
            budget: None,
        }
    }

    fn sent(shape: Shape, ask: Ask<'_>, asked: &str) -> Value {
        let body = Body::new(shape, ask).with(&Asked::Own(asked.to_owned()), 0x1_0000_002a);
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn each_shape_puts_the_question_in_its_own_words() {
        let asked = "a \"{nonce}\" b";
        assert_eq!(
            sent(Shape::OpenAi, ask("m{nonce}"), asked),
            json!({
                "model": "m{nonce}", "messages": [{ "role": "user", "content": "a \"0000002a\" b" }],
                "max_tokens": 40, "stream": true, "stream_options": { "include_usage": true },
            })
        );
        let ours = Ask {
            max_tokens_field: "max_completion_tokens",
            stream: false,
            may_store: true,
            effort: Some("low"),
            ..ask("o3")
        };
        assert_eq!(
            sent(Shape::OpenAi, ours, "?"),
            json!({
                "model": "o3", "messages": [{ "role": "user", "content": "?" }],
                "max_completion_tokens": 40, "store": false, "reasoning_effort": "low",
            })
        );
        let short = Ask {
            max_tokens: 5,
            effort: Some("low"),
            ..ask("m")
        };
        assert_eq!(
            sent(Shape::Responses, short, "?"),
            json!({
                "model": "m", "input": "?", "max_output_tokens": 16, "store": false, "stream": true,
                "reasoning": { "effort": "low" },
            })
        );
        let thinking = Ask {
            budget: Some(1024),
            max_tokens: models::max_tokens_beside(1024),
            ..ask("claude")
        };
        assert_eq!(
            sent(Shape::Anthropic, thinking, "?"),
            json!({
                "model": "claude", "max_tokens": 1056, "messages": [{ "role": "user", "content": "?" }], "stream": true,
                "thinking": { "type": "enabled", "budget_tokens": 1024 },
            })
        );
        let quiet = Ask {
            budget: Some(0),
            ..ask("gemini-2.5-flash")
        };
        assert_eq!(
            sent(Shape::Gemini, quiet, "?"),
            json!({
                "contents": [{ "role": "user", "parts": [{ "text": "?" }] }],
                "generationConfig": { "maxOutputTokens": 40, "thinkingConfig": { "thinkingBudget": 0 } },
            })
        );
    }

    #[test]
    fn the_usage_of_a_stream_is_asked_for_unless_told_not_to() {
        let silent = Ask {
            usage: false,
            ..ask("m")
        };
        assert_eq!(sent(Shape::OpenAi, silent, "?").get("stream_options"), None);
    }

    #[test]
    fn no_name_of_a_model_is_taken_for_the_question() {
        for shape in Shape::ALL {
            let text = sent(shape, ask("\u{1}\u{1}"), "the question").to_string();
            assert_eq!(text.matches("the question").count(), 1, "{text}");
        }
    }

    #[test]
    fn a_built_in_question_carries_the_number_of_the_run() {
        let body = Body::new(Shape::OpenAi, ask("m")).with(&Asked::BuiltIn, 7 << 32 | 0xabc);
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains("00000abc") && text.contains(Question::of(7 << 32).ask),
            "{text}"
        );
    }
}
