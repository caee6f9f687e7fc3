//! The kind `chat`: a question to a model over OpenAI's chat completions, streamed or not.
//!
//! The built-in question has a known answer, because an end that looks right proves nothing: gateways close a stream
//! that was cut behind them with a proper `finish_reason` and `[DONE]`. A number that differs from run to run keeps
//! caches from answering in the model's place.

mod judge;
mod stream;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use self::stream::ChatStream;
use super::expect::Expect;
use super::fields::Fields;
use super::pattern::Pattern;
use super::reply::{Reply, StreamReader};
use super::target;
use super::{Check, Keep, Kind, Pace, Prepared, Request, Step, Surroundings};
use crate::diagnostic::Problem;
use crate::model::Confirm;

/// The kind `chat`.
pub const KIND: Kind = Kind {
    name: "chat",
    keys: &[
        "model",
        "stream",
        "url",
        "headers",
        "auth",
        "prompt",
        "max_tokens",
        "max_tokens_field",
        "first_token_within",
        "stall_after",
        "expect",
    ],
    sends_key: true,
    confirm: Confirm::CHEAP,
    pace: Pace::USUAL,
    build,
};

const EXPECT_KEYS: &[&str] = &[
    "text",
    "not_text",
    "latency_under",
    "cert_valid_for",
    "max_bytes",
];
/// Stands in a prompt for the number of the run.
const NONCE: &str = "{nonce}";
const PROMPT: &str = "ping {nonce}: answer with the one word pong";
/// The answer to [`PROMPT`].
const ANSWER: &str = "(?i)pong";
/// "pong" with some words around it. Also the least that OpenAI's newer endpoints take.
const MAX_TOKENS: u64 = 16;
/// No model pauses this long between two tokens and recovers often enough to matter.
const STALL_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Chat {
    prepared: Arc<Prepared>,
    /// The body before and after the number of the run; no `after` when the prompt has none.
    before: String,
    after: Option<String>,
    model: String,
    stream: bool,
    expect: Expect,
    first_token_within: Option<Duration>,
    stall_after: Duration,
    host: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let model = fields.required_text("model");
    let url = target::url(&mut fields, around, Some("/chat/completions"));
    let mut headers = target::headers(&mut fields, around, target::default_auth(around.key));
    let stream = fields.truth("stream").unwrap_or(true);
    let own_prompt = fields.get("prompt").is_some();
    let prompt = if own_prompt {
        fields.required_text("prompt")
    } else {
        Some(PROMPT)
    };
    let max_tokens = fields
        .number("max_tokens", 1..100_001)
        .unwrap_or(MAX_TOKENS);
    let max_tokens_field = max_tokens_field(&mut fields);
    let first_token_within = fields.duration("first_token_within");
    let stall_after = fields.duration("stall_after");
    if !stream {
        for key in ["first_token_within", "stall_after"] {
            if fields.get(key).is_some() {
                let fault = Problem::new(fields.span(key), format!("`{key}` needs a stream"))
                    .help("take it out, or set `stream = true`");
                fields.fault(fault);
            }
        }
    }
    let mut expect = Expect::read(&mut fields, EXPECT_KEYS);
    if expect.text.is_none() && !own_prompt {
        expect.text = Pattern::compile(ANSWER).ok();
    }
    let problems = fields.problems();
    let (Some(model), Some(url), Some(prompt), true) = (model, url, prompt, problems.is_empty())
    else {
        return Err(problems);
    };
    let own = url.host_str() == Some("api.openai.com");
    let field = max_tokens_field.unwrap_or(if own {
        "max_completion_tokens"
    } else {
        "max_tokens"
    });
    let (before, after) = body(model, prompt, field, max_tokens, stream);
    headers.all.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(Box::new(Chat {
        host: target::host(&url),
        prepared: Arc::new(Prepared {
            method: http::Method::POST,
            url,
            headers: headers.all,
            secret: headers.secret,
            redirects: 0,
            max_bytes: expect.max_bytes(),
            keep: Keep::Whole,
        }),
        before,
        after,
        model: model.to_owned(),
        stream,
        expect,
        first_token_within,
        stall_after: stall_after.unwrap_or(STALL_AFTER),
    }))
}

fn max_tokens_field(fields: &mut Fields<'_, '_>) -> Option<&'static str> {
    let text = fields.text("max_tokens_field")?;
    let known = ["max_completion_tokens", "max_tokens"]
        .into_iter()
        .find(|known| *known == text);
    if known.is_none() {
        let fault = Problem::new(
            fields.span("max_tokens_field"),
            "no field that limits the answer",
        )
        .help("\"max_completion_tokens\" (OpenAI) or \"max_tokens\" (most others)");
        fields.fault(fault);
    }
    known
}

/// The request's body, taken apart where the number of the run goes. No temperature: some models refuse it.
fn body(
    model: &str,
    prompt: &str,
    field: &str,
    max_tokens: u64,
    stream: bool,
) -> (String, Option<String>) {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
    body[field] = max_tokens.into();
    if stream {
        body["stream"] = true.into();
        body["stream_options"] = json!({ "include_usage": true });
    }
    let text = body.to_string();
    // The model's name stands before the prompt in no serialization: look for the number in the prompt only.
    let prompt = Value::from(prompt).to_string();
    let cut = prompt
        .find(NONCE)
        .and_then(|at| Some(text.rfind(&prompt)? + at));
    match cut {
        Some(at) => (
            text[..at].to_owned(),
            Some(text[at + NONCE.len()..].to_owned()),
        ),
        None => (text, None),
    }
}

impl Check for Chat {
    fn first(&self, nonce: u64) -> Request {
        let mut body = String::with_capacity(
            self.before.len() + self.after.as_ref().map_or(0, |a| a.len() + 8),
        );
        body.push_str(&self.before);
        if let Some(after) = &self.after {
            // 32 bits are enough to miss a cache; more would be more tokens.
            let _ = write!(body, "{:08x}", nonce & 0xffff_ffff);
            body.push_str(after);
        }
        Request {
            prepared: Arc::clone(&self.prepared),
            body: Bytes::from(body),
        }
    }

    fn judge(&self, reply: &Reply) -> Step {
        self.verdict(reply).into()
    }

    fn reader(&self, _: u8) -> Option<Box<dyn StreamReader>> {
        self.stream
            .then(|| Box::new(ChatStream::new(self.stall_after)) as Box<dyn StreamReader>)
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        let how = if self.stream { "streamed" } else { "whole" };
        format!("POST {}, {}, {how}", self.prepared.url, self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_run_goes_into_the_prompt_only() {
        let (before, after) = body("m{nonce}", "a \"{nonce}\" b", "max_tokens", 16, true);
        let whole: Value =
            serde_json::from_str(&format!("{before}0000002a{}", after.unwrap())).unwrap();
        assert_eq!(whole["messages"][0]["content"], "a \"0000002a\" b");
        assert_eq!(whole["model"], "m{nonce}");
        assert_eq!(whole["stream_options"]["include_usage"], true);
        let (whole, after) = body("m", "no number", "max_completion_tokens", 5, false);
        assert_eq!(after, None);
        let whole: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(whole["max_completion_tokens"], 5);
        assert_eq!(whole.get("stream"), None);
    }
}
