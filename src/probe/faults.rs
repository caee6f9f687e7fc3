//! Whose fault it is: one table from what came, or how it broke, to a kind of failure and a fault.
//!
//! It is read from the top, and the first row that matches wins; specific rows stand above general ones. A row is data:
//! what must be seen, what that is called, what it means, what to do, where the fact is from, and examples that are its
//! test. `docs/whose-fault.md` is made of the same rows.

mod answers;
mod breaks;
mod broken;
mod connecting;
mod edge;
mod filter;
mod forbidden;
mod key;
mod matching;
mod model;
mod network;
mod overload;
mod page;
mod quota;
mod rate;
mod request;
mod server;
mod source;
mod status;
mod walls;

use std::ops::RangeInclusive;

use crate::model::{FailureKind, Fault, Outcome, Phase};

pub use breaks::Break;
pub(super) use matching::{Facts, of_break};
pub use page::whose_fault_page;

/// Rows that belong together, in the order in which they are read.
pub const GROUPS: &[Group] = &[
    walls::GROUP,
    network::GROUP,
    quota::GROUP,
    overload::GROUP,
    rate::GROUP,
    model::GROUP,
    key::GROUP,
    forbidden::GROUP,
    filter::GROUP,
    request::GROUP,
    server::GROUP,
    edge::GROUP,
    status::GROUP,
    broken::LOOKING_UP,
    connecting::GROUP,
    broken::SPEAKING,
    broken::OURSELVES,
];

/// A chapter of the table.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// As a heading.
    pub title: &'static str,
    /// What holds for all its rows, for users.
    pub about: &'static str,
    /// First match wins.
    pub rows: &'static [Row],
}

/// One meaning.
#[derive(Debug)]
pub struct Row {
    /// What must be seen for it.
    pub when: When,
    /// What it comes to: a failure, or a run that says nothing about the service.
    pub outcome: Outcome,
    /// What it means, in a sentence for users.
    pub means: &'static str,
    /// What to do about it.
    pub act: &'static str,
    /// Where the facts are from: addresses, or what they were recorded of.
    pub sources: &'static [&'static str],
    /// What comes to exactly this row; at least one.
    pub examples: &'static [Example],
}

/// What must be seen: all of the parts that are not empty.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// One of these HTTP statuses. Of an error inside a 2xx it is the status that its code names, if any.
    pub status: &'static [RangeInclusive<u16>],
    /// The provider's own word, in lower case: one of these is the error's code or its type; or else [`When::says`].
    pub words: &'static [&'static str],
    /// One of these, whatever the case, in the error's message or anywhere in a body that is no web page; or else
    /// [`When::words`].
    pub says: &'static [&'static str],
    /// One of these besides, in the same places.
    pub besides: &'static [&'static str],
    /// A header of this name, in lower case, that contains this, whatever the case; or else [`When::page`].
    pub headers: &'static [(&'static str, &'static str)],
    /// A web page that contains one of these, whatever the case; or else [`When::headers`].
    pub page: &'static [&'static str],
    /// No reply, but one of these.
    pub breaks: &'static [Break],
    /// It broke in one of these phases.
    pub phases: &'static [Phase],
}

/// Any reply.
const ANY: When = When {
    status: &[],
    words: &[],
    says: &[],
    besides: &[],
    headers: &[],
    page: &[],
    breaks: &[],
    phases: &[],
};

/// What a row is tested with.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// A reply that is no 2xx, or that has a page in place of an answer.
    Reply {
        /// HTTP status.
        status: u16,
        /// Name and value.
        headers: &'static [(&'static str, &'static str)],
        /// As it came.
        body: &'static str,
    },
    /// An error inside a 2xx: a JSON body, or the data of an event.
    Inside(&'static str),
    /// A connection that broke.
    Broken(Break, Phase),
}

const fn ours(kind: FailureKind) -> Outcome {
    Outcome::Failure(kind, Fault::Ours)
}

const fn theirs(kind: FailureKind) -> Outcome {
    Outcome::Failure(kind, Fault::Provider)
}

const fn between(kind: FailureKind) -> Outcome {
    Outcome::Failure(kind, Fault::Network)
}

const WALL: Outcome = Outcome::Failure(FailureKind::Blocked, Fault::Blocked);

const fn json(status: u16, body: &'static str) -> Example {
    Example::Reply {
        status,
        headers: &[("content-type", "application/json")],
        body,
    }
}

const fn text(status: u16, body: &'static str) -> Example {
    Example::Reply {
        status,
        headers: &[("content-type", "text/plain")],
        body,
    }
}

const fn html(status: u16, body: &'static str) -> Example {
    Example::Reply {
        status,
        headers: &[("content-type", "text/html; charset=UTF-8")],
        body,
    }
}

const fn reply(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> Example {
    Example::Reply {
        status,
        headers,
        body,
    }
}
