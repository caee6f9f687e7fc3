//! Against values that can be had otherwise.

use std::collections::HashMap;

use super::*;
use crate::model::Confirm;

fn watch(probes: usize, usual: f64) -> Watch {
    Watch {
        probes: vec![(Duration::from_secs(30), Confirm::CHEAP); probes],
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        usual,
    }
}

const fn in_a_row(failures: u32) -> PlainRule {
    PlainRule::Consecutive {
        failures,
        recover_after: 2,
    }
}

const RATE: PlainRule = PlainRule::Rate {
    over: 0.2,
    window: Duration::from_secs(300),
    min_runs: 5,
};

fn near(got: f64, want: f64, share: f64) -> bool {
    (got - want).abs() <= want.abs() * share
}

/// The chance that no `window` runs on end hold `least` failures, run by run, over every course that there is.
fn by_enumeration(least: u32, window: u32, p: f64, runs: u32) -> Vec<f64> {
    let mask = (1u32 << (window - 1)) - 1;
    let mut courses = HashMap::from([(0u32, 1.0)]);
    let mut without = vec![1.0];
    for _ in 0..runs {
        let mut next: HashMap<u32, f64> = HashMap::new();
        for (course, chance) in courses {
            *next.entry((course << 1) & mask).or_default() += chance * (1.0 - p);
            if course.count_ones() + 1 < least {
                *next.entry(((course << 1) | 1) & mask).or_default() += chance * p;
            }
        }
        without.push(next.values().sum());
        courses = next;
    }
    without
}

#[test]
fn a_row_of_failures_takes_as_many_runs_as_the_books_say() {
    // (1 - p^k) / ((1 - p) p^k): a fair coin shows three heads in a row after 14 throws.
    assert!(near(runs_to(3, 0.5), 14.0, 1e-12));
    assert!(near(runs_to(1, 0.01), 100.0, 1e-12));
    assert!(near(runs_to(2, 0.005), 1.005 / 0.005f64.powi(2), 1e-9));
    assert_eq!(runs_to(3, 1.0), 3.0);
}

#[test]
fn three_in_a_row_page_as_often_as_the_design_says_they_do() {
    let pages = |usual: f64, probes: usize| {
        let watch = watch(probes, usual);
        PlainForecast::new(&in_a_row(3), &watch)
            .false_pages_per_year()
            .unwrap()
    };
    // 1,051,200 runs a year, one in 1/p^3.
    assert!(near(pages(0.005, 1), 0.131, 0.01));
    assert!(near(pages(0.01, 1), 1.04, 0.01));
    assert!(near(pages(0.02, 1), 8.24, 0.01));
    assert!(near(pages(0.02, 4), 4.0 * pages(0.02, 1), 1e-3));
}

#[test]
fn the_chance_of_no_row_is_that_of_every_course_counted() {
    for (length, p) in [(2, 0.5), (3, 0.9), (4, 0.2)] {
        let mut without = RunsWithout::new(length, p);
        for (runs, want) in (0..).zip(by_enumeration(length, length, p, 30)) {
            assert!(
                (without.at(runs) - want).abs() < 1e-12,
                "{length} in a row at {p}, {runs} runs"
            );
        }
    }
}

#[test]
fn the_scan_is_exact_for_three_windows_and_near_for_longer() {
    for (least, window) in [(1, 6), (2, 8), (3, 10), (5, 10), (10, 10), (4, 12)] {
        for p in [0.005, 0.1, 0.3, 0.6] {
            let scan = Scan::new(least, window, p);
            let exact = by_enumeration(least, window, p, 6 * window);
            for (windows, got) in (1u32..).zip(scan.upto) {
                let want = exact[(windows * window) as usize];
                assert!(
                    near(got, want, 1e-9),
                    "{least} of {window} at {p}, {windows} windows: {got} for {want}"
                );
            }
            for runs in 0..=window {
                let (got, want) = (scan.without(f64::from(runs)), exact[runs as usize]);
                assert!((got - want).abs() < 1e-12);
            }
            let last = (6 * window) as usize;
            let hazard = 1.0 - exact[last] / exact[last - 1];
            if hazard > 1e-9 {
                assert!(
                    near(scan.hazard(), hazard, 0.04),
                    "{least} of {window} at {p}: {} for {hazard}",
                    scan.hazard()
                );
            }
        }
    }
}

#[test]
fn a_full_outage_is_seen_after_as_many_failures_as_the_rule_wants() {
    let one = watch(1, 0.005);
    let seconds = |rule: &PlainRule, watch: &Watch, rate: f64| {
        let time = PlainForecast::new(rule, watch).time_to_detect(rate);
        time.map(|t| t.as_secs_f64().round())
    };
    // The third run after the onset, which is in the middle of an interval as often as not.
    assert_eq!(seconds(&in_a_row(3), &one, 1.0), Some(75.0));
    assert_eq!(seconds(&RATE, &one, 1.0), Some(75.0));
    // Nine of 40 runs; each of four probes once in 30 s.
    assert_eq!(seconds(&RATE, &watch(4, 0.005), 1.0), Some(64.0));
    assert_eq!(seconds(&in_a_row(3), &one, 0.0), None);
    assert_eq!(seconds(&in_a_row(30), &one, 0.1), None);
}

#[test]
fn a_rule_that_never_applies_never_pages_and_no_probes_have_no_forecast() {
    let rare = Watch {
        probes: vec![(Duration::from_secs(120), Confirm::Off)],
        ..watch(0, 0.005)
    };
    let forecast = PlainForecast::new(&RATE, &rare);
    assert_eq!(forecast.false_pages_per_year(), Some(0.0));
    assert_eq!(forecast.time_to_detect(1.0), None);
    for rule in [RATE, in_a_row(3)] {
        let nothing = watch(0, 0.005);
        let forecast = PlainForecast::new(&rule, &nothing);
        assert_eq!(forecast.false_pages_per_year(), None);
        assert_eq!(forecast.time_to_detect(1.0), None);
    }
}

#[test]
fn windows_of_thousands_of_runs_stay_finite() {
    let rule = PlainRule::Rate {
        over: 0.02,
        window: Duration::from_secs(6 * 3600),
        min_runs: 5,
    };
    let many = watch(6, 0.01);
    let forecast = PlainForecast::new(&rule, &many);
    let pages = forecast.false_pages_per_year().unwrap();
    assert!(pages.is_finite() && pages >= 0.0, "{pages}");
    let time = forecast.time_to_detect(0.5).unwrap().as_secs_f64();
    assert!((60.0..2000.0).contains(&time), "{time}");
}
