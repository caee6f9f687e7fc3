//! One latency of one probe: has it risen, and has it come down again?
//!
//! A one-sided sum of log-likelihood ratios (CUSUM; Page 1954, Biometrika 41) of "twice as slow as usual" against "as
//! usual", for the logarithm of the latency, each run counted in spreads and clipped. Runs hang together, so what they
//! say is divided by how many of them say as much as one. The mirror of the same sum finds the end.

use serde::{Deserialize, Serialize};

use super::usual::{FIRST_RUNS, SHIFT, Usual, log, middle};
use crate::model::detect::is_default;
use crate::model::{ProbeId, Quantity, Slow, Timestamp};

/// Evidence that it is over, in nats.
const ENOUGH: f64 = 8.0;
/// The sum does not grow further than this above the bound, so that it is paid back as soon as things are well.
const ABOVE_BOUND: f64 = 3.0;
/// "Now" is the median of at most so many latest runs.
const LATEST_RUNS: usize = 12;

/// What is remembered of one latency.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    /// `None` until enough runs have been seen.
    #[serde(default, skip_serializing_if = "is_default")]
    usual: Option<Usual>,
    /// The first runs; later the latest ones while something is suspected. In microseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    recent: Vec<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    sum: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    onset: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    runs: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    slow: u32,
    /// Whether the open incident is about this one too, and how far it has recovered.
    #[serde(default, skip_serializing_if = "is_default")]
    back: Option<Back>,
}

/// How far a slow latency has come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Back {
    evidence: f64,
    since: Option<Timestamp>,
}

/// What the track is told with a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// When the run began, and when its result was known.
    pub start: Timestamp,
    pub known: Timestamp,
    /// Time between two runs, in seconds.
    pub interval_s: f64,
    /// Whether the run may teach what is usual.
    pub teaches: bool,
}

/// What a run said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: too little is known yet.
    Unknown,
    /// How slow it was, and whether it adds to a suspicion of which no incident tells yet.
    Taken { is_slow: bool, is_suspect: bool },
}

impl Track {
    /// Takes a run in.
    pub fn take(&mut self, us: u32, at: &Moment) -> Step {
        let Some(usual) = &mut self.usual else {
            if at.teaches {
                self.recent.push(us);
                if self.recent.len() >= FIRST_RUNS {
                    self.usual = Usual::from_first(&self.recent);
                    self.recent.clear();
                }
            }
            return Step::Unknown;
        };
        let log = log(us);
        let delta = SHIFT / usual.spread();
        let says = delta * (usual.spreads(log) - delta / 2.0) / usual.inflation();
        let is_slow = usual.is_slow(log);
        if at.teaches {
            usual.learn(log, at.interval_s);
        }
        if let Some(back) = &mut self.back {
            back.evidence = (back.evidence - says).max(0.0);
            if back.evidence > 0.0 {
                back.since.get_or_insert(at.known);
            } else {
                back.since = None;
            }
        }
        self.sum = (self.sum + says).max(0.0);
        if self.sum > 0.0 || self.back.is_some() {
            self.onset.get_or_insert(at.start);
            self.runs = self.runs.saturating_add(1);
            self.slow = self.slow.saturating_add(u32::from(is_slow));
            if self.recent.len() >= LATEST_RUNS {
                self.recent.remove(0);
            }
            self.recent.push(us);
        } else {
            self.rest();
        }
        Step::Taken {
            is_slow,
            is_suspect: says > 0.0 && self.back.is_none(),
        }
    }

    /// Whether the evidence is enough, and the latest runs are slow enough to be worth a word.
    ///
    /// The sum alone would in time also tell of a slowdown that is real but small.
    pub fn is_risen(&mut self, bound: f64) -> bool {
        self.sum = self.sum.min(bound + ABOVE_BOUND);
        self.sum >= bound
            && self
                .usual
                .as_ref()
                .zip(self.now_us())
                .is_some_and(|(usual, now)| usual.is_slow(log(now)))
    }

    /// The incident is about this latency from now on.
    pub fn affect(&mut self) {
        self.back.get_or_insert_default();
    }

    /// Whether the incident is about this latency.
    pub fn is_affected(&self) -> bool {
        self.back.is_some()
    }

    /// When it came back, if it is back.
    pub fn back_since(&self) -> Option<Timestamp> {
        let back = self.back.filter(|back| back.evidence >= ENOUGH)?;
        back.since
    }

    /// The incident is over: what was suspected is forgotten.
    pub fn close(&mut self) {
        self.back = None;
        self.sum = 0.0;
        self.rest();
    }

    /// Forgets what is usual too: it has changed for good.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Nothing was seen for long: an old suspicion is no suspicion.
    pub fn interrupt(&mut self) {
        if let Some(usual) = &mut self.usual {
            usual.interrupt();
            if self.back.is_none() {
                self.sum = 0.0;
                self.rest();
            }
        }
    }

    /// The sum, in nats.
    pub fn score(&self) -> f64 {
        self.sum
    }

    /// Runs and slow runs since the onset; the usual share of slow ones.
    pub fn counts(&self) -> (u32, u32, f64) {
        let usual = self.usual.as_ref().map_or(0.0, Usual::slow_share);
        (self.runs, self.slow, usual)
    }

    /// Start of the first suspicious run.
    pub fn onset(&self) -> Option<Timestamp> {
        self.onset
    }

    /// What is usual and what is now; `None` before either is known.
    pub fn figures(&self, probe: ProbeId, quantity: Quantity) -> Option<Slow> {
        Some(Slow {
            probe,
            quantity,
            usual_us: self.usual.as_ref()?.median_us(),
            now_us: self.now_us()?,
            runs: u32::try_from(self.recent.len()).unwrap_or(u32::MAX),
        })
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let since = self.back.as_mut().and_then(|back| back.since.as_mut());
        self.onset.iter_mut().chain(since)
    }

    fn now_us(&self) -> Option<u32> {
        middle(self.recent.clone())
    }

    fn rest(&mut self) {
        self.onset = None;
        self.runs = 0;
        self.slow = 0;
        self.recent.clear();
    }
}
