//! Moments as people write them: `2026-11-25 22:00`, `22:00`, RFC 3339.
//!
//! A local time is the machine's or that of a named zone. Where clocks are put forward, a time that does not exist is
//! the moment after the gap; where they are put back, a time that comes twice is its first coming for a begin and its
//! second for an end, so that what is written lies inside what is meant.

use chrono::{
    DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Timelike, Utc,
};

use crate::model::Timestamp;

/// No gap in local time is longer: a day, where an island changed sides of the date line.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;
/// Days looked ahead for a time of day: it may lie in the gap of one.
const DAYS_AHEAD: u64 = 2;

const OUTSIDE: &str = "is outside the years that are known";

/// Which end of a stretch a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Its begin.
    Begin,
    /// Its end.
    End,
}

/// Reads a moment. A time of day alone is the next one from `after` on, for an end the next one after it.
///
/// # Errors
/// In words that follow the name of what was read: "is not a moment".
pub fn moment<Z: TimeZone>(
    text: &str,
    after: Timestamp,
    zone: &Z,
    edge: Edge,
) -> Result<Timestamp, String> {
    if let Some(dated) = dated(text, zone, edge) {
        return dated;
    }
    let outside = || OUTSIDE.to_owned();
    let time = time_of_day(text.trim()).ok_or_else(|| {
        "is not a moment; write \"22:00\", \"2026-11-25 22:00\" or \"2026-11-25T22:00:00Z\""
            .to_owned()
    })?;
    let today = after
        .to_utc()
        .ok_or_else(outside)?
        .with_timezone(zone)
        .date_naive();
    (0..=DAYS_AHEAD)
        .filter_map(|days| {
            resolve(
                today.checked_add_days(Days::new(days))?.and_time(time),
                zone,
                edge,
            )
        })
        .find(|at| match edge {
            Edge::Begin => *at >= after,
            Edge::End => *at > after,
        })
        .ok_or_else(outside)
}

/// Reads a moment that has a date; `None` when it has none.
pub fn dated<Z: TimeZone>(text: &str, zone: &Z, edge: Edge) -> Option<Result<Timestamp, String>> {
    let text = text.trim();
    if let Some(at) = Timestamp::parse(text) {
        return Some(Ok(at));
    }
    let local = date_and_time(text)?;
    Some(resolve(local, zone, edge).ok_or_else(|| OUTSIDE.to_owned()))
}

