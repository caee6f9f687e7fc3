//! Lists of models in the shapes of all providers: what a name stands for in them, until when, and where they go on.
//!
//! A name counts as listed when the list has exactly it, or a form that its provider documents as standing for the same
//! model: a dated or numbered snapshot of it, Ollama's `:latest`, OpenRouter's variants, a gateway's wildcard, an alias in
//! the list itself.

use std::time::Duration;

use serde_json::Value;

use crate::model::Timestamp;

/// OpenRouter takes these behind any model's name; they say how it is served.
const VARIANTS: &[&str] = &[":nitro", ":floor", ":online", ":exacto"];
/// Google's lists put this before each name.
const FOLDER: &str = "models/";
/// Fields that may hold the day on which a model is switched off: OpenAI's, OpenRouter's.
const DATES: &[&str] = &["shutdown_date", "expiration_date"];
/// A model is given the whole of its last day: providers switch off at some hour of it.
const LAST_DAY: Duration = Duration::from_secs(86_400);

/// What a list says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    /// The list has exactly this name, and not only another form of it.
    pub exactly: bool,
    /// When it is switched off, when that is known.
    pub ends: Option<Timestamp>,
}

impl Listed {
    /// Of two mentions the exact one counts; of two alike, the one that lives longer.
    fn or(self, other: Listed) -> Listed {
        match (self.exactly, other.exactly) {
            (true, false) => self,
            (false, true) => other,
            _ => Listed {
                exactly: self.exactly,
                ends: self.ends.zip(other.ends).map(|(a, b)| a.max(b)),
            },
        }
    }

    /// Whether its last day is over.
    pub fn is_over(self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| now >= ends + LAST_DAY)
    }

    /// A short text from which [`Listed::read`] makes it again.
    pub fn write(self) -> String {
        let mark = if self.exactly { '=' } else { '~' };
        match self.ends {
            Some(ends) => format!("{mark}{}", ends.as_micros()),
            None => mark.to_string(),
        }
    }

    /// Back from [`Listed::write`].
    pub fn read(text: &str) -> Option<Self> {
        let (mark, micros) = text.split_at_checked(1)?;
        Some(Self {
            exactly: mark == "=",
            ends: micros.parse().ok().map(Timestamp::from_micros),
        })
    }
}

/// The entries of a list: `data` or `models` of an object, or the document itself. `None` when it is no list.
pub(super) fn entries(document: &Value) -> Option<&[Value]> {
    let lists = [document.get("data"), document.get("models"), Some(document)];
    let list = lists.into_iter().flatten().find_map(Value::as_array)?;
    Some(list)
}

/// Whether an entry is a model at all.
pub(super) fn is_model(entry: &Value) -> bool {
    names(entry).next().is_some()
}

/// What these entries say of a name, together with what earlier ones said.
pub(super) fn look_up(name: &str, entries: &[Value], before: Option<Listed>) -> Option<Listed> {
    let name = bare(name);
    let mut found = before;
    for entry in entries {
        let mention = names(entry)
            .filter_map(|listed| stands_for(bare(listed), name))
            .reduce(|a, b| a || b);
        if let Some(exactly) = mention {
            let ends = ends(entry);
            let mention = Listed { exactly, ends };
            found = Some(found.map_or(mention, |before| before.or(mention)));
        }
    }
    found
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum More {
    /// Nowhere: this was all.
    No,
    /// With a value of the query.
    Query(&'static str, String),
    /// At this address, which may be relative.
    Address(String),
    /// Somewhere, but it does not say where.
    Lost,
}

/// Where the list goes on after this document.
pub(super) fn more(document: &Value) -> More {
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).filter(|t| !t.is_empty());
        text.map(str::to_owned)
    };
    if let Some(token) = text(document.get("nextPageToken")) {
        return More::Query("pageToken", token);
    }
    if let Some(next) = text(document.pointer("/links/next")) {
        return More::Address(next);
    }
    if document.get("has_more") != Some(&Value::Bool(true)) {
        return More::No;
    }
    match text(document.get("last_id")) {
        Some(last) => More::Query("after_id", last),
        None => More::Lost,
    }
}

/// The names of an entry. Google's come as `models/NAME`, Ollama's as `NAME:TAG`.
fn names(entry: &Value) -> impl Iterator<Item = &str> {
    let own = entry.as_str().into_iter();
    let named = ["id", "name", "model"]
        .into_iter()
        .filter_map(|key| entry.get(key)?.as_str());
    let aliases = entry
        .get("aliases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    own.chain(named)
        .chain(aliases)
        .filter(|name| !name.trim().is_empty())
}

fn bare(name: &str) -> &str {
    name.strip_prefix(FOLDER).unwrap_or(name)
}

/// Whether a listed name stands for the wanted one: `Some(true)` exactly, `Some(false)` in another form.
fn stands_for(listed: &str, wanted: &str) -> Option<bool> {
    if listed == wanted {
        return Some(true);
    }
    let same = listed.strip_suffix(":latest") == Some(wanted)
        || listed
            .strip_suffix('*')
            .is_some_and(|stem| wanted.starts_with(stem))
        || is_snapshot(listed, wanted)
        || wanted
            .strip_prefix(listed)
            .is_some_and(|variant| VARIANTS.contains(&variant))
        || wanted
            .strip_suffix("-latest")
            .is_some_and(|stem| listed == stem || is_snapshot(listed, stem));
    same.then_some(false)
}

/// Whether `listed` is `name` with a date or a version of at least three digits: `gpt-4o-2024-08-06`,
/// `claude-sonnet-4-5-20250929`, `gpt-4-0613`, `gemini-2.0-flash-001`. A single digit is another model.
fn is_snapshot(listed: &str, name: &str) -> bool {
    let suffix = listed
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(['-', '@']));
    let Some(suffix) = suffix else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(suffix) {
        return suffix.len() >= 3;
    }
    let parts: Vec<&str> = suffix.split('-').collect();
    let shape = |lengths: [usize; 3]| {
        parts.len() == 3
            && parts
                .iter()
                .zip(lengths)
                .all(|(p, n)| digits(p) && p.len() == n)
    };
    shape([4, 2, 2])
}

/// The day on which an entry's model is switched off: `2026-10-23`, RFC 3339, or seconds since 1970.
fn ends(entry: &Value) -> Option<Timestamp> {
    DATES.iter().find_map(|key| match entry.get(key)? {
        Value::String(text) => {
            Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
        }
        Value::Number(seconds) => seconds
            .as_f64()
            .filter(|s| *s > 0.0)
            .map(Timestamp::from_seconds),
        _ => None,
    })
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
