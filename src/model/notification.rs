//! What is to be told, to whom it goes, and what became of it: the words between judging, rendering and sending.

use std::time::Duration;

use super::common::Common;
use super::fold::PlainRule;
use super::life::Theme;
use super::said::Remarks;
use super::scene::Scene;
use super::{
    Deadline, EventKind, FailureKind, Fault, IncidentEvent, IncidentId, ProbeId, Severity,
    Timestamp,
};

/// One event of an incident, with all that a reader wants to know. Rendered once per recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The event itself.
    pub event: IncidentEvent,
    /// What its thread hangs on.
    pub thread: Thread,
    /// When the incident was first opened.
    pub opened_at: Timestamp,
    /// How often the incident has been reopened so far.
    pub reopened: u32,
    /// The service's name in probes.toml.
    pub service: String,
    /// Its title for people.
    pub title: String,
    /// Failures since the onset, most frequent first.
    pub reasons: Vec<Reason>,
    /// Each probe of the service since the onset.
    pub probes: Vec<ProbeTally>,
    /// Names of the probes that the incident is about, while it is open.
    pub concerned: Vec<String>,
    /// The rule of the user's that judged, in place of the detector.
    pub rule: Option<PlainRule>,
    /// The latest failing reply.
    pub last_failure: Option<LastFailure>,
    /// Name of the place that probes.
    pub location: String,
    /// A service that breaks again within this time of its recovery is the same incident: the incident's own time, which
    /// relapses make longer.
    pub reopen_within: Duration,
    /// How it stands among the mails of its incident.
    pub pace: Pace,
    /// The other services of the story, as they stand.
    pub fellows: Vec<Fellow>,
    /// What all of them have in common.
    pub common: Option<Common>,
    /// Titles of services that work.
    pub works: Vec<String>,
    /// What people said of it.
    pub remarks: Remarks,
    /// What surrounds it.
    pub scene: Scene,
}

/// The first mail of a thread to this recipient: all mails after it refer to it and have its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The incident it told of.
    pub incident: IncidentId,
    /// The event of that incident.
    pub sequence: u32,
    /// Title of the service.
    pub title: String,
    /// What the incident is about.
    pub theme: Theme,
    /// How bad it was when it was first told: what the subject of all mails of the thread says.
    pub severity: Severity,
}

/// Another service of the same story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fellow {
    /// Its title.
    pub title: String,
    /// Its incident.
    pub incident: IncidentId,
    /// Still open; else recovered.
    pub open: bool,
    /// How bad it is, or was.
    pub severity: Severity,
    /// Estimated onset.
    pub since: Timestamp,
}

/// Something that ends on a day, and a threshold before it that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// What ends, and when.
    pub deadline: Deadline,
    /// The threshold, in days.
    pub days: u16,
    /// The service's name in probes.toml.
    pub service: String,
    /// Its title for people.
    pub title: String,
    /// Name of the place that probes.
    pub location: String,
    /// When it was reached.
    pub at: Timestamp,
}

/// Something to be told about the mails themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// What.
    pub about: NoteAbout,
    /// Name of the place that probes.
    pub location: String,
    /// When it is told.
    pub at: Timestamp,
}

