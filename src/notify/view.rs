//! What a mail says, before it is text or HTML: every word of it, cleaned and cut to size.
//!
//! The first line tells the state, because the subject must stay the same for a whole thread. Every moment is UTC,
//! every span is counted to the event, so that the mail is the same whenever it is rendered.

mod around;
mod blind;
mod color;
mod digest;
mod figures;
mod note;
mod notice;
mod reminder;
mod said;
mod slow;
mod story;
mod together;

use std::sync::Arc;

use super::words::{line, name, paragraph};
use crate::model::life::Theme;
use crate::model::notification::{LastFailure, Notification, Pace, ProbeTally, Reason};
use crate::model::scene::{Picture, Scene};
use crate::model::{EventKind, Evidence, Fault, IncidentKind, Severity, Timestamp};
use figures::{clock, grouped, moment};

/// Longest name that is shown, in characters.
pub const NAME_LIMIT: usize = 60;
/// Longest list of names, in characters.
const LISTED: usize = 400;
/// Most reasons that are shown; the rest is counted.
const REASONS: usize = 10;
/// Most probes that are shown, failing ones first; the rest is counted.
const PROBES: usize = 20;

/// The content of one mail.
#[derive(Debug, Default)]
pub struct View {
    /// The state and the service: the first thing anybody reads.
    pub headline: String,
    /// Colour of the state, for HTML.
    pub color: &'static str,
    /// What is to be known first, a sentence each.
    pub sentences: Vec<String>,
    /// Failures by reason.
    pub reasons: Vec<Row>,
    /// Failures by probe.
    pub probes: Vec<Row>,
    /// What they are, as a heading.
    pub probes_are: &'static str,
    /// The other services that fail, or failed, with it.
    pub fellows: Vec<Row>,
    /// The evidence.
    pub failure: Option<Failure>,
    /// What the provider's pages say, a sentence each.
    pub pages: Vec<String>,
    /// The last hours.
    pub picture: Option<Arc<Picture>>,
    /// The same in words.
    pub alt: String,
    /// Tables of another kind of mail.
    pub sections: Vec<Section>,
    /// What happened when (UTC).
    pub steps: Vec<Row>,
    /// What can be done, and the command that does it.
    pub commands: Vec<Row>,
    /// The page about it, if one is configured.
    pub link: Option<String>,
    /// What comes next, unless it is over.
    pub next: Option<String>,
    /// The command that shows all of it.
    pub command: String,
    /// Where and when it was seen.
    pub footer: String,
}

/// A table with its heading.
#[derive(Debug)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A number, right-aligned, and what it counts.
#[derive(Debug)]
pub struct Row {
    /// The number.
    pub count: String,
    /// What it counts.
    pub what: String,
}

/// The latest failing reply.
#[derive(Debug)]
pub struct Failure {
    /// Which probe, when, what.
    pub what: String,
    /// The excerpt.
    pub text: String,
    /// The provider's ids of the latest requests that failed, between commas.
    pub request_ids: String,
}

impl Failure {
    /// The excerpt's lines.
    pub fn lines(&self) -> std::str::Lines<'_> {
        self.text.lines()
    }
}

