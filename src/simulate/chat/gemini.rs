//! generateContent as Google sends it.

use serde_json::{Value, json};

use super::super::answer::{Answer, Step};
use super::{End, Talk};
use crate::model::scenario::FailureMode;

/// The model and whether a stream is wanted, from a path such as `/v1beta/models/gemini-2.5-flash:generateContent`.
pub(super) fn target(path: &str) -> Option<(&str, bool)> {
    let (model, method) = path.strip_prefix("/v1beta/models/")?.split_once(':')?;
    match method {
        "generateContent" => Some((model, false)),
        "streamGenerateContent" => Some((model, true)),
        _ => None,
    }
}

/// The text of the last turn, and the limit on tokens.
pub(super) fn question(request: &Value) -> Option<(String, Option<u64>)> {
    let text = super::text_of(&request["contents"].as_array()?.last()?["parts"])?;
    Some((
        text,
        request["generationConfig"]["maxOutputTokens"].as_u64(),
    ))
}

pub(super) fn document(talk: &Talk) -> Answer {
    let text = talk.text();
    Answer::json(200, &chunk(talk, Some(&text), true))
}

/// Events when `events`, else one JSON list, as without `alt=sse`.
pub(super) fn stream(talk: &Talk, end: End, events: bool) -> Answer {
    let last = talk.pieces.len().saturating_sub(1);
    let mut chunks: Vec<Value> = match talk.pieces.is_empty() {
        true => vec![chunk(talk, None, true)],
        false => talk
            .pieces
            .iter()
            .enumerate()
            .map(|(at, piece)| {
                chunk(
                    talk,
                    Some(piece),
                    at == last && matches!(end, End::Finished),
                )
            })
            .collect(),
    };
    if let End::Error = end {
        chunks.push(error(
            503,
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        ));
    }
    if !events {
        return Answer::json(200, &Value::from(chunks));
    }
    let steps = chunks.iter().flat_map(|chunk| {
        let data = format!("data: {chunk}\r\n\r\n");
        [Step::Wait(talk.gap), Step::Send(data.into())]
    });
    Answer::events(steps.collect())
}

/// An error object.
pub(super) fn error(code: u16, status: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "status": status } })
}

/// Status and words of a refusal.
pub(super) fn refusal(mode: FailureMode) -> (u16, Value) {
    let (code, status, message) = match mode {
        FailureMode::RateLimit => (
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        FailureMode::Overloaded | FailureMode::Unavailable => (
            503,
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        ),
        _ => (500, "INTERNAL", "An internal error has occurred."),
    };
    (code, error(code, status, message))
}

fn chunk(talk: &Talk, text: Option<&str>, last: bool) -> Value {
    let mut content = json!({ "role": "model" });
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        content["parts"] = json!([{ "text": text }]);
    }
    let mut candidate = json!({ "content": content, "index": 0 });
    let mut usage = json!({ "promptTokenCount": talk.asked, "totalTokenCount": talk.asked });
    if last {
        candidate["finishReason"] = if talk.complete { "STOP" } else { "MAX_TOKENS" }.into();
        usage["candidatesTokenCount"] = talk.pieces.len().into();
        usage["totalTokenCount"] = (talk.asked + talk.pieces.len()).into();
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": talk.model,
        "responseId": format!("{:016x}", talk.mark),
    })
}
