//! The mail about mails: that they are late, that somebody does not get them.

use super::figures::{grouped, moment, span};
use super::{NAME_LIMIT, View, color, line, name};
use crate::model::notification::{Note, NoteAbout};
use crate::model::{EventKind, IncidentEvent, Timestamp};

/// Where the state of the prober itself is told.
const PROBER: &str = "watchfire status --prober";
const CANNOT_WRITE: &str = "NOTICE: watchfire cannot write its database";
/// Longest reply of a server that is shown, in characters.
const REPLY_LIMIT: usize = 300;

impl View {
    /// The content for a note.
    pub fn of_note(note: &Note) -> Self {
        let (headline, sentences, command) = match &note.about {
            NoteAbout::Late {
                from,
                to,
                waiting,
                folded,
            } => (
                "NOTICE: mails of watchfire come late".to_owned(),
                late(*from, *to, *waiting, *folded),
                "watchfire outbox list".to_owned(),
            ),
            NoteAbout::Folded {
                most,
                since,
                events,
                more,
            } => (
                format!(
                    "NOTICE: {} more events, folded into one mail",
                    grouped(count(events.len(), *more))
                ),
                folded(*most, *since, events, *more),
                "watchfire incidents".to_owned(),
            ),
            NoteAbout::Refused {
                recipient,
                reply,
                incident,
            } => (
                format!(
                    "NOTICE: {} does not get the mails of watchfire",
                    line(recipient, NAME_LIMIT)
                ),
                refused(reply, incident.is_some()),
                match incident {
                    Some(incident) => format!("watchfire incidents {incident}"),
                    None => "watchfire outbox list".to_owned(),
                },
            ),
            NoteAbout::Storage { since, why } => (
                CANNOT_WRITE.to_owned(),
                storage(*since, why),
                PROBER.to_owned(),
            ),
            NoteAbout::Unrecorded {
                since,
                why,
                events,
                more,
                ..
            } => (
                match events.is_empty() {
                    true => CANNOT_WRITE.to_owned(),
                    false => format!("NOT RECORDED: {}", news(events, *more)),
                },
                unrecorded(*since, why, events, *more),
                PROBER.to_owned(),
            ),
            NoteAbout::Stored { from, to, dropped } => (
                "NOTICE: watchfire writes its database again".to_owned(),
                stored(*from, *to, *dropped),
                PROBER.to_owned(),
            ),
            NoteAbout::Damaged { aside } => (
                "NOTICE: the database of watchfire was damaged".to_owned(),
                damaged(aside),
                PROBER.to_owned(),
            ),
        };
        Self {
            headline,
            color: match &note.about {
                NoteAbout::Unrecorded { events, .. } => {
                    color::of_events(events.iter().map(|(_, event)| event))
                }
                _ => color::NOTICE,
            },
            sentences,
            reasons: Vec::new(),
            probes: Vec::new(),
            probes_are: "",
            sections: Vec::new(),
            fellows: Vec::new(),
            failure: None,
            pages: Vec::new(),
            picture: None,
            alt: String::new(),
            steps: Vec::new(),
            commands: Vec::new(),
            link: None,
            next: None,
            command,
            footer: format!(
                "Written at {} by watchfire, {}.",
                name(&note.location, NAME_LIMIT),
                moment(note.at)
            ),
        }
    }
}

/// What its thread is called.
pub fn subject(note: &Note) -> String {
    match &note.about {
        NoteAbout::Late { .. } => "mails come late".to_owned(),
        NoteAbout::Folded { .. } => "several events".to_owned(),
        NoteAbout::Refused { recipient, .. } => {
            format!("{} does not get mails", line(recipient, NAME_LIMIT))
        }
        NoteAbout::Storage { .. } | NoteAbout::Unrecorded { .. } | NoteAbout::Stored { .. } => {
            "the database cannot be written".to_owned()
        }
        NoteAbout::Damaged { .. } => "the database was damaged".to_owned(),
    }
}

fn late(from: Timestamp, to: Timestamp, waiting: u32, folded: u32) -> Vec<String> {
    let mails = |n: u32| match n {
        1 => "1 mail".to_owned(),
        n => format!("{n} mails"),
    };
    let mut sentences = vec![
        format!(
            "The mail server could not be reached from {} to {} ({}).",
            moment(from),
            moment(to),
            span(to.since(from))
        ),
        format!(
            "{} to you waited, and {} now: mind the time in each, not that of its arrival.",
            mails(waiting),
            if waiting == 1 { "comes" } else { "come" }
        ),
    ];
    if folded > 0 {
        sentences.push(format!(
            "{folded} more {} not sent: what {} told stands in a later one of the same thread.",
            if folded == 1 { "was" } else { "were" },
            if folded == 1 { "it" } else { "they" },
        ));
    }
    sentences
}

