//! A budget: how often each probe of a service may run, so that a day costs no more than is allowed.
//!
//! What is left of the budget is spread over what is left of the day (UTC). Where it does not suffice, intervals are
//! doubled, always of the probe that costs most a day: cheap ones are left alone until the others cost no more than
//! they. Free probes are not looked at here. An incident or a suspicion comes before the budget: the caller does
//! not thin then. Doubling keeps to the slots that a probe has anyway, and keeps paces from changing with every cent.

use std::collections::BinaryHeap;
use std::time::Duration;

use super::money::MicroUsd;
use super::{ProbeId, Timestamp};

/// How a probe runs under its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pace {
    /// One slot in so many: 1 is as configured. A power of two.
    OneIn(u32),
    /// Not before the next day: nothing is left.
    Rest,
}

impl Pace {
    /// As configured.
    pub const FULL: Pace = Pace::OneIn(1);

    /// As a number: the factor, 0 for rest.
    pub fn code(self) -> u32 {
        match self {
            Pace::OneIn(n) => n,
            Pace::Rest => 0,
        }
    }

    /// Back from [`Pace::code`].
    pub fn from_code(code: u32) -> Self {
        match code {
            0 => Pace::Rest,
            n => Pace::OneIn(n),
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
    /// Its pace until now.
    pub before: Pace,
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
/// A pace gets quicker only when that leaves this share of the money: else it would be slowed again soon.
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

    /// What may still be spent.
    pub fn left(&self) -> MicroUsd {
        self.budget.less(self.spent)
    }

    /// The pace of each probe, in the order of `bills`.
    pub fn paces(&self, bills: &[Bill]) -> Vec<Pace> {
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

/// The quickest paces whose runs cost at most `left` within `time`.
fn thin(bills: &[Bill], left: f64, time: Duration) -> Vec<Pace> {
    if left <= 0.0 {
        return vec![Pace::Rest; bills.len()];
    }
    // A run that would cost more than there is does not begin.
    let affordable = |bill: &Bill| match bill.cost.0 as f64 <= left {
        true => Pace::FULL,
        false => Pace::Rest,
    };
    let mut paces: Vec<Pace> = bills.iter().map(affordable).collect();
    // The bits of floats that are not negative sort as they do.
    let costs = bills
        .iter()
        .zip(&paces)
        .map(|(bill, pace)| bill.over(*pace, time));
    let mut heap: BinaryHeap<(u64, usize)> = costs
        .enumerate()
        .map(|(i, cost)| (cost.to_bits(), i))
        .collect();
    let mut sum: f64 = heap.iter().map(|(cost, _)| f64::from_bits(*cost)).sum();
    while sum > left {
        let Some((cost, index)) = heap.pop() else {
            break;
        };
        let (Some(bill), Some(pace)) = (bills.get(index), paces.get_mut(index)) else {
            break;
        };
        *pace = bill.slower(*pace);
        let lower = bill.over(*pace, time);
        sum += lower - f64::from_bits(cost);
        if lower > 0.0 {
            heap.push((lower.to_bits(), index));
        }
    }
    paces
}

impl Bill {
    /// What its runs cost within `time`, if none was made too many.
    fn over(&self, pace: Pace, time: Duration) -> f64 {
        let interval = self.interval.as_secs_f64().max(1.0);
        match pace {
            Pace::OneIn(n) => {
                self.cost.0 as f64 * time.as_secs_f64() / (interval * f64::from(n.max(1)))
            }
            Pace::Rest => 0.0,
        }
    }

    fn slower(&self, pace: Pace) -> Pace {
        match pace {
            Pace::OneIn(n) if self.interval.saturating_mul(n.saturating_mul(2)) <= RAREST => {
                Pace::OneIn(n.saturating_mul(2))
            }
            _ => Pace::Rest,
        }
    }
}

/// How often all probes would have to be thinned, over a whole day: for the forecast of `check`.
pub fn over_a_day(budget: MicroUsd, bills: &[Bill]) -> Vec<Pace> {
    thin(bills, budget.0 as f64, Duration::from_secs(86_400))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
