//! Made-up mails about watchfire itself.

use super::{minutes, open, recovered};
use crate::model::notification::{Note, NoteAbout};
use crate::model::{IncidentId, Timestamp};

/// In the words of SQLite.
const FULL: &str = "the disk is full: database or disk is full";
const READ_ONLY: &str = "attempt to write a readonly database";

fn note(about: NoteAbout, at: Timestamp, location: &str) -> Note {
    Note {
        about,
        location: location.to_owned(),
        at,
    }
}

/// The mail server was away.
pub fn late(at: Timestamp, location: &str) -> Note {
    let about = NoteAbout::Late {
        from: at - minutes(95),
        to: at - minutes(1),
        waiting: 3,
        folded: 2,
    };
    note(about, at, location)
}

/// More happened than mails an hour are sent.
pub fn folded(at: Timestamp, location: &str) -> Note {
    let events = vec![
        ("OpenAI".to_owned(), open(at - minutes(30), location).event),
        (
            "OpenAI".to_owned(),
            recovered(at - minutes(90), location).event,
        ),
    ];
    let about = NoteAbout::Folded {
        most: 40,
        since: at - minutes(30),
        events,
        more: 11,
    };
    note(about, at, location)
}

/// Somebody else gets no mail.
pub fn refused(at: Timestamp, location: &str) -> Note {
    let about = NoteAbout::Refused {
        recipient: "gone@example.com".to_owned(),
        reply: "550 5.1.1 no such user here".to_owned(),
        incident: Some(IncidentId(1)),
    };
    note(about, at, location)
}

/// The disk is full.
pub fn storage(at: Timestamp, location: &str) -> Note {
    let about = NoteAbout::Storage {
        since: at - minutes(1),
        why: FULL.to_owned(),
    };
    note(about, at, location)
}

/// Nothing can be written, and something has happened.
pub fn unrecorded(at: Timestamp, location: &str) -> Note {
    let about = NoteAbout::Unrecorded {
        since: at - minutes(12),
        why: READ_ONLY.to_owned(),
        number: 1,
        events: vec![("OpenAI".to_owned(), open(at, location).event)],
        more: 0,
    };
    note(about, at, location)
}

/// The database can be written again.
pub fn stored(at: Timestamp, location: &str) -> Note {
    let about = NoteAbout::Stored {
        from: at - minutes(95),
        to: at,
        dropped: 12_340,
    };
    note(about, at, location)
}

/// The database was damaged.
pub fn damaged(at: Timestamp, location: &str) -> Note {
    let about = NoteAbout::Damaged {
        aside: "/var/lib/watchfire/watchfire.db.corrupt-20231108T034312Z".to_owned(),
    };
    note(about, at, location)
}
