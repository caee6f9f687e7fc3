//! The colours of a mail: one for each state, dark enough for white letters on it and bright enough for a dark ground.
//!
//! Everything else keeps the colours of the mail program, light or dark.

use crate::model::notification::Notification;
use crate::model::{EventKind, IncidentEvent, IncidentKind, Severity};

/// Something ends, and it is time to act.
pub const SOON: &str = "#b45309";
/// Something to see to, that hurts nobody yet.
pub const NOTICE: &str = "#3b6ea5";
/// It works again.
pub const WELL: &str = "#2a7d4a";
const DEGRADED: &str = "#857013";
const PARTIAL: &str = "#bc5a0a";
const MAJOR: &str = "#c9352b";

/// The colour of what is told.
pub fn of(n: &Notification) -> &'static str {
    let event = &n.event;
    match (event.event, event.kind, event.severity) {
        (EventKind::Close, ..) if n.fellows.iter().any(|f| f.open) => PARTIAL,
        (EventKind::Close, ..) if event.retired => NOTICE,
        (EventKind::Close, ..) => WELL,
        (_, IncidentKind::Notice | IncidentKind::Blind, _) => NOTICE,
        (_, _, Severity::Major) => MAJOR,
        (_, _, Severity::Partial) => PARTIAL,
        (_, _, Severity::Degraded) => DEGRADED,
    }
}

/// The colour of several events: that of the worst which is not over.
pub fn of_events<'e>(events: impl Iterator<Item = &'e IncidentEvent>) -> &'static str {
    let broken = events.filter(|e| e.event != EventKind::Close);
    match broken.map(|e| e.severity).max() {
        Some(Severity::Major) => MAJOR,
        Some(Severity::Partial) => PARTIAL,
        Some(Severity::Degraded) => DEGRADED,
        None => NOTICE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2), 0 black to 1 white.
    fn luminance(color: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&color[at..at + 2], 16).unwrap();
            let c = f64::from(value) / 255.0;
            match c {
                c if c <= 0.040_45 => c / 12.92,
                c => ((c + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn white_words_can_be_read_on_every_colour_and_its_bar_is_seen_on_light_and_dark_grounds() {
        for color in [SOON, NOTICE, WELL, DEGRADED, PARTIAL, MAJOR] {
            // WCAG AA: words 4.5, what is no word 3.
            assert!(
                contrast(color, "#ffffff") >= 4.5,
                "{color} {}",
                contrast(color, "#ffffff")
            );
            assert!(
                contrast(color, "#121212") >= 3.0,
                "{color} {}",
                contrast(color, "#121212")
            );
        }
    }
}
