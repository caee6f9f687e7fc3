//! Anthropic's Messages.
//!
//! A stream names its events in `type` and ends with `message_stop`; `message_delta` with a `stop_reason` comes before.
//! `ping` says nothing. An `error` may come at any time.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::Ask;
use super::lax::{Count, Each, Filled, Lax, Seen, Word};
use super::said::Said;
use crate::model::Usage;
use crate::probe::reply::Counted;

/// The version of the interface, in a header of its own.
pub(super) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
/// The API refuses a smaller budget.
pub(super) const LEAST_BUDGET: u64 = 1024;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    delta: Lax<Delta<'a>>,
    #[serde(borrow)]
    content_block: Lax<Block<'a>>,
    #[serde(borrow)]
    message: Lax<Message<'a>>,
    usage: Lax<Tokens>,
    error: Seen,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Word<'a>,
    thinking: Filled,
    partial_json: Filled,
    #[serde(borrow)]
    stop_reason: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    text: Word<'a>,
    thinking: Filled,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    content: Each<Block<'a>>,
    #[serde(borrow)]
    stop_reason: Word<'a>,
    usage: Lax<Tokens>,
    error: Seen,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    output_tokens: Count,
}

/// The request's body.
pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut body = json!({
        "model": ask.model,
        "max_tokens": ask.max_tokens,
        "messages": [{ "role": "user", "content": ask.prompt }],
    });
    if ask.stream {
        body["stream"] = true.into();
    }
    if let Some(budget) = ask.budget {
        body["thinking"] = json!({ "type": "enabled", "budget_tokens": budget });
    }
    if let Some(effort) = ask.effort {
        body["output_config"] = json!({ "effort": effort });
    }
    body
}

/// Reads an event.
pub(super) fn read_event(bytes: &[u8], said: &mut Said) -> serde_json::Result<()> {
    let Lax(Some(event)) = serde_json::from_slice::<Lax<Event<'_>>>(bytes)? else {
        said.suspect = true;
        return Ok(());
    };
    if let Some(tokens) = event.usage.0 {
        said.counted = tokens.into();
    }
    match event.kind.text() {
        "content_block_delta" => {
            let delta = event.delta.0.unwrap_or_default();
            said.text.push_str(delta.text.text());
            said.thought = delta.thinking.0;
            said.tool = delta.partial_json.0;
        }
        "content_block_start" => event.content_block.0.unwrap_or_default().tell(said),
        "message_start" => event.message.0.unwrap_or_default().tell(said),
        "message_delta" => {
            said.finish = event
                .delta
                .0
                .and_then(|delta| delta.stop_reason.0)
                .map(String::from);
        }
        "message_stop" => said.terminal = true,
        "error" => said.suspect = true,
        _ => said.suspect = event.error.0,
    }
    Ok(())
}

/// Reads a whole answer.
pub(super) fn read_whole(bytes: &[u8], said: &mut Said) -> serde_json::Result<()> {
    match serde_json::from_slice::<Lax<Message<'_>>>(bytes)?.0 {
        Some(message) => message.tell(said),
        None => said.suspect = true,
    }
    Ok(())
}

impl Message<'_> {
    fn tell(self, said: &mut Said) {
        said.answered = self.kind.text() == "message" || !self.content.0.is_empty();
        said.suspect |= self.error.0 || self.kind.text() == "error";
        for block in &self.content.0 {
            block.tell(said);
        }
        said.finish = self.stop_reason.0.map(String::from);
        if let Some(tokens) = self.usage.0 {
            said.counted = tokens.into();
        }
    }
}

impl Block<'_> {
    fn tell(&self, said: &mut Said) {
        said.text.push_str(self.text.text());
        said.thought |= self.thinking.0;
        said.tool |= self.kind.text() == "tool_use";
    }
}

impl From<Tokens> for Counted {
    fn from(tokens: Tokens) -> Self {
        let cached = tokens.cache_read_input_tokens.0;
        // Here `input_tokens` are only those beside the cache.
        let input = tokens
            .input_tokens
            .0
            .saturating_add(cached)
            .saturating_add(tokens.cache_creation_input_tokens.0);
        Counted {
            usage: Usage {
                input_tokens: input,
                cached_tokens: cached,
                output_tokens: tokens.output_tokens.0,
                ..Usage::default()
            },
            reasoning: 0,
        }
    }
}
