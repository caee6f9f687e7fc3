//! The mail about mails: that they are late, that somebody does not get them.

use super::figures::{moment, span};
use super::{NAME_LIMIT, View, line};
use crate::model::notification::{Note, NoteAbout};

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
            color: "#c9b021",
            sentences,
            reasons: Vec::new(),
            probes: Vec::new(),
            fellows: Vec::new(),
            failure: None,
            next: None,
            command,
            footer: format!(
                "Written at {} by watchfire, {}.",
                line(&note.location, NAME_LIMIT),
                moment(note.at)
            ),
        }
    }
}

/// What its thread is called.
pub fn subject(note: &Note) -> String {
    match &note.about {
        NoteAbout::Late { .. } => "mails come late".to_owned(),
        NoteAbout::Refused { recipient, .. } => {
            format!("{} does not get mails", line(recipient, NAME_LIMIT))
        }
    }
}

fn late(
    from: crate::model::Timestamp,
    to: crate::model::Timestamp,
    waiting: u32,
    folded: u32,
) -> Vec<String> {
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
            "{} more did not come to be sent: what they told stands in a later one of the same thread.",
            mails(folded)
        ));
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
        "You are told because you get the mails of the same services. Correct the address in probes.toml, then `watchfire outbox retry` sends again what was refused.".to_owned(),
    ]
}
