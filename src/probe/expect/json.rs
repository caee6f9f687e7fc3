//! What places in a JSON document must hold: JSONPath (RFC 9535) and comparisons.

use serde_json::Value;
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;

use super::compile;
use crate::diagnostic::Problem;
use crate::probe::evidence::fit;
use crate::probe::fields::{Fields, integer, wanted};
use crate::probe::pattern::Pattern;

/// More of a value is not shown in a reason.
const SHOWN_BYTES: usize = 200;

/// The claims, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct JsonClaims(Vec<(JsonPath, String, Claim)>);

/// What a place in a JSON document must hold.
#[derive(Debug, Clone)]
enum Claim {
    Equals(Value),
    Not(Value),
    AtLeast(f64),
    AtMost(f64),
    MoreThan(f64),
    LessThan(f64),
    Matches(Pattern),
    Contains(Value),
    Exists(bool),
    /// Of a text in characters, of a list in elements, of an object in keys.
    Length(Vec<Claim>),
}

const COMPARISONS: &[&str] = &[
    "equals",
    "not",
    "at_least",
    "at_most",
    "more_than",
    "less_than",
    "matches",
    "contains",
    "length",
    "exists",
];
/// What a length can be compared with.
const OF_LENGTHS: &[&str] = &[
    "equals",
    "not",
    "at_least",
    "at_most",
    "more_than",
    "less_than",
];

impl JsonClaims {
    pub(super) fn read(fields: &mut Fields<'_, '_>, key: &str) -> Self {
        let Some(value) = fields.get(key) else {
            return Self::default();
        };
        let mut paths = Fields::of(value);
        let mut claims = Vec::new();
        for (written, value) in paths.entries() {
            let Ok(path) = JsonPath::parse(written) else {
                paths.fault(
                    Problem::new(value.span(), format!("`{written}` is no JSON path"))
                        .help("a path is written as \"$.status\" or \"$.data[0].id\" (RFC 9535)"),
                );
                continue;
            };
            match claims_of(value) {
                Ok(all) => claims.extend(
                    all.into_iter()
                        .map(|claim| (path.clone(), written.to_owned(), claim)),
                ),
                Err(problems) => {
                    paths.take::<()>(Err(problems));
                }
            }
        }
        fields.take::<()>(Err(paths.problems()));
        Self(claims)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first claim that does not hold.
    pub(super) fn fault(&self, content: &[u8]) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let document: Value = match serde_json::from_slice(content) {
            Ok(document) => document,
            Err(fault) => return Some(format!("the answer is not JSON ({fault})")),
        };
        self.0.iter().find_map(|(path, written, claim)| {
            let found = path.query(&document).all();
            let why = claim.fault(&found)?;
            Some(format!("{written} {why} (expect.json)"))
        })
    }
}

impl Claim {
    /// Why none or one of the found places fails; `None` when all hold.
    fn fault(&self, found: &[&Value]) -> Option<String> {
        if let Claim::Exists(exists) = self {
            return match (*exists, found.first()) {
                (true, None) => Some("is missing, wanted it to be there".to_owned()),
                (false, Some(value)) => Some(format!("is {}, wanted none", shown(value))),
                _ => None,
            };
        }
        if found.is_empty() {
            return Some(format!("is missing, wanted {}", self.wanted()));
        }
        let wrong = found.iter().find(|value| !self.holds(value))?;
        let is = match self {
            Claim::Length(_) => match length(wrong) {
                Some(length) => format!("has the length {length}"),
                None => format!("is {}, which has no length", shown(wrong)),
            },
            _ => format!("is {}", shown(wrong)),
        };
        Some(format!("{is}, wanted {}", self.wanted()))
    }

    fn holds(&self, value: &Value) -> bool {
        let number = |right: &dyn Fn(f64) -> bool| value.as_f64().is_some_and(right);
        match self {
            Claim::Equals(wanted) => same(value, wanted),
            Claim::Not(unwanted) => !same(value, unwanted),
            Claim::AtLeast(least) => number(&|n| n >= *least),
            Claim::AtMost(most) => number(&|n| n <= *most),
            Claim::MoreThan(less) => number(&|n| n > *less),
            Claim::LessThan(more) => number(&|n| n < *more),
            Claim::Matches(text) => match value {
                Value::String(value) => text.is_match(value.as_bytes()),
                other => text.is_match(other.to_string().as_bytes()),
            },
            Claim::Contains(part) => contains(value, part),
            Claim::Exists(wanted) => *wanted,
            Claim::Length(claims) => length(value).is_some_and(|length| {
                let length = Value::from(length);
                claims.iter().all(|claim| claim.holds(&length))
            }),
        }
    }

