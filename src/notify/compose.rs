//! A notification becomes a mail: headers that thread, plain text that is complete by itself, the same in HTML.
//!
//! The bytes depend on nothing but the notification, the recipient and the composer: no clock, no chance. All mails of
//! an incident to one recipient form one thread (RFC 5322 section 3.6.4), and their subject is the same, because
//! some readers thread by it. No robot answers them (RFC 3834), lists can sort them (RFC 2919).

use std::str::FromStr as _;

use askama::Template;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MessageBuilder, MultiPart, SinglePart};
use xxhash_rust::xxh3::xxh3_64;

use super::page::Page;
use super::view::{self, View};
use super::words::line;
use crate::model::digest::Digest;
use crate::model::notification::{Compose, Letter, Note, NoteAbout, Notification, Reminder};
use crate::model::scene::Picture;
use crate::model::{Deadline, IncidentEvent, IncidentId, Timestamp};

/// The sender's name in mail readers.
const SENDER: &str = "watchfire";
/// Name of the picture, for who saves it.
const PICTURE: &str = "last-hours.png";
/// Longest label made of a name from a configuration: that of a DNS label.
const LABEL_LIMIT: usize = 63;

#[derive(Template)]
#[template(path = "mail.txt", config = "src/notify/askama.toml", escape = "none")]
struct Text<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "mail.html", config = "src/notify/askama.toml")]
struct Html<'a> {
    view: &'a View,
    /// Content-ID of the picture.
    cid: &'a str,
}

/// Renders mails.
#[derive(Debug, Clone)]
pub struct MailComposer {
    from: Address,
    instance: String,
    page: Option<Page>,
}

impl MailComposer {
    /// Mails from the address `from`; errs when it is none.
    ///
    /// `instance` is the right half of every Message-ID, and the same for as long as the database lives.
    pub fn new(from: &str, instance: &str) -> Result<Self, String> {
        let from = super::parse_address(from)?;
        Ok(Self {
            from: Address::from_str(&from).map_err(|error| error.to_string())?,
            instance: domain(instance),
            page: None,
        })
    }

    /// The same, whose mails link to a page.
    pub fn linking(self, page: Option<Page>) -> Self {
        Self { page, ..self }
    }

    /// Where to read on about what a mail tells.
    pub(super) fn link_of(&self, n: &Notification) -> Option<String> {
        self.link(Some(n.event.incident), Some(&n.service))
    }

    /// Where to read on about an incident or a service.
    pub(super) fn link(
        &self,
        incident: Option<IncidentId>,
        service: Option<&str>,
    ) -> Option<String> {
        self.page.as_ref()?.address(incident, service)
    }

    /// A test mail: the sample's content, marked as a test in subject and first line, in no thread.
    ///
    /// `sample` shows what an alert would look like; its event's time becomes the mail's.
    pub fn compose_test(&self, sample: &Notification, recipient: &str) -> Letter {
        let mut view = View::new(sample);
        view.headline = "TEST: nothing is broken".into();
        view.sentences.insert(
            0,
            "Somebody ran `watchfire test-mail`, and mail works. An alert looks like this:".into(),
        );
        view.next = None;
        // There is no such incident.
        view.commands.clear();
        view.steps.clear();
        view.command = "watchfire status".into();
        let id = format!(
            "<test.{}.{}@{}>",
            sample.event.at.as_micros(),
            hash(recipient),
            self.instance
        );
        let builder = self
            .head(&id, sample.event.at, recipient)
            .subject("[watchfire] Test alert");
        finish(builder, &view, id, recipient)
    }

    /// A digest.
    pub fn digest(&self, digest: &Digest, recipient: &str) -> Letter {
        let id = format!(
            "<digest.{}.{}@{}>",
            digest.to.as_micros(),
            hash(recipient),
            self.instance
        );
        let builder = self
            .head(&id, digest.to, recipient)
            .subject(format!("[watchfire] {}", view::subject_of_digest(digest)))
            .raw_header(header("List-Id", &format!("<digest.{}>", self.instance)));
        let view = View::of_digest(digest).linked(self.link(None, None));
        finish(builder, &view, id, recipient)
    }

