//! Where the axes are labelled: moments and numbers that a person would have chosen.

use super::figure::Span;
use crate::model::Timestamp;
use crate::model::trace::TimeColumn;

/// Distances of two labels, in seconds.
const STEPS: &[i64] = &[
    60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000,
];
const DAY: i64 = 86_400;
/// More labels than this are never made.
const MOST: i64 = 100;

/// A label of the time axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Where.
    pub at: Timestamp,
    /// `03:40`.
    pub label: String,
    /// `8 Nov`, at the first label and at the first one of each further day.
    pub day: Option<String>,
}

/// At most `most` labels (at least one) for a span.
pub fn ticks(span: Span, time: TimeColumn, most: u32) -> Vec<Tick> {
    let (from, to) = (seconds(span.from), seconds(span.to));
    let most = i64::from(most.max(1)).min(MOST);
    let fitting = STEPS.iter().find(|step| (to - from) / **step < most);
    let step = fitting
        .copied()
        .unwrap_or_else(|| ((to - from) / most).max(1));
    let first = (from.div_euclid(step) + i64::from(from.rem_euclid(step) > 0)) * step;
    let mut day = None;
    let moments = (0..MOST)
        .map(|n| first + n * step)
        .take_while(|at| *at <= to);
    moments
        .map(|at| {
            let today = at.div_euclid(DAY);
            let news = day.replace(today) != Some(today);
            let moment = Timestamp::from_micros(at.saturating_mul(1_000_000));
            Tick {
                at: moment,
                label: clock(moment, time),
                day: news.then(|| date(moment, time)).flatten(),
            }
        })
        .collect()
}

/// Time of day, `03:40`; of a counted time the hours since its start, `171:30`.
pub fn clock(at: Timestamp, time: TimeColumn) -> String {
    match (time, at.to_utc()) {
        (TimeColumn::Calendar, Some(utc)) => utc.format("%H:%M").to_string(),
        _ => {
            let minutes = seconds(at).div_euclid(60);
            format!("{}:{:02}", minutes / 60, minutes.rem_euclid(60))
        }
    }
}

/// Day and month, `8 Nov`; nothing for a counted time.
pub fn date(at: Timestamp, time: TimeColumn) -> Option<String> {
    let utc = at.to_utc().filter(|_| time == TimeColumn::Calendar)?;
    Some(utc.format("%-d %b").to_string())
}

/// The smallest of some round numbers that is at least `value`; `value` itself above all of them.
pub fn round_up(value: f64, round: &[f64]) -> f64 {
    round.iter().copied().find(|r| *r >= value).unwrap_or(value)
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: &str, to: &str) -> Span {
        Span {
            from: Timestamp::parse(from).unwrap(),
            to: Timestamp::parse(to).unwrap(),
        }
    }

    #[test]
    fn labels_stand_at_whole_hours_or_parts_of_them_and_name_each_day_once() {
        let night = span("2023-11-21T21:40:00Z", "2023-11-22T02:10:00Z");
        let found = ticks(night, TimeColumn::Calendar, 6);
        let told: Vec<_> = found
            .iter()
            .map(|t| (t.label.as_str(), t.day.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("22:00", Some("21 Nov")),
                ("23:00", None),
                ("00:00", Some("22 Nov")),
                ("01:00", None),
                ("02:00", None),
            ]
        );
    }

    #[test]
    fn no_more_labels_than_there_is_room_for() {
        let long = span("1970-01-01T00:00:00Z", "2170-01-01T00:00:00Z");
        for most in [1, 3, 10] {
            let found = ticks(long, TimeColumn::Calendar, most);
            assert!(
                (1..=most as usize + 1).contains(&found.len()),
                "{}",
                found.len()
            );
        }
    }

    #[test]
    fn a_counted_time_is_told_in_hours() {
        let at = Timestamp::from_seconds(7.0 * 86_400.0 + 5400.0);
        assert_eq!(clock(at, TimeColumn::Counted), "169:30");
        assert_eq!(date(at, TimeColumn::Counted), None);
    }
}
