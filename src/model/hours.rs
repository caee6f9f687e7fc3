//! Hours of the week at a place: `22:00-07:00`, `mon-fri`, Europe/Berlin.
//!
//! A span that ends before it begins goes over midnight, and belongs to the day on which it begins. All is told by the wall
//! clock of the place: on the night in which clocks are put forward the hour that is missing is in no span.

use std::fmt;
use std::time::Duration;

use chrono::{Datelike as _, Timelike as _, Weekday};
use chrono_tz::Tz;

use super::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Minutes of eight days: whatever changes within a week has changed by then.
const HORIZON: u32 = 8 * 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Minutes since midnight.
    from: u16,
    /// Minutes since midnight, not part of it.
    to: u16,
    /// From Monday on.
    days: [bool; 7],
    zone: Tz,
}

impl Hours {
    /// Errs with what was wanted, without a full stop.
    pub fn parse(span: &str, days: Option<&str>, zone: Tz) -> Result<Self, String> {
        let (from, to) = parse_span(span)?;
        let days = days.map_or(Ok([true; 7]), parse_days)?;
        Ok(Self {
            from,
            to,
            days,
            zone,
        })
    }

    /// Whether a moment lies in them.
    pub fn holds(&self, at: Timestamp) -> bool {
        let Some(utc) = at.to_utc() else {
            return true;
        };
        let local = utc.with_timezone(&self.zone);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
        let today = local.weekday();
        if self.from < self.to {
            return self.is_on(today) && (self.from..self.to).contains(&minute);
        }
        (self.is_on(today) && minute >= self.from) || (self.is_on(today.pred()) && minute < self.to)
    }

    /// The first moment from `at` on at which they do not hold; `None` when they always do.
    pub fn end(&self, at: Timestamp) -> Option<Timestamp> {
        self.turn(at, false)
    }

    /// The first moment from `at` on at which they hold; `None` when they never do.
    pub fn begin(&self, at: Timestamp) -> Option<Timestamp> {
        self.turn(at, true)
    }

    /// Zones are whole minutes apart, so that it changes at a full minute or not at all.
    fn turn(&self, at: Timestamp, wanted: bool) -> Option<Timestamp> {
        if self.holds(at) == wanted {
            return Some(at);
        }
        let minute = MINUTE.as_micros() as i64;
        let full = Timestamp::from_micros(at.as_micros().div_euclid(minute) * minute);
        let minutes = (1..=HORIZON).map(|n| full + MINUTE * n);
        minutes.into_iter().find(|at| self.holds(*at) == wanted)
    }

    fn is_on(&self, day: Weekday) -> bool {
        let index = usize::try_from(day.num_days_from_monday()).unwrap_or(0);
        self.days.get(index).copied().unwrap_or(true)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{}-{}", time(self.from), time(self.to))?;
        if self.days != [true; 7] {
            let named = DAYS.iter().zip(self.days);
            let on: Vec<&str> = named.filter_map(|(name, on)| on.then_some(*name)).collect();
            write!(f, " {}", on.join(","))?;
        }
        write!(f, " {}", self.zone)
    }
}

/// `08:00-22:00`; `24:00` is the end of a day.
fn parse_span(text: &str) -> Result<(u16, u16), String> {
    const WANTED: &str = "wanted hours like \"08:00-22:00\"";
    let time = |text: &str| -> Option<u16> {
        let (hour, minute) = text.trim().split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        let at = hour * 60 + minute;
        (minute < 60 && at <= DAY).then_some(at)
    };
    let (from, to) = text.split_once('-').ok_or(WANTED)?;
    let (from, to) = time(from).zip(time(to)).ok_or(WANTED)?;
    match from {
        DAY => Err(format!("{WANTED}; nothing begins at 24:00")),
        _ if from == to => Err(format!("{WANTED}; leave it out for the whole day")),
        _ => Ok((from, to)),
    }
}