impl View {
    /// The same, with a link.
    pub fn linked(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    /// The state, and of what: the two halves of the headline.
    pub fn halves(&self) -> (&str, &str) {
        self.headline
            .split_once(": ")
            .unwrap_or(("", &self.headline))
    }

    /// The content for a notification.
    pub fn new(n: &Notification) -> Self {
        let event = &n.event;
        let (headline, sentences) = match event.kind {
            IncidentKind::Blind => (blind::headline(n), blind::sentences(n)),
            _ => (story::headline(n), story::sentences(n)),
        };
        Self {
            headline,
            color: color::of(n),
            sentences: [sentences, said::sentences(n)].concat(),
            reasons: reasons(&n.reasons),
            // Of slow answers nothing failed: a table of failures would say the wrong thing.
            probes: match event.kind {
                IncidentKind::Latency => Vec::new(),
                _ => probes(&n.probes, event.kind),
            },
            probes_are: match event.kind {
                IncidentKind::Blind => "Service by service",
                _ => "Probe by probe",
            },
            fellows: together::rows(n),
            failure: n
                .last_failure
                .as_ref()
                .map(|last| failure(last, &n.scene, event.at)),
            pages: around::pages(n),
            alt: around::alt(&n.scene),
            picture: n.scene.picture.clone(),
            steps: around::steps(n),
            sections: Vec::new(),
            commands: around::commands(n),
            link: None,
            next: next(n),
            command: format!("watchfire incidents {}", event.incident),
            footer: format!(
                "Seen from {} by watchfire, {}.",
                name(&n.location, NAME_LIMIT),
                moment(event.at)
            ),
        }
    }
}

/// The service's title, or its name when it has none.
pub fn title(n: &Notification) -> String {
    match name(&n.title, NAME_LIMIT) {
        title if title.is_empty() => name(&n.service, NAME_LIMIT),
        title => title,
    }
}

/// When the next mail is to be expected.
fn next(n: &Notification) -> Option<String> {
    let fails = n.fellows.iter().any(|f| f.open);
    let when = match (n.event.kind, n.event.event) {
        (IncidentKind::Notice, EventKind::Close) => return None,
        (IncidentKind::Notice, _) => "it is settled",
        (_, EventKind::Close) if !fails => return None,
        _ if n.pace == Pace::ComesBack => return Some(story::seldom(n)),
        _ if n.fellows.is_empty() => "it gets worse or recovers",
        _ => "it gets worse, when others join, or when all have recovered",
    };
    Some(format!("The next mail in this thread comes when {when}."))
}

pub use digest::subject as subject_of_digest;
pub use note::subject as subject_of_note;
pub use reminder::subject as subject_of_reminder;

/// What a thread is about, in its subject: as bad as it was when it was first told.
pub const fn subject_of(theme: Theme, severity: Severity) -> &'static str {
    match (theme.kind, theme.cause) {
        (IncidentKind::Errors, _) => story::outage(severity, theme.kind),
        (IncidentKind::Latency, _) => "slow answers",
        (IncidentKind::Blind, _) => "could not see",
        (IncidentKind::Notice, Some(cause)) => notice::what(cause),
        (IncidentKind::Notice, None) => "trouble on our side",
    }
}

fn reasons(all: &[Reason]) -> Vec<Row> {
    let mut rows: Vec<Row> = all
        .iter()
        .take(REASONS)
        .map(|r| {
            let status = r.status.map(|s| format!(", HTTP {s}")).unwrap_or_default();
            let whose = match r.fault {
                Fault::Provider => "",
                Fault::Network => " (on the network between)",
                Fault::Ours => " (ours: key, quota or request; does not count)",
                Fault::Blocked => " (a bot check; does not count)",
            };
            Row {
                count: grouped(r.count),
                what: format!("{}{status}{whose}", r.kind),
            }
        })
        .collect();
    if let Some(rest) = all.get(REASONS..).filter(|r| !r.is_empty()) {
        let runs = rest
            .iter()
            .fold(0, |sum: u32, r| sum.saturating_add(r.count));
        rows.push(Row {
            count: grouped(runs),
            what: format!("{} other reasons", rest.len()),
        });
    }
    aligned(rows)
}

fn probes(all: &[ProbeTally], kind: IncidentKind) -> Vec<Row> {
    let (did, what) = match kind {
        IncidentKind::Blind => ("unknown", "services"),
        _ => ("failed", "probes"),
    };
    let mut sorted: Vec<&ProbeTally> = all.iter().collect();
    sorted.sort_by(|a, b| b.failed.cmp(&a.failed).then_with(|| a.name.cmp(&b.name)));
    let row = |p: &&ProbeTally| Row {
        count: format!("{} of {} {did}", grouped(p.failed), grouped(p.of)),
        what: name(&p.name, NAME_LIMIT),
    };
    let mut rows: Vec<Row> = sorted.iter().take(PROBES).map(row).collect();
    if let Some(rest) = sorted.get(PROBES..).filter(|r| !r.is_empty()) {
        let (failed, of) = rest.iter().fold((0u32, 0u32), |(f, o), p| {
            (f.saturating_add(p.failed), o.saturating_add(p.of))
        });
        rows.push(Row {
            count: format!("{} of {} {did}", grouped(failed), grouped(of)),
            what: format!("{} other {what}", rest.len()),
        });
    }
    aligned(rows)
}

fn failure(last: &LastFailure, scene: &Scene, at: Timestamp) -> Failure {
    let status = last
        .status
        .map(|s| format!(", HTTP {s}"))
        .unwrap_or_default();
    Failure {
        what: format!(
            "{} at {}: {}{status}",
            name(&last.probe, NAME_LIMIT),
            clock(last.at, at),
            last.kind
        ),
        // Evidence is at most so many bytes already; counted in characters here, which are never more.
        text: paragraph(&last.text, Evidence::LIMIT_BYTES),
        request_ids: around::request_ids(last, scene),
    }
}

/// Counts of one column end below each other.
fn aligned(mut rows: Vec<Row>) -> Vec<Row> {
    let width = rows.iter().map(|r| r.count.len()).max().unwrap_or(0);
    for row in &mut rows {
        row.count = format!("{:>width$}", row.count);
    }
    rows
}
