//! The kind `http`: one request; status, headers, text, JSON, size, connection and time are judged.

mod body;

use std::sync::Arc;

use http::Method;
use toml::Spanned;
use toml::de::DeValue;

use super::expect::Expect;
use super::fields::Fields;
use super::headers::shared;
use super::reply::{Reply, Reported};
use super::target::{self, Auth};
use super::verdict::{refusal, unfinished, walled, wrong};
use super::{Check, Judgement, Keep, Kind, Pace, Prepared, Request, Step, Surroundings, classify};
use crate::diagnostic::Problem;
use crate::model::{Confirm, FailureKind, Fault};

/// The kind `http`.
pub const KIND: Kind = Kind {
    name: "http",
    keys: &[
        "url",
        "path",
        "method",
        "headers",
        "query",
        "body",
        "json",
        "form",
        "auth",
        "redirects",
        "expect",
    ],
    sends_key: false,
    confirm: Confirm::CHEAP,
    pace: Pace::USUAL,
    build,
};

pub(super) const EXPECT_KEYS: &[&str] =
    &["status", "headers", "text", "not_text", "json", "min_bytes"];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[derive(Debug)]
struct Http {
    request: Request,
    expect: Arc<Expect>,
    /// For messages: `2xx`, `200 or 204`.
    wanted: String,
    host: String,
    /// What is asked, without secrets.
    asks: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let mut url = target::url(&mut fields, around, None);
    let shown = url
        .as_mut()
        .map(|url| target::query(&mut fields, around, url));
    let method = method(&mut fields);
    let mut headers = target::headers(&mut fields, around, Auth::None);
    let body = body::read(&mut fields, around, &mut headers.all);
    let most = u64::from(Prepared::MOST_REDIRECTS);
    let redirects = fields
        .number("redirects", 0..most + 1)
        .and_then(|n| u8::try_from(n).ok());
    let expect = Expect::read(&mut fields, &[EXPECT_KEYS, Expect::COMMON].concat());
    let problems = fields.problems();
    let (Some(url), Some(shown), true) = (url, shown, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Box::new(Http {
        host: target::host(&url),
        asks: format!("{method} {shown}"),
        wanted: expect.wanted(),
        request: Request {
            prepared: Arc::new(Prepared {
                method,
                url,
                headers: shared(headers.all),
                secret: headers.secret,
                redirects: redirects.unwrap_or(0),
                max_bytes: expect.max_bytes(),
                keep: if expect.reads_body() {
                    Keep::Whole
                } else {
                    Keep::IfJson
                },
            }),
            body,
        },
        expect,
    }))
}

fn method(fields: &mut Fields<'_, '_>) -> Method {
    let default = if body::KEYS.iter().any(|key| fields.get(key).is_some()) {
        Method::POST
    } else {
        Method::GET
    };
    let Some(text) = fields.text("method") else {
        return default;
    };
    match METHODS.contains(&text).then(|| text.parse().ok()).flatten() {
        Some(method) => method,
        None => {
            let fault = Problem::new(fields.span("method"), "no method that a probe may use")
                .help(format!("one of {}", METHODS.join(", ")));
            fields.fault(fault);
            default
        }
    }
}

/// What a reply means beside what was expected of it; `wanted` are the statuses in words.
pub(super) fn verdict(expect: &Expect, wanted: &str, reply: &Reply) -> Judgement {
    if !expect.wants(reply.status) {
        return match (200..300).contains(&reply.status) {
            true => super::verdict::failure(
                FailureKind::UnexpectedStatus,
                Fault::Provider,
                crate::model::Phase::FirstByte,
                format!("HTTP {}, wanted {}", reply.status, wanted),
            ),
            false => refusal(reply, wanted),
        };
    }
    let early = walled(reply).or_else(|| expect.fault_of_headers(reply));
    if let Some(failed) = early.or_else(|| unfinished(reply)) {
        return failed;
    }
    if let Some(why) = expect
        .reads_body()
        .then(|| expect.fault_of_content(&reply.body))
        .flatten()
    {
        let kind = match reply.body.trim_ascii().is_empty() {
            true => FailureKind::Empty,
            false => FailureKind::WrongContent,
        };
        return wrong(
            kind,
            Fault::Provider,
            super::evidence::with_excerpt(why, &reply.body),
        );
    }
    if let Some(reported) = (reply.status == 200)
        .then(|| error_in(&reply.body))
        .flatten()
    {
        let why = format!("HTTP 200 with an error inside: {}", reported.line());
        return wrong(FailureKind::ErrorBody, classify::fault_of(&reported), why);
    }
    if let Some(why) = expect.fault_of_size(reply) {
        return wrong(FailureKind::WrongContent, Fault::Provider, why);
    }
    expect.judge_rest(reply)
}

/// The error at the top of a JSON document. Most answers have none, and are not parsed to find that out.
fn error_in(body: &[u8]) -> Option<Reported> {
    if !body.trim_ascii_start().starts_with(b"{") || !body.windows(7).any(|w| w == b"\"error\"") {
        return None;
    }
    Reported::in_value(&serde_json::from_slice(body).ok()?)
}

impl Check for Http {
    fn first(&self, _: u64) -> Request {
        self.request.clone()
    }

    fn judge(&self, reply: &Reply) -> Step {
        verdict(&self.expect, &self.wanted, reply).into()
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        self.asks.clone()
    }
}
