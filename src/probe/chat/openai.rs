//! OpenAI's chat completions, and what the many compatible servers make of them.
//!
//! An event is like a whole answer, with `delta` in the place of `message`. The piece with the usage has no choices, an
//! empty list, or one with an empty `delta`. An answer is complete with a `finish_reason` or with `[DONE]`: gateways
//! leave out one or the other.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::Ask;
use super::lax::{Content, Count, Filled, First, Lax, Seen, Word};
use super::said::Said;
use crate::model::Usage;
use crate::probe::reply::Counted;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Document<'a> {
    #[serde(borrow)]
    choices: First<Choice<'a>>,
    usage: Lax<Tokens>,
    error: Seen,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Lax<Message<'a>>,
    #[serde(borrow)]
    message: Lax<Message<'a>>,
    #[serde(borrow)]
    finish_reason: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    refusal: Word<'a>,
    reasoning_content: Filled,
    reasoning: Filled,
    thinking: Filled,
    tool_calls: Filled,
    function_call: Filled,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    prompt_tokens: Count,
    completion_tokens: Count,
    prompt_tokens_details: Lax<Cached>,
    completion_tokens_details: Lax<Reasoned>,
    /// DeepSeek's name for cached ones.
    prompt_cache_hit_tokens: Count,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cached {
    cached_tokens: Count,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reasoned {
    reasoning_tokens: Count,
}

/// The request's body.
pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut body =
        json!({ "model": ask.model, "messages": [{ "role": "user", "content": ask.prompt }] });
    body[ask.max_tokens_field] = ask.max_tokens.into();
    if ask.stream {
        body["stream"] = true.into();
        if ask.usage {
            body["stream_options"] = json!({ "include_usage": true });
        }
    }
    if ask.may_store {
        body["store"] = false.into();
    }
    if let Some(effort) = ask.effort {
        body["reasoning_effort"] = effort.into();
    }
    body
}

/// Reads an event, or a whole answer.
pub(super) fn read(bytes: &[u8], said: &mut Said) -> serde_json::Result<()> {
    let Lax(Some(document)) = serde_json::from_slice::<Lax<Document<'_>>>(bytes)? else {
        said.suspect = true;
        return Ok(());
    };
    said.suspect = document.error.0;
    if let Some(tokens) = document.usage.0 {
        said.counted = tokens.into();
    }
    let Some(choice) = document.choices.0 else {
        return Ok(());
    };
    said.answered = true;
    said.finish = choice.finish_reason.0.map(String::from);
    let Some(message) = choice.delta.0.or(choice.message.0) else {
        return Ok(());
    };
    said.text.push_str(&message.content.text);
    if said.text.is_empty() && !message.refusal.text().is_empty() {
        said.text.push_str(message.refusal.text());
        said.refused = true;
    }
    said.thought = message.content.thought
        || message.reasoning_content.0
        || message.reasoning.0
        || message.thinking.0;
    said.tool = message.tool_calls.0 || message.function_call.0;
    Ok(())
}

impl From<Tokens> for Counted {
    fn from(tokens: Tokens) -> Self {
        let cached = tokens
            .prompt_tokens_details
            .0
            .unwrap_or_default()
            .cached_tokens;
        let reasoned = tokens.completion_tokens_details.0.unwrap_or_default();
        Counted {
            usage: Usage {
                input_tokens: tokens.prompt_tokens.0,
                cached_tokens: cached.0.max(tokens.prompt_cache_hit_tokens.0),
                output_tokens: tokens.completion_tokens.0,
                ..Usage::default()
            },
            reasoning: reasoned.reasoning_tokens.0,
        }
    }
}