    fn message_id(&self, incident: IncidentId, sequence: u32, recipient: &str) -> String {
        format!(
            "<{incident}.{sequence}.{}@{}>",
            hash(recipient),
            self.instance
        )
    }

    fn reminder_id(&self, event: &IncidentEvent, recipient: &str) -> String {
        format!(
            "<{}.{}.still.{}.{}@{}>",
            event.incident,
            event.sequence,
            event.at.as_micros(),
            hash(recipient),
            self.instance
        )
    }

    /// What all mails have.
    fn head(&self, id: &str, at: Timestamp, recipient: &str) -> MessageBuilder {
        let to = Address::from_str(recipient).ok();
        let mut builder = Message::builder()
            .message_id(Some(id.to_owned()))
            .date(at.to_system())
            .from(Mailbox::new(Some(SENDER.into()), self.from.clone()))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        builder = match &to {
            Some(to) => builder.to(Mailbox::new(None, to.clone())),
            // Configuration lets no such recipient through. If one comes, the channel refuses it, and that is seen.
            None => builder.raw_header(header("To", "undisclosed-recipients:;")),
        };
        // lettre wants an envelope, but the outbox row is the envelope.
        match Envelope::new(None, vec![to.unwrap_or_else(|| self.from.clone())]) {
            Ok(envelope) => builder.envelope(envelope),
            Err(_) => builder,
        }
    }
}

impl Compose for MailComposer {
    fn compose(&self, n: &Notification, recipient: &str) -> Letter {
        let event = &n.event;
        let id = match n.remarks.reminder {
            0 => self.message_id(event.incident, event.sequence, recipient),
            // Each is a mail of its own, and its time is of no other.
            _ => self.reminder_id(event, recipient),
        };
        // A mail that was kept back is not to come in the middle of older ones.
        let silence = n.remarks.silence.as_ref();
        let written = silence.map_or(event.at, |silence| silence.at);
        let mut builder = self
            .head(&id, written, recipient)
            .subject(format!(
                "[watchfire] #{} {}: {}",
                n.thread.incident,
                line(&n.thread.title, view::NAME_LIMIT),
                view::subject_of(n.thread.theme, n.thread.severity)
            ))
            .raw_header(header(
                "List-Id",
                &format!("<{}.{}>", label(&n.service), self.instance),
            ))
            .raw_header(header("X-Watchfire-Event", event.event.name()))
            .raw_header(header("X-Watchfire-Incident", &event.incident.to_string()));
        let root = self.message_id(n.thread.incident, n.thread.sequence, recipient);
        if root != id {
            builder = builder.in_reply_to(root.clone()).references(root);
        }
        let view = View::new(n).linked(self.link_of(n));
        finish(builder, &view, id, recipient)
    }

    fn remind(&self, reminder: &Reminder, recipient: &str) -> Letter {
        let Deadline { topic, subject, at } = &reminder.deadline;
        let what = format!("{}/{subject}", reminder.service);
        let id = |days: u16| {
            let what = xxh3_64(what.as_bytes());
            format!(
                "<end.{}.{what:016x}.{}.{days}.{}@{}>",
                topic.name(),
                at.as_micros(),
                hash(recipient),
                self.instance
            )
        };
        let mut builder = self
            .head(&id(reminder.days), reminder.at, recipient)
            .subject(format!(
                "[watchfire] {}",
                view::subject_of_reminder(reminder)
            ))
            .raw_header(header(
                "List-Id",
                &format!("<{}.{}>", label(&reminder.service), self.instance),
            ));
        // The first threshold is the root of the thread, whether it was said or passed over.
        let root = id(topic.thresholds().first().copied().unwrap_or_default());
        if root != id(reminder.days) {
            builder = builder.in_reply_to(root.clone()).references(root);
        }
        let view = View::of_reminder(reminder).linked(self.link(None, Some(&reminder.service)));
        finish(builder, &view, id(reminder.days), recipient)
    }

