//! Headroom: how much of a provider's rate limits is left, and when it will be used up.
//!
//! A limit that is refilled each minute swings between full and nearly empty, so what counts is the low-water mark:
//! the least that was left within an hour. Two looks are taken: how low it was in the last hour, and whether it falls
//! over the hours, as it does when a shared key fills up. The fall is the median of all slopes between two hours
//! (Theil 1950; Sen 1968, JASA 63), which a single odd hour does not bend.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Timestamp;

const HOUR: Duration = Duration::from_secs(3600);
/// How far back a trend looks, and how far ahead it foretells.
pub const HORIZON: Duration = Duration::from_secs(24 * 3600);
/// Hours from which a trend is read at the least.
const FEWEST_HOURS: usize = 4;
/// A fall of less than this share over all those hours is no trend.
const LEAST_FALL: f64 = 0.1;
/// So many of the slopes must point down.
const SURE: f64 = 0.8;
/// A rise by this share is a window that began anew: what came before says nothing of this one.
const REFILLED: f64 = 0.5;
/// Below this share it is worth a person's look.
const LOW: f64 = 0.2;

/// What one reply said of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headroom {
    /// What is limited, in the provider's words: `tokens`, `requests`, `input-tokens`. a-z, 0-9 and `-`.
    pub resource: String,
    /// How much a window holds, when it is said.
    pub limit: Option<u64>,
    /// How much is left of it.
    pub remaining: u64,
    /// Until it is full again, when that is said.
    pub resets_in: Option<Duration>,
}

impl Headroom {
    /// The share that is left, 0 to 1; `None` without a limit.
    pub fn share(&self) -> Option<f64> {
        share(self.remaining, self.limit?)
    }

    /// As users' scripts see it.
    pub fn to_json(&self) -> Value {
        json!({
            "resource": self.resource,
            "limit": self.limit,
            "remaining": self.remaining,
            "resets_in_s": self.resets_in.map(|r| r.as_secs_f64()),
        })
    }
}

fn share(remaining: u64, limit: u64) -> Option<f64> {
    (limit > 0).then(|| (remaining as f64 / limit as f64).min(1.0))
}

/// The least that was left within a short span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When that was.
    pub at: Timestamp,
    /// How much a window holds.
    pub limit: u64,
    /// How much was left.
    pub remaining: u64,
    /// Until it was full again.
    pub resets_in: Option<Duration>,
}

impl Mark {
    fn share(&self) -> f64 {
        share(self.remaining, self.limit).unwrap_or(1.0)
    }
}

/// What the marks of one limit say.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// What is limited.
    pub resource: String,
    /// The lowest mark of the last hour.
    pub lowest: Mark,
    /// When it will be used up at this rate; within [`HORIZON`].
    pub used_up: Option<Timestamp>,
}

/// The outlook from the marks of the last [`HORIZON`], in the order of time; `None` when the last hour has none.
pub fn outlook(resource: &str, marks: &[Mark], now: Timestamp) -> Option<Outlook> {
    let lately = marks
        .iter()
        .filter(|m| m.limit > 0 && now.since(m.at) <= HOUR);
    let lowest = lately.min_by(|a, b| a.share().total_cmp(&b.share()))?;
    Some(Outlook {
        resource: resource.to_owned(),
        lowest: *lowest,
        used_up: used_up(marks, now),
    })
}

