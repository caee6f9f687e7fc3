//! Moments and durations as people read them in a terminal.

use std::time::Duration;

use crate::model::Timestamp;

/// `2023-11-08 03:43:42`, UTC.
pub fn moment(at: Timestamp) -> String {
    let utc = at.to_utc();
    utc.map_or_else(
        || at.to_string(),
        |t| t.format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// `40 s`, `1 min 35 s`, `2 h 5 min`: to the second; above an hour to the minute.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs_f64().round() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// `18 min after`, `5 min before`, for what came at `at`.
pub fn apart(from: Timestamp, at: Timestamp) -> String {
    if at >= from {
        format!("{} after", span(at.since(from)))
    } else {
        format!("{} before", span(from.since(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_no_finer_than_it_need_be() {
        let shown = |s: f64| span(Duration::from_secs_f64(s));
        assert_eq!(shown(0.4), "0 s");
        assert_eq!(shown(95.0), "1 min 35 s");
        assert_eq!(shown(120.0), "2 min");
        assert_eq!(shown(3600.0), "1 h");
        assert_eq!(shown(8990.0), "2 h 29 min");
    }

    #[test]
    fn a_moment_is_given_to_the_second() {
        let at = Timestamp::parse("2023-11-08T03:43:42.635Z").unwrap();
        assert_eq!(moment(at), "2023-11-08 03:43:42");
    }
}
