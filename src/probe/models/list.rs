//! Lists of models in the shapes of all providers: what a name stands for in them, until when, and where they go on.
//!
//! A name counts as listed when the list has exactly it, or a form that its provider documents as standing for the same
//! model: a dated or numbered snapshot of it, Ollama's `:latest`, a gateway's wildcard, an alias in the list itself.

use std::time::Duration;

use serde_json::Value;

use crate::model::Timestamp;

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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn found(document: &Value, name: &str) -> Option<bool> {
        let entries = entries(document).expect("a list");
        look_up(name, entries, None).map(|listed| listed.exactly)
    }

    #[test]
    fn a_name_is_found_in_the_lists_of_all_providers() {
        let openai = json!({ "object": "list", "data": [{ "id": "gpt-4o", "object": "model" }] });
        let anthropic = json!({ "data": [{ "type": "model", "id": "claude-x-20250929", "display_name": "Claude X" }], "has_more": false });
        let gemini = json!({ "models": [{ "name": "models/gemini-2.0-flash" }, { "name": "models/gemini-2.0-flash-001" }] });
        let ollama = json!({ "models": [{ "name": "llama3.2:latest", "model": "llama3.2:latest" }, { "name": "phi3:mini" }] });
        let llama = json!({ "models": [{ "name": "smol" }], "object": "list", "data": [{ "id": "smol", "aliases": ["tiny"] }] });
        let plain = json!(["gpt-4o"]);
        let objects = json!([{ "id": "a/b", "name": "B" }]);
        let wildcard = json!({ "data": [{ "id": "openai/*" }] });
        for (document, name, exactly) in [
            (&openai, "gpt-4o", Some(true)),
            (&openai, "GPT-4o", None),
            (&anthropic, "claude-x", Some(false)),
            (&anthropic, "claude-x-latest", Some(false)),
            (&anthropic, "claude", None),
            (&gemini, "gemini-2.0-flash", Some(true)),
            (&gemini, "models/gemini-2.0-flash", Some(true)),
            (&gemini, "gemini-2.0", None),
            (&ollama, "llama3.2", Some(false)),
            (&ollama, "llama3.2:latest", Some(true)),
            (&ollama, "phi3", None),
            (&ollama, "phi3:mini", Some(true)),
            (&llama, "smol", Some(true)),
            (&llama, "tiny", Some(true)),
            (&plain, "gpt-4o", Some(true)),
            (&objects, "a/b", Some(true)),
            (&wildcard, "openai/gpt-4o", Some(false)),
            (&wildcard, "mistral/large", None),
        ] {
            assert_eq!(found(document, name), exactly, "{name} in {document}");
        }
    }

    #[test]
    fn a_snapshot_stands_for_its_model_and_a_longer_name_does_not() {
        for (listed, name, same) in [
            ("gpt-4o-2024-08-06", "gpt-4o", true),
            ("gpt-4-0613", "gpt-4", true),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", true),
            ("gemini-2.0-flash-001", "gemini-2.0-flash", true),
            ("claude-x@20250929", "claude-x", true),
            ("gpt-4o-mini", "gpt-4o", false),
            ("gpt-4o-mini-2024-07-18", "gpt-4o", false),
            ("claude-sonnet-4-5", "claude-sonnet-4", false),
            ("gpt-4-1106-preview", "gpt-4", false),
            ("gpt-4o", "gpt-4o-2024-08-06", false),
            ("gpt-4o-", "gpt-4o", false),
            ("gpt-4o-2024-8-6", "gpt-4o", false),
        ] {
            assert_eq!(is_snapshot(listed, name), same, "{listed} {name}");
        }
    }

    #[test]
    fn the_end_of_a_name_is_its_own_or_that_of_its_longest_lived_form() {
        let day = |text: &str| Timestamp::parse(&format!("{text}T00:00:00Z"));
        let ends = |document: Value| {
            look_up("m", entries(&document).unwrap(), None)
                .unwrap()
                .ends
        };
        let dated = |id: &str, date: Value| json!({ "id": id, "shutdown_date": date });
        for (document, wanted) in [
            (json!([dated("m", json!("2026-10-23"))]), day("2026-10-23")),
            (
                json!([dated("m", json!("2026-10-23T00:00:00Z"))]),
                day("2026-10-23"),
            ),
            (json!([dated("m", json!(1_792_713_600))]), day("2026-10-23")),
            (
                json!([{ "id": "m", "expiration_date": "2026-10-23" }]),
                day("2026-10-23"),
            ),
            (json!([dated("m", json!(null))]), None),
            (json!([dated("m", json!("soon"))]), None),
            (json!([dated("m", json!([1]))]), None),
            (json!([dated("m", json!(-1))]), None),
            // The alias moves on to the younger snapshot.
            (
                json!([
                    dated("m-2024-01-01", json!("2026-10-23")),
                    dated("m-2025-01-01", json!("2027-10-23"))
                ]),
                day("2027-10-23"),
            ),
            (
                json!([dated("m-2024-01-01", json!("2026-10-23")), { "id": "m-2025-01-01" }]),
                None,
            ),
            // Its own date counts, whatever its snapshots have.
            (
                json!([{ "id": "m-2025-01-01" }, dated("m", json!("2026-10-23"))]),
                day("2026-10-23"),
            ),
        ] {
            assert_eq!(ends(document.clone()), wanted, "{document}");
        }
    }

    #[test]
    fn the_last_day_belongs_to_the_model() {
        let listed = Listed {
            exactly: true,
            ends: Timestamp::parse("2026-10-23T00:00:00Z"),
        };
        let at = |text: &str| Timestamp::parse(text).unwrap();
        assert!(!listed.is_over(at("2026-10-23T23:59:59Z")));
        assert!(listed.is_over(at("2026-10-24T00:00:00Z")));
        let endless = Listed {
            ends: None,
            ..listed
        };
        assert!(!endless.is_over(at("2126-10-24T00:00:00Z")));
        for kept in [
            listed,
            endless,
            Listed {
                exactly: false,
                ..listed
            },
        ] {
            assert_eq!(Listed::read(&kept.write()), Some(kept));
        }
        assert_eq!(Listed::read(""), None);
    }

    #[test]
    fn where_a_list_goes_on_is_read_from_the_list() {
        let query = |key, value: &str| More::Query(key, value.to_owned());
        for (document, wanted) in [
            (json!({ "data": [] }), More::No),
            (json!([]), More::No),
            (
                json!({ "models": [], "nextPageToken": "t/1" }),
                query("pageToken", "t/1"),
            ),
            (json!({ "models": [], "nextPageToken": "" }), More::No),
            (
                json!({ "data": [], "has_more": true, "last_id": "m9" }),
                query("after_id", "m9"),
            ),
            (
                json!({ "data": [], "has_more": false, "last_id": "m9" }),
                More::No,
            ),
            (json!({ "data": [], "has_more": true }), More::Lost),
            (
                json!({ "data": [], "links": { "next": "/api/v1/models?offset=500" } }),
                More::Address("/api/v1/models?offset=500".to_owned()),
            ),
            (json!({ "data": [], "links": { "next": null } }), More::No),
        ] {
            assert_eq!(more(&document), wanted, "{document}");
        }
    }

    #[test]
    fn what_is_no_list_is_none() {
        for document in [json!({}), json!("x"), json!(null), json!({ "data": {} })] {
            assert_eq!(entries(&document), None, "{document}");
        }
        assert!(!is_model(&json!({ "id": " " })));
        assert!(!is_model(&json!(7)));
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(text in r#"[\[\]{}":,0-9a-z\- ]{0,200}"#, name in "\\PC{0,20}") {
            if let Ok(document) = serde_json::from_str::<Value>(&text) {
                let _ = more(&document);
                if let Some(list) = entries(&document) {
                    let _ = look_up(&name, list, None);
                }
            }
        }

        #[test]
        fn no_pair_of_names_makes_it_panic(listed in "\\PC{0,20}", name in "\\PC{0,20}") {
            let document = serde_json::json!([{ "id": listed, "shutdown_date": name }]);
            let _ = look_up(&name, entries(&document).unwrap(), None);
        }
    }
}
