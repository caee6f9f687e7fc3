//! The kind `count`: a number that others give (reports a minute, jobs waiting, errors so far), read from JSON or text.
//!
//! A second opinion beside the runs: the number is recorded and compared with what is usual, and fails the service only
//! where `alert = true` asks for it. A source that cannot be read says nothing about the service: the client makes
//! `inconclusive` of every failure of a check whose runs are not those of the service.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;

use super::evidence::with_excerpt;
use super::fields::{Fields, wanted};
use super::headers::shared;
use super::pattern::Pattern;
use super::reply::Reply;
use super::target::{self, Auth};
use super::verdict::{refusal, unfinished, wrong};
use super::{Check, Judgement, Keep, Kind, Pace, Prepared, Request, Step, Surroundings};
use crate::diagnostic::Problem;
use crate::model::detect::count::CountRules;
use crate::model::{Confirm, FailureKind, Fault, Findings, Judged, Outcome};

/// The kind `count`.
pub const KIND: Kind = Kind {
    name: "count",
    keys: &[
        "url",
        "path",
        "query",
        "headers",
        "auth",
        "redirects",
        "value",
        "cumulative",
        "rise",
        "alert",
    ],
    sends_key: false,
    confirm: Confirm::Off,
    pace: Pace::USUAL,
    build,
};

/// Bounds of `rise`.
const RISE: std::ops::RangeInclusive<f64> = 1.2..=100.0;

#[derive(Debug)]
struct Count {
    request: Request,
    source: Source,
    rules: CountRules,
    host: String,
    /// What is asked, without secrets.
    asks: String,
}

/// Where the number stands.
#[derive(Debug)]
enum Source {
    /// At this place of a JSON document.
    Json(JsonPath, String),
    /// In the one group of this expression.
    Text(Pattern),
    /// As often as this matches.
    Matches(Pattern),
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
    let headers = target::headers(&mut fields, around, Auth::None);
    let most = u64::from(Prepared::MOST_REDIRECTS);
    let redirects = fields
        .number("redirects", 0..most + 1)
        .and_then(|n| u8::try_from(n).ok());
    let source = source(&mut fields);
    let rules = CountRules {
        cumulative: fields.truth("cumulative").unwrap_or(false),
        rise: rise(&mut fields).unwrap_or(CountRules::RISE),
        alert: fields.truth("alert").unwrap_or(false),
    };
    let problems = fields.problems();
    let (Some(url), Some(shown), Some(source), true) = (url, shown, source, problems.is_empty())
    else {
        return Err(problems);
    };
    Ok(Box::new(Count {
        asks: format!("GET {shown}"),
        host: target::host(&url),
        request: Request {
            prepared: Arc::new(Prepared {
                method: Method::GET,
                url,
                headers: shared(headers.all),
                secret: headers.secret,
                redirects: redirects.unwrap_or(0),
                max_bytes: Prepared::MAX_BYTES,
                keep: Keep::Whole,
            }),
            body: Bytes::new(),
        },
        source,
        rules,
    }))
}

fn source(fields: &mut Fields<'_, '_>) -> Option<Source> {
    const HELP: &str = "one of { json = \"$.reports\" }, { text = \"(\\\\d+) reports\" } and { matches = \"ERROR\" }";
    let Some(value) = fields.get("value") else {
        let fault = Problem::new(fields.span("value"), "`value` is missing").help(HELP);
        fields.fault(fault);
        return None;
    };
    let mut inner = Fields::of(value);
    inner.only(&["json", "text", "matches"]);
    let given: Vec<&str> = inner.entries().map(|(key, _)| key).collect();
    let source = match given[..] {
        ["json"] => inner.required_text("json").and_then(|text| {
            let path = JsonPath::parse(text);
            if path.is_err() {
                let fault = Problem::new(inner.span("json"), "no JSON path")
                    .help("a path is written as \"$.reports\" or \"$.data[0].count\" (RFC 9535)");
                inner.fault(fault);
            }
            path.ok().map(|path| Source::Json(path, text.to_owned()))
        }),
        [key @ ("text" | "matches")] => inner.required_text(key).and_then(|text| {
            let pattern = Pattern::compile(text);
            let groups = pattern.as_ref().map_or(0, Pattern::groups);
            match pattern {
                Err(_) => {
                    inner.fault(Problem::new(inner.span(key), "no regular expression"));
                    None
                }
                Ok(_) if key == "text" && groups != 1 => {
                    let fault = Problem::new(
                        inner.span(key),
                        format!("the expression has {groups} groups"),
                    )
                    .help("one group, in ( ), holds the number");
                    inner.fault(fault);
                    None
                }
                Ok(pattern) if key == "text" => Some(Source::Text(pattern)),
                Ok(pattern) => Some(Source::Matches(pattern)),
            }
        }),
        _ => {
            inner.fault(Problem::new(value.span(), "a number is read in one way").help(HELP));
            None
        }
    };
    fields.take::<()>(Err(inner.problems()));
    source
}

