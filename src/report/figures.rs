//! Figures of a report as a person reads them.

use std::time::Duration;

use super::period::Period;
use super::words::span;
use crate::model::histogram::Histogram;
use crate::model::response::Spread;
use crate::model::uptime::Uptime;

/// Quantiles that are told.
pub const QUANTILES: [(f64, &str); 3] = [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")];

/// `99.43 %`; never rounded up, so that 100 % is all.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 100.0 || percent <= 0.0 {
        return format!("{:.0} %", percent.clamp(0.0, 100.0));
    }
    // What is nearly all needs another digit to be told from it.
    let digits = if percent >= 99.9 { 3 } else { 2 };
    let scale = 10_f64.powi(digits);
    // A hair more than the float has: 0.57 must not become 0.56.
    let floor = (percent * scale + 1e-6).floor() / scale;
    format!("{floor:.*} %", digits as usize)
}

/// `99.43 %`, or `?` when nothing is known.
pub fn measured(uptime: &Uptime) -> String {
    uptime.measured().map_or("?".to_owned(), percent)
}

/// `99.20 to 99.61 %`: between what it lies; the same once when both are.
pub fn bounds(uptime: &Uptime) -> String {
    let Some((low, high)) = uptime.bounds() else {
        return "?".to_owned();
    };
    let (low, high) = (percent(low), percent(high));
    if low == high {
        return low;
    }
    format!("{} to {high}", low.trim_end_matches(" %"))
}

/// `server_error 210, timeout 31`: the most frequent first.
pub fn counts(counts: impl Iterator<Item = (&'static str, u64)>) -> String {
    let mut counts: Vec<(&str, u64)> = counts.filter(|(_, n)| *n > 0).collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let words: Vec<String> = counts
        .iter()
        .map(|(what, n)| format!("{what} {n}"))
        .collect();
    words.join(", ")
}

/// Why runs failed.
pub fn failures(uptime: &Uptime) -> String {
    counts(uptime.failures.iter().map(|(kind, n)| (kind.name(), *n)))
}

/// Why nobody knows.
pub fn unknown(uptime: &Uptime) -> String {
    let name = |name: &'static str| match name {
        "no_data" => "no data",
        other => other,
    };
    counts(uptime.unknown.iter().map(|(why, n)| (name(why.name()), *n)))
}

/// `840 ms`, `1.24 s`, `38 s`.
pub fn took(us: f64) -> String {
    match us / 1e3 {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 10_000.0 => format!("{:.2} s", ms / 1e3),
        ms => format!("{:.0} s", ms / 1e3),
    }
}

/// The quantiles of some durations, `?` where there are none.
pub fn quantiles(histogram: &Histogram) -> [String; 3] {
    QUANTILES.map(|(q, _)| histogram.quantile(q).map_or(String::new(), took))
}

/// `1 min 12 s`; `5 min before` for less than nothing.
pub fn seconds(s: f64) -> String {
    let length = |s: f64| span(Duration::try_from_secs_f64(s).unwrap_or_default());
    if s < -0.5 {
        format!("{} before", length(-s))
    } else {
        length(s.max(0.0))
    }
}

/// `1 min 12 s on average, at most 3 min`; of one, only it.
pub fn spread(spread: &Spread) -> String {
    if spread.n == 1 {
        return seconds(spread.mean_s);
    }
    format!(
        "{} on average, at most {}",
        seconds(spread.mean_s),
        seconds(spread.most_s)
    )
}

/// `30 days`, `6 h 42 min`.
pub fn length(period: &Period) -> String {
    match period.span().as_secs() / 86_400 {
        0 | 1 => span(period.span()),
        days => format!("{days} days"),
    }
}

/// `62 % left`, `spent 1.3 times`: of an error budget.
pub fn left(share: f64) -> String {
    if share < 0.0 {
        return format!("spent {:.1} times", 1.0 - share);
    }
    format!("{:.0} % left", (share * 100.0).floor())
}

/// `99.5 %`, as it was written.
pub fn objective(slo: f64) -> String {
    let percent = format!("{:.4}", slo * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    format!("{percent} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        for (share, text) in [
            (1.0, "100 %"),
            (0.999_999_9, "99.999 %"),
            (0.999_5, "99.950 %"),
            (0.994_39, "99.43 %"),
            (0.0057, "0.57 %"),
            (0.0, "0 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn durations_are_no_finer_than_they_need_be() {
        for (us, text) in [
            (840.0, "0.8 ms"),
            (840_400.0, "840 ms"),
            (1_240_000.0, "1.24 s"),
            (38_400_000.0, "38 s"),
        ] {
            assert_eq!(took(us), text);
        }
        assert_eq!(left(0.625), "62 % left");
        assert_eq!(left(-0.3), "spent 1.3 times");
        assert_eq!(objective(0.995), "99.5 %");
        assert_eq!(objective(1.0), "100 %");
        assert_eq!(seconds(-300.0), "5 min before");
        assert_eq!(seconds(72.0), "1 min 12 s");
    }
}