/// When the line through the low-water marks of the hours meets zero.
fn used_up(marks: &[Mark], now: Timestamp) -> Option<Timestamp> {
    let hours = low_water(marks, now);
    let refilled = hours
        .windows(2)
        .rposition(|w| matches!(w, [a, b] if b.1 - a.1 >= REFILLED))
        .map_or(0, |at| at + 1);
    let hours = hours.get(refilled..)?;
    if hours.len() < FEWEST_HOURS {
        return None;
    }
    let (first, last) = (hours.first()?, hours.last()?);
    let mut slopes: Vec<f64> = Vec::with_capacity(hours.len() * hours.len() / 2);
    for (i, a) in hours.iter().enumerate() {
        slopes.extend(hours.iter().skip(i + 1).map(|b| (b.1 - a.1) / (b.0 - a.0)));
    }
    slopes.sort_by(f64::total_cmp);
    let down = slopes.iter().filter(|s| **s < 0.0).count() as f64;
    let slope = *slopes.get(slopes.len() / 2)?;
    let fell = -slope * (last.0 - first.0);
    if slope >= 0.0 || down < SURE * slopes.len() as f64 || fell < LEAST_FALL {
        return None;
    }
    let seconds = last.1 / -slope * 3600.0;
    let at = Timestamp::from_seconds(last.0 * 3600.0 + seconds).max(now);
    // A window of hours or days is full again before: there is nothing to foretell.
    let newest = marks.last()?;
    let full_again = newest
        .resets_in
        .filter(|r| *r > HOUR)
        .map(|r| newest.at + r);
    let within = at.since(now) <= HORIZON && full_again.is_none_or(|full| at < full);
    within.then_some(at)
}

/// The lowest mark of each of the last hours, as (hours since 1970, share).
fn low_water(marks: &[Mark], now: Timestamp) -> Vec<(f64, f64)> {
    let mut hours: Vec<(i64, f64, f64)> = Vec::new();
    for mark in marks
        .iter()
        .filter(|m| m.limit > 0 && now.since(m.at) <= HORIZON)
    {
        let at = mark.at.as_seconds() / 3600.0;
        // Counted back from now, so that the last hour is whole.
        let hour = (mark.at.micros_since(now) / 3_600_000_000).abs();
        match hours.last_mut() {
            Some((last, when, low)) if *last == hour => {
                if mark.share() <= *low {
                    (*when, *low) = (at, mark.share());
                }
            }
            _ => hours.push((hour, at, mark.share())),
        }
    }
    hours.into_iter().map(|(_, at, low)| (at, low)).collect()
}

impl Outlook {
    /// The share that was left at the lowest in the last hour, 0 to 1.
    pub fn share(&self) -> f64 {
        self.lowest.share()
    }

    /// Whether a person should know.
    pub fn is_worth_telling(&self) -> bool {
        self.share() < LOW || self.used_up.is_some()
    }
}

/// `tokens: 8 % left at the lowest in the last hour (12000 of 150000); at this rate used up at about 14:20 UTC`.
impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} % left at the lowest in the last hour ({} of {})",
            self.resource,
            // Rounded down: 19.9 % is below 20.
            (self.share() * 100.0).floor(),
            self.lowest.remaining,
            self.lowest.limit
        )?;
        match self.used_up.and_then(Timestamp::to_utc) {
            Some(at) => write!(
                f,
                "; at this rate used up at about {} UTC",
                at.format("%H:%M")
            ),
            None => Ok(()),
        }
    }
}

/// Says once for each threshold that a limit nears its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alarm {
    /// The lowest threshold that was told, in percent; 0 for none.
    told: u8,
    /// When it was last below one.
    low_at: Option<Timestamp>,
}

impl Alarm {
    /// Below these shares, in percent, it is told.
    const THRESHOLDS: [u8; 3] = [5, 10, 20];

    /// Takes a share in; returns the threshold to be told of, in percent.
    ///
    /// After an hour above all of them, everything is told anew.
    pub fn take(&mut self, share: f64, at: Timestamp) -> Option<u8> {
        if self.low_at.is_some_and(|low| at.since(low) > HOUR) {
            *self = Self::default();
        }
        let below = Self::THRESHOLDS
            .into_iter()
            .find(|t| share * 100.0 < f64::from(*t))?;
        self.low_at = self.low_at.max(Some(at));
        let news = self.told == 0 || below < self.told;
        if news {
            self.told = below;
        }
        news.then_some(below)
    }
}

#[cfg(test)]
#[path = "headroom_tests.rs"]
mod tests;