fn rise(fields: &mut Fields<'_, '_>) -> Option<f64> {
    let value = fields.get("rise")?;
    let number = match value.get_ref() {
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
        DeValue::Integer(_) => super::fields::integer(value).map(|n| n as f64),
        _ => None,
    };
    let read = number.filter(|n| RISE.contains(n));
    if read.is_none() {
        let fault = wanted("a factor from 1.2 to 100", value)
            .help("3 looks for a rise to three times the usual number");
        fields.fault(fault);
    }
    read
}

impl Count {
    fn read(&self, body: &[u8]) -> Result<f64, String> {
        match &self.source {
            Source::Matches(pattern) => Ok(pattern.count(body) as f64),
            Source::Text(pattern) => {
                let found = pattern
                    .group(body)
                    .ok_or_else(|| format!("nothing in the answer matches {pattern}"))?;
                number(&String::from_utf8_lossy(found))
                    .ok_or_else(|| format!("what {pattern} finds is no number"))
            }
            Source::Json(path, written) => {
                let document: Value = serde_json::from_slice(body)
                    .map_err(|fault| format!("the answer is not JSON ({fault})"))?;
                let found = path.query(&document);
                let value = found
                    .first()
                    .ok_or_else(|| format!("{written} is missing"))?;
                let read = match value {
                    Value::String(text) => number(text),
                    Value::Array(items) => Some(items.len() as f64),
                    other => other.as_f64(),
                };
                read.ok_or_else(|| format!("{written} is no number"))
            }
        }
    }
}

/// A number as people write it: `1,234`, `1 234`, `12.5`.
fn number(text: &str) -> Option<f64> {
    let bare: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, ',' | '_' | ' ' | '\u{a0}' | '\u{202f}' | '\''))
        .collect();
    bare.parse()
        .ok()
        .filter(|n: &f64| n.is_finite() && *n >= 0.0)
}

impl Check for Count {
    fn first(&self, _: u64) -> Request {
        self.request.clone()
    }

    fn judge(&self, reply: &Reply) -> Step {
        if !(200..300).contains(&reply.status) {
            return refusal(reply, "2xx").into();
        }
        if let Some(broken) = unfinished(reply) {
            return broken.into();
        }
        match self.read(&reply.body) {
            Ok(count) => Judgement {
                outcome: Outcome::Noted,
                failed_in: None,
                why: String::new(),
                found: Some(Box::new(Findings {
                    count: Some(count),
                    ..Findings::default()
                })),
            }
            .into(),
            Err(why) => {
                let why = with_excerpt(why, &reply.body);
                wrong(FailureKind::WrongContent, Fault::Provider, why).into()
            }
        }
    }

    fn judged(&self) -> Judged {
        Judged::Numbers(self.rules)
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        let from = match &self.source {
            Source::Json(_, written) => written.clone(),
            Source::Text(pattern) => format!("the number in {pattern}"),
            Source::Matches(pattern) => format!("how often {pattern} matches"),
        };
        format!("{}, {from}", self.asks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("1,234", Some(1234.0)),
            (" 12.5 ", Some(12.5)),
            ("1\u{202f}234", Some(1234.0)),
            ("0", Some(0.0)),
            ("-1", None),
            ("many", None),
            ("", None),
            ("inf", None),
        ] {
            assert_eq!(number(text), wanted, "{text:?}");
        }
    }
}
