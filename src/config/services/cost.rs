//! What a probe's runs cost: which price holds for it, and what a run will come to.
//!
//! Probes that ask a model cost money unless they are said to be free; all others are free unless a price is given.

use toml::de::{DeTable, DeValue};

use crate::config::fields::Fields;
use crate::config::prices::{self, PriceTable};
use crate::model::price::{self, Entry};
use crate::model::{Confirm, MicroUsd, Tariff, Usage};
use crate::probe::{Check, Kind};

/// A probe of these kinds asks a model.
const ASKS_A_MODEL: &[&str] = &["chat", "image", "job"];
/// Tokens of an answer to a trivial question, reasoning included, however many more are allowed. Some models think
/// longer: what a run costs is learned from the first ones.
const ANSWER_TOKENS: u64 = 300;
/// A run that costs more than this is not repeated each 5 s: a tenth of a cent.
const CHEAP: MicroUsd = MicroUsd(1_000);

/// A probe, as far as its price goes.
pub(super) struct Asked<'a, 't> {
    pub kind: &'a Kind,
    pub fields: Fields<'t>,
    pub check: &'a dyn Check,
}

impl Asked<'_, '_> {
    /// The tariff, and the list that it is from. `own` is the price of the probe or its service, which wins; then come
    /// the user's `prices` by model, then the list.
    pub fn tariff(
        &self,
        own: Option<&Entry>,
        prices: &[Entry],
    ) -> (Tariff, Option<&'static PriceTable>) {
        let asks = ASKS_A_MODEL.contains(&self.kind.name);
        let model = self.text("model").filter(|_| asks);
        let expected = self.expected();
        let tariff = |entry: &Entry| {
            let price = entry.price(self.text("quality"), self.text("size"), self.seconds());
            Tariff::priced(price, &expected)
        };
        // What one price says of a whole service holds for the probes that cost something.
        if let Some(own) = own.filter(|_| asks || self.fields.get("price").is_some()) {
            return (tariff(own), None);
        }
        if let Some(own) = model.and_then(|model| price::best(prices, model)) {
            return (tariff(own), None);
        }
        let host = self.check.host();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        match model.and_then(|model| prices::listed(host, model)) {
            Some((entry, table)) => (tariff(entry), Some(table)),
            None if asks => (Tariff::Unknown, None),
            None => (Tariff::Free, None),
        }
    }

    /// What a run will use.
    fn expected(&self) -> Usage {
        if self.kind.name == "image" {
            return Usage {
                images: 1,
                ..Usage::default()
            };
        }
        let mut usage = self.check.expected();
        if self.fields.get("max_tokens").is_none() {
            usage.output_tokens = usage.output_tokens.min(ANSWER_TOKENS);
        }
        usage
    }

    /// Seconds of a job's product, wherever the probe asks for them; some services take them as a text.
    fn seconds(&self) -> Option<u64> {
        seconds(self.fields.table, 0)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.get_ref().as_str()
    }
}

fn seconds(table: &DeTable<'_>, depth: u8) -> Option<u64> {
    /// `create = { json = { seconds = "4" } }`.
    const DEEPEST: u8 = 2;
    let here = table.get("seconds").and_then(|v| number(v.get_ref()));
    here.or_else(|| {
        let tables = table.values().filter_map(|v| v.get_ref().as_table());
        tables
            .filter(|_| depth < DEEPEST)
            .find_map(|t| seconds(t, depth + 1))
    })
}

fn number(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// How a suspicion is confirmed when nobody says: as the kind has it, but a run that costs more than [`CHEAP`] is spaced.
pub(super) fn confirm(kind: &Kind, tariff: &Tariff) -> Confirm {
    let dear = tariff.forecast().is_some_and(|cost| cost > CHEAP);
    match kind.confirm {
        Confirm::CHEAP if dear => Confirm::COSTLY,
        usual => usual,
    }
}
