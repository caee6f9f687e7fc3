//! What stands around an alert: the last hours as runs and as a picture, the course of the incident, its first failure,
//! and what the provider says of itself.
//!
//! Gathered when a letter is written, and only for it: none of it decides anything.

use std::sync::Arc;

use super::notification::LastFailure;
use super::{EventKind, Severity, Standing, Timestamp};

/// One scheduled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When it began.
    pub at: Timestamp,
    /// Index into the names of the probes.
    pub probe: usize,
    /// Whether it failed.
    pub failed: bool,
    /// How long it took, in microseconds.
    pub latency_us: u32,
}

/// The scheduled runs of a service in a time, those that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// From here on they are complete: later than was asked for when there were too many.
    pub from: Timestamp,
    /// Names of the probes that ran.
    pub probes: Vec<String>,
    /// The runs, probe by probe.
    pub runs: Vec<Run>,
}

/// What surrounds one alert. All lists are short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scene {
    /// The last hours, drawn.
    pub picture: Option<Arc<Picture>>,
    /// The steps of the incident, this one last.
    pub steps: Vec<Step>,
    /// The first failing reply since the onset.
    pub first: Option<LastFailure>,
    /// The provider's ids of the latest requests that failed, the latest first.
    pub request_ids: Vec<String>,
    /// What the provider's pages say.
    pub pages: Vec<PageWord>,
}

/// A picture that is sent along.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// The file.
    pub png: Vec<u8>,
    /// Width and height at which it is meant to be seen, in pixels.
    pub size: (u32, u32),
    /// The same in words.
    pub alt: String,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (bytes, alt) = (self.png.len(), &self.alt);
        write!(f, "Picture({bytes} bytes, {:?}, {alt:?})", self.size)
    }
}

/// One step of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub event: EventKind,
    /// How bad it was from then on.
    pub severity: Severity,
}

/// What one page of a provider says of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageWord {
    /// Name of the probe that reads it.
    pub probe: String,
    /// How it says that the service stands.
    pub standing: Standing,
    /// Since when it was seen to say so.
    pub since: Timestamp,
    /// When it was last read.
    pub read_at: Timestamp,
    /// Title of its latest post on trouble that is not over.
    pub post: Option<String>,
}
