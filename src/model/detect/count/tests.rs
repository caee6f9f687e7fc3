//! Feeds with known levels: what is usual stays quiet, what rises is found.

use std::time::Duration;

use super::*;

const MINUTE: f64 = 60.0;
const RULES: CountRules = CountRules {
    cumulative: false,
    rise: CountRules::RISE,
    alert: false,
};

struct Feed {
    state: CountState,
    rng: fastrand::Rng,
    at: Timestamp,
    rises: u32,
    raised: bool,
}

impl Feed {
    fn new(seed: u64) -> Self {
        Self {
            state: CountState::default(),
            rng: fastrand::Rng::with_seed(seed),
            at: Timestamp::parse("2026-11-01T00:00:00Z").unwrap(),
            rises: 0,
            raised: false,
        }
    }

    /// Knuth's method; means of up to some hundred.
    fn poisson(&mut self, mean: f64) -> f64 {
        let (limit, mut product, mut n) = ((-mean).exp(), 1.0, -1.0);
        while product > limit {
            product *= self.rng.f64();
            n += 1.0;
        }
        n
    }

    fn read(&mut self, rules: &CountRules, number: f64) -> Option<Level> {
        self.at = self.at + Duration::from_secs(60);
        let level = self.state.take(rules, MINUTE, 1.0, self.at, number);
        let raised = level.is_some_and(|l| l.raised_since.is_some());
        self.rises += u32::from(raised && !self.raised);
        self.raised = raised;
        level
    }

    /// So many minutes at a level that may follow the day; returns after how many it was raised first.
    fn run(&mut self, minutes: u32, mean: impl Fn(Timestamp) -> f64) -> Option<u32> {
        let mut first = None;
        for minute in 1..=minutes {
            let mean = mean(self.at);
            let number = self.poisson(mean);
            self.read(&RULES, number);
            if self.raised {
                first.get_or_insert(minute);
            }
        }
        first
    }
}

fn day(at: Timestamp) -> f64 {
    let hours = at.as_seconds() / 3600.0;
    4.0 + 3.0 * (hours * std::f64::consts::TAU / 24.0).sin()
}

#[test]
fn what_is_usual_stays_quiet_for_a_hundred_days() {
    for (seed, mean) in [(1, 0.05), (2, 1.0), (3, 30.0)] {
        let mut feed = Feed::new(seed);
        feed.run(100 * 1440, |_| mean);
        assert_eq!(feed.rises, 0, "mean {mean}");
    }
}

#[test]
fn the_course_of_the_day_is_no_rise_once_it_is_known() {
    let mut feed = Feed::new(4);
    feed.run(3 * 1440, day);
    feed.rises = 0;
    feed.run(60 * 1440, day);
    assert!(feed.rises <= 1, "{}", feed.rises);
}

#[test]
fn a_rise_to_three_times_the_usual_is_found_within_minutes_and_its_end_too() {
    for (seed, mean, within) in [(5, 2.0, 12), (6, 10.0, 5), (7, 60.0, 3)] {
        let mut feed = Feed::new(seed);
        feed.run(3 * 1440, |_| mean);
        let took = feed.run(60, |_| 3.0 * mean).unwrap_or(u32::MAX);
        assert!(took <= within, "mean {mean}: {took} min");
        feed.run(60, |_| mean);
        assert!(!feed.raised, "mean {mean}: still raised after an hour");
    }
}

#[test]
fn a_feed_of_bursts_teaches_how_much_it_scatters() {
    let mut feed = Feed::new(8);
    for _ in 0..60 * 1440 {
        // Reports come in handfuls: the same mean as a quiet feed, five times its variance.
        let number = 5.0 * feed.poisson(1.0);
        feed.read(&RULES, number);
    }
    assert!(feed.rises <= 1, "{}", feed.rises);
    assert!(feed.state.usual.inflation() > 3.0);
}

#[test]
fn a_sliding_window_does_not_count_its_reports_over_and_over() {
    let mut feed = Feed::new(9);
    let mut window = std::collections::VecDeque::new();
    for _ in 0..60 * 1440 {
        window.push_front(feed.poisson(1.0));
        window.truncate(15);
        let number = window.iter().sum();
        feed.read(&RULES, number);
    }
    assert!(feed.rises <= 1, "{}", feed.rises);
}

#[test]
fn a_counter_is_judged_by_its_growth_and_may_begin_anew() {
    let rules = CountRules {
        cumulative: true,
        ..RULES
    };
    let mut feed = Feed::new(10);
    assert_eq!(feed.read(&rules, 1000.0), None);
    let mut total = 1000.0;
    for _ in 0..200 {
        total += 2.0;
        feed.read(&rules, total);
    }
    assert_eq!(feed.read(&rules, total + 2.0).map(|l| l.now), Some(2.0));
    assert_eq!(feed.read(&rules, 0.0), None);
    assert_eq!(feed.read(&rules, 3.0).map(|l| l.now), Some(3.0));
    assert!(!feed.raised);
}

#[test]
fn a_level_that_stays_for_a_day_becomes_the_usual_one() {
    let mut feed = Feed::new(11);
    feed.run(2 * 1440, |_| 5.0);
    assert!(feed.run(60, |_| 50.0).is_some());
    feed.run(2 * 1440, |_| 50.0);
    assert!(!feed.raised);
    let level = feed.state.latest().and_then(|l| l.usual).unwrap();
    assert!((40.0..80.0).contains(&level), "{level}");
}

#[test]
fn what_is_no_number_and_what_comes_too_late_changes_nothing() {
    let mut feed = Feed::new(12);
    feed.run(100, |_| 3.0);
    let before = feed.state.clone();
    for number in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(feed.state.take(&RULES, MINUTE, 1.0, feed.at, number), None);
    }
    assert_eq!(feed.state.take(&RULES, MINUTE, 1.0, feed.at, 5.0), None);
    assert_eq!(feed.state, before);
}

#[test]
fn the_state_comes_back_from_json_and_moves_with_the_clock() {
    let mut feed = Feed::new(13);
    feed.run(1440, |_| 5.0);
    feed.run(30, |_| 20.0);
    let json = serde_json::to_string(&feed.state).unwrap();
    let mut again: CountState = serde_json::from_str(&json).unwrap();
    assert_eq!(again, feed.state);
    again.shift(7_200_000_000);
    let since = |s: &CountState| s.latest().and_then(|l| l.raised_since).unwrap();
    assert_eq!(
        since(&again).since(since(&feed.state)),
        Duration::from_secs(7200)
    );
}
