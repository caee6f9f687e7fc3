//! What the judging side needs to know of a configured probe: who it is, how often it runs, how it is re-checked.

use std::time::Duration;

use super::detect::count::CountRules;

/// A probe at a location, as the database numbers it. The same probe seen from two places has two ids.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ProbeId(pub u32);

/// A service: what is judged, alerted and shown as one. As the database numbers it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ServiceId(pub u32);

impl ServiceId {
    /// The prober itself, which has incidents of its own.
    pub const PROBER: ServiceId = ServiceId(0);
    /// Its name: none that a service can be given.
    pub const PROBER_NAME: &'static str = "(prober)";
}

/// How the runs of a probe are judged.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Judged {
    /// Each is a run of the service: its failures count.
    #[default]
    Runs,
    /// They are recorded and never judged: claims of others about the service.
    Never,
    /// They bring numbers, which are compared with what is usual.
    Numbers(CountRules),
}

impl Judged {
    /// Whether the runs teach and trip the error-rate detector.
    pub fn counts(self) -> bool {
        match self {
            Judged::Runs => true,
            Judged::Never => false,
            Judged::Numbers(rules) => rules.alert,
        }
    }
}

/// How a suspicion is confirmed: re-checks `every` so often, at most `max` after the latest failure; cheap ones go on for
/// three times as many while more than a lone failure speaks for an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// Re-check at once.
    Rechecks {
        /// Spacing from start to start; at least 1 s.
        every: Duration,
        /// How many after a lone failure; at least 1.
        max: u32,
    },
    /// Wait for the scheduled runs.
    Off,
}

impl Confirm {
    /// For cheap probes: 5 s, 20 times (detector design: faster than 5 s gains nothing).
    pub const CHEAP: Confirm = Confirm::Rechecks {
        every: Duration::from_secs(5),
        max: 20,
    };
    /// For probes that cost money by the run: 30 s, 4 times.
    pub const COSTLY: Confirm = Confirm::Rechecks {
        every: Duration::from_secs(30),
        max: 4,
    };
}
