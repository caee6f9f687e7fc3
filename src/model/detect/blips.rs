//! Blips: short failures of a network come in clusters, so the second failure of a cluster is hardly news.
//!
//! What is believed is the chance that a blip is still going on, for one probe and for all probes of a service
//! together. Every lag is between the STARTS of runs: a timeout of 10 s tells about the moment it was sent, and
//! counted from its end the timeouts of one blip would look like several. Moments are seconds since the epoch, since
//! only their differences matter.

use serde::{Deserialize, Serialize};

use crate::model::ProbeId;

/// Chance that a run fails while a blip is going on.
pub const FAILS_IN_BLIP: f64 = 0.9;
/// A belief below this changes no probability in 64-bit floats, so it is forgotten.
const FORGOTTEN: f64 = 1e-17;
/// What is believed of a shared blip after the first failure of any probe.
const PERHAPS_SHARED: f64 = 0.4;
/// Above this belief a failure of a second probe confirms that the blip is shared.
const CONFIRMED_BY_SECOND: f64 = 0.1;
/// How much of a shared blip is left after a success that was sent later than its latest failure.
const AFTER_SUCCESS: f64 = 0.1;

/// What is believed of a blip that hits one probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    chance: f64,
    at: Option<f64>,
}

impl Belief {
    /// Chance that a blip which was believed in earlier is still going on at `start`; `tau` is the mean length in seconds.
    pub fn at(&self, start: f64, tau: f64) -> f64 {
        match self.at {
            Some(at) if self.chance > 0.0 => self.chance * (-(start - at).max(0.0) / tau).exp(),
            _ => 0.0,
        }
    }

    /// Takes a run in; `before` is what [`Belief::at`] said for it, `after_failure` what is believed after a failure.
    pub fn learn(&mut self, failed: bool, before: f64, start: f64, after_failure: f64) {
        let after = if failed {
            after_failure.max(before)
        } else {
            before * (1.0 - FAILS_IN_BLIP) / (1.0 - FAILS_IN_BLIP * before)
        };
        self.chance = if after < FORGOTTEN { 0.0 } else { after };
        self.at = Some(start);
    }

    /// Forgets the blip.
    pub fn clear(&mut self) {
        self.chance = 0.0;
    }

    /// All moments that are kept, in seconds.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut f64> {
        self.at.iter_mut()
    }
}

/// What is believed of a blip that hits all probes of a service: the prober's own network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    chance: f64,
    failed_at: Option<f64>,
    passed_at: Option<f64>,
    failed_by: Option<ProbeId>,
}

impl Shared {
    /// Chance that a shared blip is going on at `start`.
    pub fn at(&self, start: f64, tau: f64) -> f64 {
        let Some(failed_at) = self.failed_at.filter(|_| self.chance > 0.0) else {
            return 0.0;
        };
        let ended = self
            .passed_at
            .is_some_and(|passed| failed_at < passed && passed < start);
        let left = (-(start - failed_at).abs() / tau).exp();
        self.chance * left * if ended { AFTER_SUCCESS } else { 1.0 }
    }

    /// Takes a failure in; `before` is what [`Shared::at`] said for it.
    pub fn fail(&mut self, probe: ProbeId, before: f64, start: f64) {
        let other = self.failed_by.is_some_and(|last| last != probe);
        self.chance = if other && before > CONFIRMED_BY_SECOND {
            FAILS_IN_BLIP
        } else {
            before.max(PERHAPS_SHARED)
        };
        self.failed_by = Some(probe);
        self.failed_at = Some(self.failed_at.map_or(start, |at| at.max(start)));
    }

    /// Takes a success in.
    pub fn pass(&mut self, start: f64) {
        self.passed_at = Some(self.passed_at.map_or(start, |at| at.max(start)));
    }

    /// Forgets the blip.
    pub fn clear(&mut self) {
        self.chance = 0.0;
    }

    /// All moments that are kept, in seconds.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut f64> {
        self.failed_at.iter_mut().chain(self.passed_at.iter_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blip_is_believed_in_right_after_a_failure_and_forgotten_a_minute_later() {
        let mut belief = Belief::default();
        belief.learn(true, 0.0, 0.0, FAILS_IN_BLIP);
        assert!(belief.at(1.0, 7.5) > 0.75);
        assert!(belief.at(60.0, 7.5) < 0.001);
        belief.learn(false, belief.at(5.0, 7.5), 5.0, FAILS_IN_BLIP);
        assert!(belief.at(5.0, 7.5) < 0.1);
    }

    #[test]
    fn a_failure_of_a_second_probe_at_once_confirms_a_shared_blip() {
        let mut shared = Shared::default();
        shared.fail(ProbeId(1), 0.0, 0.0);
        let before = shared.at(2.0, 7.5);
        shared.fail(ProbeId(2), before, 2.0);
        assert_eq!(shared.at(2.0, 7.5), FAILS_IN_BLIP);
        shared.pass(3.0);
        assert!(shared.at(4.0, 7.5) < 0.1);
    }
}
