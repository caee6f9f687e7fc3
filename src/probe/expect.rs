//! What a reply must be besides answered: the key `expect`.

use std::time::Duration;

use serde_json::Value;
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;

use super::fields::{Fields, integer, wanted};
use super::pattern::Pattern;
use super::reply::Reply;
use super::{Judgement, Prepared};
use crate::diagnostic::Problem;
use crate::model::{FailureKind, Fault, Outcome, Phase};

/// Least and most that `max_bytes` can be set to.
const MAX_BYTES: std::ops::Range<u64> = 1..64 * 1024 * 1024 + 1;
/// Least and most that `min_chars` can be set to.
const MIN_CHARS: std::ops::Range<u64> = 1..100_001;

/// The claims on a reply; the default claims nothing but a 2xx.
#[derive(Debug, Clone, Default)]
pub(super) struct Expect {
    pub status: Option<Vec<u16>>,
    pub text: Option<Pattern>,
    pub not_text: Option<Pattern>,
    pub min_chars: Option<u64>,
    json: Vec<(JsonPath, String, Claim)>,
    latency_under: Option<Duration>,
    cert_valid_for: Option<Duration>,
    pub max_bytes: Option<usize>,
}

/// What a place in a JSON document must hold.
#[derive(Debug, Clone)]
enum Claim {
    Equals(Value),
    Not(Value),
    AtLeast(f64),
    AtMost(f64),
    Matches(Pattern),
    Exists(bool),
}

impl Expect {
    /// Reads `expect` of a probe, of which only `known` keys are allowed.
    pub(super) fn read(probe: &mut Fields<'_, '_>, known: &[&str]) -> Self {
        let Some(value) = probe.get("expect") else {
            return Self::default();
        };
        let mut fields = Fields::of(value);
        fields.only(known);
        let expect = Self {
            status: fields.get("status").and_then(|v| statuses(&mut fields, v)),
            text: expression(&mut fields, "text"),
            not_text: expression(&mut fields, "not_text"),
            min_chars: fields.number("min_chars", MIN_CHARS),
            json: fields
                .get("json")
                .map(|v| claims(&mut fields, v))
                .unwrap_or_default(),
            latency_under: fields.duration("latency_under"),
            cert_valid_for: fields.duration("cert_valid_for"),
            max_bytes: fields
                .number("max_bytes", MAX_BYTES)
                .and_then(|n| usize::try_from(n).ok()),
        };
        probe.take::<()>(Err(fields.problems()));
        expect
    }

    /// Whether a status is wanted: those of `status`, or any 2xx.
    pub(super) fn wants(&self, status: u16) -> bool {
        match &self.status {
            Some(wanted) => wanted.contains(&status),
            None => (200..300).contains(&status),
        }
    }

    /// Whether the body is needed to judge.
    pub(super) fn reads_body(&self) -> bool {
        self.text.is_some() || self.not_text.is_some() || !self.json.is_empty()
    }

    /// The limit on the body.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes.unwrap_or(Prepared::MAX_BYTES)
    }

    /// Why the content is not the wanted one.
    pub(super) fn fault_of_content(&self, content: &[u8]) -> Option<String> {
        if let Some(text) = self.text.as_ref().filter(|text| !text.is_match(content)) {
            return Some(format!("nothing in the answer matches {text}"));
        }
        if let Some(text) = self.not_text.as_ref().filter(|text| text.is_match(content)) {
            return Some(format!("the answer matches {text}, which it must not"));
        }
        if self.json.is_empty() {
            return None;
        }
        let document: Value = match serde_json::from_slice(content) {
            Ok(document) => document,
            Err(fault) => return Some(format!("the answer is not JSON ({fault})")),
        };
        self.json.iter().find_map(|(path, written, claim)| {
            let found = path.query(&document).all();
            claim.fault(&found).map(|why| format!("{written} {why}"))
        })
    }

    /// What is left to judge when the answer itself is right: the certificate's end, then the time.
    pub(super) fn judge_rest(&self, reply: &Reply) -> Judgement {
        if let (Some(wanted), Some(expires)) = (self.cert_valid_for, reply.cert_expires)
            && expires.since(reply.now) < wanted
        {
            let left = expires.since(reply.now).as_secs() / 86_400;
            return Judgement {
                // Ours: whoever set this key looks after the certificate. A notice in time, not an outage.
                outcome: Outcome::Failure(FailureKind::CertExpiring, Fault::Ours),
                failed_in: Some(Phase::Tls),
                why: format!("the certificate expires in {left} days, at {expires}"),
                found: None,
            };
        }
        match self.latency_under {
            Some(limit) if reply.elapsed > limit => too_slow("the answer", reply.elapsed, limit),
            _ => Judgement::SUCCESS,
        }
    }
}

/// A right answer that came later than wanted.
pub(super) fn too_slow(what: &str, took: Duration, limit: Duration) -> Judgement {
    Judgement {
        outcome: Outcome::Degraded(FailureKind::TooSlow),
        failed_in: None,
        why: format!(
            "{what} took {:.1} s, more than {:.1} s",
            took.as_secs_f64(),
            limit.as_secs_f64()
        ),
        found: None,
    }
}

