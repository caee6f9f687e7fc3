//! How long each part of an exchange took, from the moments that were noted.

use std::time::Duration;

use tokio::time::Instant;

use super::phases::Notes;
use crate::clock::Clock;
use crate::model::{Phase, Phases};

/// The moments of an exchange besides those of its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// When its latest hop began.
    pub begun: Instant,
    /// When headers had come.
    pub head: Option<Instant>,
    /// When it ended, or now.
    pub end: Instant,
}

/// The phases; those that were not reached are absent, the last one lasts until the end.
pub(super) fn phases(notes: &Notes, moments: Moments, clock: &Clock) -> Phases {
    let span =
        |from: Instant, to: Instant| Some(micros(clock.told(to.saturating_duration_since(from))));
    let Moments { begun, head, end } = moments;
    let mut phases = Phases::default();
    let ready = match (notes.begun, head) {
        // A reply came over a connection that was open already.
        (_, Some(_)) if notes.own().is_none() => Some(begun),
        (None, _) => Some(begun),
        (Some(begun), _) => connecting(notes, begun, end, &mut phases, &span),
    };
    if let Some(ready) = ready {
        phases.first_byte_us = span(ready, head.unwrap_or(end));
    }
    phases.body_us = head.and_then(|head| span(head, end));
    phases
}

/// Fills in look-up, connect and TLS; returns when the connection was ready.
fn connecting(
    notes: &Notes,
    begun: Instant,
    end: Instant,
    phases: &mut Phases,
    span: &dyn Fn(Instant, Instant) -> Option<u32>,
) -> Option<Instant> {
    let over = notes.ended.unwrap_or(end);
    let looked_up = match notes.dns_begun {
        None => begun,
        Some(_) => notes.dns_ended.unwrap_or(over),
    };
    phases.dns_us = span(begun, looked_up);
    if notes.reached() == Phase::Dns {
        return None;
    }
    phases.connect_us = span(looked_up, notes.tls_begun.unwrap_or(over));
    phases.tls_us = notes.tls_begun.and_then(|tls| span(tls, over));
    (notes.ended.is_some() && !notes.failed).then_some(over)
}

/// Whole microseconds; what does not fit (71 minutes) saturates.
pub(super) fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}
