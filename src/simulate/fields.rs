//! Reading a TOML tree by hand: each value with its place, and every fault noted instead of the first returned.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Problem;
use crate::model::Timestamp;

/// A value of the file, with its place.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Problem>);

/// A table of the file, with its place.
#[derive(Clone)]
pub(super) struct Fields<'a, 'i> {
    pub(super) table: &'a DeTable<'i>,
    pub(super) span: Range<usize>,
}

impl<'a, 'i> Fields<'a, 'i> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Value<'i>> {
        self.table.get(key)
    }
}

impl Faults {
    /// Notes a fault at a place.
    pub(super) fn note(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.0.push(Problem::new(span, message));
    }

    /// The value as a table that has only `known` keys.
    pub(super) fn table<'a, 'i>(
        &mut self,
        value: &'a Value<'i>,
        known: &[&str],
    ) -> Option<Fields<'a, 'i>> {
        let fields = self.open_table(value)?;
        self.only(&fields, known);
        Some(fields)
    }

    /// The value as a table whose keys are the user's.
    pub(super) fn open_table<'a, 'i>(&mut self, value: &'a Value<'i>) -> Option<Fields<'a, 'i>> {
        let Some(table) = value.get_ref().as_table() else {
            return self.unlike(value, "a table");
        };
        Some(Fields {
            table,
            span: value.span(),
        })
    }

    /// Notes every key that is not in `known`.
    pub(super) fn only(&mut self, fields: &Fields<'_, '_>, known: &[&str]) {
        for key in fields.table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                self.unknown(key.span(), "key", key.get_ref(), known);
            }
        }
    }

    /// Notes a word that is none of `known`, and which of them is nearest.
    pub(super) fn unknown(&mut self, span: Range<usize>, what: &str, word: &str, known: &[&str]) {
        let near = known
            .iter()
            .map(|k| (strsim::damerau_levenshtein(k, word), *k))
            .min()
            .filter(|(far, k)| *far <= 1 + k.len() / 4);
        let mut problem = Problem::new(span, format!("unknown {what} `{word}`"));
        problem.help = Some(match near {
            Some((_, k)) => format!("did you mean `{k}`?"),
            None => format!("one of {}", known.join(", ")),
        });
        self.0.push(problem);
    }

    /// The value of a key that must be there.
    pub(super) fn want<'a, 'i>(
        &mut self,
        fields: &Fields<'a, 'i>,
        key: &str,
    ) -> Option<&'a Value<'i>> {
        let value = fields.get(key);
        if value.is_none() {
            self.note(fields.span.clone(), format!("`{key}` is missing"));
        }
        value
    }

    /// The elements of an optional list; none when the key is absent.
    pub(super) fn list<'a, 'i>(
        &mut self,
        fields: &Fields<'a, 'i>,
        key: &str,
    ) -> Vec<&'a Value<'i>> {
        let Some(value) = fields.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.get_ref().as_array() else {
            self.unlike::<()>(value, "a list");
            return Vec::new();
        };
        list.iter().collect()
    }

    /// Text that is not empty.
    pub(super) fn text(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref().as_str().map(str::trim) {
            Some("") => {
                self.note(value.span(), "expected a text, found an empty one");
                None
            }
            Some(text) => Some(text.to_owned()),
            None => self.unlike(value, "a text"),
        }
    }

    /// One of a closed set of words.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &Value<'_>,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let word = self.text(value)?;
        let found = all.iter().copied().find(|t| name(*t) == word);
        if found.is_none() {
            let known: Vec<_> = all.iter().map(|t| name(*t)).collect();
            self.unknown(value.span(), "word", &word, &known);
        }
        found
    }

    /// A moment: RFC 3339 with its offset, quoted or not.
    pub(super) fn time(&mut self, value: &Value<'_>) -> Option<Timestamp> {
        let written = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(at) => at.to_string(),
            _ => return self.unlike(value, "a moment"),
        };
        let at = Timestamp::parse(&written);
        if at.is_none() {
            let wanted = "expected a moment with its offset, like 2023-11-08T03:40:00Z";
            self.note(value.span(), format!("{wanted}, found `{written}`"));
        }
        at
    }

    /// Two moments in their order, both of them wanted.
    pub(super) fn window(
        &mut self,
        fields: &Fields<'_, '_>,
        first: &str,
        last: &str,
    ) -> Option<(Timestamp, Timestamp)> {
        let start = self.want(fields, first).and_then(|v| self.time(v));
        let end_value = self.want(fields, last);
        let (start, end) = (start?, end_value.and_then(|v| self.time(v))?);
        if start < end {
            return Some((start, end));
        }
        let span = end_value.map_or(fields.span.clone(), |v| v.span());
        self.note(span, format!("`{last}` is not later than `{first}`"));
        None
    }

    /// A share: 0 to 1.
    pub(super) fn share(&mut self, value: &Value<'_>) -> Option<f64> {
        let share = self.number(value)?;
        if (0.0..=1.0).contains(&share) {
            return Some(share);
        }
        self.note(value.span(), format!("expected 0 to 1, found {share}"));
        None
    }

    /// A whole number of at most `most`.
    pub(super) fn whole(&mut self, value: &Value<'_>, most: u32) -> Option<u32> {
        let DeValue::Integer(written) = value.get_ref() else {
            return self.unlike(value, "a whole number");
        };
        let number = u32::from_str_radix(written.as_str(), written.radix()).ok();
        let number = number.filter(|n| *n <= most);
        if number.is_none() {
            self.note(
                value.span(),
                format!("expected 0 to {most}, found {written}"),
            );
        }
        number
    }

    /// A number, whole or not.
    pub(super) fn number(&mut self, value: &Value<'_>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Float(written) => written.as_str().parse().ok(),
            DeValue::Integer(written) => i64::from_str_radix(written.as_str(), written.radix())
                .ok()
                .map(|n| n as f64),
            _ => None,
        };
        number.or_else(|| self.unlike(value, "a number"))
    }

    /// `true` or `false`.
    pub(super) fn yes(&mut self, value: &Value<'_>) -> Option<bool> {
        let yes = value.get_ref().as_bool();
        yes.or_else(|| self.unlike(value, "true or false"))
    }

    /// Notes a value of the wrong type.
    fn unlike<T>(&mut self, value: &Value<'_>, wanted: &str) -> Option<T> {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a moment",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.note(value.span(), format!("expected {wanted}, found {found}"));
        None
    }
}
