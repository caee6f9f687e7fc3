//! What each reply of a job means, and what follows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::asking::smooth;
use super::media::{self, Fault as MediaFault};
use super::{FETCH_REDIRECTS, Id, Job, stage};
use crate::model::{FailureKind, Fault, Outcome};
use crate::probe::call::{Call, Source};
use crate::probe::evidence::with_excerpt;
use crate::probe::reply::{Reply, Reported};
use crate::probe::template::{Values, first_text};
use crate::probe::verdict::{page_instead, refusal, unfinished, wrong};
use crate::probe::{Judgement, Memory, Next, Request, Step, classify};

/// A run so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// `id` and `nonce`, for the places.
    pub(super) named: BTreeMap<String, String>,
    pub(super) poll: Option<Request>,
    pub(super) cancel: Option<Result<Request, String>>,
    pub(super) delete: Option<Result<Request, String>>,
    /// The state that was told last.
    pub(super) state: Option<String>,
    pub(super) polls: u32,
    pub(super) lapses: u32,
    pub(super) in_a_row: u32,
    /// The first question that failed and was passed over.
    pub(super) lapse: Option<Box<Judgement>>,
    /// The job has come to its end, good or bad.
    pub(super) over: bool,
    /// What was wrong with the connection to the service; the result may come from another host.
    pub(super) wire: Option<Box<Judgement>>,
}

impl Course {
    pub(super) fn of(memory: &Memory) -> Self {
        let own = memory.own.as_ref();
        own.and_then(|own| own.downcast_ref::<Course>())
            .cloned()
            .unwrap_or_default()
    }
}

