//! What an http probe sends: `body` as text, `json` as a table, `form` as pairs.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::Problem;
use crate::probe::Surroundings;
use crate::probe::fields::{Fields, integer, wanted};
use crate::probe::target;

/// The keys of which at most one is given.
pub(super) const KEYS: [&str; 3] = ["body", "json", "form"];
/// Stands in `json` for a secret: `{ secret = { env = "NAME" } }`. A table of its own could be data.
const SECRET: &str = "secret";

/// The body, and the content type that it brings unless the probe's headers say another one.
pub(super) fn read(
    fields: &mut Fields<'_, '_>,
    around: &Surroundings<'_>,
    headers: &mut HeaderMap,
) -> Bytes {
    let given: Vec<&str> = KEYS
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    if let [first, second, ..] = given[..] {
        fields.fault(Problem::new(
            fields.span(second),
            format!("`{first}` and `{second}` exclude each other"),
        ));
    }
    let (body, kind) = match given.first().copied() {
        Some("json") => {
            let read = fields.get("json").map(|value| json(value, around));
            let value = read.and_then(|read| fields.take(read)).unwrap_or_default();
            (value.to_string(), Some("application/json"))
        }
        Some("form") => {
            let read = fields.get("form").map(|value| target::pairs(value, around));
            let pairs = read.and_then(|read| fields.take(read)).unwrap_or_default();
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for pair in &pairs {
                form.append_pair(&pair.key, &pair.value);
            }
            (form.finish(), Some("application/x-www-form-urlencoded"))
        }
        Some(_) => (fields.text("body").unwrap_or_default().to_owned(), None),
        None => return Bytes::new(),
    };
    if let Some(kind) = kind {
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(kind));
    }
    Bytes::from(body)
}

/// A TOML value as JSON; dates become texts.
fn json(value: &Spanned<DeValue<'_>>, around: &Surroundings<'_>) -> Result<Value, Vec<Problem>> {
    let unfit = || vec![wanted("a value that JSON has", value)];
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(_) => Value::from(integer(value).ok_or_else(unfit)?),
        DeValue::Float(number) => {
            let number: f64 = number
                .as_str()
                .replace('_', "")
                .parse()
                .map_err(|_| unfit())?;
            Value::from(Some(number).filter(|n| n.is_finite()).ok_or_else(unfit)?)
        }
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(items) => Value::Array(all(items.iter().map(|item| json(item, around)))?),
        DeValue::Table(table) => {
            if let (1, Some(secret)) = (table.len(), table.get(SECRET))
                && secret.get_ref().as_table().is_some()
            {
                let read = (around.secret)(secret).map_err(|problem| vec![problem])?;
                return Ok(read.map_or(Value::Null, |secret| Value::from(secret.expose())));
            }
            let pairs = table.iter().map(|(key, value)| {
                let key: &str = key.get_ref();
                Ok((key.to_owned(), json(value, around)?))
            });
            Value::Object(Map::from_iter(all(pairs)?))
        }
    })
}

/// All of them, or all their faults.
fn all<T>(items: impl Iterator<Item = Result<T, Vec<Problem>>>) -> Result<Vec<T>, Vec<Problem>> {
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(item) => good.push(item),
            Err(problems) => faults.extend(problems),
        }
    }
    match faults.is_empty() {
        true => Ok(good),
        false => Err(faults),
    }
}
