//! Texts and JSON documents with places to fill in: `{name}`, and where a reply is at hand `{$.path.in.it}`.
//!
//! Names are checked when the file is read; a name that is not known is a fault there. `{{name}}` is the text `{name}`
//! itself; any other brace is only a brace. Secrets stand as tables: `{ env = ".." }`, in JSON `{ secret = { env = ".." } }`.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;

use super::ReadSecret;
use super::fields::{Fields, integer, wanted};
use crate::diagnostic::Problem;
use crate::model::Secret;

/// A longer value is no token, id or address.
pub(super) const LONGEST_VALUE: usize = 8 * 1024;
/// Stands in a JSON document for a secret: `{ secret = { env = "NAME" } }`. A table of its own could be data.
const SECRET: &str = "secret";

/// What is known where a template stands.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// Names that have a value already.
    pub constants: &'a BTreeMap<String, String>,
    /// Names that will have one when the template is filled in.
    pub names: &'a [String],
    /// Whether `{$.path}` takes from the reply before.
    pub paths: bool,
    /// Reads a secret.
    pub secret: &'a ReadSecret<'a>,
}

/// What the places are filled with.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub named: &'a BTreeMap<String, String>,
    /// The latest reply, for `{$.path}`.
    pub document: &'a Value,
}

/// A text with places.
#[derive(Debug, Clone, Default)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Secret(Secret),
    Name(String),
    Path(Box<JsonPath>),
}

impl Template {
    /// Reads a text that stands at `span`.
    pub(super) fn parse(
        text: &str,
        span: &Range<usize>,
        context: &Context<'_>,
    ) -> Result<Self, Problem> {
        let mut pieces = Pieces::default();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            pieces.text(&rest[..at]);
            rest = &rest[at..];
            if let Some(name) = rest.strip_prefix("{{").and_then(name)
                && rest[2 + name.len()..].starts_with("}}")
            {
                pieces.text(&rest[1..name.len() + 3]);
                rest = &rest[name.len() + 4..];
                continue;
            }
            let inner = rest[1..].split_once('}').map(|(inner, _)| inner);
            match inner {
                Some(inner) if name(&rest[1..]) == Some(inner) => {
                    if let Some(constant) = context.constants.get(inner) {
                        pieces.text(constant);
                    } else if context.names.iter().any(|known| known == inner) {
                        pieces.0.push(Piece::Name(inner.to_owned()));
                    } else {
                        return Err(unknown(inner, span, context));
                    }
                    rest = &rest[inner.len() + 2..];
                }
                Some(inner) if context.paths && inner.starts_with('$') => {
                    let path = JsonPath::parse(inner).map_err(|fault| {
                        Problem::new(span.clone(), format!("`{inner}` is no JSON path"))
                            .help(fault.to_string())
                    })?;
                    pieces.0.push(Piece::Path(Box::new(path)));
                    rest = &rest[inner.len() + 2..];
                }
                _ => {
                    pieces.text("{");
                    rest = &rest[1..];
                }
            }
        }
        pieces.text(rest);
        Ok(Self(pieces.0))
    }

    /// Reads a text or a secret; an absent secret is an empty one, and the probe does not run.
    pub(super) fn read(
        value: &Spanned<DeValue<'_>>,
        context: &Context<'_>,
    ) -> Result<Self, Problem> {
        match value.get_ref() {
            DeValue::String(text) => Self::parse(text, &value.span(), context),
            DeValue::Integer(_) => match integer(value) {
                Some(number) => Ok(Self(vec![Piece::Text(number.to_string())])),
                None => Err(wanted("a text", value)),
            },
            DeValue::Boolean(truth) => Ok(Self(vec![Piece::Text(truth.to_string())])),
            DeValue::Table(_) => Ok(Self(match (context.secret)(value)? {
                Some(secret) => vec![Piece::Secret(secret)],
                None => Vec::new(),
            })),
            _ => Err(wanted("a text or a secret", value)),
        }
    }

    /// The text; `encode` is applied to what is filled in, and to nothing else. Errs with what has no value.
    pub(super) fn fill(
        &self,
        values: Values<'_>,
        encode: impl Fn(&str) -> String,
    ) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Secret(secret) => text.push_str(&encode(secret.expose())),
                Piece::Name(name) => match values.named.get(name) {
                    Some(value) => text.push_str(&encode(value)),
                    None => return Err(format!("`{{{name}}}` has no value")),
                },
                Piece::Path(path) => match first_text(path, values.document) {
                    Some(value) => text.push_str(&encode(&value)),
                    None => return Err(format!("the reply before has nothing at {path}")),
                },
            }
        }
        Ok(text)
    }

    /// The text as it is: nothing is encoded.
    pub(super) fn plain(&self, values: Values<'_>) -> Result<String, String> {
        self.fill(values, str::to_owned)
    }

    /// Whether a secret stands in it.
    pub(super) fn is_secret(&self) -> bool {
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Secret(_) | Piece::Name(_)))
    }

    /// The text before the first place.
    pub(super) fn head(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether there is nothing to fill in.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }
}

/// Pieces, texts that follow each other joined.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }
}

/// The name that a text begins with; `None` when it begins with none.
fn name(text: &str) -> Option<&str> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !of_name(c)).unwrap_or(text.len());
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    text[..end].starts_with(begins).then(|| &text[..end])
}

