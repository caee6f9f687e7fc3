//! What a run teaches besides its outcome, whatever its kind: what limits are left, and what it cost.

use http::{HeaderMap, StatusCode};

use super::headroom;
use crate::model::price::Billed;
use crate::model::{Findings, Headroom, Phase, Tariff, Timestamp};

/// Collects over the requests of a run.
#[derive(Debug, Default)]
pub(super) struct Learned {
    headroom: Vec<Headroom>,
    /// Of the latest reply, or of the latest one that was an answer.
    status: Option<u16>,
}

impl Learned {
    /// Takes a reply in, of which at least the headers have come.
    pub(super) fn reply(&mut self, status: u16, headers: &HeaderMap, now: Timestamp) {
        let answered = |status: u16| (200..300).contains(&status);
        if !self.status.is_some_and(answered) {
            self.status = Some(status);
        }
        let code = StatusCode::from_u16(status).unwrap_or_default();
        let found = headroom::read(headers, code, now);
        if !found.is_empty() {
            self.headroom = found;
        }
    }

    /// Adds all of it to what the check has found.
    pub(super) fn add_to(self, found: &mut Findings, failed_in: Option<Phase>, tariff: &Tariff) {
        found.cost = tariff.cost(&Billed {
            status: self.status,
            failed_in,
            usage: found.usage.as_ref(),
        });
        found.headroom = self.headroom;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::price::{Price, Rate};
    use crate::model::{Cost, MicroUsd, Usage};

    const NOW: Timestamp = Timestamp::EPOCH;

    fn tariff() -> Tariff {
        let price = Price {
            output: Some(Rate::usd_per_million(1.0)),
            ..Price::default()
        };
        Tariff::priced(price, &Usage::default())
    }

    fn found(replies: &[u16], usage: Option<Usage>, tariff: &Tariff) -> Findings {
        let mut learned = Learned::default();
        for status in replies {
            learned.reply(*status, &HeaderMap::new(), NOW);
        }
        let mut found = Findings {
            usage,
            ..Findings::default()
        };
        learned.add_to(&mut found, None, tariff);
        found
    }

    #[test]
    fn a_picture_that_could_not_be_fetched_was_drawn_all_the_same() {
        let found = found(&[200, 404], None, &tariff());
        assert_eq!(found.cost, Some(Cost::Unknown));
    }

    #[test]
    fn the_cost_is_that_of_what_the_check_found_counted() {
        let usage = Usage {
            output_tokens: 3,
            ..Usage::default()
        };
        let found = found(&[200], Some(usage), &tariff());
        assert_eq!(found.cost, Some(Cost::Known(MicroUsd(3))));
        assert_eq!(found.usage, Some(usage));
    }

    #[test]
    fn a_run_that_teaches_nothing_carries_nothing() {
        assert!(found(&[200], None, &Tariff::Free).is_empty());
        assert!(found(&[], None, &tariff()).is_empty());
    }
}
