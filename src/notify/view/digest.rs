//! The mail about a day or a week: how each service was, and what is coming.

use std::time::Duration;

use super::figures::{grouped, moment, moment_in, span};
use super::{NAME_LIMIT, Row, Section, View, color, line, name};
use crate::model::digest::Digest;

/// Services that are told of; the rest is counted.
const SERVICES: usize = 60;
/// Longest fact that is shown, in characters.
const FACT_LIMIT: usize = 200;
/// From here on a digest is called one of a week.
const WEEK: Duration = Duration::from_secs(6 * 86_400);

impl View {
    /// The content for a digest.
    pub fn of_digest(d: &Digest) -> Self {
        let (open, troubled) = (
            d.services.iter().filter(|s| s.open > 0).count(),
            d.services.iter().filter(|s| s.incidents > 0).count(),
        );
        let all = d.services.len();
        let state = match (open, troubled) {
            (0, 0) => format!("no trouble at {}", of(all, all)),
            (0, some) => format!("trouble at {}, all over", of(some, all)),
            (open, some) => format!("trouble at {}, at {open} it goes on", of(some, all)),
        };
        let mut sections: Vec<Section> = d
            .services
            .iter()
            .take(SERVICES)
            .map(|service| Section {
                title: name(&service.title, NAME_LIMIT),
                rows: super::aligned(
                    service
                        .facts
                        .iter()
                        .map(|(what, told)| Row {
                            count: (*what).to_owned(),
                            what: line(told, FACT_LIMIT),
                        })
                        .collect(),
                ),
            })
            .collect();
        if !d.coming.is_empty() {
            let row = |told: &String| Row {
                count: "-".to_owned(),
                what: line(told, 2 * FACT_LIMIT),
            };
            let coming = Section {
                title: "What is coming".to_owned(),
                rows: d.coming.iter().map(row).collect(),
            };
            sections.insert(0, coming);
        }
        let mut sentences = vec![format!(
            "From {} to {} ({}).",
            moment_in(d.from, d.zone),
            moment_in(d.to, d.zone),
            span(d.to.since(d.from))
        )];
        if all > SERVICES {
            let rest = u32::try_from(all - SERVICES).unwrap_or(u32::MAX);
            sentences.push(format!(
                "{} more services are left out here.",
                grouped(rest)
            ));
        }
        Self {
            sections,
            headline: format!("{}: {state}", called(d).to_uppercase()),
            color: if open > 0 { color::SOON } else { color::NOTICE },
            sentences,
            command: "watchfire report".to_owned(),
            footer: format!(
                "Seen from {} by watchfire, {}.",
                name(&d.location, NAME_LIMIT),
                moment(d.to)
            ),
            ..View::default()
        }
    }
}

fn of(some: usize, all: usize) -> String {
    match (some == all, all) {
        (true, 1) => "the one service".to_owned(),
        (true, all) => format!("all {all} services"),
        (false, all) => format!("{some} of {all} services"),
    }
}

fn called(d: &Digest) -> &'static str {
    match d.to.since(d.from) >= WEEK {
        true => "week",
        false => "day",
    }
}

/// What the mail is called: the kind, and the day on which it is written.
pub fn subject(d: &Digest) -> String {
    let day = d.to.to_utc().map(|utc| utc.with_timezone(&d.zone));
    let day = day.map_or_else(String::new, |day| day.format(" to %Y-%m-%d").to_string());
    format!("Digest of the {}{day}", called(d))
}