/// `mon-fri`, `sat,sun`, `fri-mon,wed`.
fn parse_days(text: &str) -> Result<[bool; 7], String> {
    let wanted = || "wanted days like \"mon-fri\" or \"sat,sun\"".to_owned();
    let day = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        DAYS.iter().position(|d| *d == text).ok_or_else(wanted)
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let length = (last + 7 - first) % 7;
        for n in 0..=length {
            if let Some(on) = days.get_mut((first + n) % 7) {
                *on = true;
            }
        }
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(span: &str, days: Option<&str>) -> Hours {
        Hours::parse(span, days, Tz::Europe__Berlin).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_on_which_it_begins() {
        // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC.
        for (span, days, moment, holds) in [
            ("08:00-22:00", None, "2026-11-27T06:59:00Z", false),
            ("08:00-22:00", None, "2026-11-27T07:00:00Z", true),
            ("08:00-22:00", None, "2026-11-27T20:59:59Z", true),
            ("08:00-22:00", None, "2026-11-27T21:00:00Z", false),
            ("22:00-07:00", None, "2026-11-27T05:59:59Z", true),
            ("22:00-07:00", None, "2026-11-27T06:00:00Z", false),
            ("22:00-07:00", Some("fri"), "2026-11-27T05:00:00Z", false),
            ("22:00-07:00", Some("fri"), "2026-11-27T22:00:00Z", true),
            ("22:00-07:00", Some("fri"), "2026-11-28T05:00:00Z", true),
            ("22:00-07:00", Some("fri"), "2026-11-28T22:00:00Z", false),
            (
                "00:00-24:00",
                Some("sat,sun"),
                "2026-11-27T22:59:59Z",
                false,
            ),
            ("00:00-24:00", Some("sat,sun"), "2026-11-27T23:00:00Z", true),
            ("00:00-24:00", Some("fri-mon"), "2026-11-30T22:59:59Z", true),
            (
                "00:00-24:00",
                Some("fri-mon"),
                "2026-11-30T23:00:00Z",
                false,
            ),
        ] {
            assert_eq!(
                hours(span, days).holds(at(moment)),
                holds,
                "{span} {days:?} {moment}"
            );
        }
    }

    #[test]
    fn the_turn_is_found_on_days_that_are_an_hour_longer_or_shorter() {
        let quiet = hours("22:00-07:00", None);
        for (from, end) in [
            ("2026-11-26T23:30:10Z", "2026-11-27T06:00:00Z"),
            ("2026-03-28T23:30:00Z", "2026-03-29T05:00:00Z"),
            ("2026-10-24T23:30:00Z", "2026-10-25T06:00:00Z"),
            ("2026-11-27T06:00:00Z", "2026-11-27T06:00:00Z"),
        ] {
            assert_eq!(quiet.end(at(from)), Some(at(end)), "{from}");
        }
        // 02:30 does not exist on that night: the hours hold from 03:00 on, if at all.
        let gone = hours("02:30-02:45", None);
        assert_eq!(
            gone.begin(at("2026-03-29T00:00:00Z")),
            Some(at("2026-03-30T00:30:00Z"))
        );
        let weekend = hours("09:00-17:00", Some("sat"));
        assert_eq!(
            weekend.begin(at("2026-11-22T12:00:00Z")),
            Some(at("2026-11-28T08:00:00Z"))
        );
        assert_eq!(
            hours("00:00-24:00", None).end(at("2026-11-22T12:00:00Z")),
            None
        );
    }

    #[test]
    fn what_is_no_span_is_refused_with_what_was_wanted() {
        for bad in [
            "",
            "8-22",
            "08:00",
            "08:00-08:00",
            "24:00-08:00",
            "25:00-26:00",
            "08:60-09:00",
            "+8:00-09:00",
        ] {
            let why = Hours::parse(bad, None, Tz::UTC).unwrap_err();
            assert!(why.contains("08:00-22:00"), "{bad}: {why}");
        }
        for bad in ["", "monday", "mon-", "mon..fri", "1-5"] {
            let why = Hours::parse("08:00-22:00", Some(bad), Tz::UTC).unwrap_err();
            assert!(why.contains("mon-fri"), "{bad}: {why}");
        }
        assert_eq!(
            hours("08:00-22:00", Some("MON-wed")).to_string(),
            "08:00-22:00 mon,tue,wed Europe/Berlin"
        );
    }
}
