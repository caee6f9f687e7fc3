//! What a mail says of what people said: who works on it, and that it was kept back until now.

use super::figures::{clock, span};
use super::{NAME_LIMIT, line, name};
use crate::model::notification::Notification;
use crate::model::said::Joins;

/// Longest note that is shown, in characters.
const NOTE_LIMIT: usize = 500;

/// A sentence each.
pub fn sentences(n: &Notification) -> Vec<String> {
    let mut sentences = Vec::new();
    if n.remarks.reminder > 0 {
        sentences.push(format!(
            "This is a reminder: it has been open for {}, and nobody has acknowledged it.",
            span(n.event.at.since(n.opened_at))
        ));
    }
    match n.remarks.joins {
        Some(Joins::Called(after)) => sentences.push(format!(
            "You are told because nobody has acknowledged it for {}: `watchfire ack {}` does.",
            span(after),
            n.event.incident
        )),
        Some(Joins::OnDuty) => {
            sentences.push("It was open when your hours began; others know of it.".to_owned());
        }
        None => {}
    }
    if let Some(unsent) = &n.remarks.stands_for {
        let mails = match unsent.mails {
            1 => "a mail".to_owned(),
            n => format!("{n} mails"),
        };
        let why = if unsent.server_away {
            "the mail server could not be reached"
        } else {
            "mails were kept back until now"
        };
        sentences.push(format!(
            "This stands for {mails} from {} on that did not come to be sent, because {why}.",
            clock(unsent.since, n.event.at)
        ));
    }
    if let Some(silence) = &n.remarks.silence {
        let who = name(&silence.who, NAME_LIMIT);
        sentences.push(format!(
            "Its mails were kept back until {} by a silence of {who}{}",
            clock(silence.at, n.event.at),
            quoted(&silence.why)
        ));
    }
    if let Some(ack) = &n.remarks.ack {
        let (who, when) = (name(&ack.who, NAME_LIMIT), clock(ack.at, n.event.at));
        sentences.push(if ack.ends {
            format!("{who} had acknowledged it at {when}; this is new trouble, and open again for somebody to take.")
        } else {
            format!("{who} acknowledged it at {when}{}", quoted(&ack.note))
        });
    }
    sentences
}

/// `: "their words"`, or the end of the sentence when there are none.
fn quoted(text: &str) -> String {
    match line(text, NOTE_LIMIT) {
        text if text.is_empty() => ".".to_owned(),
        text => format!(": \"{text}\""),
    }
}