fn unknown(name: &str, span: &Range<usize>, context: &Context<'_>) -> Problem {
    let known = || {
        let names = context.names.iter().map(String::as_str);
        names.chain(context.constants.keys().map(String::as_str))
    };
    let near = known()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let help = match near {
        Some((_, near)) => format!("did you mean `{{{near}}}`?"),
        None => {
            let known: Vec<_> = known().collect();
            format!(
                "known here: {}; write `{{{{{name}}}}}` for the text itself",
                known.join(", ")
            )
        }
    };
    Problem::new(span.clone(), format!("`{{{name}}}` has no value here")).help(help)
}

/// The first text, number or truth that a path finds; in a list, its first one.
pub(super) fn first_text(path: &JsonPath, document: &Value) -> Option<String> {
    let found = path.query(document).all();
    let text = found.into_iter().find_map(|value| match value {
        Value::Array(items) => items.iter().find_map(text_of),
        other => text_of(other),
    })?;
    (text.len() <= LONGEST_VALUE).then_some(text)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A JSON document with places in its texts.
#[derive(Debug, Clone)]
pub(super) enum Document {
    Plain(Value),
    Text(Template),
    List(Vec<Document>),
    Table(Vec<(String, Document)>),
}

impl Document {
    /// Reads any TOML value. A table whose only key is `secret`, with a table, is a secret.
    pub(super) fn read(
        value: &Spanned<DeValue<'_>>,
        context: &Context<'_>,
    ) -> Result<Self, Problem> {
        Ok(match value.get_ref() {
            DeValue::String(_) => Document::Text(Template::read(value, context)?),
            DeValue::Array(items) => Document::List(
                items
                    .iter()
                    .map(|item| Self::read(item, context))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => {
                if let (1, Some(secret)) = (table.len(), table.get(SECRET))
                    && secret.get_ref().as_table().is_some()
                {
                    return Ok(Document::Text(Template::read(secret, context)?));
                }
                let entries = Fields::of(value).entries();
                let read =
                    |(key, value): (&str, _)| Ok((key.to_owned(), Self::read(value, context)?));
                Document::Table(entries.map(read).collect::<Result<_, Problem>>()?)
            }
            _ => Document::Plain(plain_json(value)?),
        })
    }

    /// The document with everything filled in. Errs with what has no value.
    pub(super) fn fill(&self, values: Values<'_>) -> Result<Value, String> {
        Ok(match self {
            Document::Plain(value) => value.clone(),
            Document::Text(text) => Value::String(text.plain(values)?),
            Document::List(items) => Value::Array(
                items
                    .iter()
                    .map(|i| i.fill(values))
                    .collect::<Result<_, _>>()?,
            ),
            Document::Table(entries) => {
                let mut object = Map::new();
                for (key, value) in entries {
                    object.insert(key.clone(), value.fill(values)?);
                }
                Value::Object(object)
            }
        })
    }
}

/// A TOML value as JSON, word for word.
pub(super) fn plain_json(value: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
    let unfit = || wanted("a value that JSON knows", value);
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(_) => Value::from(integer(value).ok_or_else(unfit)?),
        DeValue::Float(number) => {
            let number: f64 = number
                .as_str()
                .replace('_', "")
                .parse()
                .map_err(|_| unfit())?;
            // JSON knows neither NaN nor infinity.
            serde_json::Number::from_f64(number)
                .ok_or_else(unfit)?
                .into()
        }
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(plain_json).collect::<Result<_, _>>()?)
        }
        DeValue::Table(_) => {
            let mut object = Map::new();
            for (key, value) in Fields::of(value).entries() {
                object.insert(key.to_owned(), plain_json(value)?);
            }
            Value::Object(object)
        }
        DeValue::Datetime(date) => Value::from(date.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(text: &str) -> Result<String, String> {
        let constants = BTreeMap::from([("model".to_owned(), "m{id}".to_owned())]);
        let names = ["id".to_owned(), "later".to_owned()];
        let context = Context {
            constants: &constants,
            names: &names,
            paths: true,
            secret: &|_| Ok(None),
        };
        let template = Template::parse(text, &(0..0), &context).map_err(|p| p.message)?;
        let named = BTreeMap::from([("id".to_owned(), "a b".to_owned())]);
        let document = json!({ "out": ["x", "y"], "n": 7 });
        let values = Values {
            named: &named,
            document: &document,
        };
        template.fill(values, |text| format!("<{text}>"))
    }

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        for (text, wanted) in [
            ("/v/{id}/c", "/v/<a b>/c"),
            ("{model}", "m{id}"),
            ("{$.out}{$.n}", "<x><7>"),
            ("{{id}}", "{id}"),
            ("{\"a\":{\"b\":1}} {} {id", "{\"a\":{\"b\":1}} {} {id"),
            ("{{{id}}}", "{{id}}"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_a_fault_and_what_is_missing_an_error() {
        assert_eq!(filled("{ids}"), Err("`{ids}` has no value here".to_owned()));
        assert_eq!(filled("{later}"), Err("`{later}` has no value".to_owned()));
        assert!(
            filled("{$.none}")
                .unwrap_err()
                .contains("nothing at $.none")
        );
        assert!(filled("{$.[}").unwrap_err().contains("is no JSON path"));
    }
}
