//! The kind `flow`: steps that follow each other as a user takes them, such as to log in: get the page, fill in its
//! form, see that one is in, log out again.
//!
//! Cookies are kept from step to step, redirects are followed with them, and values taken from a reply are filled into
//! later steps. All of these are secrets of the run: no reason shows them.

mod capture;
mod course;
mod read;
mod submit;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, header};
use bytes::Bytes;
use serde_json::Value;
use url::{Origin, Url};

use self::capture::Capture;
use self::course::Course;
use self::submit::Submit;
use super::call::{Call, Shared, Source};
use super::evidence::with_excerpt;
use super::expect::Expect;
use super::reply::Reply;
use super::template::Values;
use super::verdict::{failure, wrong};
use super::{Check, Judgement, Kind, Memory, Next, Pace, Prepared, Request, Step};
use super::{http, redirect};
use crate::model::{Confirm, FailureKind, Fault, Outcome, Phase};

/// The kind `flow`.
pub const KIND: Kind = Kind {
    name: "flow",
    keys: &["step", "headers", "auth", "trust"],
    sends_key: false,
    confirm: Confirm::CHEAP,
    pace: Pace::USUAL,
    build: read::build,
};

/// What is kept back for the `finally` steps: a fifth of the time limit, but not more than this.
const CLOSING: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Flow {
    steps: Vec<Stage>,
    /// Where secrets of the file may go.
    origins: HashSet<Origin>,
    /// The first request with no number of a run in it: for its host.
    home: Request,
    host: String,
}

/// One step.
#[derive(Debug)]
struct Stage {
    name: Option<String>,
    ask: Ask,
    shared: Shared,
    redirects: u8,
    captures: Vec<(String, Capture)>,
    expect: Arc<Expect>,
    finally: bool,
}

#[derive(Debug)]
enum Ask {
    Call(Call),
    Submit(Submit),
}

impl Flow {
    fn request(&self, index: usize, course: &Course) -> Result<Request, String> {
        let Some(stage) = self.steps.get(index) else {
            return Err("there is no such step".to_owned());
        };
        let request = match &stage.ask {
            Ask::Call(call) => {
                let from = Source {
                    values: Values {
                        named: &course.named,
                        document: &Value::Null,
                    },
                    headers: &HeaderMap::new(),
                    page: course.page.as_ref().map(|page| &page.url),
                    home: &self.home.prepared.url,
                };
                call.request(from, &stage.shared, 0)?
            }
            Ask::Submit(submit) => submit.request(course, &stage.shared, &self.origins)?,
        };
        Ok(course.as_a_browser(request))
    }

    /// The next address of a redirect that this step follows; `None` when the reply is to be judged as it is.
    fn hop(stage: &Stage, reply: &Reply, course: &Course) -> Option<Result<Request, String>> {
        let wanted = stage.expect.status.is_some() && stage.expect.wants(reply.status);
        if wanted || !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = reply.headers.get(header::LOCATION)?;
        let sent = course.sent.as_ref()?;
        if stage.redirects == 0 {
            return None;
        }
        if course.hops == stage.redirects {
            return Some(Err(format!("more than {} redirects", stage.redirects)));
        }
        let next = match redirect::next(&sent.prepared.url, location.as_bytes()) {
            Ok(next) => next,
            Err(why) => return Some(Err(why)),
        };
        let mut prepared = Prepared::clone(&sent.prepared);
        let mut body = sent.body.clone();
        if redirect::becomes_get(reply.status, &prepared.method) {
            prepared.method = Method::GET;
            body = Bytes::new();
            redirect::drop_body_headers(Arc::make_mut(&mut prepared.headers));
        }
        if next.origin() != prepared.url.origin() {
            // Secrets and whatever was meant for the first host stay with it.
            prepared.headers = Arc::new(redirect::for_a_stranger(&prepared.headers));
            prepared.secret.clear();
            body = Bytes::new();
        }
        // Those for the new address are added below.
        if prepared.headers.contains_key(header::COOKIE) {
            Arc::make_mut(&mut prepared.headers).remove(header::COOKIE);
        }
        prepared.url = next;
        let request = Request {
            prepared: Arc::new(prepared),
            body,
        };
        Some(Ok(course.with_cookies(request)))
    }

    /// Goes on with step `next`; with a verdict, only with those that are always taken.
    fn advance(&self, mut next: usize, course: Course, mut verdict: Option<Judgement>) -> Step {
        while let Some(stage) = self.steps.get(next) {
            if verdict.is_none() && stage.finally {
                verdict = Some(course.well());
            }
            if verdict.is_some() && !stage.finally {
                next += 1;
                continue;
            }
            match self.request(next, &course) {
                Ok(request) => return send(request, next, course, verdict),
                Err(why) => {
                    let failed = wrong(FailureKind::WrongContent, Fault::Provider, why);
                    let failed = self.named(next, failed, &course);
                    verdict = Some(worse(verdict, failed));
                    next += 1;
                }
            }
        }
        verdict.unwrap_or_else(|| course.well()).into()
    }

