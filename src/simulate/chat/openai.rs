//! Chat completions as OpenAI sends them.

use serde_json::{Value, json};

use super::super::answer::{Answer, Step};
use super::{End, Talk};

/// The text of the last message, which may come in parts, and the limit on tokens.
pub(super) fn question(request: &Value) -> Option<(String, Option<u64>)> {
    let content = &request["messages"].as_array()?.last()?["content"];
    let text = super::text_of(content)?;
    let most = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|key| request[*key].as_u64());
    Some((text, most))
}

pub(super) fn document(talk: &Talk) -> Answer {
    let message = json!({ "role": "assistant", "content": talk.text(), "refusal": null });
    let choice =
        json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": finish(talk) });
    Answer::json(
        200,
        &json!({
            "id": id(talk), "object": "chat.completion", "created": talk.created, "model": talk.model,
            "choices": [choice], "usage": usage(talk), "service_tier": "default",
            "system_fingerprint": "fp_watchfire",
        }),
    )
}

pub(super) fn stream(talk: &Talk, end: End) -> Answer {
    let mut steps = vec![event(
        talk,
        json!({ "role": "assistant", "content": "" }),
        None,
    )];
    for piece in &talk.pieces {
        steps.push(Step::Wait(talk.gap));
        steps.push(event(talk, json!({ "content": piece }), None));
    }
    if let End::Error = end {
        steps.push(data(&error()));
        return Answer::events(steps);
    }
    steps.push(event(talk, json!({}), Some(finish(talk))));
    if talk.tells_usage {
        let mut chunk = chunk(talk, json!([]));
        chunk["usage"] = usage(talk);
        steps.push(data(&chunk));
    }
    steps.push(Step::Send("data: [DONE]\n\n".into()));
    Answer::events(steps)
}

/// The error in the place of an answer.
pub(super) fn error() -> Value {
    let message = "The server had an error while processing your request.";
    json!({ "error": { "message": message, "type": "server_error", "param": null, "code": null } })
}

fn finish(talk: &Talk) -> &'static str {
    if talk.complete { "stop" } else { "length" }
}

fn id(talk: &Talk) -> String {
    format!("chatcmpl-{:016x}", talk.mark)
}

fn data(document: &Value) -> Step {
    Step::Send(format!("data: {document}\n\n").into())
}

fn event(talk: &Talk, delta: Value, finish: Option<&str>) -> Step {
    let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
    data(&chunk(talk, json!([choice])))
}

fn chunk(talk: &Talk, choices: Value) -> Value {
    json!({
        "id": id(talk), "object": "chat.completion.chunk", "created": talk.created,
        "model": talk.model, "choices": choices, "system_fingerprint": "fp_watchfire",
    })
}

fn usage(talk: &Talk) -> Value {
    let (asked, answered) = (talk.asked, talk.pieces.len());
    json!({ "prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered })
}
