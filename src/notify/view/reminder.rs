//! The mail about something that ends on a day: a model, a certificate.

use super::figures::moment;
use super::{NAME_LIMIT, View, color, line, name};
use crate::model::notification::Reminder;
use crate::model::{Deadline, Topic};

impl View {
    /// The content for a reminder.
    pub fn of_reminder(r: &Reminder) -> Self {
        let title = title(r);
        let (urgent, what_to_do) = match r.deadline.topic {
            Topic::Model => (
                r.days <= 7,
                "Choose another `model` in probes.toml, and in whatever else of yours asks it.",
            ),
            Topic::Certificate => (
                r.days <= 3,
                "Have it renewed. Two weeks before its end, what renews it by itself has usually done so.",
            ),
        };
        Self {
            headline: format!(
                "{}: {title}: {}",
                if urgent { "SOON" } else { "NOTICE" },
                line(&r.deadline.tell(r.at), 300)
            ),
            color: if urgent { color::SOON } else { color::NOTICE },
            sentences: vec![
                what_to_do.to_owned(),
                "Nothing fails because of it yet.".to_owned(),
            ],
            command: "watchfire status".to_owned(),
            footer: format!(
                "Seen from {} by watchfire, {}.",
                name(&r.location, NAME_LIMIT),
                moment(r.at)
            ),
            ..View::default()
        }
    }
}

/// What the thread of its reminders is called.
pub fn subject(r: &Reminder) -> String {
    let Deadline { topic, subject, .. } = &r.deadline;
    let what = match topic {
        Topic::Model => "end of the model",
        Topic::Certificate => "end of the certificate of",
    };
    format!("{}: {what} {}", title(r), name(subject, NAME_LIMIT))
}

fn title(r: &Reminder) -> String {
    match name(&r.title, NAME_LIMIT) {
        title if title.is_empty() => name(&r.service, NAME_LIMIT),
        title => title,
    }
}
