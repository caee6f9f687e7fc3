//! An incident: a time in which a service was not itself, from the first doubt to the end of the watch after it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::detect::is_default;
use super::{FailureKind, ProbeId, Timestamp};

/// The number users see: `incidents 7`. Counted from 1, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! coded {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[repr(u8)]
        pub enum $type { $($(#[$doc])* $variant = $code,)* }

        impl $type {
            /// The word users see.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }
            /// The integer the database keeps.
            pub const fn code(self) -> u8 {
                self as u8
            }
            /// Back from the database; `None` for a code that this version does not know.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some($type::$variant),)* _ => None }
            }
            /// From the word users write.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some($type::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

coded! {
    /// What an incident is about.
    IncidentKind {
        /// The error rate has risen.
        Errors = 1 "errors",
        /// Answers are slow.
        Latency = 2 "latency",
        /// The prober itself could not see.
        Blind = 3 "blind",
        /// Trouble of our own making: the key, the quota, the request.
        Notice = 4 "notice",
    }
}

coded! {
    /// How bad it is, from mild to bad.
    Severity {
        /// Slow but answering.
        Degraded = 1 "degraded",
        /// A part of the requests fail.
        Partial = 2 "partial",
        /// At least half fail, or every probe of the service.
        Major = 3 "major",
    }
}

coded! {
    /// What happened to an incident.
    EventKind {
        /// It began: this pages.
        Open = 1 "open",
        /// It got worse.
        Escalate = 2 "escalate",
        /// It got better, but goes on.
        Deescalate = 3 "deescalate",
        /// Recovered, and watched from now on.
        Close = 4 "close",
        /// Broke again within the watch: the same incident goes on.
        Reopen = 5 "reopen",
    }
}

coded! {
    /// Where an incident stands.
    IncidentState {
        /// It is going on.
        Open = 1 "open",
        /// Over, but watched: a new rise reopens it.
        Recovered = 2 "recovered",
        /// Over for good.
        Final = 3 "final",
    }
}

coded! {
    /// Which latency.
    Quantity {
        /// From the start of a run to its verdict.
        Total = 1 "total",
        /// Streams: from the start to the first token.
        FirstToken = 2 "first_token",
        /// Streams: the longest silence between two tokens.
        LongestGap = 3 "longest_gap",
    }
}

/// How slow it is: the numbers that say more than counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// Of which probe.
    pub probe: ProbeId,
    /// Which of its latencies.
    pub quantity: Quantity,
    /// The usual median, in microseconds.
    pub usual_us: u32,
    /// The median of the latest runs, in microseconds.
    pub now_us: u32,
    /// How many runs these are.
    pub runs: u32,
}

/// Why the detector says so: the numbers behind an event.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Failed runs in the window.
    pub failed: u32,
    /// Runs in the window.
    pub of: u32,
    /// The usual failure rate, 0 to 1 (upper estimate).
    pub usual: f64,
    /// Length of the window in seconds: from the estimated onset (for `close`: of the whole incident) to the event.
    pub window_s: f64,
    /// Evidence reached, in nats; 0 for events that need none.
    pub score: f64,
    /// Evidence needed, in nats: the price of the promised number of false pages a year.
    pub bound: f64,
}

impl Verdict {
    /// Share of failed runs, 0 to 1; 0 for an empty window.
    pub fn rate(&self) -> f64 {
        f64::from(self.failed) / f64::from(self.of.max(1))
    }
}

/// One step in the life of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IncidentEvent {
    /// Which incident.
    pub incident: IncidentId,
    /// Its how-manieth event, counted from 0.
    pub sequence: u32,
    /// What happened.
    pub event: EventKind,
    /// What it is about.
    pub kind: IncidentKind,
    /// Of a notice: what goes wrong on our side.
    pub cause: Option<FailureKind>,
    /// Of latency: how slow it is, where a usual latency is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// Of a close: nobody knows that it is over, but the probes that saw it are removed from probes.toml.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retired: bool,
    /// How bad it is now; on `close`, how bad it was at worst.
    pub severity: Severity,
    /// When this was decided.
    pub at: Timestamp,
    /// Estimated moment of the change itself: of the onset, or on `close` of the recovery.
    pub since: Timestamp,
    /// The numbers behind it.
    pub verdict: Verdict,
}

impl IncidentEvent {
    /// Whether a plain rule of the user's found it: the detector needs evidence, and no other judge opens an incident of
    /// errors without.
    pub fn is_by_rule(&self) -> bool {
        let errors = self.kind == IncidentKind::Errors;
        errors && self.event != EventKind::Close && self.verdict.bound <= 0.0
    }
}
