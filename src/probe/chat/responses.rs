//! OpenAI's Responses.
//!
//! A 200 may carry a response that failed or is incomplete. A stream names its events in `type`; it ends with
//! `response.completed`, `.failed`, `.incomplete` or `error`, and no `[DONE]` is promised.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::Ask;
use super::lax::{Count, Each, Lax, Seen, Word};
use super::said::Said;
use crate::model::Usage;
use crate::probe::reply::{Counted, Reported};

/// The API refuses a smaller limit.
pub(super) const LEAST_TOKENS: u64 = 16;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    delta: Word<'a>,
    #[serde(borrow)]
    response: Lax<Response<'a>>,
    error: Seen,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    status: Word<'a>,
    error: Seen,
    #[serde(borrow)]
    incomplete_details: Lax<Incomplete<'a>>,
    #[serde(borrow)]
    output: Each<Item<'a>>,
    usage: Lax<Tokens>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    content: Each<Part<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    text: Word<'a>,
    #[serde(borrow)]
    refusal: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Lax<Cached>,
    output_tokens_details: Lax<Reasoned>,
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

/// The request's body. Nothing is to be stored: without `store` the API keeps every response for 30 days.
pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut body = json!({
        "model": ask.model,
        "input": ask.prompt,
        "max_output_tokens": ask.max_tokens.max(LEAST_TOKENS),
        "store": false,
    });
    if ask.stream {
        body["stream"] = true.into();
    }
    if let Some(effort) = ask.effort {
        body["reasoning"] = json!({ "effort": effort });
    }
    body
}

/// Reads an event.
pub(super) fn read_event(bytes: &[u8], said: &mut Said) -> serde_json::Result<()> {
    let Lax(Some(event)) = serde_json::from_slice::<Lax<Event<'_>>>(bytes)? else {
        said.suspect = true;
        return Ok(());
    };
    let kind = event.kind.text();
    match kind {
        "response.output_text.delta" => said.text.push_str(event.delta.text()),
        "response.refusal.delta" => {
            said.text.push_str(event.delta.text());
            said.refused = true;
        }
        "response.completed" | "response.incomplete" => {
            said.terminal = true;
            if let Some(response) = event.response.0 {
                response.tell(said);
                // Repeated, not said now.
                std::mem::swap(&mut said.text, &mut said.again);
                (said.thought, said.tool) = (false, false);
            }
            if said.finish.is_none() {
                let word = if kind == "response.completed" {
                    "completed"
                } else {
                    "incomplete"
                };
                said.finish = Some(word.to_owned());
            }
        }
        "response.failed" | "error" => {
            said.suspect = true;
            if let Some(tokens) = event.response.0.and_then(|response| response.usage.0) {
                said.counted = tokens.into();
            }
        }
        _ if kind.starts_with("response.reasoning") && kind.ends_with(".delta") => {
            said.thought = !event.delta.text().is_empty();
        }
        _ if kind.ends_with("_arguments.delta") || kind.ends_with("_call_input.delta") => {
            said.tool = !event.delta.text().is_empty();
        }
        _ => said.suspect = event.error.0,
    }
    Ok(())
}

/// Reads a whole answer.
pub(super) fn read_whole(bytes: &[u8], said: &mut Said) -> serde_json::Result<()> {
    match serde_json::from_slice::<Lax<Response<'_>>>(bytes)?.0 {
        Some(response) => response.tell(said),
        None => said.suspect = true,
    }
    Ok(())
}

impl Response<'_> {
    fn tell(self, said: &mut Said) {
        let status = self.status.text();
        said.answered = self.status.0.is_some() || !self.output.0.is_empty();
        said.suspect |= self.error.0 || status == "failed";
        for item in &self.output.0 {
            let kind = item.kind.text();
            said.thought |= kind == "reasoning";
            said.tool |= kind.ends_with("_call");
            for part in item.content.0.iter().filter(|_| kind == "message") {
                said.text.push_str(part.text.text());
                if part.kind.text() == "refusal" {
                    said.text.push_str(part.refusal.text());
                    said.refused = true;
                }
            }
        }
        let reason = self.incomplete_details.0.unwrap_or_default().reason;
        said.finish = reason.0.or(self.status.0).map(String::from);
        if let Some(tokens) = self.usage.0 {
            said.counted = tokens.into();
        }
    }
}

/// The error in an event or a whole answer that may hold one.
pub(super) fn reported(value: &Value) -> Option<Reported> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let failed = value["type"] == "response.failed"
        || value["status"] == "failed"
        || value["response"]["status"] == "failed";
    Reported::in_value(value)
        .or_else(|| Reported::in_value(&value["response"]))
        .or_else(|| {
            (value["type"] == "error").then(|| Reported {
                code: text(&value["code"]).to_ascii_lowercase(),
                kind: "error".to_owned(),
                message: text(&value["message"]),
            })
        })
        .or_else(|| {
            failed.then(|| Reported {
                message: "the response failed, and no reason is given".to_owned(),
                ..Reported::default()
            })
        })
}

impl From<Tokens> for Counted {
    fn from(tokens: Tokens) -> Self {
        let cached = tokens.input_tokens_details.0.unwrap_or_default();
        let reasoned = tokens.output_tokens_details.0.unwrap_or_default();
        Counted {
            usage: Usage {
                input_tokens: tokens.input_tokens.0,
                cached_tokens: cached.cached_tokens.0,
                output_tokens: tokens.output_tokens.0,
                ..Usage::default()
            },
            reasoning: reasoned.reasoning_tokens.0,
        }
    }
}
