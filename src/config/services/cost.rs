//! What a probe's runs cost: which price holds for it, and what a run will come to.
//!
//! Probes that ask a model cost money unless they are said to be free; all others are free unless a price is given.

use toml::de::DeValue;

use crate::config::fields::Fields;
use crate::config::prices::{self, PriceTable};
use crate::model::price::{self, Entry};
use crate::model::{Confirm, MicroUsd, Tariff, Usage};
use crate::probe::Kind;

/// A probe of these kinds asks a model.
const ASKS_A_MODEL: &[&str] = &["chat", "image", "job"];
/// Tokens of the built-in question, with what providers put around it.
const QUESTION_TOKENS: u64 = 40;
/// Of these, what providers put around a question of any length.
const AROUND_TOKENS: u64 = 15;
/// Tokens of an answer when the probe does not limit it.
const ANSWER_TOKENS: u64 = 16;
/// Characters of a token, at the least: English has four.
const TOKEN_CHARS: u64 = 3;
/// A run that costs more than this is not repeated each 5 s: a tenth of a cent.
const CHEAP: MicroUsd = MicroUsd(1_000);

/// A probe, as far as its price goes.
pub(super) struct Asked<'a, 't> {
    pub kind: &'a Kind,
    pub fields: Fields<'t>,
    /// `host:port`.
    pub host: &'a str,
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
        let host = self
            .host
            .rsplit_once(':')
            .map_or(self.host, |(host, _)| host);
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
        let prompt = self.text("prompt").map(|text| {
            let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            AROUND_TOKENS + chars.div_ceil(TOKEN_CHARS)
        });
        Usage {
            input_tokens: prompt.unwrap_or(QUESTION_TOKENS),
            output_tokens: self.whole("max_tokens").unwrap_or(ANSWER_TOKENS),
            ..Usage::default()
        }
    }

    /// Seconds of a job's product; some services take them as a text.
    fn seconds(&self) -> Option<u64> {
        let body = self.fields.get("body").and_then(|v| v.get_ref().as_table());
        let within = body.and_then(|body| number(body.get("seconds")?.get_ref()));
        self.whole("seconds").or(within)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.get_ref().as_str()
    }

    fn whole(&self, key: &str) -> Option<u64> {
        number(self.fields.get(key)?.get_ref())
    }
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
