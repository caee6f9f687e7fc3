//! The time a report is about: `30d`, a day or a moment, brought to whole hours or days.

use std::time::Duration;

use crate::model::{Timestamp, budget};

const DAY: Duration = Duration::from_secs(86_400);
/// A report over at least so much begins at midnight (UTC), so that whole days are compared and few sums are read.
const BY_DAYS: Duration = Duration::from_secs(7 * 86_400);

/// A moment, or how long ago it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before now.
    Ago(Duration),
    /// At this moment.
    At(Timestamp),
}

impl When {
    /// `30d`, `2026-11-01` (its begin, UTC) or RFC 3339.
    pub fn parse(text: &str) -> Result<Self, String> {
        let moment =
            || Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
        let ago = || humantime::parse_duration(text).ok();
        if let Some(span) = ago().filter(|span| !span.is_zero()) {
            return Ok(When::Ago(span));
        }
        moment().map(When::At).ok_or_else(|| {
            "wanted how long ago, such as 30d or 12h, or a moment, such as 2026-11-01 or 2026-11-01T12:00:00Z".to_owned()
        })
    }

    /// The moment; at most now.
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            When::Ago(span) => now - span,
            When::At(at) => at.min(now),
        }
    }
}

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The begin: a whole hour, of a week and more a midnight.
    pub from: Timestamp,
    /// The end; at most now.
    pub to: Timestamp,
    /// Nothing later is there.
    pub to_the_end: bool,
}

impl Period {
    /// `until`: now, when it is not given. `None` for a time that ends before it begins.
    pub fn of(since: When, until: Option<When>, now: Timestamp) -> Option<Self> {
        let to = until.map_or(now, |until| until.resolve(now).hour());
        let from = since.resolve(now);
        if from >= to {
            return None;
        }
        let long = to.since(from) + Duration::from_secs(3600) >= BY_DAYS;
        let from = if long { budget::day(from) } else { from.hour() };
        Some(Self {
            from,
            to,
            to_the_end: until.is_none(),
        })
    }

    /// Its length.
    pub fn span(&self) -> Duration {
        self.to.since(self.from)
    }

    /// Until when sums are read; `None`: all there are.
    pub fn end(&self) -> Option<Timestamp> {
        (!self.to_the_end).then_some(self.to)
    }

    /// The begins of its days (UTC), the first and the last perhaps in part.
    pub fn days(&self) -> impl Iterator<Item = Timestamp> + '_ {
        let first = budget::day(self.from);
        (0..)
            .map(move |n| first + DAY * n)
            .take_while(|day| *day < self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn period(since: &str, until: Option<&str>) -> Option<(String, String)> {
        let parse = |text| When::parse(text).unwrap();
        let period = Period::of(parse(since), until.map(parse), at("2026-11-25T10:42:07Z"))?;
        Some((period.from.to_string(), period.to.to_string()))
    }

    #[test]
    fn a_time_begins_at_an_hour_or_at_midnight_and_ends_now_or_at_an_hour() {
        for (since, until, want) in [
            (
                "30d",
                None,
                ("2026-10-26T00:00:00Z", "2026-11-25T10:42:07Z"),
            ),
            ("7d", None, ("2026-11-18T00:00:00Z", "2026-11-25T10:42:07Z")),
            ("6h", None, ("2026-11-25T04:00:00Z", "2026-11-25T10:42:07Z")),
            (
                "2026-11-24",
                None,
                ("2026-11-24T00:00:00Z", "2026-11-25T10:42:07Z"),
            ),
            (
                "2026-11-01",
                Some("2026-11-08"),
                ("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"),
            ),
            (
                "2d",
                Some("1d"),
                ("2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"),
            ),
            (
                "6h",
                Some("2027-01-01"),
                ("2026-11-25T04:00:00Z", "2026-11-25T10:00:00Z"),
            ),
        ] {
            let want = Some((want.0.to_owned(), want.1.to_owned()));
            assert_eq!(period(since, until), want, "{since} {until:?}");
        }
        assert_eq!(period("2026-11-08", Some("2026-11-01")), None);
        assert!(When::parse("yesterday").is_err() && When::parse("0s").is_err());
    }

    #[test]
    fn its_days_are_whole_but_for_the_last() {
        let week = Period::of(When::Ago(DAY * 7), None, at("2026-11-25T10:42:07Z")).unwrap();
        assert_eq!(week.days().count(), 8);
        assert_eq!(week.days().last(), Some(at("2026-11-25T00:00:00Z")));
    }
}
