//! One run of a probe, as it is judged and kept.

use std::time::Duration;

use super::{Findings, Outcome, Phase, ProbeId, Timestamp};

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which probe, from which location.
    pub probe: ProbeId,
    /// When the run began.
    pub at: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
    /// Asked for by the timetable or by the detector.
    pub origin: Origin,
    /// HTTP status, when one came.
    pub status: Option<u16>,
    /// Where it failed.
    pub failed_in: Option<Phase>,
    /// How long each part took.
    pub phases: Phases,
    /// From the start to the verdict, in microseconds.
    pub total_us: u32,
    /// Decoded bytes of body that were read.
    pub bytes: u32,
    /// What shows the failure; present only when there is something to show.
    pub evidence: Option<Box<Evidence>>,
    /// What the run learned besides; `None` in what is read back from the database.
    pub found: Option<Box<Findings>>,
}

impl Sample {
    /// When the result became known.
    pub fn known_at(&self) -> Timestamp {
        self.at + Duration::from_micros(u64::from(self.total_us))
    }
}

/// Who asked for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The timetable.
    Scheduled,
    /// The detector, to confirm a suspicion or a recovery.
    Recheck,
}

/// The parts of a run, in microseconds; `None` for a part that was not reached or does not exist.
///
/// A phase that was cut short by a timeout holds the time until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Name look-up; zero for an address.
    pub dns_us: Option<u32>,
    /// TCP connect, with a proxy's tunnel.
    pub connect_us: Option<u32>,
    /// TLS handshake; `None` on plain http.
    pub tls_us: Option<u32>,
    /// From the ready connection to status and headers.
    pub first_byte_us: Option<u32>,
    /// From the headers to the end of the body.
    pub body_us: Option<u32>,
    /// Streams: from the start of the run to the first non-empty token.
    pub first_token_us: Option<u32>,
    /// Streams: the longest silence between two tokens (or before the end).
    pub longest_gap_us: Option<u32>,
}

/// What shows a failure. Redacted before it gets here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// An excerpt of the failing reply or the transport's words; at most [`Evidence::LIMIT_BYTES`], no control characters.
    pub text: String,
    /// The provider's id of the request, for its support.
    pub request_id: Option<String>,
}

impl Evidence {
    /// Longest excerpt that is kept.
    pub const LIMIT_BYTES: usize = 2048;
}
