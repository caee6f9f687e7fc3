//! Numbers, moments and spans as a person reads them.

use std::time::Duration;

use chrono_tz::Tz;

use crate::model::Timestamp;

/// `2023-11-08 13:44:02 UTC`.
pub fn moment(at: Timestamp) -> String {
    match at.to_utc() {
        Some(utc) => utc.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => at.to_string(),
    }
}

/// `2023-11-08 14:44:02 CET`, in a zone of the reader's.
pub fn moment_in(at: Timestamp, zone: Tz) -> String {
    match at.to_utc() {
        Some(utc) => {
            let local = utc.with_timezone(&zone);
            local.format("%Y-%m-%d %H:%M:%S %Z").to_string()
        }
        None => at.to_string(),
    }
}

/// `13:44:02 UTC`, in a mail of the same day; with its date in others.
pub fn clock(at: Timestamp, mail: Timestamp) -> String {
    let day = |at: Timestamp| at.to_utc().map(|utc| utc.date_naive());
    match at.to_utc() {
        Some(utc) if day(at) == day(mail) => utc.format("%H:%M:%S UTC").to_string(),
        _ => moment(at),
    }
}

/// `45 s`, `6 min`, `1 h 42 min`, `2 d 3 h`; rounded to minutes from two minutes on.
pub fn span(length: Duration) -> String {
    let s = length.as_secs() + u64::from(length.subsec_millis() >= 500);
    let two = |a: u64, unit: &str, b: u64, small: &str| match b {
        0 => format!("{a} {unit}"),
        b => format!("{a} {unit} {b} {small}"),
    };
    match s {
        0..120 => format!("{s} s"),
        120..3570 => format!("{} min", (s + 30) / 60),
        3570..86_400 => {
            let minutes = (s + 30) / 60;
            two(minutes / 60, "h", minutes % 60, "min")
        }
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// `80 ms`, `0.85 s`, `2.9 s`, `17 s`: two digits that matter.
pub fn latency(us: u32) -> String {
    match f64::from(us) / 1e6 {
        s if s < 0.1 => format!("{:.0} ms", s * 1e3),
        s if s < 0.995 => format!("{s:.2} s"),
        s if s < 9.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// `44%`; what is rarer than one in a hundred is `under 1%`.
pub fn percent(rate: f64) -> String {
    let percent = rate.clamp(0.0, 1.0) * 100.0;
    if percent > 0.0 && percent < 1.0 {
        "under 1%".into()
    } else {
        format!("{percent:.0}%")
    }
}

/// `usually 1 in 300`: rare rates as one in so many (two digits that matter), common ones in percent.
pub fn usual(rate: f64) -> String {
    if rate.is_nan() || rate <= 1e-9 {
        return "usually none".into();
    }
    if rate >= 0.1 {
        return format!("usually {}", percent(rate));
    }
    let every = 1.0 / rate;
    let step = 10f64.powf((every.log10().floor() - 1.0).max(0.0));
    format!(
        "usually at most 1 in {}",
        grouped((every / step).round() * step)
    )
}

/// Thousands apart: `1,204`.
pub fn grouped(number: impl Into<f64>) -> String {
    let digits = format!("{:.0}", number.into());
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_in_a_zone_says_which() {
        let said = |text| moment_in(Timestamp::parse(text).unwrap(), Tz::Europe__Berlin);
        assert_eq!(said("2026-03-29T00:59:59Z"), "2026-03-29 01:59:59 CET");
        assert_eq!(said("2026-03-29T01:00:00Z"), "2026-03-29 03:00:00 CEST");
    }

    #[test]
    fn a_moment_of_the_same_day_is_told_without_its_date() {
        let at = |text| Timestamp::parse(text).unwrap();
        let mail = at("2023-11-08T03:43:42Z");
        assert_eq!(clock(at("2023-11-08T03:40:35Z"), mail), "03:40:35 UTC");
        assert_eq!(
            clock(at("2023-11-07T23:59:59Z"), mail),
            "2023-11-07 23:59:59 UTC"
        );
    }

    #[test]
    fn spans_are_told_in_two_units_at_most() {
        let told =
            [0, 45, 119, 120, 227, 3599, 3600, 6120, 183_600].map(|s| span(Duration::from_secs(s)));
        assert_eq!(
            told,
            [
                "0 s",
                "45 s",
                "119 s",
                "2 min",
                "4 min",
                "1 h",
                "1 h",
                "1 h 42 min",
                "2 d 3 h"
            ]
        );
    }

    #[test]
    fn latencies_are_told_in_two_digits() {
        let told = [600, 80_000, 849_000, 2_940_000, 17_100_000].map(latency);
        assert_eq!(told, ["1 ms", "80 ms", "0.85 s", "2.9 s", "17 s"]);
    }

    #[test]
    fn usual_rates_are_told_as_one_in_so_many() {
        let told = [0.0, f64::NAN, 0.003, 0.00081, 0.05, 0.125, 1.0, 1e-6].map(usual);
        let wanted = [
            "usually none",
            "usually none",
            "usually at most 1 in 330",
            "usually at most 1 in 1,200",
            "usually at most 1 in 20",
            "usually 12%",
            "usually 100%",
            "usually at most 1 in 1,000,000",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [1u32, 1204, 4_294_967_295].map(grouped),
            ["1", "1,204", "4,294,967,295"]
        );
    }
}