    /// What is wanted, in words that follow "wanted".
    fn wanted(&self) -> String {
        match self {
            Claim::Equals(value) => shown(value),
            Claim::Not(value) => format!("anything but {}", shown(value)),
            Claim::AtLeast(n) => format!("at least {n}"),
            Claim::AtMost(n) => format!("at most {n}"),
            Claim::MoreThan(n) => format!("more than {n}"),
            Claim::LessThan(n) => format!("less than {n}"),
            Claim::Matches(text) => format!("a match of {text}"),
            Claim::Contains(part) => format!("it to contain {}", shown(part)),
            Claim::Exists(true) => "it to be there".to_owned(),
            Claim::Exists(false) => "none".to_owned(),
            Claim::Length(claims) => {
                let each: Vec<String> = claims.iter().map(Claim::wanted).collect();
                format!("the length {}", each.join(" and "))
            }
        }
    }
}

fn shown(value: &Value) -> String {
    fit(&value.to_string(), SHOWN_BYTES)
}

/// 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// A text within a text, an element of a list, a key of an object.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::String(whole), Value::String(part)) => whole.contains(part.as_str()),
        (Value::Array(elements), part) => elements.iter().any(|element| same(element, part)),
        (Value::Object(keys), Value::String(part)) => keys.contains_key(part),
        _ => false,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(elements) => Some(elements.len()),
        Value::Object(keys) => Some(keys.len()),
        _ => None,
    }
}

/// A plain value is to be equalled; a table holds the comparisons.
fn claims_of(value: &Spanned<DeValue<'_>>) -> Result<Vec<Claim>, Vec<Problem>> {
    match value.get_ref().as_table() {
        None => json(value)
            .map(|wanted| vec![Claim::Equals(wanted)])
            .map_err(|problem| vec![problem]),
        Some(_) => comparisons(value, COMPARISONS),
    }
}

fn comparisons(value: &Spanned<DeValue<'_>>, known: &[&str]) -> Result<Vec<Claim>, Vec<Problem>> {
    let mut fields = Fields::of(value);
    fields.only(known);
    let mut claims = Vec::new();
    for (key, value) in fields.entries().filter(|(key, _)| known.contains(key)) {
        match comparison(key, value) {
            Ok(claim) => claims.push(claim),
            Err(problems) => {
                fields.take::<()>(Err(problems));
            }
        }
    }
    let problems = fields.problems();
    match problems.is_empty() {
        true => Ok(claims),
        false => Err(problems),
    }
}

fn comparison(key: &str, value: &Spanned<DeValue<'_>>) -> Result<Claim, Vec<Problem>> {
    let number = || {
        let number = json(value).ok().and_then(|v| v.as_f64());
        number.ok_or_else(|| wanted("a number", value))
    };
    let read = match key {
        "equals" => json(value).map(Claim::Equals),
        "not" => json(value).map(Claim::Not),
        "at_least" => number().map(Claim::AtLeast),
        "at_most" => number().map(Claim::AtMost),
        "more_than" => number().map(Claim::MoreThan),
        "less_than" => number().map(Claim::LessThan),
        "contains" => json(value).map(Claim::Contains),
        "matches" => match value.get_ref().as_str() {
            Some(text) => compile(text, value.span()).map(Claim::Matches),
            None => Err(wanted("a text", value)),
        },
        "length" => match value.get_ref() {
            DeValue::Table(_) => return comparisons(value, OF_LENGTHS).map(Claim::Length),
            DeValue::Integer(_) => json(value).map(|n| Claim::Length(vec![Claim::Equals(n)])),
            _ => Err(wanted("a whole number or a table of comparisons", value)),
        },
        _ => match value.get_ref().as_bool() {
            Some(exists) => Ok(Claim::Exists(exists)),
            None => Err(wanted("true or false", value)),
        },
    };
    read.map_err(|problem| vec![problem])
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