    fn failed(&self, index: usize, failed: Judgement, course: Course, reply: &Reply) -> Step {
        let failed = self.named(index, failed, &course);
        let verdict = reply.memory.verdict.as_deref().cloned();
        self.advance(index + 1, course, Some(worse(verdict, failed)))
    }

    /// The reason with the step it is about, and without the secrets of the run.
    fn named(&self, index: usize, judgement: Judgement, course: &Course) -> Judgement {
        let (number, all) = (index + 1, self.steps.len());
        let name = self.steps.get(index).and_then(|stage| stage.name.as_ref());
        let name = name.map_or_else(String::new, |name| format!(", {name}"));
        Judgement {
            why: course.redacted(&format!("step {number} of {all}{name}: {}", judgement.why)),
            ..judgement
        }
    }
}

/// A failure stays; a step that is always taken changes the verdict only when all else was well.
fn worse(verdict: Option<Judgement>, failed: Judgement) -> Judgement {
    match verdict {
        Some(verdict) if stops(&verdict) => verdict,
        _ => failed,
    }
}

/// Whether the steps after it make no sense. A certificate that ends soon is a notice.
fn stops(judgement: &Judgement) -> bool {
    match judgement.outcome {
        Outcome::Failure(kind, _) => kind != FailureKind::CertExpiring,
        Outcome::Inconclusive(_) => true,
        _ => false,
    }
}

fn send(request: Request, index: usize, mut course: Course, verdict: Option<Judgement>) -> Step {
    course.sent = Some(request.clone());
    Step::Then(Box::new(Next {
        request,
        after: Duration::ZERO,
        memory: Memory {
            stage: u8::try_from(index).unwrap_or(u8::MAX),
            secrets: course.secrets(),
            verdict: verdict.map(Box::new),
            own: Some(Arc::new(course)),
            ..Memory::default()
        },
        doing: "",
    }))
}

impl Check for Flow {
    fn first(&self, nonce: u64) -> Request {
        // It could be filled in when the file was read, so it can be now.
        let first = self.request(0, &Course::new(nonce));
        first.unwrap_or_else(|_| self.home.clone())
    }

    fn judge(&self, reply: &Reply) -> Step {
        let index = usize::from(reply.memory.stage);
        let mut course = self.course(reply);
        let (Some(stage), Some(sent)) = (self.steps.get(index), course.sent.clone()) else {
            let why = "the flow lost its way, a defect of watchfire".to_owned();
            return wrong(FailureKind::Internal, Fault::Ours, why).into();
        };
        course.cookies.keep(&reply.headers, &sent.prepared.url);
        match Self::hop(stage, reply, &course) {
            Some(Ok(request)) => {
                course.hops += 1;
                let verdict = reply.memory.verdict.as_deref().cloned();
                return send(request, index, course, verdict);
            }
            Some(Err(why)) => {
                let kind = FailureKind::Redirect;
                let failed = failure(kind, Fault::Provider, Phase::FirstByte, why);
                return self.failed(index, failed, course, reply);
            }
            None => {}
        }
        // A step's time is its own, not that of those before it.
        let own = Reply {
            elapsed: reply.elapsed.saturating_sub(course.began),
            ..reply.clone()
        };
        let mut judged = http::verdict(&stage.expect, &stage.expect.wanted(), &own);
        if !stops(&judged) {
            let taken = course.capture(&stage.captures, reply, &sent.prepared.url);
            if let Err(why) = taken {
                let why = with_excerpt(why, &reply.body);
                judged = wrong(FailureKind::WrongContent, Fault::Provider, why);
            }
        }
        if stops(&judged) {
            return self.failed(index, judged, course, reply);
        }
        if judged.outcome != Outcome::Success {
            let judged = self.named(index, judged, &course);
            course.blemish.get_or_insert(Box::new(judged));
        }
        course.turn_to(&sent.prepared.url, reply);
        let verdict = reply.memory.verdict.as_deref().cloned();
        self.advance(index + 1, course, verdict)
    }

    fn halted(&self, failed: Judgement, reply: &Reply) -> Step {
        let index = usize::from(reply.memory.stage);
        self.failed(index, failed, self.course(reply), reply)
    }

    fn kept_back(&self, timeout: Duration) -> Duration {
        match self.steps.iter().any(|stage| stage.finally) {
            true => (timeout / 5).min(CLOSING),
            false => Duration::ZERO,
        }
    }

    fn is_ours(&self, url: &Url) -> bool {
        self.origins.contains(&url.origin())
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        let prepared = &self.home.prepared;
        let names: Vec<_> = self
            .steps
            .iter()
            .filter_map(|s| s.name.as_deref())
            .collect();
        let names = match names.is_empty() {
            true => String::new(),
            false => format!(": {}", names.join(", ")),
        };
        let count = self.steps.len();
        format!(
            "{count} steps from {} {}{names}",
            prepared.method, prepared.url
        )
    }
}

impl Flow {
    /// The run so far; after the first request there is none yet.
    fn course(&self, reply: &Reply) -> Course {
        Course::of(&reply.memory).unwrap_or_else(|| Course {
            sent: Some(self.first(reply.nonce)),
            ..Course::new(reply.nonce)
        })
    }
}