fn count(named: usize, more: u32) -> u32 {
    u32::try_from(named)
        .unwrap_or(u32::MAX)
        .saturating_add(more)
}

fn folded(
    most: u32,
    since: Timestamp,
    events: &[(String, IncidentEvent)],
    more: u32,
) -> Vec<String> {
    let mut sentences = vec![format!(
        "You have had {most} mails within the hour, the most that are sent (`most_per_hour`). Since {} this has happened besides:",
        moment(since)
    )];
    sentences.extend(listed(events, more));
    sentences
}

/// What happened, a line each.
fn listed(events: &[(String, IncidentEvent)], more: u32) -> Vec<String> {
    let mut lines: Vec<String> = events
        .iter()
        .map(|(title, event)| {
            let what = match event.event {
                EventKind::Open => "broke",
                EventKind::Escalate => "got worse",
                EventKind::Deescalate => "got better",
                EventKind::Close => "recovered",
                EventKind::Reopen => "broke again",
            };
            format!(
                "{}  {} {what} ({}, incident {})",
                moment(event.at),
                name(title, NAME_LIMIT),
                event.severity,
                event.incident
            )
        })
        .collect();
    if more > 0 {
        lines.push(format!("and {} more.", grouped(more)));
    }
    lines
}

fn refused(reply: &str, alerts: bool) -> Vec<String> {
    let first = if alerts {
        "A mail about an incident was refused for good, and is not tried again."
    } else {
        "A mail was refused for good, and is not tried again."
    };
    vec![
        first.to_owned(),
        format!("The mail server said: {}", line(reply, REPLY_LIMIT)),
        "You are told because you get the mails of the same services. If the address is wrong, correct it in probes.toml; if it is right, `watchfire outbox retry --all` sends again what was refused.".to_owned(),
    ]
}

/// One event by its name, several by their number.
fn news(events: &[(String, IncidentEvent)], more: u32) -> String {
    match events {
        [(title, event)] if more == 0 => {
            let what = match event.event {
                EventKind::Open | EventKind::Reopen => "fails",
                EventKind::Escalate => "got worse",
                EventKind::Deescalate => "got better",
                EventKind::Close => "works again",
            };
            format!("{} {what}", name(title, NAME_LIMIT))
        }
        _ => format!("{} events", grouped(count(events.len(), more))),
    }
}

fn storage(since: Timestamp, why: &str) -> Vec<String> {
    vec![
        format!(
            "Since {} the database takes no results: {}.",
            moment(since),
            line(why, REPLY_LIMIT)
        ),
        "Probing goes on, and outages are mailed as always. Results wait in memory, up to 100,000 of them; a restart would lose these.".to_owned(),
        "Make room on the disk of the data directory. Nothing needs to be restarted, and a mail says when it is over.".to_owned(),
    ]
}

fn unrecorded(
    since: Timestamp,
    why: &str,
    events: &[(String, IncidentEvent)],
    more: u32,
) -> Vec<String> {
    let mut sentences = listed(events, more);
    sentences.push(format!(
        "Since {} nothing can be written at all: {}.",
        moment(since),
        line(why, REPLY_LIMIT)
    ));
    sentences.push("Probing goes on. Until it can be written again, what happens is told in mails like this one, which stand in no outbox; then it is told once more, in the thread of its incident.".to_owned());
    sentences.push("Look after the file system of the data directory: whether it can be written to, and what the kernel says of it. Nothing needs to be restarted unless it is replaced, and a mail says when it is over.".to_owned());
    sentences
}

fn stored(from: Timestamp, to: Timestamp, dropped: u64) -> Vec<String> {
    let lost = match u32::try_from(dropped).unwrap_or(u32::MAX) {
        0 => "No result was lost.".to_owned(),
        1 => "1 result was dropped, and is missing in reports.".to_owned(),
        n => format!(
            "{} results were dropped, the oldest of those that waited, and are missing in reports.",
            grouped(n)
        ),
    };
    vec![
        format!(
            "From {} to {} ({}) results could not be written.",
            moment(from),
            moment(to),
            span(to.since(from))
        ),
        lost,
    ]
}

fn damaged(aside: &str) -> Vec<String> {
    vec![
        format!(
            "It was found damaged, and moved aside to {}; a new one was begun with what the newest copy in the folder `backup` knows.",
            line(aside, REPLY_LIMIT)
        ),
        "Probing goes on. Results since that copy was made are missing in reports, and what fails now may be opened as a new incident.".to_owned(),
        "A disk that damages files will do it again: look at what the kernel says of it.".to_owned(),
    ]
}
