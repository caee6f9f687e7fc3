//! Messages as Anthropic sends them.

use serde_json::{Value, json};

use super::super::answer::{Answer, Step};
use super::{End, Talk};
use crate::model::scenario::FailureMode;

/// The text of the last message, and the limit on tokens, which must be there.
pub(super) fn question(request: &Value) -> Option<(String, Option<u64>)> {
    let text = super::text_of(&request["messages"].as_array()?.last()?["content"])?;
    let most = request["max_tokens"].as_u64()?;
    Some((text, Some(most)))
}

pub(super) fn document(talk: &Talk) -> Answer {
    let content = match talk.pieces.is_empty() {
        true => json!([]),
        false => json!([{ "type": "text", "text": talk.text() }]),
    };
    Answer::json(
        200,
        &message(talk, content, Some(finish(talk)), talk.pieces.len()),
    )
}

pub(super) fn stream(talk: &Talk, end: End) -> Answer {
    let event = |document: Value| {
        let kind = document["type"].as_str().unwrap_or_default();
        Step::Send(format!("event: {kind}\ndata: {document}\n\n").into())
    };
    let block = json!({ "type": "text", "text": "" });
    let mut steps = vec![
        event(json!({ "type": "message_start", "message": message(talk, json!([]), None, 1) })),
        event(json!({ "type": "content_block_start", "index": 0, "content_block": block })),
        event(json!({ "type": "ping" })),
    ];
    for piece in &talk.pieces {
        let delta = json!({ "type": "text_delta", "text": piece });
        steps.push(Step::Wait(talk.gap));
        steps.push(event(
            json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        ));
    }
    if let End::Error = end {
        steps.push(event(error("overloaded_error", "Overloaded")));
        return Answer::events(steps);
    }
    let delta = json!({ "stop_reason": finish(talk), "stop_sequence": null });
    let usage = json!({ "output_tokens": talk.pieces.len() });
    steps.push(event(json!({ "type": "content_block_stop", "index": 0 })));
    steps.push(event(
        json!({ "type": "message_delta", "delta": delta, "usage": usage }),
    ));
    steps.push(event(json!({ "type": "message_stop" })));
    Answer::events(steps)
}

/// An error object.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

/// Status, kind and words of a refusal.
pub(super) fn refusal(mode: FailureMode) -> (u16, Value) {
    match mode {
        FailureMode::RateLimit => (
            429,
            error(
                "rate_limit_error",
                "This request would exceed your organization's rate limit.",
            ),
        ),
        FailureMode::Overloaded => (529, error("overloaded_error", "Overloaded")),
        FailureMode::Unavailable => (
            503,
            error("api_error", "The service is temporarily unavailable."),
        ),
        _ => (500, error("api_error", "Internal server error")),
    }
}

fn finish(talk: &Talk) -> &'static str {
    if talk.complete {
        "end_turn"
    } else {
        "max_tokens"
    }
}

fn message(talk: &Talk, content: Value, finish: Option<&str>, answered: usize) -> Value {
    json!({
        "id": format!("msg_{:016x}", talk.mark), "type": "message", "role": "assistant", "model": talk.model,
        "content": content, "stop_reason": finish, "stop_sequence": null,
        "usage": {
            "input_tokens": talk.asked, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": answered,
        },
    })
}
