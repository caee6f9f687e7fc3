//! What a reply's headers say of the provider's limits: `x-ratelimit-*` and its relatives.
//!
//! Each provider words them differently, but all name a limit, what remains of it, and when it is full again. Names
//! that are not known today are read by the same grammar. A value that cannot be read is left out, never guessed.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use crate::model::{Headroom, Timestamp};

/// Limits that are kept of one reply; providers name up to six.
const MOST: usize = 12;
/// A resource's name of more characters than this is none.
const LONGEST_NAME: usize = 32;
/// A value of more characters than this is none.
const LONGEST_VALUE: usize = 40;
/// A reset further away than this is none.
const FARTHEST: Duration = Duration::from_secs(400 * 86_400);
/// The name of a limit that has none.
const UNNAMED: &str = "requests";

/// One of the three things that are said of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Limit,
    Remaining,
    Reset,
}

impl Part {
    fn of(word: &str) -> Option<Self> {
        match word {
            "limit" => Some(Part::Limit),
            "remaining" => Some(Part::Remaining),
            "reset" => Some(Part::Reset),
            _ => None,
        }
    }
}

/// What the headers say; empty for most replies. Only limits of which it is said how much remains.
pub(super) fn read(headers: &HeaderMap, status: StatusCode, now: Timestamp) -> Vec<Headroom> {
    let mut found: Vec<Said> = Vec::new();
    for (name, value) in headers {
        let Some((part, resource)) = split(name.as_str()) else {
            continue;
        };
        let Some(value) = value.to_str().ok().filter(|v| v.len() <= LONGEST_VALUE) else {
            continue;
        };
        let index = match found.iter().position(|s| s.resource == resource) {
            Some(index) => index,
            None if found.len() < MOST => {
                found.push(Said::new(resource));
                found.len() - 1
            }
            None => continue,
        };
        let Some(said) = found.get_mut(index) else {
            continue;
        };
        match part {
            Part::Limit => said.limit = said.limit.or(number(value)),
            Part::Remaining => said.remaining = said.remaining.or(number(value)),
            Part::Reset => said.resets_in = said.resets_in.or(reset(value, now)),
        }
    }
    let wait = (status == StatusCode::TOO_MANY_REQUESTS)
        .then(|| headers.get(header::RETRY_AFTER)?.to_str().ok())
        .flatten()
        .filter(|v| v.len() <= LONGEST_VALUE)
        .and_then(|value| reset(value, now));
    found
        .into_iter()
        .filter_map(|said| said.headroom(wait))
        .collect()
}

/// What has been read of one limit so far.
struct Said {
    resource: String,
    limit: Option<u64>,
    remaining: Option<u64>,
    resets_in: Option<Duration>,
}

impl Said {
    fn new(resource: String) -> Self {
        Self {
            resource,
            limit: None,
            remaining: None,
            resets_in: None,
        }
    }

    /// `wait` is what the reply asks one to wait, for a limit that is used up and does not say until when.
    fn headroom(self, wait: Option<Duration>) -> Option<Headroom> {
        let remaining = self.remaining?;
        Some(Headroom {
            resource: self.resource,
            limit: self.limit,
            remaining,
            resets_in: self.resets_in.or(wait.filter(|_| remaining == 0)),
        })
    }
}

/// A header's name as what it says of which resource: `x-ratelimit-remaining-tokens`,
/// `anthropic-ratelimit-input-tokens-reset`, `x-ratelimit-limit-tokens-minute`, `ratelimit-remaining`.
fn split(name: &str) -> Option<(Part, String)> {
    // A gateway hands on what the provider behind it said.
    let name = name.strip_prefix("llm_provider-").unwrap_or(name);
    let rest = ["x-ratelimit-", "anthropic-ratelimit-", "ratelimit-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    let (rest, usual) = match rest {
        Some(rest) => (rest, UNNAMED),
        None => (name.strip_prefix("x-tokenlimit-")?, "tokens"),
    };
    let (part, resource) = match rest.split_once('-') {
        None => (Part::of(rest)?, usual),
        Some((first, resource)) if Part::of(first).is_some() => (Part::of(first)?, resource),
        Some(_) => {
            let (resource, last) = rest.rsplit_once('-')?;
            (Part::of(last)?, resource)
        }
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let named = !resource.is_empty() && resource.len() <= LONGEST_NAME;
    (named && resource.chars().all(plain)).then(|| (part, resource.to_owned()))
}

/// A count: whole, or with decimals that are cut; below zero is nothing.
fn number(text: &str) -> Option<u64> {
    // A list of policies, as in `100, 100;w=60`, begins with the one in force.
    let text = text.split([',', ';']).next()?.trim();
    if let Ok(n) = text.parse::<u64>() {
        return Some(n);
    }
    let n: f64 = text.parse().ok()?;
    n.is_finite().then_some(n as u64)
}

/// Time until a limit is full again, in any of the forms that providers use: `6m0s`, `120ms`, seconds, a moment in
/// RFC 3339 or as an HTTP date, seconds or milliseconds since 1970.
fn reset(text: &str, now: Timestamp) -> Option<Duration> {
    /// A number as large as this is a moment in seconds since 1970, as large as the other one in milliseconds.
    const MOMENT_S: f64 = 1e9;
    const MOMENT_MS: f64 = 1e12;
    let text = text.split([';']).next()?.trim();
    let span = if let Ok(n) = text.parse::<f64>() {
        match n {
            n if !n.is_finite() => return None,
            n if n >= MOMENT_MS => Timestamp::from_seconds(n / 1e3).since(now),
            n if n >= MOMENT_S => Timestamp::from_seconds(n).since(now),
            n => Duration::try_from_secs_f64(n.max(0.0)).ok()?,
        }
    } else if let Some(at) = Timestamp::parse(text) {
        at.since(now)
    } else if let Ok(at) = httpdate(text) {
        at.since(now)
    } else {
        units(text)?
    };
    (span <= FARTHEST).then_some(span)
}

/// `Sun, 08 Nov 2026 12:00:00 GMT`.
fn httpdate(text: &str) -> Result<Timestamp, chrono::ParseError> {
    let at = chrono::DateTime::parse_from_rfc2822(text)?;
    Ok(Timestamp::from_micros(at.timestamp_micros()))
}

/// `1h2m3.5s`, `6m0s`, `120ms`: numbers with their units, one after the other.
fn units(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let each = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * each;
        rest = after.trim_start();
    }
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|_| !text.is_empty())
}

#[cfg(test)]
#[path = "headroom_tests.rs"]
mod tests;