    fn note(&self, note: &Note, recipient: &str) -> Letter {
        let id = format!("<{}.{}@{}>", topic(note), hash(recipient), self.instance);
        let mut builder = self
            .head(&id, note.at, recipient)
            .subject(format!("[watchfire] {}", view::subject_of_note(note)))
            .raw_header(header("List-Id", &format!("<mails.{}>", self.instance)));
        if let Some(root) = root(note) {
            let root = format!("<{root}.{}@{}>", hash(recipient), self.instance);
            builder = builder.in_reply_to(root.clone()).references(root);
        }
        let view = View::of_note(note).linked(self.link(None, None));
        finish(builder, &view, id, recipient)
    }
}

/// What a note is about, as part of its Message-ID.
fn topic(note: &Note) -> String {
    match &note.about {
        NoteAbout::Late { from, .. } => format!("late.{}", from.as_micros()),
        NoteAbout::Folded { since, .. } => format!("folded.{}", since.as_micros()),
        NoteAbout::Refused { recipient, .. } => {
            format!("refused.{}.{}", hash(recipient), note.at.as_micros())
        }
        NoteAbout::Storage { since, .. }
        | NoteAbout::Unrecorded {
            since, number: 0, ..
        } => trouble(*since),
        NoteAbout::Unrecorded { since, number, .. } => {
            format!("unrecorded.{}.{number}", since.as_micros())
        }
        NoteAbout::Stored { from, .. } => format!("stored.{}", from.as_micros()),
        NoteAbout::Damaged { aside } => format!("damaged.{}", hash(aside)),
    }
}

/// The mail about a trouble of the database that people have first.
fn trouble(since: Timestamp) -> String {
    format!("storage.{}", since.as_micros())
}

/// What the thread of a note hangs on, if it is not the first of one.
fn root(note: &Note) -> Option<String> {
    match &note.about {
        NoteAbout::Unrecorded { since, number, .. } if *number > 0 => Some(trouble(*since)),
        NoteAbout::Stored { from, .. } => Some(trouble(*from)),
        _ => None,
    }
}

fn finish(builder: MessageBuilder, view: &View, id: String, recipient: &str) -> Letter {
    let text = Text { view }
        .render()
        .unwrap_or_else(|_| view.headline.clone());
    let cid = format!("chart.{}", id.trim_matches(['<', '>']));
    let html = Html { view, cid: &cid }.render();
    // lettre draws a boundary by lot; this one is as unlikely in a quoted-printable text, and always the same.
    let hash = xxh3_64(id.as_bytes());
    let mut parts = MultiPart::alternative()
        .boundary(format!("=_watchfire_{hash:016x}"))
        .singlepart(SinglePart::plain(text));
    if let Ok(html) = html {
        let html = SinglePart::html(html);
        parts = match &view.picture {
            Some(picture) => parts.multipart(
                MultiPart::related()
                    .boundary(format!("=_watchfire_{hash:016x}_related"))
                    .singlepart(html)
                    .singlepart(inline(&cid, picture)),
            ),
            None => parts.singlepart(html),
        };
    }
    let message = builder
        .multipart(parts)
        .expect("sender and envelope are set by `head`");
    Letter {
        recipient: recipient.to_owned(),
        message_id: id,
        bytes: message.formatted(),
    }
}

/// The picture as a part that the HTML refers to.
fn inline(cid: &str, picture: &Picture) -> SinglePart {
    let png = ContentType::parse("image/png").expect("it is a type and a subtype");
    Attachment::new_inline_with_name(cid.to_owned(), PICTURE.to_owned())
        .body(Body::new(picture.png.clone()), png)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn hash(recipient: &str) -> String {
    format!("{:016x}", xxh3_64(recipient.as_bytes()))
}

/// A name as one label of a List-Id.
fn label(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '-'
        }
    };
    match name.chars().take(LABEL_LIMIT).map(safe).collect::<String>() {
        empty if empty.is_empty() => "service".into(),
        label => label,
    }
}

/// Labels between dots, for the right half of an id.
fn domain(instance: &str) -> String {
    instance
        .split('.')
        .take(8)
        .map(label)
        .collect::<Vec<_>>()
        .join(".")
}