impl Job {
    /// The answer to the order.
    pub(super) fn created(&self, reply: &Reply) -> Step {
        let failed = |judgement: Judgement| named("creating the job", judgement).into();
        if !(200..300).contains(&reply.status) {
            return failed(refusal(reply, "2xx"));
        }
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return failed(judgement);
        }
        let document: Value = match serde_json::from_slice(&reply.body) {
            Ok(document) => document,
            // 202 with a Location and nothing else.
            Err(_) if reply.body.trim_ascii().is_empty() => Value::Null,
            Err(fault) => return failed(no_json(reply, &fault)),
        };
        if self.state_of(&document).is_none()
            && let Some(reported) = Reported::in_value(&document)
        {
            return failed(error_inside(&reported));
        }
        let mut course = Course {
            named: super::numbered(reply.nonce),
            wire: self.expect.fault_of_wire(reply).map(Box::new),
            ..Course::default()
        };
        let id = match &self.id {
            Id::Path(path) => first_text(path, &document),
            Id::Header(name) => {
                let value = reply.headers.get(name).and_then(|v| v.to_str().ok());
                value.map(str::to_owned)
            }
        };
        course.named.extend(id.map(|id| ("id".to_owned(), id)));
        let from = self.source(&course.named, &document, &reply.headers);
        let fill = |call: &Call| call.request(from, &self.shared, 0);
        let poll = fill(&self.poll);
        let (cancel, delete) = (
            self.cancel.as_ref().map(fill),
            self.delete.as_ref().map(fill),
        );
        (course.cancel, course.delete) = (cancel, delete);
        match poll {
            Ok(poll) => course.poll = Some(poll),
            Err(why) => {
                let why = match (&self.id, course.named.contains_key("id")) {
                    (_, true) => why,
                    (Id::Path(path), _) => format!("the answer has no id at {path}"),
                    (Id::Header(name), _) => format!("the answer has no id in `{name}`"),
                };
                let why =
                    with_excerpt(format!("the job cannot be asked after, {why}"), &reply.body);
                let verdict = wrong(FailureKind::WrongContent, Fault::Provider, why);
                return self.clear(named("creating the job", verdict), course, 0);
            }
        }
        course.state = self.state_of(&document);
        let at_end = course
            .state
            .as_deref()
            .is_some_and(|state| self.is_end(state));
        let pause = match at_end {
            true => Duration::ZERO,
            false => self.pause(&course, &reply.headers),
        };
        self.ask(course, pause, reply.step)
    }

    /// The answer to a question after the job.
    pub(super) fn polled(&self, reply: &Reply) -> Step {
        let mut course = Course::of(&reply.memory);
        course.polls += 1;
        let document: Value = match answer(reply) {
            Ok(document) => document,
            Err(judgement) => return self.lapsed(theirs(judgement), course, reply),
        };
        course.in_a_row = 0;
        let state = self.state_of(&document);
        let is = |words: &[String]| {
            let word = |state: &str| words.iter().any(|word| word.eq_ignore_ascii_case(state));
            state.as_deref().is_some_and(word)
        };
        let (failed, done) = (is(&self.failed), is(&self.done));
        let reported = self.reported(&document);
        course.over = failed || done;
        course.state = state.or(course.state);
        if failed || (done && reported.is_some()) {
            let verdict = self.job_failed(reported, course.state.as_deref());
            return self.clear(verdict, course, 0);
        }
        if done {
            return self.finished(&document, course, reply);
        }
        if self.state_of(&document).is_none()
            && let Some(reported) = Reported::in_value(&document)
        {
            let verdict = named("asking after the job", error_inside(&reported));
            return self.clear(verdict, course, 0);
        }
        let pause = self.pause(&course, &reply.headers);
        self.ask(course, pause, reply.step)
    }

    /// The job is done: its result is in the answer, or is to be fetched.
    fn finished(&self, document: &Value, course: Course, reply: &Reply) -> Step {
        let filtered = self
            .filtered
            .as_ref()
            .map(|path| path.query(document).all());
        if let Some(reason) = filtered.and_then(|found| found.into_iter().find(|v| is_there(v))) {
            let why = format!("the result was withheld by a content filter: {reason}");
            let verdict = wrong(FailureKind::ContentFilter, Fault::Ours, why);
            return self.clear(verdict, course, 0);
        }
        let Some(fetch) = &self.fetch else {
            let verdict = match self.expect.fault_of_content(&reply.body) {
                Some(why) => {
                    let why = with_excerpt(format!("the job is done, but {why}"), &reply.body);
                    wrong(FailureKind::WrongContent, Fault::Provider, why)
                }
                None => self.right(reply, &course),
            };
            return self.clear(smooth(verdict, &course), course, 0);
        };
        let from = self.source(&course.named, document, &reply.headers);
        match fetch.request(from, &self.shared, FETCH_REDIRECTS) {
            Ok(request) => then(request, stage::FETCH, course, Duration::ZERO, ""),
            Err(why) => {
                let why = format!("the job is done and has no result, {why}");
                let why = with_excerpt(why, &reply.body);
                let verdict = wrong(FailureKind::Empty, Fault::Provider, why);
                self.clear(verdict, course, 0)
            }
        }
    }

    /// The result.
    pub(super) fn fetched(&self, reply: &Reply) -> Step {
        let course = Course::of(&reply.memory);
        let verdict = match self.fault_of_result(reply) {
            Some(judgement) => named("fetching the result", theirs(judgement)),
            None => smooth(self.right(reply, &course), &course),
        };
        self.clear(verdict, course, 0)
    }

    /// The result is right: was all else?
    fn right(&self, reply: &Reply, course: &Course) -> Judgement {
        let wire = course.wire.as_deref().cloned();
        let slow = || self.expect.slow(reply);
        wire.or_else(slow).unwrap_or(Judgement::SUCCESS)
    }

    fn fault_of_result(&self, reply: &Reply) -> Option<Judgement> {
        if !(200..300).contains(&reply.status) {
            return Some(refusal(reply, "2xx"));
        }
        let said = reply.headers.get(header::CONTENT_TYPE);
        let said = said.and_then(|kind| kind.to_str().ok());
        if let Some(judgement) = unfinished(reply) {
            return Some(judgement);
        }
        let body = &reply.body;
        let wrong = |kind, why| Some(wrong(kind, Fault::Provider, why));
        if body.is_empty() {
            return wrong(FailureKind::Empty, "the result has no bytes".to_owned());
        }
        match self.media.or(said).map(|media| media::check(body, media)) {
            Some(Err(MediaFault::Other(why))) => {
                // What is a text says itself what went wrong.
                let text = std::str::from_utf8(body).is_ok();
                let why = if text { with_excerpt(why, body) } else { why };
                return wrong(FailureKind::WrongContent, why);
            }
            Some(Err(MediaFault::Incomplete(why))) => return wrong(FailureKind::Truncated, why),
            _ => {}
        }
        let (found, least) = (body.len(), self.expect.min_bytes());
        if found < least {
            let why = format!("the result has {found} bytes, wanted at least {least}");
            return wrong(FailureKind::WrongContent, why);
        }
        let why = self.expect.fault_of_content(body)?;
        wrong(FailureKind::WrongContent, with_excerpt(why, body))
    }

    /// No reply that could be judged.
    pub(super) fn broken(&self, failed: Judgement, reply: &Reply) -> Step {
        let course = Course::of(&reply.memory);
        match reply.memory.stage {
            stage::CREATE => named("creating the job", failed).into(),
            stage::POLL => self.lapsed(failed, course, reply),
            stage::FETCH => self.clear(named("fetching the result", failed), course, 0),
            _ => self.go_on_clearing(reply, Some(failed.why)),
        }
    }

    fn state_of(&self, document: &Value) -> Option<String> {
        first_text(&self.state, document)
    }

    fn is_end(&self, state: &str) -> bool {
        let mut all = self.done.iter().chain(&self.failed);
        all.any(|word| word.eq_ignore_ascii_case(state))
    }

    /// The error that the job tells of itself.
    fn reported(&self, document: &Value) -> Option<Reported> {
        let found = self.error.as_ref()?.query(document).all();
        let error = found.into_iter().find(|value| is_there(value))?;
        Reported::in_value(&json!({ "error": error }))
    }

    fn job_failed(&self, reported: Option<Reported>, state: Option<&str>) -> Judgement {
        let state = state.unwrap_or("failed");
        let Some(reported) = reported else {
            let why = format!("the job ended as {state:?} and gives no reason");
            return wrong(FailureKind::JobFailed, Fault::Provider, why);
        };
        let why = format!("the job ended as {state:?}: {}", reported.line());
        let (kind, fault) = classify::status(200, Some(&reported), classify::Page::Other);
        // Words that name our own part say more than that the job failed.
        match fault {
            Fault::Ours => wrong(kind, fault, why),
            _ => wrong(FailureKind::JobFailed, classify::fault_of(&reported), why),
        }
    }

    fn source<'a>(
        &'a self,
        named: &'a BTreeMap<String, String>,
        document: &'a Value,
        headers: &'a HeaderMap,
    ) -> Source<'a> {
        Source {
            values: Values { named, document },
            headers,
            page: None,
            home: self.address(),
        }
    }
}

