//! The mail about mails: that they are late, that somebody does not get them.

use super::figures::{grouped, moment, span};
use super::{NAME_LIMIT, View, color, line, name};
use crate::model::notification::{Note, NoteAbout};
use crate::model::{EventKind, IncidentEvent, Timestamp};

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
        };
        Self {
            headline,
            color: color::NOTICE,
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
    sentences.extend(events.iter().map(|(title, event)| {
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
    }));
    if more > 0 {
        sentences.push(format!("and {} more.", grouped(more)));
    }
    sentences
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
