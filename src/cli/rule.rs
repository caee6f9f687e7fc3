//! A plain rule as a word of the command line: `error_rate_over=20%,window=5m,min_runs=5`, `consecutive_failures=3`.

use std::time::Duration;

use crate::model::fold::PlainRule;

const FORMS: &str =
    "wanted error_rate_over=20%,window=5m,min_runs=5 or consecutive_failures=3,recover_after=2";

/// Reads it.
///
/// # Errors
/// What was wanted, for the one who typed it.
pub fn parse(text: &str) -> Result<PlainRule, String> {
    let (mut over, mut window, mut min_runs) = (None, None, None);
    let (mut failures, mut recover_after) = (None, None);
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or(FORMS)?;
        let value = value.trim();
        match key.trim() {
            "error_rate_over" => over = Some(rate(value)?),
            "window" => window = Some(duration(value)?),
            "min_runs" => min_runs = Some(count(value)?),
            "consecutive_failures" => failures = Some(count(value)?),
            "recover_after" => recover_after = Some(count(value)?),
            _ => return Err(FORMS.to_owned()),
        }
    }
    match (over, failures) {
        (Some(over), None) if recover_after.is_none() => Ok(PlainRule::Rate {
            over,
            window: window.unwrap_or(PlainRule::WINDOW),
            min_runs: min_runs.unwrap_or(PlainRule::MIN_RUNS),
        }),
        (None, Some(failures)) if window.is_none() && min_runs.is_none() => {
            Ok(PlainRule::Consecutive {
                failures,
                recover_after: recover_after.unwrap_or(PlainRule::RECOVER_AFTER),
            })
        }
        _ => Err(FORMS.to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|p: f64| p / 100.0),
        None => text.parse(),
    };
    let rate = number.ok().filter(|r| (0.001..=0.99).contains(r));
    rate.ok_or_else(|| "wanted a rate from 0.1% to 99%".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).ok();
    span.filter(|d| *d >= Duration::from_secs(10) && *d <= Duration::from_secs(86_400))
        .ok_or_else(|| "wanted a duration from 10s to 1day, such as 5m".to_owned())
}

fn count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|n| (1..=10_000).contains(n));
    count.ok_or_else(|| "wanted a number from 1 to 10000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_with_their_defaults_and_nothing_in_between() {
        let rate = |min_runs| PlainRule::Rate {
            over: 0.2,
            window: Duration::from_secs(300),
            min_runs,
        };
        assert_eq!(parse("error_rate_over=20%"), Ok(rate(5)));
        assert_eq!(
            parse("error_rate_over = 0.2, window = 5m, min_runs = 9"),
            Ok(rate(9))
        );
        let in_a_row = |failures, recover_after| PlainRule::Consecutive {
            failures,
            recover_after,
        };
        assert_eq!(parse("consecutive_failures=3"), Ok(in_a_row(3, 2)));
        assert_eq!(
            parse("consecutive_failures=1,recover_after=1"),
            Ok(in_a_row(1, 1))
        );
        for bad in [
            "",
            "3",
            "error_rate_over=20",
            "error_rate_over=20%,consecutive_failures=3",
            "error_rate_over=20%,recover_after=3",
            "consecutive_failures=3,window=5m",
            "consecutive_failures=0",
            "window=5m",
            "error_rate_over=20%,window=1s",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
