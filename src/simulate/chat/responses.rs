//! Responses as OpenAI sends them.

use serde_json::{Value, json};

use super::super::answer::{Answer, Step};
use super::{End, Talk};

/// The question, as a text or as the last of a list of messages, and the limit on tokens.
pub(super) fn question(request: &Value) -> Option<(String, Option<u64>)> {
    let input = &request["input"];
    let text = match input.as_array() {
        Some(list) => super::text_of(&list.last()?["content"])?,
        None => input.as_str()?.to_owned(),
    };
    Some((text, request["max_output_tokens"].as_u64()))
}

pub(super) fn document(talk: &Talk) -> Answer {
    Answer::json(200, &response(talk, status(talk)))
}

/// The answer in whose place an error stands.
pub(super) fn failed(talk: &Talk) -> Answer {
    Answer::json(200, &failure(talk))
}

pub(super) fn stream(talk: &Talk, end: End) -> Answer {
    let mut number = 0;
    let mut event = |kind: &str, mut document: Value| {
        document["type"] = kind.into();
        document["sequence_number"] = number.into();
        number += 1;
        Step::Send(format!("event: {kind}\ndata: {document}\n\n").into())
    };
    let begun = response(&talk.without_text(), "in_progress");
    let item = format!("msg_{:016x}", talk.mark);
    let place = json!({ "item_id": item, "output_index": 0, "content_index": 0 });
    let with = |key: &str, value: Value| {
        let mut document = place.clone();
        document[key] = value;
        document
    };
    let mut steps = vec![
        event("response.created", json!({ "response": begun })),
        event("response.in_progress", json!({ "response": begun })),
        event(
            "response.output_item.added",
            json!({ "output_index": 0, "item": message(talk, "in_progress", &[]) }),
        ),
        event("response.content_part.added", with("part", part(""))),
    ];
    for piece in &talk.pieces {
        steps.push(Step::Wait(talk.gap));
        steps.push(event(
            "response.output_text.delta",
            with("delta", piece.as_str().into()),
        ));
    }
    if let End::Error = end {
        steps.push(event(
            "response.failed",
            json!({ "response": failure(talk) }),
        ));
        return Answer::events(steps);
    }
    let text = talk.text();
    steps.push(event(
        "response.output_text.done",
        with("text", text.as_str().into()),
    ));
    steps.push(event(
        "response.content_part.done",
        with("part", part(&text)),
    ));
    let done = message(talk, "completed", &[part(&text)]);
    steps.push(event(
        "response.output_item.done",
        json!({ "output_index": 0, "item": done }),
    ));
    let status = status(talk);
    steps.push(event(
        &format!("response.{status}"),
        json!({ "response": response(talk, status) }),
    ));
    Answer::events(steps)
}

fn status(talk: &Talk) -> &'static str {
    if talk.complete {
        "completed"
    } else {
        "incomplete"
    }
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [] })
}

fn message(talk: &Talk, status: &str, content: &[Value]) -> Value {
    json!({
        "type": "message", "id": format!("msg_{:016x}", talk.mark), "status": status, "role": "assistant",
        "content": content,
    })
}

fn response(talk: &Talk, status: &str) -> Value {
    let output = match talk.pieces.is_empty() {
        true => json!([]),
        false => json!([message(talk, "completed", &[part(&talk.text())])]),
    };
    let (asked, answered) = (talk.asked, talk.pieces.len());
    let usage = (status != "in_progress").then(|| {
        json!({
            "input_tokens": asked, "input_tokens_details": { "cached_tokens": 0 },
            "output_tokens": answered, "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": asked + answered,
        })
    });
    let details = (status == "incomplete").then(|| json!({ "reason": "max_output_tokens" }));
    json!({
        "id": format!("resp_{:016x}", talk.mark), "object": "response", "created_at": talk.created,
        "status": status, "error": null, "incomplete_details": details, "model": talk.model,
        "output": output, "store": false, "usage": usage,
    })
}

fn failure(talk: &Talk) -> Value {
    let mut failed = response(&talk.without_text(), "failed");
    let message = "The server had an error while processing your request.";
    failed["error"] = json!({ "code": "server_error", "message": message });
    failed
}
