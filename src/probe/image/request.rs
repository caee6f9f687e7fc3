//! How each form is asked for a picture: where, with which key header, and with which words.

use http::HeaderName;
use serde_json::{Value, json};

use super::Api;
use crate::diagnostic::Problem;
use crate::model::Secret;
use crate::probe::fields::Fields;
use crate::probe::target::{self, Auth};
use crate::probe::template::plain_json;

const PROMPT: &str = "a red square on a white ground";
/// Partial pictures asked for when a stream is: one shows that the stream flows, each more costs.
const PARTIAL: u64 = 1;
/// Keys that only OpenAI's images API knows.
const OPENAI_ONLY: &[&str] = &[
    "size",
    "quality",
    "output_format",
    "response_format",
    "stream",
    "partial_images",
];

/// The key `api`.
pub(super) fn api(fields: &mut Fields<'_, '_>) -> Api {
    let api = match fields.text("api") {
        None | Some("openai") => Api::OpenAi,
        Some("gemini") => Api::Gemini,
        Some("chat") => Api::Chat,
        Some(_) => {
            let fault = Problem::new(fields.span("api"), "no way to ask for a picture")
                .help("\"openai\" (images/generations), \"gemini\" (generateContent) or \"chat\" (chat/completions)");
            fields.fault(fault);
            return Api::OpenAi;
        }
    };
    if api != Api::OpenAi {
        for key in OPENAI_ONLY {
            if fields.get(key).is_some() {
                let fault =
                    Problem::new(fields.span(key), format!("`{key}` needs api = \"openai\"")).help(
                        "take it out, or say it with `extra = { .. }`, which is sent as it is",
                    );
                fields.fault(fault);
            }
        }
    }
    api
}

impl Api {
    /// Where pictures are asked for, below the service's base_url.
    pub(super) fn path(self, model: &str) -> String {
        match self {
            Api::OpenAi => "/images/generations".to_owned(),
            Api::Gemini => format!("/models/{model}:generateContent"),
            Api::Chat => "/chat/completions".to_owned(),
        }
    }

    /// How the key is sent.
    pub(super) fn auth(self, key: Option<&Secret>) -> Auth {
        match self {
            Api::Gemini if key.is_some() => Auth::Header(HeaderName::from_static("x-goog-api-key")),
            _ => target::default_auth(key),
        }
    }
}

/// What is sent, and whether a stream is asked for.
pub(super) fn body(fields: &mut Fields<'_, '_>, api: Api, model: &str) -> (Value, bool) {
    let prompt = match fields.get("prompt") {
        Some(_) => fields.required_text("prompt").unwrap_or_default(),
        None => PROMPT,
    };
    let stream = fields.truth("stream").unwrap_or(false);
    let partial = fields.number("partial_images", 0..4);
    if partial.is_some() && !stream {
        let fault = Problem::new(
            fields.span("partial_images"),
            "`partial_images` needs `stream = true`",
        );
        fields.fault(fault);
    }
    let mut body = match api {
        Api::OpenAi => json!({ "model": model, "prompt": prompt, "n": 1 }),
        Api::Gemini => json!({
            "contents": [{ "role": "user", "parts": [{ "text": prompt }] }],
            "generationConfig": { "responseModalities": ["TEXT", "IMAGE"] },
        }),
        Api::Chat => json!({
            "model": model,
            "messages": [{ "role": "user", "content": prompt }],
            "modalities": ["image", "text"],
        }),
    };
    for key in ["size", "quality", "output_format", "response_format"] {
        if let Some(text) = fields.text(key) {
            body[key] = text.into();
        }
    }
    if stream {
        body["stream"] = true.into();
        body["partial_images"] = partial.unwrap_or(PARTIAL).into();
    }
    if let Some(value) = fields.get("extra") {
        match plain_json(value) {
            Ok(Value::Object(extra)) => {
                for (key, value) in extra {
                    merge(&mut body[key], value);
                }
            }
            Ok(_) => fields.fault(crate::probe::fields::wanted("a table", value)),
            Err(problem) => fields.fault(problem),
        }
    }
    (body, stream)
}

/// Objects are joined, all else is replaced.
fn merge(into: &mut Value, value: Value) {
    match (into, value) {
        (Value::Object(into), Value::Object(value)) => {
            for (key, value) in value {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}
