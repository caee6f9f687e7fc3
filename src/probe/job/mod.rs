//! The kind `job`: something is ordered, asked after until it is done, and fetched: a film, a batch, a prediction.
//!
//! Asking again is part of such a job and not a retry. So one question that fails for a passing reason (5xx, a broken
//! connection, 429) does not fail the run: the next one is asked when it is due, and a run that had such a lapse is at
//! best `degraded`, never hidden. Two in a row are a failure. Creating and fetching have one attempt, as everywhere.
//!
//! What was ordered is cleared away when the verdict stands; that this fails is a note, never the verdict.

mod asking;
mod clearing;
mod forms;
mod judge;
mod media;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use serde_json::Value;
use serde_json_path::JsonPath;
use url::Url;

use super::call::{Call, Shared, Source};
use super::expect::Expect;
use super::reply::Reply;
use super::template::Values;
use super::{Check, Judgement, Kind, Pace, Request, Step};
use crate::model::Confirm;

/// The kind `job`.
pub const KIND: Kind = Kind {
    name: "job",
    keys: &[
        "form", "model", "prompt", "create", "id", "poll", "state", "done", "failed", "error",
        "filtered", "fetch", "cancel", "delete", "headers", "auth", "expect",
    ],
    sends_key: true,
    // Each run costs, and takes minutes: the next scheduled one has to do.
    confirm: Confirm::Off,
    pace: Pace::JOB,
    build: read::build,
};

/// The requests of a run, as [`super::Memory::stage`] counts them.
mod stage {
    pub(super) const CREATE: u8 = 0;
    pub(super) const POLL: u8 = 1;
    pub(super) const FETCH: u8 = 2;
    pub(super) const CANCEL: u8 = 3;
    pub(super) const DELETE: u8 = 4;
}

/// Redirects on the way to the result: storage services send a reader on to where it lies.
const FETCH_REDIRECTS: u8 = 3;
/// What is kept back for clearing away: a fifth of the time limit, but not more than this.
const CLEARING: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Job {
    create: Call,
    id: Id,
    poll: Call,
    every: Duration,
    state: JsonPath,
    done: Vec<String>,
    failed: Vec<String>,
    error: Option<JsonPath>,
    filtered: Option<JsonPath>,
    fetch: Option<Call>,
    cancel: Option<Call>,
    delete: Option<Call>,
    expect: Arc<Expect>,
    /// The kind of media that is wanted; `None` for the one that the reply says.
    media: Option<&'static str>,
    shared: Shared,
    /// The first request with no number of a run in it: for its host.
    home: Request,
    model: String,
    host: String,
}

/// Where the answer to the order names the job.
#[derive(Debug)]
enum Id {
    Path(JsonPath),
    Header(HeaderName),
}

impl Job {
    fn order(&self, nonce: u64) -> Result<Request, String> {
        let named = numbered(nonce);
        let from = Source {
            values: Values {
                named: &named,
                document: &Value::Null,
            },
            headers: &http::HeaderMap::new(),
            page: None,
            home: self.address(),
        };
        self.create.request(from, &self.shared, 0)
    }

    fn address(&self) -> &Url {
        &self.home.prepared.url
    }
}

/// The number of a run as the place `{nonce}`.
fn numbered(nonce: u64) -> BTreeMap<String, String> {
    BTreeMap::from([("nonce".to_owned(), format!("{:08x}", nonce & 0xffff_ffff))])
}

impl Check for Job {
    fn first(&self, nonce: u64) -> Request {
        // It could be filled in when the file was read, so it can be now.
        self.order(nonce).unwrap_or_else(|_| self.home.clone())
    }

    fn judge(&self, reply: &Reply) -> Step {
        match reply.memory.stage {
            stage::CREATE => self.created(reply),
            stage::POLL => self.polled(reply),
            stage::FETCH => self.fetched(reply),
            _ => self.cleared(reply),
        }
    }

    fn halted(&self, failed: Judgement, reply: &Reply) -> Step {
        self.broken(failed, reply)
    }

    fn kept_back(&self, timeout: Duration) -> Duration {
        match (&self.cancel, &self.delete) {
            (None, None) => Duration::ZERO,
            _ => (timeout / 5).min(CLEARING),
        }
    }

    fn is_ours(&self, url: &Url) -> bool {
        let further = [&self.fetch, &self.cancel, &self.delete];
        let mut calls = further.into_iter().flatten().chain([&self.poll]);
        calls.any(|call| call.origin().is_some_and(|origin| origin == url.origin()))
    }

    fn host(&self) -> &str {
        self.host.as_str()
    }

    fn describe(&self) -> String {
        let prepared = &self.home.prepared;
        let model = match self.model.is_empty() {
            true => String::new(),
            false => format!(", {}", self.model),
        };
        let every = humantime::format_duration(self.every);
        let fetch = if self.fetch.is_some() {
            ", then its result"
        } else {
            ""
        };
        format!(
            "{} {}{model}, asked after every {every}{fetch}",
            prepared.method, prepared.url
        )
    }
}