/// What a note is about.
#[derive(Debug, Clone, PartialEq)]
pub enum NoteAbout {
    /// The mail server could not be reached for long, and mails to the reader waited.
    Late {
        /// When that was first seen.
        from: Timestamp,
        /// When it was over.
        to: Timestamp,
        /// Mails that waited.
        waiting: u32,
        /// Mails that were not sent, because a later one tells what they told.
        folded: u32,
    },
    /// More was to be told than mails an hour are sent.
    Folded {
        /// Mails an hour at most.
        most: u32,
        /// When the first of it happened.
        since: Timestamp,
        /// What: the title of the service, and the event.
        events: Vec<(String, IncidentEvent)>,
        /// So many more, which are not named.
        more: u32,
    },
    /// Somebody else does not get a mail.
    Refused {
        /// Who.
        recipient: String,
        /// What the server said.
        reply: String,
        /// In whose thread the mail was; `None` for a mail of another kind.
        incident: Option<IncidentId>,
    },
    /// The database takes no samples; incidents and mails still go into a reserve.
    Storage {
        /// For how long.
        since: Timestamp,
        /// In the words of the database.
        why: String,
    },
    /// The database takes nothing at all: this stands in no outbox.
    Unrecorded {
        /// For how long.
        since: Timestamp,
        /// In the words of the database.
        why: String,
        /// How many such mails there were before.
        number: u32,
        /// What has happened meanwhile: the title of the service, and the event.
        events: Vec<(String, IncidentEvent)>,
        /// So many more, which are not named.
        more: u32,
    },
    /// The database takes everything again.
    Stored {
        /// Since when it did not.
        from: Timestamp,
        /// When it was over.
        to: Timestamp,
        /// Samples that were dropped meanwhile.
        dropped: u64,
    },
    /// The database was damaged, and a new one begun.
    Damaged {
        /// Where the old one is.
        aside: String,
    },
}

/// How a mail stands among those of its incident: see [`super::mailing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each step is mailed.
    Steps,
    /// It keeps coming back: not each step is mailed from here on.
    ComesBack,
    /// It kept coming back, and has stayed well for the whole watch.
    StaysWell,
}

/// So many failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What went wrong.
    pub kind: FailureKind,
    /// Whose fault.
    pub fault: Fault,
    /// HTTP status, when there was one.
    pub status: Option<u16>,
    /// How often.
    pub count: u32,
}

/// One probe's runs since the onset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTally {
    /// Which one; `None` for what is no probe.
    pub id: Option<ProbeId>,
    /// Name within the service.
    pub name: String,
    /// Failed runs.
    pub failed: u32,
    /// Runs that count.
    pub of: u32,
}

/// The latest failing reply, redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// Probe name within the service.
    pub probe: String,
    /// When that run began.
    pub at: Timestamp,
    /// What went wrong.
    pub kind: FailureKind,
    /// HTTP status, when there was one.
    pub status: Option<u16>,
    /// Excerpt of the reply, or the transport's words.
    pub text: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

/// A rendered message to one recipient, ready to be stored and sent. The bytes are never rendered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where it goes: an address.
    pub recipient: String,
    /// With angle brackets.
    pub message_id: String,
    /// The whole message, CRLF lines.
    pub bytes: Vec<u8>,
}

/// Renders notifications; what the engine needs of a channel, without knowing the channel.
pub trait Compose: Send {
    /// One letter to `recipient`. The same arguments give the same bytes.
    fn compose(&self, notification: &Notification, recipient: &str) -> Letter;

    /// The same for something that ends on a day.
    fn remind(&self, reminder: &Reminder, recipient: &str) -> Letter;

    /// The same about the mails themselves.
    fn note(&self, note: &Note, recipient: &str) -> Letter;
}

/// A letter in the outbox, as a sender claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Row number in the outbox.
    pub id: i64,
    /// Which incident it tells about; `None` for a test mail or another notice.
    pub incident: Option<IncidentId>,
    /// What it tells.
    pub event: Option<EventKind>,
    /// The letter.
    pub letter: Letter,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What came of one attempt to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Row number in the outbox.
    pub id: i64,
    /// When the attempt ended.
    pub at: Timestamp,
    /// How it ended.
    pub result: DeliveryResult,
    /// The server spoke about this letter; false when it could not even be reached.
    pub reached: bool,
    /// The server's words, or the transport's; redacted.
    pub reply: String,
}

/// How an attempt to send ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryResult {
    /// Accepted: the 250 after the final dot.
    Sent,
    /// Not accepted for now; again at this moment.
    Deferred(Timestamp),
    /// The connection broke after the final dot: it may have been accepted. Again at this moment, same bytes.
    Ambiguous(Timestamp),
    /// Refused for good, or given up after the longest time.
    Dead,
}
