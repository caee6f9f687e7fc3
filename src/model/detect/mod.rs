//! The detectors: is what the probes see still chance, or has something really changed?
//!
//! `errors` judges the error rate of a service. It is put together from small parts, one file each: what a run says
//! about an outage (`bank`), how failures hang together (`blips`) and how surely (`persistence`), what is usual
//! (`baseline`), when to look again (`confirm`), when it is over (`recovery`), and how bad it is (`severity`). `plain`
//! judges by a rule of the user's instead. `latency` judges how slow the answers are.
//! docs/detection.md has the promises.

pub mod bank;
pub mod baseline;
pub mod blips;
pub mod confirm;
pub mod count;
pub mod errors;
pub mod latency;
pub mod persistence;
pub mod plain;
pub mod recovery;
pub mod rules;
pub mod severity;
pub mod state;

use super::Timestamp;

/// Seconds from `earlier` to `later`; negative when the order is the other way round.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.micros_since(earlier) as f64 / 1e6
}

/// Whether a field is at rest, and so need not be written into the stored state.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
