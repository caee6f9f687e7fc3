//! Plain rules, for people who must have them: a share of a window, or so many failures in a row.
//!
//! They judge instead of the detector and share its life of an incident: the same phases, the same watch after a
//! recovery, the same changes. What they lack is any notion of chance: docs/detection.md compares the two.

mod judge;
mod window;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::window::Window;
use super::bank::Bank;
use super::rules::ServiceRules;
use super::state::{Detector, Phase, Run};
use crate::model::Timestamp;

/// Who judges the error rate of a service.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Judge {
    /// The detector, which weighs evidence against chance.
    #[default]
    Detector,
    /// A rule of the user's.
    Plain(PlainRule),
}

/// A rule of the user's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlainRule {
    /// Over all probes of the service: more than `over` of the runs of the last `window` failed, of at least
    /// `min_runs`. It is over when the share has not been higher than that for `min_runs` runs on end.
    Rate {
        /// Above it is an outage; in (0, 1).
        over: f64,
        /// How far back runs count, by their starts; more than 0.
        window: Duration,
        /// Fewer runs in the window say nothing; at least 1.
        min_runs: u32,
    },
    /// A probe failed so many times in a row, each probe counted by itself. It is over when every probe that did so
    /// has succeeded `recover_after` times in a row.
    Consecutive {
        /// At least 1.
        failures: u32,
        /// At least 1.
        recover_after: u32,
    },
}

impl PlainRule {
    /// Window of a rule that names none.
    pub const WINDOW: Duration = Duration::from_secs(300);
    /// Least runs of a rule that names none.
    pub const MIN_RUNS: u32 = 5;
    /// Successes in a row of a rule that names none.
    pub const RECOVER_AFTER: u32 = 2;
}

/// `more than 20 % of the runs of 5m fail (of at least 5)`, `3 failures in a row`.
impl fmt::Display for PlainRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlainRule::Rate {
                over,
                window,
                min_runs,
            } => write!(
                f,
                "more than {} % of the runs of {} fail (of at least {min_runs})",
                (over * 1e4).round() / 1e2,
                humantime::format_duration(*window)
            ),
            PlainRule::Consecutive { failures, .. } => {
                let s = if *failures == 1 { "" } else { "s" };
                write!(f, "{failures} failure{s} in a row")
            }
        }
    }
}

/// Whose state a detector holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    #[default]
    Detector,
    Rate,
    Consecutive,
}

impl Kept {
    fn of(judge: &Judge) -> Self {
        match judge {
            Judge::Detector => Kept::Detector,
            Judge::Plain(PlainRule::Rate { .. }) => Kept::Rate,
            Judge::Plain(PlainRule::Consecutive { .. }) => Kept::Consecutive,
        }
    }
}

/// What a plain rule remembers of a service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plain {
    kept: Kept,
    /// Runs so far, and those that failed.
    runs: u64,
    failed: u64,
    window: Window,
    /// While open: runs on end at which the share was not too high.
    within: u32,
    /// While open: when the first success after the latest failure became known that still belonged to the outage.
    back: Option<Timestamp>,
}

impl Plain {
    /// Whether a plain rule judges; then the sums of evidence only tell what may teach the baseline.
    pub fn judges(&self) -> bool {
        self.kept != Kept::Detector
    }

    /// Whether some run speaks for an outage.
    pub fn suspects(&self) -> bool {
        self.window.first_failure().is_some()
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.window.moments().chain(self.back.as_mut())
    }
}

/// What a plain rule remembers of one probe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tally {
    /// Failures and successes in a row; one of them is 0.
    failed: u32,
    passed: u32,
    onset: Option<Onset>,
    /// When the first of the successes in a row became known.
    back: Option<Timestamp>,
}

/// Where failures in a row began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Onset {
    start: Timestamp,
    /// Runs of the service before it, and those that failed.
    runs: u64,
    failed: u64,
}

impl Tally {
    /// Whether its latest run failed.
    pub fn suspects(&self) -> bool {
        self.failed > 0
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let onset = self.onset.iter_mut().map(|o| &mut o.start);
        onset.chain(self.back.as_mut())
    }

    fn add(&mut self, run: &Run, (runs, failed): (u64, u64)) {
        if run.failed {
            self.onset.get_or_insert(Onset {
                start: run.start,
                runs,
                failed,
            });
            (self.passed, self.back) = (0, None);
            self.failed = self.failed.saturating_add(1);
        } else {
            (self.failed, self.onset) = (0, None);
            self.back.get_or_insert(run.known);
            self.passed = self.passed.saturating_add(1);
        }
    }
}

impl Detector {
    /// Makes this the state of the judge whom the rules name, if it was another's.
    ///
    /// What the other suspected is forgotten. An open incident goes on, until the new judge says that it is over.
    pub(super) fn adopt(&mut self, rules: &ServiceRules) {
        let kept = Kept::of(&rules.judge);
        if self.plain.kept == kept {
            return;
        }
        self.plain = Plain {
            kept,
            ..Plain::default()
        };
        self.pooled = Bank::default();
        self.shared.clear();
        let open = match &self.phase {
            Phase::Open { episode, .. } => Some(*episode),
            _ => None,
        };
        // Of an incident at least one probe is to recover.
        let nobody = !self.probes.iter().any(|p| p.affected);
        for probe in &mut self.probes {
            probe.bank = Bank::default();
            probe.belief.clear();
            probe.streak.clear();
            probe.rechecks.clear();
            probe.baseline.reject();
            probe.tally = Tally::default();
            probe.affected = open.is_some() && (probe.affected || nobody);
            if let Some(episode) = open.filter(|_| kept == Kept::Detector) {
                probe.recovery.begin(rules.min_rate());
                if probe.affected {
                    let (runs, failed) = (episode.of, episode.failed);
                    probe
                        .recovery
                        .begin_affected(runs, failed, rules.min_rate());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
