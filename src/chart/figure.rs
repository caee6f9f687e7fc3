//! What a figure shows: the runs of one service in a span of time, its incidents, the mails, and marks from elsewhere.

use std::time::Duration;

pub use crate::model::scene::Run;
use crate::model::trace::TimeColumn;
use crate::model::{EventKind, IncidentEvent, IncidentId, Severity, Timestamp};

/// Quiet time that is shown before the first incident and after the last one, as a share of what lies between.
const MARGIN: f64 = 0.12;
/// Bounds of that margin, in seconds.
const MARGINS: (f64, f64) = (900.0, 7200.0);

/// A figure, before it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Whom it is about.
    pub title: String,
    /// The time that is shown.
    pub span: Span,
    /// Whether times are of the calendar (UTC), or counted from some start.
    pub time: TimeColumn,
    /// Names of the probes.
    pub probes: Vec<String>,
    /// Scheduled runs that count.
    pub runs: Vec<Run>,
    /// Periods in which an incident was open or watched.
    pub periods: Vec<Period>,
    /// When mails went out; `None` where they have no place, as in a mail.
    pub mails: Option<Vec<MailMark>>,
    /// What others said, and when.
    pub marks: Vec<Mark>,
    /// Whether the time that answers took is shown too.
    pub latency: bool,
    /// The time that it is about: set apart by its ground.
    pub focus: Option<Span>,
    /// The error rate from which on people are told.
    pub threshold: Option<f64>,
}

/// A time from one moment to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub to: Timestamp,
}

/// A time in which an incident stood in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Which incident.
    pub incident: IncidentId,
    /// When.
    pub span: Span,
    /// How bad; `None` while it is recovered and watched.
    pub severity: Option<Severity>,
}

/// A mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailMark {
    /// When it was written.
    pub at: Timestamp,
    /// What it tells.
    pub event: EventKind,
    /// How bad it is.
    pub severity: Severity,
}

/// Something that was said elsewhere, such as by the provider's status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// By whom, or what.
    pub label: String,
}

impl Span {
    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// Whether a moment lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&at)
    }

    /// The part of this span that lies in the other one; `None` when they do not meet.
    pub fn within(&self, other: Span) -> Option<Span> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from <= to).then_some(Span { from, to })
    }

    /// From a little before the first of these moments to a little after the last, but not beyond `all`, which is
    /// returned whole when there are none.
    pub fn around(all: Span, moments: impl Iterator<Item = Timestamp> + Clone) -> Span {
        let (Some(first), Some(last)) = (moments.clone().min(), moments.max()) else {
            return all;
        };
        let between = last.since(first).as_secs_f64();
        let margin = Duration::from_secs_f64((between * MARGIN).clamp(MARGINS.0, MARGINS.1));
        Span {
            from: (first - margin).max(all.from),
            to: (last + margin).min(all.to),
        }
    }
}

/// The periods that a service's events mark off, in order. `watch` tells how long an incident is watched that was closed
/// by the event; what is open or watched at `end` lasts until then.
pub fn periods(
    events: &[IncidentEvent],
    watch: impl Fn(&IncidentEvent) -> Duration,
    end: Timestamp,
) -> Vec<Period> {
    let mut periods = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let next = events
            .iter()
            .skip(index + 1)
            .find(|later| later.incident == event.incident)
            .map_or(end, |later| later.at);
        let (severity, to) = match event.event {
            EventKind::Close => (None, next.min(event.at + watch(event))),
            _ => (Some(event.severity), next),
        };
        periods.push(Period {
            incident: event.incident,
            span: Span {
                from: event.at,
                to: to.min(end),
            },
            severity,
        });
    }
    periods
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentKind, Verdict};

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn span(from: f64, to: f64) -> Span {
        Span {
            from: at(from),
            to: at(to),
        }
    }

    fn event(seconds: f64, event: EventKind, severity: Severity) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(1),
            sequence: 0,
            event,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity,
            at: at(seconds),
            since: at(seconds),
            verdict: Verdict {
                failed: 1,
                of: 1,
                usual: 0.0,
                window_s: 0.0,
                score: 0.0,
                bound: 0.0,
            },
        }
    }

    #[test]
    fn an_incident_that_gets_worse_recovers_and_comes_back_has_a_period_of_each() {
        let events = [
            event(10.0, EventKind::Open, Severity::Partial),
            event(20.0, EventKind::Escalate, Severity::Major),
            event(30.0, EventKind::Close, Severity::Major),
            event(50.0, EventKind::Reopen, Severity::Partial),
            event(60.0, EventKind::Close, Severity::Major),
        ];
        let found = periods(&events, |_| Duration::from_secs(25), at(200.0));
        let told: Vec<_> = found.iter().map(|p| (p.span, p.severity)).collect();
        assert_eq!(
            told,
            [
                (span(10.0, 20.0), Some(Severity::Partial)),
                (span(20.0, 30.0), Some(Severity::Major)),
                (span(30.0, 50.0), None),
                (span(50.0, 60.0), Some(Severity::Partial)),
                (span(60.0, 85.0), None),
            ]
        );
    }

    #[test]
    fn of_a_span_only_the_part_within_another_is_kept() {
        let hour = span(100.0, 200.0);
        for (other, wanted) in [
            (span(50.0, 120.0), Some(span(100.0, 120.0))),
            (span(150.0, 300.0), Some(span(150.0, 200.0))),
            (span(120.0, 130.0), Some(span(120.0, 130.0))),
            (span(200.0, 300.0), Some(span(200.0, 200.0))),
            (span(201.0, 300.0), None),
        ] {
            assert_eq!(hour.within(other), wanted, "{other:?}");
        }
    }

    #[test]
    fn the_span_around_the_moments_has_some_quiet_on_both_sides() {
        let all = span(0.0, 1e6);
        let moments = [at(500_000.0), at(510_000.0)];
        assert_eq!(
            Span::around(all, moments.into_iter()),
            span(498_800.0, 511_200.0)
        );
        assert_eq!(Span::around(all, [].into_iter()), all);
        let near = [at(10.0)];
        assert_eq!(Span::around(all, near.into_iter()), span(0.0, 910.0));
    }
}
