//! What surrounds a letter: gathered once for each event in a transaction, however many people it goes to.
//!
//! The picture is what costs time here, while the database is held: it is drawn of a bounded number of runs, for a
//! bounded number of letters, and a letter whose picture fails goes out without it.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::service::Service;
use crate::chart::{self, Figure, Period, Span};
use crate::model::detect::rules::{Judge, PlainRule};
use crate::model::scene::{Picture, Recent, Scene, Step};
use crate::model::trace::TimeColumn;
use crate::model::{EventKind, IncidentEvent, IncidentKind, Timestamp};
use crate::store::{StoreError, Transaction};

/// Runs that are read for a picture: 16 hours of ten probes each 30 s.
const MOST_RUNS: usize = 20_000;
/// Pictures of one transaction: a storm is told of in one letter to each, and what comes beyond that goes without.
pub(super) const MOST_PICTURES: usize = 4;
/// A picture goes back half as far before the onset as the incident is long, but at least and at most so far.
const BEFORE: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(6 * 3600));
/// And never further back from the event than this.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Steps of an incident that are told, the latest.
const MOST_STEPS: usize = 12;

/// Ids of requests that are told: enough to find it in the provider's log.
const MOST_IDS: usize = 3;

/// Gathers it for a letter about `event`. `onset` is the first one of the incident.
pub(super) fn gather(
    tx: &Transaction<'_>,
    service: &Service,
    event: &IncidentEvent,
    onset: Timestamp,
    with_picture: bool,
    now: Timestamp,
) -> Result<Scene, StoreError> {
    if !matches!(event.kind, IncidentKind::Errors | IncidentKind::Latency) {
        return Ok(Scene::default());
    }
    let mut events = tx.events(event.incident)?;
    // What has happened since is for the next letter.
    events.retain(|e| e.sequence <= event.sequence);
    let picture = match with_picture {
        true => {
            let before = (event.at.since(onset) / 2).clamp(BEFORE.0, BEFORE.1);
            let from = (onset - before).max(event.at - LONGEST);
            let recent = tx.recent(service.plan.id, from, event.at, MOST_RUNS)?;
            draw(service, event, &events, onset, recent)
        }
        false => None,
    };
    let (first, request_ids) = match event.kind {
        IncidentKind::Errors => (
            tx.first_failure(service.plan.id, onset)?,
            tx.request_ids(service.plan.id, onset, MOST_IDS)?,
        ),
        _ => (None, Vec::new()),
    };
    let skipped = events.len().saturating_sub(MOST_STEPS);
    Ok(Scene {
        picture,
        steps: events.iter().skip(skipped).map(step).collect(),
        first,
        request_ids,
        pages: tx.pages(service.plan.id, now)?,
    })
}

fn step(event: &IncidentEvent) -> Step {
    Step {
        at: event.at,
        event: event.event,
        severity: event.severity,
    }
}

fn draw(
    service: &Service,
    event: &IncidentEvent,
    events: &[IncidentEvent],
    onset: Timestamp,
    recent: Recent,
) -> Option<Arc<Picture>> {
    if recent.runs.is_empty() {
        return None;
    }
    let over = match event.event {
        EventKind::Close => event.since,
        _ => event.at,
    };
    let threshold = match (event.kind, service.plan.rules.judge) {
        (IncidentKind::Latency, _) => None,
        (_, Judge::Detector) => Some(service.plan.rules.min_rate()),
        (_, Judge::Plain(PlainRule::Rate { over, .. })) => Some(over),
        (_, Judge::Plain(PlainRule::Consecutive { .. })) => None,
    };
    let figure = Figure {
        title: service.plan.title.clone(),
        span: Span {
            from: recent.from,
            to: event.at,
        },
        time: TimeColumn::Calendar,
        probes: recent.probes,
        runs: recent.runs,
        periods: periods(events, event.at),
        mails: None,
        marks: Vec::new(),
        latency: true,
        focus: Some(Span {
            from: onset,
            to: over,
        }),
        threshold,
    };
    match chart::picture(&figure) {
        Ok(picture) => Some(Arc::new(picture)),
        Err(e) => {
            warn!(
                "the mail about incident {} goes without a picture: {e}",
                event.incident
            );
            None
        }
    }
}

/// The times in which the incident stood as it did, by the moments at which things changed, not at which it was noticed.
fn periods(events: &[IncidentEvent], end: Timestamp) -> Vec<Period> {
    let changed = |e: &IncidentEvent| match e.event {
        EventKind::Open | EventKind::Reopen | EventKind::Close => e.since,
        EventKind::Escalate | EventKind::Deescalate => e.at,
    };
    let ends = events.iter().skip(1).map(changed).chain([end]);
    let all = events.iter().zip(ends).map(|(event, to)| Period {
        incident: event.incident,
        span: Span {
            from: changed(event),
            to: to.min(end),
        },
        severity: (event.event != EventKind::Close).then_some(event.severity),
    });
    all.filter(|p| p.span.from <= p.span.to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentId, Severity, Verdict};

    fn event(kind: EventKind, at: f64, since: f64) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(1),
            sequence: 0,
            event: kind,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Partial,
            at: Timestamp::from_seconds(at),
            since: Timestamp::from_seconds(since),
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
    fn an_incident_is_drawn_from_its_onset_to_its_recovery_not_from_when_it_was_noticed() {
        let events = [
            event(EventKind::Open, 300.0, 100.0),
            event(EventKind::Escalate, 400.0, 350.0),
            event(EventKind::Close, 900.0, 600.0),
        ];
        let found = periods(&events, Timestamp::from_seconds(900.0));
        let told: Vec<_> = found
            .iter()
            .map(|p| {
                (
                    p.span.from.as_seconds(),
                    p.span.to.as_seconds(),
                    p.severity.is_some(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (100.0, 400.0, true),
                (400.0, 600.0, true),
                (600.0, 900.0, false)
            ]
        );
    }
}
