//! What a run costs: the price of a model, and the arithmetic from what a provider has counted to money.
//!
//! A price that is not known is never guessed: what cannot be computed is unknown, which is not nothing.

use super::money::{Cost, MicroUsd};
use super::{Phase, Usage};

/// The price of a million of something, in millionths of a dollar: also what one of it costs in millionths of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate(u64);

impl Rate {
    /// From dollars a million, as price lists have it.
    pub fn usd_per_million(usd: f64) -> Self {
        Self(MicroUsd::from_usd(usd).0)
    }

    /// The price of `n`, in millionths of a millionth of a dollar.
    fn of(self, n: u64) -> u128 {
        u128::from(self.0) * u128::from(n)
    }
}

/// What a model costs. Parts that are `None` are unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Price {
    /// Tokens of the question.
    pub input: Option<Rate>,
    /// Those that came from the provider's cache; like the others when unknown, which is never less.
    pub cached_input: Option<Rate>,
    /// Tokens of the answer; of image models, those of the picture.
    pub output: Option<Rate>,
    /// A picture of the size and quality that is asked for, where tokens are not counted.
    pub image: Option<MicroUsd>,
    /// A whole run, whatever was counted. Comes before all else.
    pub run: Option<MicroUsd>,
}

impl Price {
    /// What this much costs, rounded up; `None` when a part that was used has no price, and when nothing was counted.
    pub fn of(&self, usage: &Usage) -> Option<MicroUsd> {
        if self.run.is_some() {
            return self.run;
        }
        if usage.input_tokens == 0 && usage.output_tokens == 0 {
            let images = u64::from(usage.images);
            return self.image.filter(|_| images > 0).map(|i| i.times(images));
        }
        match self.tokens(usage) {
            // Pictures that are priced by the piece: the tokens are those of the question, which are free.
            None if usage.images > 0 => self.image.map(|i| i.times(usage.images.into())),
            tokens => tokens,
        }
    }

    fn tokens(&self, usage: &Usage) -> Option<MicroUsd> {
        let part = |rate: Option<Rate>, n: u64| match n {
            0 => Some(0),
            n => rate.map(|rate| rate.of(n)),
        };
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let sum = part(self.input, usage.input_tokens - cached)?
            + part(self.cached_input.or(self.input), cached)?
            + part(self.output, usage.output_tokens)?;
        let micro = sum.div_ceil(1_000_000);
        Some(MicroUsd(u64::try_from(micro).unwrap_or(u64::MAX)))
    }
}

/// What a probe's runs cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tariff {
    /// Nothing: it asks no model.
    #[default]
    Free,
    /// By this price; `forecast` is what a run will cost, as far as that can be told.
    Priced {
        /// The price.
        price: Price,
        /// Of one run.
        forecast: Option<MicroUsd>,
    },
    /// It asks a model whose price is not known.
    Unknown,
}

impl Tariff {
    /// A price, with the forecast for a run that uses as much as `expected`. One that says that a run costs nothing
    /// is free.
    pub fn priced(price: Price, expected: &Usage) -> Self {
        if price.run == Some(MicroUsd::ZERO) {
            return Tariff::Free;
        }
        Tariff::Priced {
            price,
            forecast: price.of(expected),
        }
    }

    /// What a run will cost; nothing for a free probe, `None` when it cannot be told.
    pub fn forecast(&self) -> Option<MicroUsd> {
        match self {
            Tariff::Free => Some(MicroUsd::ZERO),
            Tariff::Priced { forecast, .. } => *forecast,
            Tariff::Unknown => None,
        }
    }

    /// What a run did cost; `None` when it surely cost nothing: the probe is free, or the run got no answer that
    /// anybody bills (no connection, or a refusal).
    pub fn cost(&self, run: &Billed<'_>) -> Option<Cost> {
        if matches!(self, Tariff::Free) || run.surely_unbilled() {
            return None;
        }
        let Tariff::Priced { price, .. } = self else {
            return Some(Cost::Unknown);
        };
        let counted = run.usage.copied().unwrap_or_default();
        Some(price.of(&counted).map_or(Cost::Unknown, Cost::Known))
    }
}

/// What decides whether a run is billed.
#[derive(Debug, Clone, Copy)]
pub struct Billed<'a> {
    /// HTTP status of the last reply.
    pub status: Option<u16>,
    /// Where it failed.
    pub failed_in: Option<Phase>,
    /// What the provider has counted.
    pub usage: Option<&'a Usage>,
}

impl Billed<'_> {
    fn surely_unbilled(&self) -> bool {
        if self.usage.is_some() {
            return false;
        }
        match self.status {
            Some(status) => !(200..300).contains(&status),
            // A question that was sent may have been answered, though nobody heard it.
            None => !matches!(self.failed_in, Some(Phase::FirstByte | Phase::Body)),
        }
    }
}

/// The model of a price list that a probe asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its name, or a pattern with `*`.
    pub model: String,
    /// Its price without pictures.
    pub price: Price,
    /// Pictures by `quality/size`.
    pub images: Vec<(String, MicroUsd)>,
    /// A second of a job's product.
    pub second: Option<MicroUsd>,
}

impl Entry {
    /// How well the entry fits a model's name: `None` when it does not, more for a longer match.
    ///
    /// Without `*`, the name itself and its versions fit: `gpt-4o-mini` also stands for `gpt-4o-mini-2024-07-18` and
    /// `gpt-4o-mini-latest`, but not for `gpt-4o-mini-tts`. Upper and lower case are the same, and so are `.` and `-`.
    pub fn fits(&self, model: &str) -> Option<usize> {
        let (pattern, model) = (plain(&self.model), plain(model));
        if pattern.contains('*') {
            let literal = pattern.chars().filter(|c| *c != '*').count();
            return globs(&pattern, &model).then_some(literal);
        }
        let rest = model.strip_prefix(pattern.as_str())?;
        let exact = rest.is_empty();
        (exact || is_version(rest)).then_some(pattern.len() * 2 + usize::from(exact))
    }

    /// The price of what a probe asks for: `quality` and `size` decide on a picture's, `seconds` on a job's.
    pub fn price(&self, quality: Option<&str>, size: Option<&str>, seconds: Option<u64>) -> Price {
        let wanted = format!(
            "{}/{}",
            quality.unwrap_or("auto"),
            size.filter(|s| *s != "auto").unwrap_or("1024x1024")
        );
        let picture = self.images.iter().find(|(name, _)| *name == wanted);
        let job = self.second.zip(seconds).map(|(each, n)| each.times(n));
        Price {
            image: picture.map(|(_, usd)| *usd).or(self.price.image),
            run: self.price.run.or(job),
            ..self.price
        }
    }
}

/// The entry that fits a model best; the first of equals.
pub fn best<'e>(entries: &'e [Entry], model: &str) -> Option<&'e Entry> {
    let fitting = entries.iter().filter_map(|e| Some((e.fits(model)?, e)));
    let best = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, entry)| entry)
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('.', "-")
}

/// `-2024-07-18`, `-20250929`, `-001`, `-latest`: says which version, not which model.
fn is_version(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix('-') else {
        return false;
    };
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    rest == "latest" || (digits >= 3 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

/// Whether `text` has the form of `pattern`, in which `*` stands for anything. Linear but for the stars.
fn globs(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
