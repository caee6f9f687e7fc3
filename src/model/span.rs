//! Hours, days and weeks: with which sums a time is covered, so that few of them have to be read.

use super::Timestamp;

const HOUR_US: i64 = 3_600_000_000;

/// A time that is summed up as one. All begin at multiples of their length since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week,
}

impl Span {
    /// Its length in hours.
    pub const fn hours(self) -> i64 {
        match self {
            Span::Hour => 1,
            Span::Day => 24,
            Span::Week => 7 * 24,
        }
    }

    /// The number of the span that an hour (its number since 1970) belongs to.
    pub const fn of_hour(self, hour: i64) -> i64 {
        hour.div_euclid(self.hours())
    }
}

/// Some spans of one length: from number `first` until before number `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Their length.
    pub span: Span,
    /// Number of the first.
    pub first: i64,
    /// Number after the last.
    pub end: i64,
}

/// The fewest spans that cover the hours from that of `from` until that before `to` (`None`: and all later ones).
pub fn cover(from: Timestamp, to: Option<Timestamp>) -> Vec<Piece> {
    let first = from.as_micros().div_euclid(HOUR_US);
    let end = to.map_or(i64::MAX, |to| {
        // An hour that has begun is covered.
        to.as_micros().div_euclid(HOUR_US) + i64::from(to.as_micros().rem_euclid(HOUR_US) > 0)
    });
    let mut pieces = Vec::new();
    between(Span::Week, first, end, &mut pieces);
    pieces
}

/// Covers hours by the given span where it fits, and by shorter ones before and after.
fn between(span: Span, first: i64, end: i64, pieces: &mut Vec<Piece>) {
    if first >= end {
        return;
    }
    let hours = span.hours();
    let shorter = match span {
        Span::Week => Some(Span::Day),
        Span::Day => Some(Span::Hour),
        Span::Hour => None,
    };
    let whole = Piece {
        span,
        first: span.of_hour(first) + i64::from(first.rem_euclid(hours) > 0),
        // Without an end the last one is covered as far as it goes.
        end: if end == i64::MAX {
            end
        } else {
            span.of_hour(end)
        },
    };
    let Some(shorter) = shorter else {
        pieces.push(whole);
        return;
    };
    if whole.first >= whole.end {
        return between(shorter, first, end, pieces);
    }
    between(shorter, first, whole.first.saturating_mul(hours), pieces);
    pieces.push(whole);
    if end != i64::MAX {
        between(shorter, whole.end.saturating_mul(hours), end, pieces);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_quarter_of_a_year_takes_a_dozen_weeks_and_some_days() {
        let pieces = cover(at("2026-08-27T00:00:00Z"), None);
        let week = Span::Week.of_hour(at("2026-08-27T00:00:00Z").as_micros() / HOUR_US);
        // 27 August 2026 is a Thursday, as 1 January 1970 was.
        let weeks = Piece {
            span: Span::Week,
            first: week,
            end: i64::MAX,
        };
        assert_eq!(pieces, [weeks]);
        let pieces = cover(at("2026-08-28T00:00:00Z"), Some(at("2026-11-25T10:30:00Z")));
        let count = |span| {
            let of = pieces.iter().filter(|p| p.span == span);
            of.map(|p| p.end - p.first).sum::<i64>()
        };
        assert_eq!(
            (count(Span::Week), count(Span::Day), count(Span::Hour)),
            (11, 12, 11)
        );
    }

    proptest! {
        #[test]
        fn every_hour_is_covered_once(first in -2_000_i64..2_000, hours in 0_i64..1_000) {
            let hour = |n: i64| Timestamp::from_micros(n * HOUR_US);
            let pieces = cover(hour(first), Some(hour(first + hours)));
            let mut covered: Vec<i64> = pieces.iter().flat_map(|p| p.first * p.span.hours()..p.end * p.span.hours()).collect();
            covered.sort_unstable();
            prop_assert_eq!(covered, (first..first + hours).collect::<Vec<_>>());
            prop_assert!(pieces.len() <= 5);
            let open = cover(hour(first), None);
            let to_the_end = open.last().unwrap();
            prop_assert_eq!((to_the_end.span, to_the_end.end), (Span::Week, i64::MAX));
        }
    }
}
