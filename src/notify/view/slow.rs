//! The sentences about slow answers: which latency of which probe, usually and now, and whether it has come back.

use super::figures::{clock, grouped, latency};
use super::{LISTED, NAME_LIMIT};
use crate::model::concerned::listed;
use crate::model::notification::Notification;
use crate::model::{IncidentEvent, Quantity, Slow};
use crate::notify::words::{line, name};

/// What takes so much longer than usual has not come back.
const SLOW_STILL: f64 = 1.5;

/// `chat-stream, time to the first token: usually 0.8 s, now 2.9 s (median of the last 12 runs).` `None` when the
/// event tells no latency.
pub fn figures(n: &Notification) -> Option<String> {
    let slow = n.event.slow?;
    let probe = n.probes.iter().find(|p| p.id == Some(slow.probe));
    let whose = probe.map_or_else(String::new, |p| format!("{}, ", name(&p.name, NAME_LIMIT)));
    let what = match slow.quantity {
        Quantity::Total => "time to the whole answer",
        Quantity::FirstToken => "time to the first token",
        Quantity::LongestGap => "longest silence within the answer",
    };
    let (before, now) = (latency(slow.usual_us), latency(slow.now_us));
    let runs = grouped(slow.runs);
    Some(format!(
        "{whose}{what}: usually {before}, now {now} (median of the last {runs} runs)."
    ))
}

/// `Slow is chat-stream.` where no latency is told that would name the probe.
pub fn probes(n: &Notification) -> Option<String> {
    if n.event.slow.is_some() || n.concerned.is_empty() {
        return None;
    }
    let are = if n.concerned.len() == 1 { "is" } else { "are" };
    let names = listed(&n.concerned);
    Some(format!("Slow {are} {}.", line(&names, LISTED)))
}

/// How a slowdown ended, and what would be told next.
pub fn over(event: &IncidentEvent) -> (String, &'static str) {
    if event.slow.is_some_and(is_slow_still) {
        let usual = "It has been so for two weeks, and is what is usual from now on.";
        return (usual.to_owned(), "get slower still");
    }
    let since = clock(event.since, event.at);
    let as_before = format!("It has been about as fast as usual since about {since}.");
    (as_before, "slow down again")
}

/// Whether it was closed though it is as slow as it was: only what is slow for very long is.
fn is_slow_still(slow: Slow) -> bool {
    f64::from(slow.now_us) > SLOW_STILL * f64::from(slow.usual_us)
}
