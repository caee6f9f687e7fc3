//! Pictures over chat completions, as OpenRouter and LiteLLM give them: `message.images[].image_url.url`.

use serde_json::Value;

use super::answer::{Answer, Held, count, none, text, withheld};
use crate::model::Usage;
use crate::probe::Judgement;

/// Reads a whole answer; `body` is what it was read from.
pub(super) fn read(value: &Value, body: &[u8]) -> Result<Answer, Judgement> {
    let choice = &value["choices"][0];
    let message = &choice["message"];
    // Some put the pictures among the parts of the content instead.
    let parts = [&message["images"], &message["content"]];
    let all: Vec<&str> = parts
        .iter()
        .filter_map(|list| list.as_array())
        .flatten()
        .filter_map(address)
        .collect();
    let Some(first) = all.first() else {
        return Err(match text(&choice["finish_reason"]) {
            Some(reason @ "content_filter") => withheld(reason),
            _ => none(body),
        });
    };
    let usage = &value["usage"];
    Ok(Answer {
        picture: Held::address(first)?,
        usage: Usage {
            input_tokens: count(usage, &["/prompt_tokens"]),
            cached_tokens: count(usage, &["/prompt_tokens_details/cached_tokens"]),
            output_tokens: count(usage, &["/completion_tokens"]),
            images: u32::try_from(all.len()).unwrap_or(u32::MAX),
        },
    })
}

fn address(part: &Value) -> Option<&str> {
    let address = &part["image_url"];
    text(&address["url"]).or(text(address))
}
