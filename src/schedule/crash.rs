//! What stands for a run that did not come to an end.

use crate::model::{Evidence, FailureKind, Fault, Outcome, Phases, Timestamp};
use crate::probe::{Run, Wire};

/// The result of a run that panicked: a defect of ours, so it says nothing about the service.
pub(super) fn crashed(started: Timestamp) -> Run {
    let text = "watchfire failed in this run; the log has the reason".to_owned();
    Run {
        started,
        outcome: Outcome::Failure(FailureKind::Internal, Fault::Ours),
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: 0,
        bytes: 0,
        found: None,
        evidence: Some(Box::new(Evidence {
            text,
            request_id: None,
        })),
        peer: None,
        stream: None,
        cert_expires: None,
        wire: Wire::default(),
    }
}
