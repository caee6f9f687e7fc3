//! Google's generateContent.
//!
//! Each event of a stream is a document like the whole answer; the last has a `finishReason`, and no `[DONE]` follows. A
//! 200 without candidates is a question that was blocked, and `promptFeedback` says why.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::Ask;
use super::lax::{Count, Each, Filled, First, Lax, Seen, Word};
use super::said::{BLOCKED, Said};
use crate::model::Usage;
use crate::probe::reply::Counted;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    candidates: First<Candidate<'a>>,
    #[serde(borrow)]
    prompt_feedback: Lax<Feedback<'a>>,
    usage_metadata: Lax<Tokens>,
    error: Seen,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Lax<Parts<'a>>,
    #[serde(borrow)]
    finish_reason: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Parts<'a> {
    #[serde(borrow)]
    parts: Each<Part<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow)]
    text: Word<'a>,
    thought: Seen,
    function_call: Filled,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
}

/// Below the base address: the model is part of the path. A name with folders, as `tunedModels/mine`, says its own.
pub(super) fn path(model: &str, stream: bool) -> String {
    let method = if stream {
        "streamGenerateContent"
    } else {
        "generateContent"
    };
    let mut path = String::from(if model.contains('/') { "/" } else { "/models/" });
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    let _ = write!(path, ":{method}");
    path
}

/// The request's body.
pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut config = json!({ "maxOutputTokens": ask.max_tokens });
    if let Some(budget) = ask.budget {
        config["thinkingConfig"] = json!({ "thinkingBudget": budget });
    }
    if let Some(effort) = ask.effort {
        config["thinkingConfig"] = json!({ "thinkingLevel": effort });
    }
    json!({
        "contents": [{ "role": "user", "parts": [{ "text": ask.prompt }] }],
        "generationConfig": config,
    })
}

/// Reads an event, or a whole answer.
pub(super) fn read(bytes: &[u8], said: &mut Said) -> serde_json::Result<()> {
    let Lax(Some(document)) = serde_json::from_slice::<Lax<Document<'_>>>(bytes)? else {
        said.suspect = true;
        return Ok(());
    };
    said.suspect = document.error.0;
    if let Some(tokens) = document.usage_metadata.0 {
        said.counted = tokens.into();
    }
    if let Some(reason) = document.prompt_feedback.0.and_then(|f| f.block_reason.0) {
        said.answered = true;
        said.finish = Some(format!("{BLOCKED}{reason}"));
    }
    let Some(candidate) = document.candidates.0 else {
        return Ok(());
    };
    said.answered = true;
    if candidate.finish_reason.0.is_some() {
        said.finish = candidate.finish_reason.0.map(String::from);
    }
    for part in candidate.content.0.unwrap_or_default().parts.0 {
        if part.thought.0 {
            said.thought |= !part.text.text().is_empty();
        } else {
            said.text.push_str(part.text.text());
        }
        said.tool |= part.function_call.0;
    }
    Ok(())
}

impl From<Tokens> for Counted {
    fn from(tokens: Tokens) -> Self {
        let (spoken, thought) = (
            tokens.candidates_token_count.0,
            tokens.thoughts_token_count.0,
        );
        Counted {
            usage: Usage {
                input_tokens: tokens.prompt_token_count.0,
                cached_tokens: tokens.cached_content_token_count.0,
                // Here thoughts are counted beside the answer.
                output_tokens: spoken.saturating_add(thought),
                ..Usage::default()
            },
            reasoning: thought,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_part_of_the_path() {
        for (model, stream, wanted) in [
            (
                "gemini-2.5-flash",
                true,
                "/models/gemini-2.5-flash:streamGenerateContent",
            ),
            (
                "models/gemini-2.5-flash",
                false,
                "/models/gemini-2.5-flash:generateContent",
            ),
            (
                "tunedModels/a b?",
                false,
                "/tunedModels/a%20b%3F:generateContent",
            ),
        ] {
            assert_eq!(path(model, stream), wanted);
        }
    }
}
