//! Reading a TOML table key by key: each getter notes its fault and goes on, so that all faults are found at once.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::values::Wrong;
use crate::diagnostic::{Problem, is_unprintable};

/// A value with its place in the file.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// The faults and warnings of one file.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Faults {
    pub fn push(&self, problem: Problem) {
        self.faults.borrow_mut().push(problem);
    }

    pub fn extend(&self, problems: Vec<Problem>) {
        self.faults.borrow_mut().extend(problems);
    }

    pub fn warn(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    pub fn count(&self) -> usize {
        self.faults.borrow().len()
    }

    pub fn into_parts(self) -> (Vec<Problem>, Vec<Problem>) {
        (self.faults.into_inner(), self.warnings.into_inner())
    }
}

/// A table that is being read.
#[derive(Clone, Copy)]
pub(super) struct Fields<'t> {
    pub table: &'t DeTable<'t>,
    pub faults: &'t Faults,
}

impl<'t> Fields<'t> {
    pub fn get(&self, key: &str) -> Option<&'t Value<'t>> {
        self.table.get(key)
    }

    /// Notes every key that is not in `known`, with the nearest that is.
    pub fn only(&self, whose: &str, known: &[&[&str]]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            let mut all = known.iter().flat_map(|part| part.iter()).copied();
            if all.any(|k| k == name) {
                continue;
            }
            let all = || known.iter().flat_map(|part| part.iter()).copied();
            let mut problem = Problem::new(
                key.span(),
                format!("unknown key {} in {whose}", quoted(name)),
            )
            .secret();
            problem = match nearest(name, all()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("known keys: {}", listed(all()))),
            };
            self.faults.push(problem);
        }
    }

    /// Warns of keys that are read and checked, but decide nothing in this version.
    pub fn without_effect(&self, keys: &[&str]) {
        for key in keys {
            if self.get(key).is_some() {
                let problem = Problem::new(
                    self.span(key),
                    format!("`{key}` has no effect in this version"),
                );
                self.faults.warn(problem);
            }
        }
    }

    /// A string of at most 4 KiB without control characters, made into a `T`.
    pub fn text<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<T> {
        self.read(self.get(key)?, key, "a string", parse)
    }

    /// The same for a value found elsewhere; `what` was wanted.
    pub fn read<T>(
        &self,
        value: &'t Value<'t>,
        key: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, key, what);
            return None;
        };
        let parsed = printable(text).and_then(|()| parse(text));
        parsed
            .map_err(|wrong| self.faults.push(wrong.at(value.span(), key)))
            .ok()
    }

    pub fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(value, key, "true or false");
        }
        found
    }

    pub fn integer(&self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.get(key)?;
        let Some(digits) = value.get_ref().as_integer() else {
            self.wrong_type(value, key, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let number = number.and_then(|n| u32::try_from(n).ok());
        if let Some(number) = number.filter(|n| range.contains(n)) {
            return Some(number);
        }
        let wrong = Wrong::new(format!(
            "is not between {} and {}",
            range.start(),
            range.end()
        ));
        self.faults.push(wrong.at(value.span(), key));
        None
    }

    /// An integer or a float; never NaN or infinite.
    pub fn number(&self, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.get(key)?;
        let Some(number) = number(value.get_ref()) else {
            self.wrong_type(value, key, "a number");
            return None;
        };
        if range.contains(&number) {
            return Some(number);
        }
        let wrong = Wrong::new(format!(
            "is not between {} and {}",
            range.start(),
            range.end()
        ));
        self.faults.push(wrong.at(value.span(), key));
        None
    }

    /// A list of strings, or one string alone; faulty elements are noted and left out.
    pub fn texts<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Vec<(T, Range<usize>)>> {
        let value = self.get(key)?;
        let read = |value: &'t Value<'t>| {
            let text = self.read(value, key, "a list of strings", &parse)?;
            Some((text, value.span()))
        };
        match value.get_ref() {
            DeValue::Array(list) => Some(list.iter().filter_map(read).collect()),
            _ => read(value).map(|one| vec![one]),
        }
    }

    /// A table inside this one.
    pub fn table(&self, key: &str) -> Option<Fields<'t>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(value, key, "a table");
            return None;
        };
        Some(Fields {
            table,
            faults: self.faults,
        })
    }

    /// Where a key stands; the start of the file when it does not.
    pub fn span(&self, key: &str) -> Range<usize> {
        self.get(key).map_or(0..0, Spanned::span)
    }

    pub fn wrong_type(&self, value: &Value<'_>, key: &str, wanted: &str) {
        let found = kind_of(value.get_ref());
        self.faults.push(Problem::new(
            value.span(),
            format!("`{key}` is {wanted}, not {found}"),
        ));
    }
}

/// An integer or float of a value; `None` for other types, NaN and infinities.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).ok()? as f64
        }
        DeValue::Float(digits) => digits.as_str().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn printable(text: &str) -> Result<(), Wrong> {
    const LONGEST: usize = 4096;
    if text.len() > LONGEST {
        return Err(Wrong::new(format!("is longer than {LONGEST} bytes")));
    }
    match text.chars().find(|c| is_unprintable(*c)) {
        Some(c) => Err(Wrong::new(format!(
            "holds the control character U+{:04X}",
            c as u32
        ))),
        None => Ok(()),
    }
}

/// The word that was probably meant: at most a third of it differs.
pub(super) fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    among
        .map(|known| (strsim::damerau_levenshtein(&lower, known), known))
        .filter(|(far, known)| *far <= 1.max(known.chars().count().max(lower.chars().count()) / 3))
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// A word of the user's in backticks, cut to a readable length.
pub(super) fn quoted(word: &str) -> String {
    const LONGEST: usize = 40;
    match word.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("`{}…`", &word[..at]),
        None => format!("`{word}`"),
    }
}

/// `a`, `b`, `c`.
pub(super) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
