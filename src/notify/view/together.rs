//! Several services at once: who else, what they share, what works.

use super::figures::{clock, grouped};
use super::{NAME_LIMIT, Row, line, name};
use crate::model::notification::Notification;

/// Most services that are shown; the rest is counted.
const FELLOWS: usize = 20;

/// `and 4 other services`; nothing when there is no other that is still open.
pub fn and_others(n: &Notification) -> String {
    match n.fellows.iter().filter(|f| f.open).count() {
        0 => String::new(),
        1 => " and 1 other service".to_owned(),
        more => format!(" and {} other services", grouped(count(more))),
    }
}

/// How many still fail of how many, when that is not said already; what they have in common; what works.
pub fn sentences(n: &Notification) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(
        n.common
            .as_ref()
            .map(|common| line(&common.to_string(), 400)),
    );
    if !n.works.is_empty() {
        let works: Vec<String> = n.works.iter().map(|w| name(w, NAME_LIMIT)).collect();
        sentences.push(format!("No trouble is seen at: {}.", works.join(", ")));
    }
    sentences
}

/// The others, one a row.
pub fn rows(n: &Notification) -> Vec<Row> {
    let state = |open: bool, severity: crate::model::Severity| {
        if open { severity.name() } else { "recovered" }
    };
    let mut rows: Vec<Row> = n
        .fellows
        .iter()
        .take(FELLOWS)
        .map(|f| Row {
            count: state(f.open, f.severity).to_owned(),
            what: format!(
                "{} since {} (incident {})",
                name(&f.title, NAME_LIMIT),
                clock(f.since, n.event.at),
                f.incident
            ),
        })
        .collect();
    if let Some(rest) = n.fellows.get(FELLOWS..).filter(|r| !r.is_empty()) {
        let open = rest.iter().filter(|f| f.open).count();
        rows.push(Row {
            count: format!("{} more", grouped(count(rest.len()))),
            what: format!("{} of them still fail", grouped(count(open))),
        });
    }
    super::aligned(rows)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