impl Claim {
    /// Why none or one of the found places fails; `None` when all hold.
    fn fault(&self, found: &[&Value]) -> Option<String> {
        if let Claim::Exists(wanted) = self {
            return (*wanted == found.is_empty())
                .then(|| if *wanted { "is missing" } else { "is there" }.to_owned());
        }
        if found.is_empty() {
            return Some("is missing".to_owned());
        }
        let wrong = found.iter().find(|value| !self.holds(value))?;
        Some(match self {
            Claim::Equals(wanted) => format!("is {wrong}, not {wanted}"),
            Claim::Not(unwanted) => format!("is {unwanted}"),
            Claim::AtLeast(least) => format!("is {wrong}, less than {least}"),
            Claim::AtMost(most) => format!("is {wrong}, more than {most}"),
            Claim::Matches(text) => format!("is {wrong}, which does not match {text}"),
            Claim::Exists(_) => return None,
        })
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Claim::Equals(wanted) => same(value, wanted),
            Claim::Not(unwanted) => !same(value, unwanted),
            Claim::AtLeast(least) => value.as_f64().is_some_and(|n| n >= *least),
            Claim::AtMost(most) => value.as_f64().is_some_and(|n| n <= *most),
            Claim::Matches(text) => match value {
                Value::String(value) => text.is_match(value.as_bytes()),
                other => text.is_match(other.to_string().as_bytes()),
            },
            Claim::Exists(wanted) => *wanted,
        }
    }
}

/// 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The regular expression of a key.
fn expression(fields: &mut Fields<'_, '_>, key: &str) -> Option<Pattern> {
    let text = fields.text(key)?;
    compile(text, fields.span(key))
        .map_err(|problem| fields.fault(problem))
        .ok()
}

fn compile(text: &str, span: std::ops::Range<usize>) -> Result<Pattern, Problem> {
    Pattern::compile(text).map_err(|fault| {
        // The whole message is a drawing over several lines; its last line is the reason.
        let why = fault.to_string();
        let why = why
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Problem::new(span, format!("no regular expression: {why}"))
    })
}

fn statuses(fields: &mut Fields<'_, '_>, value: &Spanned<DeValue<'_>>) -> Option<Vec<u16>> {
    let one = |value: &Spanned<DeValue<'_>>| {
        let code = integer(value)
            .and_then(|n| u16::try_from(n).ok())
            .filter(|n| (100..=599).contains(n));
        code.ok_or_else(|| wanted("a status from 100 to 599", value))
    };
    let read: Result<Vec<u16>, Problem> = match value.get_ref() {
        DeValue::Array(items) if items.is_empty() => {
            Err(Problem::new(value.span(), "no status is wanted at all"))
        }
        DeValue::Array(items) => items.iter().map(one).collect(),
        _ => one(value).map(|code| vec![code]),
    };
    read.map_err(|problem| fields.fault(problem)).ok()
}

fn claims(
    fields: &mut Fields<'_, '_>,
    value: &Spanned<DeValue<'_>>,
) -> Vec<(JsonPath, String, Claim)> {
    let paths = Fields::of(value);
    let mut claims = Vec::new();
    for (written, value) in paths.entries() {
        match JsonPath::parse(written) {
            Err(_) => fields.fault(
                Problem::new(value.span(), format!("`{written}` is no JSON path"))
                    .help("a path is written as \"$.status\" or \"$.data[0].id\" (RFC 9535)"),
            ),
            Ok(path) => match claim(value) {
                Ok(all) => claims.extend(
                    all.into_iter()
                        .map(|claim| (path.clone(), written.to_owned(), claim)),
                ),
                Err(problems) => {
                    fields.take::<()>(Err(problems));
                }
            },
        }
    }
    fields.take::<()>(Err(paths.problems()));
    claims
}

/// A plain value is to be equalled; a table holds the comparisons.
fn claim(value: &Spanned<DeValue<'_>>) -> Result<Vec<Claim>, Vec<Problem>> {
    if value.get_ref().as_table().is_none() {
        return json(value)
            .map(|wanted| vec![Claim::Equals(wanted)])
            .map_err(|p| vec![p]);
    }
    let mut fields = Fields::of(value);
    fields.only(&["equals", "not", "at_least", "at_most", "matches", "exists"]);
    let mut claims = Vec::new();
    for (key, value) in fields.entries() {
        let number = || {
            json(value)
                .ok()
                .and_then(|v| v.as_f64())
                .ok_or_else(|| wanted("a number", value))
        };
        let read = match key {
            "equals" => json(value).map(Claim::Equals),
            "not" => json(value).map(Claim::Not),
            "at_least" => number().map(Claim::AtLeast),
            "at_most" => number().map(Claim::AtMost),
            "matches" => match value.get_ref().as_str() {
                Some(text) => compile(text, value.span()).map(Claim::Matches),
                None => Err(wanted("a text", value)),
            },
            "exists" => match value.get_ref().as_bool() {
                Some(wanted) => Ok(Claim::Exists(wanted)),
                None => Err(wanted("true or false", value)),
            },
            _ => continue,
        };
        match read {
            Ok(claim) => claims.push(claim),
            Err(problem) => fields.fault(problem),
        }
    }
    let problems = fields.problems();
    if problems.is_empty() {
        Ok(claims)
    } else {
        Err(problems)
    }
}

fn json(value: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
    let unfit = || wanted("a text, a number, true, false or a list of them", value);
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(_) => Value::from(integer(value).ok_or_else(unfit)?),
        DeValue::Float(number) => Value::from(
            number
                .as_str()
                .replace('_', "")
                .parse::<f64>()
                .map_err(|_| unfit())?,
        ),
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Array(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        DeValue::Datetime(_) | DeValue::Table(_) => return Err(unfit()),
    })
}
