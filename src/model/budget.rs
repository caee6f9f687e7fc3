//! A budget: how often each probe of a service may run, so that a day costs no more than is allowed.
//!
//! What is left of the budget is spread over what is left of the day (UTC). Where it does not suffice, intervals are
//! doubled, always of the probe that costs most a day: cheap ones are left alone until the others cost no more than
//! they. Free probes are not looked at here. An incident or a suspicion comes before the budget: the caller does
//! not thin then. Doubling keeps to the slots that a probe has anyway, and keeps rations from changing with every cent.

use std::collections::BinaryHeap;
use std::time::Duration;

use super::money::MicroUsd;
use super::{Confirm, ProbeId, Timestamp};

/// How a probe runs under its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ration {
    /// One slot in so many: 1 is as configured. A power of two.
    OneIn(u32),
    /// Not before the next day: nothing is left.
    Nothing,
}

impl Ration {
    /// As configured.
    pub const FULL: Ration = Ration::OneIn(1);

    /// As a number: the factor, 0 for rest.
    pub fn code(self) -> u32 {
        match self {
            Ration::OneIn(n) => n,
            Ration::Nothing => 0,
        }
    }

    /// Back from [`Ration::code`].
    pub fn from_code(code: u32) -> Self {
        match code {
            0 => Ration::Nothing,
            n => Ration::OneIn(n),
        }
    }
}

/// A probe that costs money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bill {
    /// Which one.
    pub probe: ProbeId,
    /// As configured.
    pub interval: Duration,
    /// Of a run; more than nothing.
    pub cost: MicroUsd,
    /// Its ration until now.
    pub before: Ration,
}

/// Where a service's budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purse {
    /// For a day.
    pub budget: MicroUsd,
    /// Spent since midnight UTC.
    pub spent: MicroUsd,
    /// Until the next midnight UTC.
    pub time_left: Duration,
}

/// Paces are reckoned anew this often, and at once when an incident begins or ends or the budget is spent.
pub const REVIEW: Duration = Duration::from_secs(600);
/// No probe is thinned to less than one run in this.
const RAREST: Duration = Duration::from_secs(86_400);
/// A ration grows only when that leaves this share of the money: else it would soon shrink again.
const SLACK: f64 = 0.1;

/// The start of the UTC day that holds a moment.
pub fn day(at: Timestamp) -> Timestamp {
    const DAY_US: i64 = 86_400_000_000;
    Timestamp::from_micros(at.as_micros().div_euclid(DAY_US) * DAY_US)
}

impl Purse {
    /// As of `now`.
    pub fn new(budget: MicroUsd, spent: MicroUsd, now: Timestamp) -> Self {
        let end = day(now) + Duration::from_secs(86_400);
        Self {
            budget,
            spent,
            time_left: end.since(now),
        }
    }

    /// A day that has just begun.
    pub fn whole_day(budget: MicroUsd) -> Self {
        Self {
            budget,
            spent: MicroUsd::ZERO,
            time_left: Duration::from_secs(86_400),
        }
    }

    /// What may still be spent.
    pub fn left(&self) -> MicroUsd {
        self.budget.less(self.spent)
    }

    /// The ration of each probe, in the order of `bills`.
    pub fn rations(&self, bills: &[Bill]) -> Vec<Ration> {
        let left = self.left().0 as f64;
        let enough = thin(bills, left, self.time_left);
        let easily = thin(bills, left * (1.0 - SLACK), self.time_left);
        bills
            .iter()
            .zip(enough.into_iter().zip(easily))
            .map(|(bill, (enough, easily))| {
                if enough < bill.before {
                    bill.before.min(easily).max(enough)
                } else {
                    enough
                }
            })
            .collect()
    }
}

/// The largest rations whose runs cost at most `left` within `time`.
fn thin(bills: &[Bill], left: f64, time: Duration) -> Vec<Ration> {
    if left <= 0.0 {
        return vec![Ration::Nothing; bills.len()];
    }
    // A run that would cost more than there is does not begin.
    let affordable = |bill: &Bill| match bill.cost.0 as f64 <= left {
        true => Ration::FULL,
        false => Ration::Nothing,
    };
    let mut rations: Vec<Ration> = bills.iter().map(affordable).collect();
    // The bits of floats that are not negative sort as they do.
    let costs = bills
        .iter()
        .zip(&rations)
        .map(|(bill, ration)| bill.over(*ration, time));
    let mut heap: BinaryHeap<(u64, usize)> = costs
        .enumerate()
        .map(|(i, cost)| (cost.to_bits(), i))
        .collect();
    let mut sum: f64 = heap.iter().map(|(cost, _)| f64::from_bits(*cost)).sum();
    while sum > left {
        let Some((cost, index)) = heap.pop() else {
            break;
        };
        let (Some(bill), Some(ration)) = (bills.get(index), rations.get_mut(index)) else {
            break;
        };
        *ration = bill.slower(*ration);
        let lower = bill.over(*ration, time);
        sum += lower - f64::from_bits(cost);
        if lower > 0.0 {
            heap.push((lower.to_bits(), index));
        }
    }
    rations
}

impl Bill {
    /// What its runs cost within `time`, if none was made too many.
    fn over(&self, ration: Ration, time: Duration) -> f64 {
        let interval = self.interval.as_secs_f64().max(1.0);
        match ration {
            Ration::OneIn(n) => {
                self.cost.0 as f64 * time.as_secs_f64() / (interval * f64::from(n.max(1)))
            }
            Ration::Nothing => 0.0,
        }
    }

    fn slower(&self, ration: Ration) -> Ration {
        match ration {
            Ration::OneIn(n) if self.interval.saturating_mul(n.saturating_mul(2)) <= RAREST => {
                Ration::OneIn(n.saturating_mul(2))
            }
            _ => Ration::Nothing,
        }
    }
}

/// The share of runs that usually fail by chance, and are re-checked.
const USUALLY_FAIL: f64 = 0.005;

/// What a probe comes to in a day of calm, by its `interval`, its re-checks, and the `cost` of a run.
pub fn a_day(interval: Duration, confirm: Confirm, cost: MicroUsd) -> MicroUsd {
    let again = match confirm {
        // Successes soon take a suspicion back, so that nearly all are made that follow one failure.
        Confirm::Rechecks { max, .. } => USUALLY_FAIL * f64::from(max),
        Confirm::Off => 0.0,
    };
    let runs = 86_400.0 / interval.as_secs_f64().max(1.0);
    MicroUsd((runs * (1.0 + again) * cost.0 as f64).round() as u64)
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
