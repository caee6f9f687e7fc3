//! Reads the keys of a table, collects every fault where it stands.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Problem;

/// A key that is this near to a known one is taken for a slip of the finger (Jaro-Winkler).
const NEAR: f64 = 0.8;

/// A table that is being read.
pub(super) struct Fields<'t, 'v> {
    table: Option<&'t DeTable<'v>>,
    span: Range<usize>,
    problems: Vec<Problem>,
}

impl<'t, 'v> Fields<'t, 'v> {
    /// The keys of `value`; when that is no table, this is the one fault, and every key counts as absent.
    pub(super) fn of(value: &'t Spanned<DeValue<'v>>) -> Self {
        let table = value.get_ref().as_table();
        let mut problems = Vec::new();
        if table.is_none() {
            problems.push(wanted("a table", value));
        }
        Self {
            table,
            span: value.span(),
            problems,
        }
    }

    /// The keys of a table whose own place does not matter.
    pub(super) fn within(table: &'t DeTable<'v>) -> Self {
        Self {
            table: Some(table),
            span: 0..0,
            problems: Vec::new(),
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'v>>> {
        self.table?.get(key)
    }

    /// Bytes of the key's value, or of the whole table when it is absent.
    pub(super) fn span(&self, key: &str) -> Range<usize> {
        self.get(key)
            .map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Keys and values in the order of the map.
    pub(super) fn entries(
        &self,
    ) -> impl Iterator<Item = (&'t str, &'t Spanned<DeValue<'v>>)> + use<'t, 'v> {
        self.table
            .into_iter()
            .flat_map(|table| table.iter())
            .map(|(key, value)| (key.get_ref().as_ref(), value))
    }

    /// Faults for all keys but these.
    pub(super) fn only(&mut self, known: &[&str]) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let near = known
                .iter()
                .map(|k| (strsim::jaro_winkler(name, k), *k))
                .filter(|(score, _)| *score >= NEAR)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let help = match near {
                Some((_, near)) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", known.join(", ")),
            };
            self.problems
                .push(Problem::new(key.span(), format!("unknown key `{name}`")).help(help));
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Option<&'t str> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.fault(wanted("a text", value));
        }
        text
    }

    /// A text that is there and not empty.
    pub(super) fn required_text(&mut self, key: &str) -> Option<&'t str> {
        if self.get(key).is_none() {
            let fault = Problem::new(self.span.clone(), format!("`{key}` is missing"));
            self.fault(fault);
            return None;
        }
        let text = self.text(key)?;
        if text.trim().is_empty() {
            let fault = Problem::new(self.span(key), format!("`{key}` is empty"));
            self.fault(fault);
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.fault(wanted("true or false", value));
        }
        truth
    }

    /// A whole number within `range`.
    pub(super) fn number(&mut self, key: &str, range: Range<u64>) -> Option<u64> {
        let value = self.get(key)?;
        match integer(value).and_then(|n| u64::try_from(n).ok()) {
            Some(n) if range.contains(&n) => Some(n),
            _ => {
                let limits = format!("a whole number from {} to {}", range.start, range.end - 1);
                self.fault(wanted(&limits, value));
                None
            }
        }
    }

    /// A duration above zero, as `"1m 30s"`.
    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        let value = self.get(key)?;
        let parsed = value.get_ref().as_str().map(humantime::parse_duration);
        match parsed {
            Some(Ok(span)) if !span.is_zero() => Some(span),
            Some(Ok(_)) => {
                self.fault(Problem::new(
                    value.span(),
                    format!("`{key}` must be longer than zero"),
                ));
                None
            }
            _ => {
                self.fault(
                    wanted("a duration", value)
                        .help("write it as \"500ms\", \"5s\", \"2m\", \"14d\""),
                );
                None
            }
        }
    }

    /// Adds a fault.
    pub(super) fn fault(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Adds the faults of a table within this one.
    pub(super) fn take<T>(&mut self, read: Result<T, Vec<Problem>>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// All faults, in the order of the file.
    pub(super) fn problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|p| p.span.start);
        self.problems
    }
}

/// A value of another type than wanted.
pub(super) fn wanted(what: &str, found: &Spanned<DeValue<'_>>) -> Problem {
    Problem::new(
        found.span(),
        format!("expected {what}, found {}", shown(found.get_ref())),
    )
}

/// A whole number in any of TOML's notations.
pub(super) fn integer(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let number = value.get_ref().as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        // Not the text itself: it may be a secret in the wrong place.
        DeValue::String(_) => "a text".to_owned(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
