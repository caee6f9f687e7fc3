//! The mail about the prober itself: when it could not see, and what is therefore not known.

use std::time::Duration;

use super::figures::{clock, grouped, span};
use super::title;
use crate::model::notification::Notification;
use crate::model::{EventKind, FailureKind};

/// The state, and whose.
pub fn headline(n: &Notification) -> String {
    match n.event.event {
        EventKind::Close => format!("WAS BLIND: {}", title(n)),
        _ => format!("BLIND: {}", title(n)),
    }
}

/// What is to be known first.
pub fn sentences(n: &Notification) -> Vec<String> {
    let (event, v) = (&n.event, &n.event.verdict);
    // The window begins with the blindness and ends with the event.
    let window = Duration::try_from_secs_f64(v.window_s).unwrap_or_default();
    let from = event.at - window;
    let why = match n.reasons.first().map(|r| r.kind) {
        Some(FailureKind::TlsExpired | FailureKind::TlsNotYetValid) => {
            "its own clock was wrong, so that no certificate seemed valid"
        }
        _ => "its own network was down",
    };
    let services = n.probes.len();
    let services = match services {
        1 => "1 service".to_owned(),
        many => format!("{many} services"),
    };
    vec![
        format!(
            "watchfire was blind from {} to {} ({}): {why}.",
            clock(from, n.event.at),
            clock(event.since, n.event.at),
            span(event.since.since(from))
        ),
        format!(
            "{} of {} runs are unknown, of {services}. They count neither as up nor as down; what was said before holds.",
            grouped(v.failed),
            grouped(v.of)
        ),
        "Nobody was mailed for what failed in that time. What still fails is judged from now on."
            .to_owned(),
    ]
}
