//! Prices: the list that comes with the program, by host and model, and those that users write themselves.
//!
//! The list is a file, config/prices.toml, in which every table has its date and its source. A price of the user's own
//! always wins; what neither knows stays unknown.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::fields::Fields;
use super::values::Wrong;
use crate::diagnostic::Problem;
use crate::model::MicroUsd;
use crate::model::price::{self, Entry, Price, Rate};

const LIST: &str = include_str!("../../config/prices.toml");
/// Keys of a price in probes.toml.
pub(super) const PRICE_KEYS: &[&str] = &[
    "input",
    "cached_input",
    "output",
    "per_image",
    "per_second",
    "per_run",
];
/// More than any model costs, in dollars for a million tokens, a picture or a run.
const DEAREST: f64 = 1e6;

/// A part of the list, with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    /// For which hosts it holds.
    hosts: Vec<String>,
    /// When it was true: `2026-10-24`.
    pub as_of: String,
    /// The provider's page that says so.
    pub source: String,
    entries: Vec<Entry>,
    /// Hosts whose prices this one passes on, by the first part of a model's name.
    upstream: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    hosts: Vec<String>,
    as_of: String,
    source: String,
    #[serde(default)]
    models: BTreeMap<String, RawEntry>,
    #[serde(default)]
    upstream: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    input: Option<f64>,
    cached_input: Option<f64>,
    output: Option<f64>,
    #[serde(default)]
    image: BTreeMap<String, f64>,
    second: Option<f64>,
}

/// The list. A test sees to it that it can be read.
static TABLES: LazyLock<Vec<PriceTable>> = LazyLock::new(|| parse(LIST).unwrap_or_default());

fn parse(text: &str) -> Result<Vec<PriceTable>, toml::de::Error> {
    let tables: BTreeMap<String, RawTable> = toml::from_str(text)?;
    Ok(tables.into_values().map(PriceTable::from).collect())
}

impl From<RawTable> for PriceTable {
    fn from(raw: RawTable) -> Self {
        let entry = |(model, raw): (String, RawEntry)| Entry {
            model,
            price: Price {
                input: raw.input.map(Rate::usd_per_million),
                cached_input: raw.cached_input.map(Rate::usd_per_million),
                output: raw.output.map(Rate::usd_per_million),
                ..Price::default()
            },
            images: raw
                .image
                .into_iter()
                .map(|(name, usd)| (name, MicroUsd::from_usd(usd)))
                .collect(),
            second: raw.second.map(MicroUsd::from_usd),
        };
        Self {
            hosts: raw.hosts,
            as_of: raw.as_of,
            source: raw.source,
            entries: raw.models.into_iter().map(entry).collect(),
            upstream: raw.upstream,
        }
    }
}

/// The listed price of a model at a host, and where it is from.
pub(super) fn listed(host: &str, model: &str) -> Option<(&'static Entry, &'static PriceTable)> {
    find(&TABLES, host, model)
}

fn find<'t>(
    tables: &'t [PriceTable],
    host: &str,
    model: &str,
) -> Option<(&'t Entry, &'t PriceTable)> {
    let here = |table: &&PriceTable| table.hosts.iter().any(|h| h == host);
    let found = tables.iter().filter(here).find_map(|table| {
        let entry = price::best(&table.entries, model)?;
        Some((entry, table))
    });
    found.or_else(|| {
        let (vendor, rest) = model.split_once('/')?;
        let behind = tables
            .iter()
            .filter(here)
            .find_map(|t| t.upstream.get(vendor))?;
        // One step only: what is behind is a provider.
        let here = |table: &&PriceTable| table.hosts.contains(behind);
        tables.iter().filter(here).find_map(|table| {
            let entry = price::best(&table.entries, rest)?;
            Some((entry, table))
        })
    })
}

/// The prices of `[price."model"]`, by pattern.
pub(super) fn own(root: Fields<'_>) -> Vec<Entry> {
    let Some(tables) = root.table("price") else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (key, value) in tables.table {
        let model: &str = key.get_ref();
        let Some(table) = value.get_ref().as_table() else {
            root.wrong_type(value, model, "a table: { input = 0.15, output = 0.6 }");
            continue;
        };
        let fields = Fields {
            table,
            faults: root.faults,
        };
        entries.push(entry(fields, model, &format!("[price.\"{model}\"]")));
    }
    entries
}

