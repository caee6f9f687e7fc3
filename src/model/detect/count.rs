//! A number that a page or API gives (reports a minute, a queue, an error counter): is it higher than chance allows?
//!
//! A CUSUM of Poisson log-likelihood ratios (Lucas 1985, Technometrics 27) against the probe's own usual level at this
//! hour of the day. Counts of real feeds scatter more than Poisson's and hang together from one reading to the next, so
//! the evidence is divided by what was learned of both. Pure: the time comes with the reading.

mod usual;

use serde::{Deserialize, Serialize};

use self::usual::Usual;
use super::is_default;
use crate::model::Timestamp;

/// Readings before anything is judged.
const FEWEST_READINGS: f64 = 30.0;
/// A level that is raised for so long is the new usual one, in seconds: a day.
const ADOPTED_AFTER: f64 = 86_400.0;
/// The sum is not kept above this many bounds, so that the end of a rise is seen soon.
const HIGHEST: f64 = 2.0;
/// Below this share of the bound a rise is over.
const OVER_BELOW: f64 = 0.5;
/// No bound is lower than this, whatever the dials say, in nats.
const LOWEST_BOUND: f64 = 5.0;
/// A rise is at least this many above the usual level: one report where there are none is no news.
const LEAST_RISE: f64 = 3.0;
/// A gap of this many intervals ends the correlation between two readings.
const GAP: f64 = 5.0;

/// How a probe's numbers are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountRules {
    /// The number only grows: what counts is how much it grew.
    pub cumulative: bool,
    /// So many times the usual level is looked for; 1.2 to 100.
    pub rise: f64,
    /// Whether a raised number counts as a failure of the service.
    pub alert: bool,
}

impl CountRules {
    /// Three times the usual.
    pub const RISE: f64 = 3.0;
}

/// What a probe's numbers have shown so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct CountState {
    usual: Usual,
    /// Evidence of a rise, in nats.
    #[serde(default, skip_serializing_if = "is_default")]
    sum: f64,
    /// When the sum left zero.
    #[serde(default, skip_serializing_if = "is_default")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    raised: bool,
    /// The latest number as it was read.
    #[serde(default, skip_serializing_if = "is_default")]
    last: Option<(Timestamp, f64)>,
    /// The latest reading as it was judged, and what would have been usual.
    #[serde(default, skip_serializing_if = "is_default")]
    judged: Option<(f64, f64)>,
    /// Readings since the sum left zero: how many, and how much in all. They teach only if nothing comes of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pending: Vec<(Timestamp, f64)>,
}

/// What is known after a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The number per interval.
    pub now: f64,
    /// What is usual at this hour; `None` while too little is known.
    pub usual: Option<f64>,
    /// Since when it is higher than chance allows; `None` when it is not.
    pub raised_since: Option<Timestamp>,
}

/// Readings that wait for their verdict; more than these are those of a rise.
const MOST_PENDING: usize = 240;

impl CountState {
    /// Takes a number read at `at`. `interval` is the time between two scheduled readings in seconds, `false_rises` how
    /// many rises by mere chance are accepted a year.
    ///
    /// `None` when it says nothing yet: the first value of a counter, a counter that began anew, no number at all (NaN,
    /// below zero), or a reading that is not later than the one before.
    pub fn take(
        &mut self,
        rules: &CountRules,
        interval: f64,
        false_rises: f64,
        at: Timestamp,
        number: f64,
    ) -> Option<Level> {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        let before = self.last;
        if before.is_some_and(|(then, _)| at <= then) {
            return None;
        }
        self.last = Some((at, number));
        let gap = before.map(|(then, _)| super::seconds_between(then, at));
        let count = match (rules.cumulative, before, gap) {
            (false, ..) => number,
            (true, Some((_, value)), Some(gap)) if number >= value => {
                (number - value) * interval / gap
            }
            _ => return None,
        };
        let connected = gap.is_some_and(|gap| gap < GAP * interval);
        let bound = (365.0 * 86_400.0 / interval.max(1.0) / false_rises.clamp(1e-6, 1e6))
            .ln()
            .max(LOWEST_BOUND);
        let usual = self.usual.level(at);
        if self.usual.readings() < FEWEST_READINGS {
            self.usual.learn(at, count, connected, interval);
            self.judged = Some((count, usual));
            return Some(Level {
                now: count,
                usual: None,
                raised_since: None,
            });
        }
        self.judged = Some((count, usual));
        let raised = usual.max(usual * rules.rise).max(usual + LEAST_RISE);
        let evidence = (count * (raised / usual).ln() - (raised - usual)) / self.usual.inflation();
        self.sum = (self.sum + evidence).clamp(0.0, HIGHEST * bound);
        self.settle(at, count, connected, interval, bound);
        Some(self.level_of(count, usual))
    }

    /// What the latest reading came to; `None` before the first.
    pub fn latest(&self) -> Option<Level> {
        let (count, usual) = self.judged?;
        Some(self.level_of(count, usual))
    }

    /// The wall clock was stepped by so many microseconds.
    pub fn shift(&mut self, micros: i64) {
        self.since = self.since.map(|at| at.shifted(micros));
        self.last = self.last.map(|(at, n)| (at.shifted(micros), n));
        for (at, _) in &mut self.pending {
            *at = at.shifted(micros);
        }
    }

    fn level_of(&self, count: f64, usual: f64) -> Level {
        Level {
            now: count,
            usual: (self.usual.readings() >= FEWEST_READINGS).then_some(usual),
            raised_since: self.since.filter(|_| self.raised),
        }
    }

    /// Opens or ends a rise, and lets readings teach that turned out to be usual.
    fn settle(&mut self, at: Timestamp, count: f64, connected: bool, interval: f64, bound: f64) {
        if self.sum == 0.0 {
            for (then, pending) in std::mem::take(&mut self.pending) {
                self.usual.learn(then, pending, true, interval);
            }
            self.usual.learn(at, count, connected, interval);
            (self.since, self.raised) = (None, false);
            return;
        }
        self.since.get_or_insert(at);
        if self.pending.len() < MOST_PENDING {
            self.pending.push((at, count));
        }
        if self.sum >= bound {
            self.raised = true;
        } else if self.raised && self.sum < OVER_BELOW * bound {
            // What came in a rise teaches nothing.
            *self = Self {
                usual: self.usual.clone(),
                last: self.last,
                judged: self.judged,
                ..Self::default()
            };
            return;
        }
        let lasted = self
            .since
            .map_or(0.0, |since| super::seconds_between(since, at));
        if self.raised && lasted > ADOPTED_AFTER {
            let usual = Usual::begin_with(self.pending.iter().copied());
            *self = Self {
                usual,
                last: self.last,
                judged: self.judged,
                ..Self::default()
            };
        }
    }
}

#[cfg(test)]
mod tests;
