//! Reads the keys of a chat probe.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::ask::{Ask, Asked, Body, PING};
use super::shape::Shape;
use super::{APIS, Chat, anthropic, models};
use crate::diagnostic::Problem;
use crate::probe::expect::Expect;
use crate::probe::fields::Fields;
use crate::probe::headers::shared;
use crate::probe::target::{self, Auth};
use crate::probe::{Check, Keep, Prepared, Surroundings};

pub(super) const KEYS: &[&str] = &[
    "api",
    "model",
    "stream",
    "url",
    "path",
    "headers",
    "auth",
    "prompt",
    "max_tokens",
    "max_tokens_field",
    "reasoning_effort",
    "thinking_budget",
    "usage",
    "first_token_within",
    "stall_after",
    "expect",
];
const EXPECT_KEYS: &[&str] = &[
    "text",
    "not_text",
    "min_chars",
    "latency_under",
    "cert_valid_for",
    "max_bytes",
];
/// No model pauses this long between two tokens and recovers often enough to matter.
const STALL_AFTER: Duration = Duration::from_secs(10);
/// Most tokens of an answer, and of thinking, that can be asked for.
const MOST_TOKENS: u64 = 100_000;

/// Makes a check of a `[[probe]]` table.
pub(super) fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let shape = shape(&mut fields, around);
    let model = fields.required_text("model");
    let stream = fields.truth("stream").unwrap_or(true);
    let path = shape.path(model.unwrap_or_default(), stream);
    let url = target::url(&mut fields, around, Some(&path));
    let auth = if around.key.is_some() {
        shape.auth()
    } else {
        Auth::None
    };
    let mut headers = target::headers(&mut fields, around, auth);
    let prompt = fields.get("prompt").map(|_| fields.required_text("prompt"));
    let max_tokens = fields.number("max_tokens", 1..MOST_TOKENS + 1);
    let field = max_tokens_field(&mut fields, shape);
    let effort = effort(&mut fields);
    let budget = budget(&mut fields, shape);
    let usage = fields.truth("usage");
    let first_token_within = fields.duration("first_token_within");
    let stall_after = fields.duration("stall_after");
    if !stream {
        without_effect(
            &mut fields,
            &["first_token_within", "stall_after", "usage"],
            "needs a stream",
        );
    }
    if let (Some(most), Some(budget)) = (max_tokens, budget)
        && most <= budget
    {
        let fault = Problem::new(
            fields.span("max_tokens"),
            format!("{most} leaves no room beside a thinking_budget of {budget}"),
        );
        fields.fault(
            fault.help("`max_tokens` counts thinking and answer: raise it, or leave it out"),
        );
    }
    let expect = Expect::read(&mut fields, EXPECT_KEYS);
    let problems = fields.problems();
    let (Some(model), Some(mut url), true) = (model, url, problems.is_empty()) else {
        return Err(problems);
    };
    let asked = match prompt.flatten() {
        Some(own) => Asked::Own(own.to_owned()),
        None if expect.text.is_some() => Asked::Own(PING.to_owned()),
        None => Asked::BuiltIn,
    };
    if shape == Shape::Gemini && stream {
        ask_for_events(&mut url);
    }
    headers.all.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if shape == Shape::Anthropic {
        let (name, version) = anthropic::VERSION;
        let name = HeaderName::from_static(name);
        headers
            .all
            .entry(name)
            .or_insert(HeaderValue::from_static(version));
    }
    let host = models::host(url.host_str().unwrap_or_default());
    let usual = budget.map_or_else(|| models::max_tokens(model), models::max_tokens_beside);
    let ask = Ask {
        model,
        prompt: "",
        max_tokens: max_tokens.unwrap_or(usual),
        max_tokens_field: field.unwrap_or(host.max_tokens_field),
        stream,
        usage: usage.unwrap_or(host.usage),
        may_store: host.may_store,
        effort,
        budget,
    };
    Ok(Box::new(Chat {
        host: target::host(&url),
        body: Body::new(shape, ask),
        max_tokens: ask.max_tokens,
        prepared: Arc::new(Prepared {
            method: http::Method::POST,
            url,
            headers: shared(headers.all),
            secret: headers.secret,
            redirects: 0,
            max_bytes: expect.max_bytes(),
            keep: Keep::Whole,
        }),
        shape,
        asked,
        model: model.to_owned(),
        stream,
        expect,
        first_token_within,
        stall_after: stall_after.unwrap_or(STALL_AFTER),
    }))
}

/// The shape: the probe's, else the service's, else chat completions.
fn shape(fields: &mut Fields<'_, '_>, around: &Surroundings<'_>) -> Shape {
    let Some(name) = fields.text("api") else {
        return around
            .api
            .and_then(Shape::from_name)
            .unwrap_or(Shape::OpenAi);
    };
    Shape::from_name(name).unwrap_or_else(|| {
        let fault = Problem::new(fields.span("api"), "no API that a chat probe speaks");
        fields.fault(fault.help(format!(
            "one of {}",
            APIS.map(|api| format!("\"{api}\"")).join(", ")
        )));
        Shape::OpenAi
    })
}

fn max_tokens_field(fields: &mut Fields<'_, '_>, shape: Shape) -> Option<&'static str> {
    let text = fields.text("max_tokens_field")?;
    if shape != Shape::OpenAi {
        without_effect(
            fields,
            &["max_tokens_field"],
            "is for `api = \"openai\"` only",
        );
        return None;
    }
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

/// How hard the model thinks: a word of the provider's, which differ from model to model.
fn effort<'t>(fields: &mut Fields<'t, '_>) -> Option<&'t str> {
    let text = fields.text("reasoning_effort")?;
    let is_word =
        !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_lowercase());
    if !is_word {
        let fault = Problem::new(fields.span("reasoning_effort"), "no word for an effort");
        fields.fault(
            fault.help("what the model knows, as \"minimal\", \"low\", \"medium\" or \"high\""),
        );
    }
    is_word.then_some(text)
}

/// How many tokens the model may think.
fn budget(fields: &mut Fields<'_, '_>, shape: Shape) -> Option<u64> {
    fields.get("thinking_budget")?;
    let least = match shape {
        Shape::Anthropic => anthropic::LEAST_BUDGET,
        Shape::Gemini => 0,
        Shape::OpenAi | Shape::Responses => {
            let fault = Problem::new(
                fields.span("thinking_budget"),
                "this API has no budget for thinking",
            );
            fields.fault(fault.help("use `reasoning_effort`"));
            return None;
        }
    };
    if shape == Shape::Gemini && fields.get("reasoning_effort").is_some() {
        let fault = Problem::new(
            fields.span("thinking_budget"),
            "`thinking_budget` and `reasoning_effort` exclude each other here",
        );
        fields.fault(fault.help("Gemini 2.5 takes a budget, Gemini 3 an effort"));
    }
    fields.number("thinking_budget", least..MOST_TOKENS + 1)
}

fn without_effect(fields: &mut Fields<'_, '_>, keys: &[&str], why: &str) {
    for key in keys {
        if fields.get(key).is_some() {
            let fault = Problem::new(fields.span(key), format!("`{key}` {why}"));
            let help = match why {
                "needs a stream" => "take it out, or set `stream = true`",
                _ => "take it out",
            };
            fields.fault(fault.help(help));
        }
    }
}

/// Without `alt=sse` Gemini streams one long JSON list.
fn ask_for_events(url: &mut Url) {
    if !url.query_pairs().any(|(key, _)| key == "alt") {
        url.query_pairs_mut().append_pair("alt", "sse");
    }
}