fn date_and_time(text: &str) -> Option<NaiveDateTime> {
    let forms = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let timed = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let whole = |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    timed.or_else(|| Some(whole(text)?.and_time(NaiveTime::MIN)))
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    let forms = ["%H:%M", "%H:%M:%S"];
    forms
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

/// The moment of a local time; `None` only outside the years that chrono knows.
fn resolve<Z: TimeZone>(local: NaiveDateTime, zone: &Z, edge: Edge) -> Option<Timestamp> {
    let stamp = |at: DateTime<Z>| Timestamp::from_micros(at.with_timezone(&Utc).timestamp_micros());
    match (zone.from_local_datetime(&local), edge) {
        (MappedLocalTime::Single(at), _) => Some(stamp(at)),
        (MappedLocalTime::Ambiguous(first, _), Edge::Begin) => Some(stamp(first)),
        (MappedLocalTime::Ambiguous(_, second), Edge::End) => Some(stamp(second)),
        // Changes of clocks are at whole minutes.
        (MappedLocalTime::None, _) => {
            let minute = local.with_second(0)?;
            (1..=LONGEST_GAP_MINUTES).find_map(|n| {
                let later = minute.checked_add_signed(TimeDelta::minutes(n))?;
                zone.from_local_datetime(&later).earliest().map(stamp)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn read(text: &str, after: &str, zone: Tz, edge: Edge) -> String {
        let after = Timestamp::parse(after).unwrap();
        moment(text, after, &zone, edge).map_or_else(|e| e, |at| at.to_string())
    }

    #[test]
    fn moments_are_read_in_all_the_forms_that_people_write() {
        let berlin = Tz::Europe__Berlin;
        let now = "2026-11-25T12:00:00Z";
        for (text, wanted) in [
            ("2026-11-25T22:00:00Z", "2026-11-25T22:00:00Z"),
            ("2026-11-25T22:00:00+05:30", "2026-11-25T16:30:00Z"),
            ("2026-11-25 22:00", "2026-11-25T21:00:00Z"),
            ("2026-11-25T22:00", "2026-11-25T21:00:00Z"),
            ("2026-11-25 22:00:30", "2026-11-25T21:00:30Z"),
            ("2026-07-01", "2026-06-30T22:00:00Z"),
            ("22:00", "2026-11-25T21:00:00Z"),
            ("13:00", "2026-11-25T12:00:00Z"),
            ("12:59", "2026-11-26T11:59:00Z"),
            (" 00:00 ", "2026-11-25T23:00:00Z"),
        ] {
            assert_eq!(read(text, now, berlin, Edge::Begin), wanted, "{text}");
        }
        // An end at the moment of the begin would be no time at all.
        assert_eq!(
            read("13:00", now, berlin, Edge::End),
            "2026-11-26T12:00:00Z"
        );
        for bad in [
            "",
            "soon",
            "25:00",
            "22",
            "2026-13-01",
            "2026-02-30 10:00",
            "22:00 pm",
            "1e9:00",
        ] {
            assert!(
                read(bad, now, berlin, Edge::Begin).starts_with("is not a moment"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_local_time_that_is_skipped_or_comes_twice_has_one_meaning() {
        let (berlin, york) = (Tz::Europe__Berlin, Tz::America__New_York);
        for (zone, text, begin, end) in [
            (
                berlin,
                "2026-03-29 01:59",
                "2026-03-29T00:59:00Z",
                "2026-03-29T00:59:00Z",
            ),
            (
                berlin,
                "2026-03-29 02:00",
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            (
                berlin,
                "2026-03-29 02:30",
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            (
                berlin,
                "2026-03-29 03:00",
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            (
                berlin,
                "2026-10-25 01:59",
                "2026-10-24T23:59:00Z",
                "2026-10-24T23:59:00Z",
            ),
            (
                berlin,
                "2026-10-25 02:00",
                "2026-10-25T00:00:00Z",
                "2026-10-25T01:00:00Z",
            ),
            (
                berlin,
                "2026-10-25 02:30",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
            ),
            (
                berlin,
                "2026-10-25 03:00",
                "2026-10-25T02:00:00Z",
                "2026-10-25T02:00:00Z",
            ),
            (
                york,
                "2026-03-08 02:30",
                "2026-03-08T07:00:00Z",
                "2026-03-08T07:00:00Z",
            ),
            (
                york,
                "2026-11-01 01:30",
                "2026-11-01T05:30:00Z",
                "2026-11-01T06:30:00Z",
            ),
            (
                Tz::Australia__Lord_Howe,
                "2026-10-04 02:15",
                "2026-10-03T15:30:00Z",
                "2026-10-03T15:30:00Z",
            ),
            (
                Tz::Pacific__Apia,
                "2011-12-30 12:00",
                "2011-12-30T10:00:00Z",
                "2011-12-30T10:00:00Z",
            ),
        ] {
            let now = "2026-01-01T00:00:00Z";
            assert_eq!(read(text, now, zone, Edge::Begin), begin, "{text} {zone}");
            assert_eq!(read(text, now, zone, Edge::End), end, "{text} {zone}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_next_one_over_a_change_of_clocks_too() {
        let berlin = Tz::Europe__Berlin;
        let after = "2026-03-28T22:00:00Z";
        assert_eq!(
            read("02:30", after, berlin, Edge::Begin),
            "2026-03-29T01:00:00Z"
        );
        let between = "2026-10-25T00:45:00Z";
        assert_eq!(
            read("02:30", between, berlin, Edge::Begin),
            "2026-10-26T01:30:00Z"
        );
        assert_eq!(
            read("02:30", between, berlin, Edge::End),
            "2026-10-25T01:30:00Z"
        );
    }

    #[test]
    fn no_moment_makes_it_panic() {
        for after in [i64::MIN, -1, i64::MAX] {
            for text in ["00:00", "23:59:60", "262143-12-31 23:59", "-262143-01-01"] {
                let _ = moment(text, Timestamp::from_micros(after), &Tz::UTC, Edge::End);
            }
        }
    }
}