/// `price = { .. }` or `"free"` of a service or a probe.
pub(super) fn of(fields: Fields<'_>) -> Option<Entry> {
    let value = fields.get("price")?;
    if value.get_ref().as_str().is_some() {
        return fields.text("price", |text| match text {
            "free" => Ok(Entry {
                price: Price {
                    run: Some(MicroUsd::ZERO),
                    ..Price::default()
                },
                ..Entry::default()
            }),
            _ => Err(Wrong::new("is no price")
                .help("{ input = 0.15, output = 0.6 } in USD for a million tokens, or \"free\"")),
        });
    }
    let table = fields.table("price")?;
    if table.table.is_empty() {
        let problem = Problem::new(value.span(), "`price` says nothing")
            .help("for instance { input = 0.15, output = 0.6 }");
        fields.faults.push(problem);
    }
    Some(entry(table, "", "`price`"))
}

fn entry(fields: Fields<'_>, model: &str, whose: &str) -> Entry {
    fields.only(whose, &[PRICE_KEYS]);
    let usd = |key| fields.number(key, 0.0..=DEAREST);
    Entry {
        model: model.to_owned(),
        price: Price {
            input: usd("input").map(Rate::usd_per_million),
            cached_input: usd("cached_input").map(Rate::usd_per_million),
            output: usd("output").map(Rate::usd_per_million),
            image: usd("per_image").map(MicroUsd::from_usd),
            run: usd("per_run").map(MicroUsd::from_usd),
        },
        images: Vec::new(),
        second: usd("per_second").map(MicroUsd::from_usd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, Usage};

    fn cost(host: &str, model: &str) -> Option<u64> {
        let usage = Usage {
            input_tokens: 1_000_000,
            output_tokens: 1_000_000,
            ..Usage::default()
        };
        let (entry, _) = listed(host, model)?;
        entry.price.of(&usage).map(|c| c.0)
    }

    #[test]
    fn every_table_of_the_list_has_a_host_a_date_a_source_and_prices() {
        let tables = parse(LIST).unwrap();
        assert!(tables.len() >= 8);
        for table in &tables {
            assert!(!table.hosts.is_empty());
            let date = Timestamp::parse(&format!("{}T00:00:00Z", table.as_of));
            assert!(date.is_some(), "{}", table.as_of);
            assert!(table.source.starts_with("https://"), "{}", table.source);
            assert!(!table.entries.is_empty() || !table.upstream.is_empty());
            for entry in &table.entries {
                let price = &entry.price;
                let tokens = price.input.is_some() && price.output.is_some();
                let other = !entry.images.is_empty() || entry.second.is_some();
                assert!(tokens || other, "{}", entry.model);
                assert!(!entry.model.contains('*'), "{}", entry.model);
                // A cached token is never dearer than a fresh one, nor an answer cheaper than a question.
                assert!(price.cached_input <= price.input, "{}", entry.model);
                assert!(price.input <= price.output, "{}", entry.model);
            }
        }
    }

    #[test]
    fn no_model_of_a_host_is_listed_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for table in TABLES.iter() {
            for entry in &table.entries {
                for host in &table.hosts {
                    assert!(
                        seen.insert((host, entry.model.replace('.', "-"))),
                        "{}",
                        entry.model
                    );
                }
            }
        }
    }

    #[test]
    fn prices_are_found_by_host_and_model_and_never_guessed() {
        for (host, model, want) in [
            ("api.openai.com", "gpt-4o-mini", Some(750_000)),
            ("api.openai.com", "gpt-4o-mini-2024-07-18", Some(750_000)),
            ("api.openai.com", "gpt-4o", Some(12_500_000)),
            ("api.openai.com", "gpt-4o-2024-05-13", Some(20_000_000)),
            ("api.openai.com", "gpt-4o-mini-tts", None),
            ("api.openai.com", "gpt-99", None),
            (
                "api.anthropic.com",
                "claude-haiku-4-5-20251001",
                Some(6_000_000),
            ),
            ("api.mistral.ai", "mistral-small-latest", None),
            ("api.mistral.ai", "mistral-small-2506", Some(400_000)),
            ("openrouter.ai", "openai/gpt-4o-mini", Some(750_000)),
            (
                "openrouter.ai",
                "anthropic/claude-sonnet-4.5",
                Some(18_000_000),
            ),
            ("openrouter.ai", "meta-llama/llama-3.3-70b-instruct", None),
            ("openrouter.ai", "gpt-4o-mini", None),
            ("llm.example.com", "gpt-4o-mini", None),
            ("127.0.0.1", "gpt-4o-mini", None),
        ] {
            assert_eq!(cost(host, model), want, "{host} {model}");
        }
    }
}