/// The document of a reply that has one.
fn answer(reply: &Reply) -> Result<Value, Judgement> {
    if !(200..300).contains(&reply.status) {
        return Err(refusal(reply, "2xx"));
    }
    if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
        return Err(judgement);
    }
    serde_json::from_slice(&reply.body).map_err(|fault| no_json(reply, &fault))
}

pub(super) fn then(
    request: Request,
    stage: u8,
    course: Course,
    after: Duration,
    doing: &'static str,
) -> Step {
    Step::Then(Box::new(Next {
        request,
        after,
        memory: Memory {
            stage,
            own: Some(Arc::new(course)),
            ..Memory::default()
        },
        doing,
    }))
}

/// The service gave the address: that nothing is there is its fault.
fn theirs(mut judgement: Judgement) -> Judgement {
    if judgement.outcome == Outcome::Failure(FailureKind::NotFound, Fault::Ours) {
        judgement.outcome = Outcome::Failure(FailureKind::NotFound, Fault::Provider);
    }
    judgement
}

pub(super) fn named(what: &str, judgement: Judgement) -> Judgement {
    Judgement {
        why: format!("{what}: {}", judgement.why),
        ..judgement
    }
}

fn no_json(reply: &Reply, fault: &serde_json::Error) -> Judgement {
    let why = format!("HTTP {} and no JSON ({fault})", reply.status);
    let why = with_excerpt(why, &reply.body);
    wrong(FailureKind::WrongContent, Fault::Provider, why)
}

fn error_inside(reported: &Reported) -> Judgement {
    let why = format!("HTTP 200 with an error inside: {}", reported.line());
    wrong(FailureKind::ErrorBody, classify::fault_of(reported), why)
}

/// Neither null nor empty.
fn is_there(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        _ => true,
    }
}
