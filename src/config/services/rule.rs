//! `rule = { error_rate_over, window, min_runs }` or `{ consecutive_failures, recover_after }`: a rule of the user's in
//! the detector's place.

use std::ops::Range;

use toml::de::DeValue;

use crate::config::Service;
use crate::config::fields::Fields;
use crate::config::values::{DAY, SECOND, Wrong, duration, percent, shown};
use crate::diagnostic::Problem;
use crate::model::fold::{Judge, PlainRule};

const RATE_KEYS: &[&str] = &["error_rate_over", "window", "min_runs"];
const CONSECUTIVE_KEYS: &[&str] = &["consecutive_failures", "recover_after"];
/// Dials of the detector.
const DIALS: &[&str] = &["false_pages_per_year", "min_error_rate"];
/// Most runs that are counted, in a row or as the least of a window.
const MOST_RUNS: u32 = 10_000;
const HELP: &str = "write { error_rate_over = \"20%\", window = \"5m\", min_runs = 5 } or { consecutive_failures = 3 }";

#[cfg(test)]
pub(super) fn keys() -> Vec<&'static str> {
    [RATE_KEYS, CONSECUTIVE_KEYS].concat()
}

/// Who judges, as an alert table says; `None` when it says nothing, or nothing that can be used.
pub(super) fn judge(alert: Fields<'_>) -> Option<Judge> {
    let value = alert.get("rule")?;
    if value.get_ref().is_str() {
        return alert.read(value, "rule", "a table or \"off\"", |text| match text {
            "off" => Ok(Judge::Detector),
            _ => Err(Wrong::new("is a table or \"off\"").help(HELP)),
        });
    }
    let rule = alert.table("rule")?;
    let before = rule.faults.count();
    rule.only("`rule`", &[RATE_KEYS, CONSECUTIVE_KEYS]);
    let (rate, in_a_row) = (
        rule.get("error_rate_over").is_some(),
        rule.get("consecutive_failures").is_some(),
    );
    let plain = match (rate, in_a_row) {
        (true, false) => of_rate(rule),
        (false, true) => of_failures_in_a_row(rule),
        (true, true) => {
            let message = "`error_rate_over` and `consecutive_failures` exclude each other";
            let problem = Problem::new(rule.span("consecutive_failures"), message)
                .help("keep one of the two: a service is judged by one rule");
            rule.faults.push(problem);
            None
        }
        // A slip of the key was told already.
        (false, false) if rule.faults.count() > before => None,
        (false, false) => {
            let message = "`rule` needs `error_rate_over` or `consecutive_failures`";
            rule.faults
                .push(Problem::new(value.span(), message).help(HELP));
            None
        }
    }?;
    let others = if rate { CONSECUTIVE_KEYS } else { RATE_KEYS };
    idle(rule, others, "belongs to the other form of `rule`");
    idle(
        alert,
        DIALS,
        "is a dial of the detector, and `rule` judges in its place",
    );
    Some(Judge::Plain(plain))
}

/// Warns of keys that decide nothing.
fn idle(table: Fields<'_>, keys: &[&str], why: &str) {
    for key in keys.iter().filter(|key| table.get(key).is_some()) {
        let problem = Problem::new(table.span(key), format!("`{key}` has no effect: it {why}"));
        table.faults.warn(problem.help("remove it"));
    }
}

fn of_rate(rule: Fields<'_>) -> Option<PlainRule> {
    let over = match rule.get("error_rate_over").map(|v| v.get_ref()) {
        Some(DeValue::String(_)) => rule.text("error_rate_over", |text| {
            let rate = percent(text).filter(|r| (0.001..=0.99).contains(r));
            rate.ok_or_else(|| {
                Wrong::new("is not between 0.1% and 99%").help("for instance \"20%\"")
            })
        }),
        _ => rule.number("error_rate_over", 0.001..=0.99),
    };
    let window = match rule.get("window") {
        None => Some(PlainRule::WINDOW),
        Some(_) => rule.text("window", duration(SECOND * 10..=DAY)),
    };
    Some(PlainRule::Rate {
        over: over?,
        window: window?,
        min_runs: count(rule, "min_runs", PlainRule::MIN_RUNS)?,
    })
}

fn of_failures_in_a_row(rule: Fields<'_>) -> Option<PlainRule> {
    Some(PlainRule::Consecutive {
        failures: rule.integer("consecutive_failures", 1..=MOST_RUNS)?,
        recover_after: count(rule, "recover_after", PlainRule::RECOVER_AFTER)?,
    })
}

fn count(rule: Fields<'_>, key: &str, usual: u32) -> Option<u32> {
    match rule.get(key) {
        None => Some(usual),
        Some(_) => rule.integer(key, 1..=MOST_RUNS),
    }
}

/// Warns when the service's probes never make the runs that its rule wants.
pub(super) fn too_few_runs(made: &Service, place: Range<usize>) -> Option<Problem> {
    let Judge::Plain(PlainRule::Rate {
        window, min_runs, ..
    }) = made.alert.judge
    else {
        return None;
    };
    let judged = made.probes.iter();
    let intervals = judged
        .filter(|p| p.plan.check.judged().counts())
        .map(|p| p.cadence.interval().as_secs_f64().max(1.0));
    let runs: f64 = intervals.map(|i| (window.as_secs_f64() / i).ceil()).sum();
    (runs > 0.0 && runs < f64::from(min_runs)).then(|| {
        let message = format!(
            "the rule never applies to {}: its probes run {runs} times in {}, and it wants at least {min_runs}",
            made.name,
            shown(window)
        );
        Problem::new(place, message).help("lengthen `window`, lower `min_runs`, or probe more often")
    })
}
