//! The runs of the last so many seconds: how many there were, and how many failed.
//!
//! Runs that begin close together are kept as one, so that a window costs the same however many probes fill it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::model::detect::seconds_between;

/// Into so many parts a window is cut at most. The window is shorter by one of them than it says: a run that began
/// exactly one window ago is out, also when its timer was a little late.
const PARTS: u32 = 240;

/// Runs that began within one part of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    begin: Timestamp,
    runs: u32,
    failed: u32,
}

/// The latest runs of a service, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window {
    parts: VecDeque<Part>,
}

impl Window {
    /// Takes a run in, and lets go of those that `length` no longer holds. A run that began before all that is held
    /// counts only when it is within `length` of the latest.
    pub fn add(&mut self, start: Timestamp, failed: bool, length: Duration) {
        let part = length / PARTS;
        let after = self.parts.partition_point(|p| p.begin <= start);
        let home = after.checked_sub(1).and_then(|i| self.parts.get_mut(i));
        match home.filter(|p| start.since(p.begin) < part) {
            Some(home) => {
                home.runs = home.runs.saturating_add(1);
                home.failed = home.failed.saturating_add(u32::from(failed));
            }
            None => self.parts.insert(
                after,
                Part {
                    begin: start,
                    runs: 1,
                    failed: u32::from(failed),
                },
            ),
        }
        let held = (length - part).as_secs_f64();
        while let (Some(first), Some(last)) = (self.parts.front(), self.parts.back()) {
            if seconds_between(first.begin, last.begin.max(start)) < held {
                break;
            }
            self.parts.pop_front();
        }
        // Runs that come out of order can begin parts between others.
        while self.parts.len() > 2 * PARTS as usize {
            self.parts.pop_front();
        }
    }

    /// Runs in the window, and those of them that failed.
    pub fn counts(&self) -> (u32, u32) {
        self.parts.iter().fold((0, 0), |(runs, failed), part| {
            (
                runs.saturating_add(part.runs),
                failed.saturating_add(part.failed),
            )
        })
    }

    /// Start of the first run that is held.
    pub fn begin(&self) -> Option<Timestamp> {
        self.parts.front().map(|p| p.begin)
    }

    /// Start of the first run that failed.
    pub fn first_failure(&self) -> Option<Timestamp> {
        let failing = self.parts.iter().find(|p| p.failed > 0);
        failing.map(|p| p.begin)
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.parts.iter_mut().map(|p| &mut p.begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn five_minutes_hold_ten_runs_of_a_probe_that_runs_each_30_s_also_when_its_timer_trembles() {
        let mut window = Window::default();
        for run in 0..100 {
            let late = f64::from(run % 3) * 0.02;
            window.add(
                at(f64::from(run) * 30.0 + late),
                run % 10 == 0,
                FIVE_MINUTES,
            );
            if run >= 10 {
                assert_eq!(window.counts(), (10, 1), "run {run}");
            }
        }
    }

    #[test]
    fn a_run_that_began_earlier_and_ended_later_finds_its_place() {
        let mut window = Window::default();
        for start in [100.0, 400.0, 350.0, 90.0] {
            window.add(at(start), start == 350.0, FIVE_MINUTES);
        }
        assert_eq!(window.counts(), (2, 1));
        assert_eq!(window.begin(), Some(at(350.0)));
        assert_eq!(window.first_failure(), Some(at(350.0)));
    }

    #[test]
    fn ten_thousand_runs_cost_no_more_than_some_hundred() {
        let mut window = Window::default();
        for run in 0..10_000 {
            window.add(at(f64::from(run) * 0.03), false, FIVE_MINUTES);
        }
        // 298.75 s of them, less those of the part that is just leaving.
        let runs = window.counts().0;
        assert!((9_917..=9_959).contains(&runs), "{runs}");
        assert!(window.parts.len() <= PARTS as usize);
    }
}
