//! Chat completions and the list of models, in OpenAI's shape.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Form, Offer, Step};
use super::provider::Fate;

/// Names in the list of models; any other name is answered as well, like a gateway that maps them.
const MODELS: &[&str] = &["gpt-4o-mini", "gpt-4o", "gpt-image-1", "dall-e-2"];
/// Characters of the question that come back in the answer.
const ECHOED: usize = 200;
/// Characters in a piece of a stream: short, so that even "pong" comes in two.
const PIECE: usize = 3;
/// Share of the latency that passes between two pieces of a stream.
const GAP: f64 = 0.05;

/// `POST /v1/chat/completions`. Errs with the refusal of a request that is wrong.
pub(super) fn completion(body: &[u8], fate: &Fate) -> Result<Offer, Box<Answer>> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| wrong("The body of the request is not valid JSON.", None))?;
    let model = request["model"].as_str();
    let model = model.ok_or_else(|| wrong("You must provide a model parameter.", Some("model")))?;
    let question = question(&request)
        .ok_or_else(|| wrong("Missing required parameter: 'messages'.", Some("messages")))?;

    let mut pieces = pieces(&reply(&question));
    let most = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|key| request[*key].as_u64())
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    let finish = if pieces.len() > most {
        "length"
    } else {
        "stop"
    };
    pieces.truncate(most);

    let talk = Talk {
        id: format!("chatcmpl-{:016x}", fate.mark),
        created: fate.at.as_micros().div_euclid(1_000_000),
        model: model.to_owned(),
        asked: question.split_whitespace().count() + 7,
    };
    let streamed = request["stream"].as_bool().unwrap_or(false);
    let told = request["stream_options"]["include_usage"]
        .as_bool()
        .unwrap_or(false);
    Ok(if streamed {
        Offer {
            form: Form::Events,
            whole: talk.stream(&pieces, finish, told, fate.latency.mul_f64(GAP)),
            empty: talk.stream(&[], "stop", told, Duration::ZERO),
        }
    } else {
        Offer {
            form: Form::Json,
            whole: talk.document(&pieces, finish),
            empty: talk.document(&[], "stop"),
        }
    })
}

/// `GET /v1/models`.
pub(super) fn models(created: i64) -> Offer {
    let model = |id: &&str| json!({ "id": id, "object": "model", "created": created, "owned_by": "system" });
    let list = |models: &[&str]| {
        let data: Vec<Value> = models.iter().map(model).collect();
        Answer::json(200, &json!({ "object": "list", "data": data }))
    };
    Offer {
        form: Form::Json,
        whole: list(MODELS),
        empty: list(&[]),
    }
}

/// A request refused as wrong.
pub(super) fn wrong(message: &str, param: Option<&str>) -> Box<Answer> {
    let kind = "invalid_request_error";
    let error = json!({ "message": message, "type": kind, "param": param, "code": null });
    Box::new(Answer::json(400, &json!({ "error": error })))
}

/// One conversation, in all that its documents repeat.
struct Talk {
    id: String,
    created: i64,
    model: String,
    asked: usize,
}

impl Talk {
    fn document(&self, pieces: &[String], finish: &str) -> Answer {
        let message = json!({ "role": "assistant", "content": pieces.concat(), "refusal": null });
        let choice =
            json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": finish });
        Answer::json(
            200,
            &json!({
                "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
                "choices": [choice], "usage": self.usage(pieces.len()), "service_tier": "default",
                "system_fingerprint": "fp_watchfire",
            }),
        )
    }

    fn stream(&self, pieces: &[String], finish: &str, usage: bool, gap: Duration) -> Answer {
        let mut steps = vec![self.event(json!({ "role": "assistant", "content": "" }), None)];
        for piece in pieces {
            steps.push(Step::Wait(gap));
            steps.push(self.event(json!({ "content": piece }), None));
        }
        steps.push(self.event(json!({}), Some(finish)));
        if usage {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = self.usage(pieces.len());
            steps.push(Step::Send(format!("data: {chunk}\n\n").into()));
        }
        steps.push(Step::Send("data: [DONE]\n\n".into()));
        Answer::events(steps)
    }

    fn event(&self, delta: Value, finish: Option<&str>) -> Step {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
        Step::Send(format!("data: {}\n\n", self.chunk(json!([choice]))).into())
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices, "system_fingerprint": "fp_watchfire",
        })
    }

    fn usage(&self, answered: usize) -> Value {
        let total = self.asked + answered;
        json!({ "prompt_tokens": self.asked, "completion_tokens": answered, "total_tokens": total })
    }
}

/// The text of the last message, which may come in parts; `None` when there is no message with text.
fn question(request: &Value) -> Option<String> {
    let content = &request["messages"].as_array()?.last()?["content"];
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let parts = content.as_array()?;
    Some(parts.iter().filter_map(|p| p["text"].as_str()).collect())
}

fn reply(question: &str) -> String {
    if question.to_lowercase().contains("ping") {
        return "pong".to_owned();
    }
    let said: String = question.trim().chars().take(ECHOED).collect();
    format!("You said: {said}")
}

fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(PIECE).map(|c| c.iter().collect()).collect()
}
