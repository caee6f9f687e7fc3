//! Runs probes: the only place that sends anything.
//!
//! One attempt per run, no retry, no proxy, no redirect unless asked, everything under one deadline: a retry within a
//! probe would hide the error rate that it exists to measure. A connection that was left open by an earlier run, and is
//! found closed, is no attempt yet.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::evidence;
use super::exchange::{Exchange, Halt};
use super::learned::Learned;
use super::record;
use super::redirect;
use super::spans::micros;
use super::tls::{Roots, RootsError};
use super::transport::{Clients, Route};
use super::transport_error::{self, Broken};
use super::verdict;
use super::{Check, End, Judgement, Memory, Plan, Run, Step, Streamed, Wire};
use crate::clock::Clock;
use crate::model::{
    Cause, Claim, Evidence, FailureKind, Fault, Findings, Judged, Outcome, Phase, Redactor, Tariff,
};

/// Replies from this size on are judged aside: to decode a picture takes up to some 100 ms.
const LARGE_BYTES: usize = 64 * 1024;
/// A note beside the verdict is a sentence.
const NOTE_BYTES: usize = 500;

/// Sends requests and times them; clones share connections, names and roots.
#[derive(Clone)]
pub struct Client {
    clients: Arc<Clients>,
    clock: Clock,
    redactor: Arc<Redactor>,
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The trusted roots are not usable.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// reqwest refused the options.
    #[error("cannot make the HTTP client: {0}")]
    Build(#[source] reqwest::Error),
}

impl Client {
    /// A client that trusts `roots` and removes what `redactor` knows from everything that it hands on.
    pub fn new(clock: Clock, roots: &Roots, redactor: Redactor) -> Result<Self, ClientError> {
        Ok(Self {
            clients: Arc::new(Clients::new(roots)?),
            clock,
            redactor: Arc::new(redactor),
        })
    }

    /// One that looks every name up anew.
    pub(super) fn forgetful(
        clock: Clock,
        roots: &Roots,
        redactor: Redactor,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            clients: Arc::new(Clients::forgetful(roots)?),
            clock,
            redactor: Arc::new(redactor),
        })
    }

    /// Runs a probe once. Ends within the plan's timeout; dropping the future ends it at once.
    pub async fn run(&self, plan: &Plan) -> Run {
        let begun = Instant::now();
        let check = &plan.check;
        // What is kept back is for requests after the verdict, so that they are made even when time ran out.
        let limit = plan.timeout.saturating_sub(check.kept_back(plan.timeout));
        let by = |memory: &Memory| match memory.verdict {
            None => begun + self.clock.real(limit),
            Some(_) => begun + self.clock.real(plan.timeout),
        };
        let mut course = Course::new(begun, check.judged(), plan.tariff);
        let nonce = fastrand::u64(..);
        let mut request = check.first(nonce);
        let mut memory = Memory::default();
        let pair = match self.clients.pair(&plan.transport) {
            Ok(pair) => pair,
            Err(fault) => {
                let exchange = Exchange::new(0, begun, &self.clock);
                return self.conclude(course, exchange, internal(fault.to_string()));
            }
        };
        let mut route = Route::new(&plan.transport, pair, plan.connection, &request.prepared);
        let mut doing = "";
        for step in 0..Step::LIMIT {
            let deadline = by(&memory);
            let asked = Instant::now();
            let mut exchange = Exchange::new(step, begun, &self.clock);
            exchange.remember(nonce, memory.clone());
            let reader = check.reader(step);
            let ours = step == 0 || check.is_ours(&request.prepared.url);
            let performed = exchange.perform(&mut route, &request, ours, reader);
            let mut halted = timeout_at(deadline, performed).await;
            if matches!(&halted, Ok(Err(halt)) if exchange.met_a_closed_connection(halt))
                && route.leaves_open_ones()
            {
                // A service may close an idle connection at any time: that is no answer to this request.
                exchange = Exchange::new(step, begun, &self.clock);
                exchange.remember(nonce, memory);
                let performed = exchange.perform(&mut route, &request, ours, check.reader(step));
                halted = timeout_at(deadline, performed).await;
            }
            let halted = match halted {
                Ok(halted) => halted,
                Err(_) if exchange.has_headers() => Ok(End::TimedOut),
                // What went before took the time, and not this request.
                Err(_) if !doing.is_empty() && asked.elapsed() < asked - begun => {
                    Err(Halt::Overtime(overtime(limit, doing)))
                }
                Err(_) => {
                    let failed = transport_error::timed_out(exchange.reached(), limit);
                    let broken = route.blame(Broken::Service(failed), &exchange.notes());
                    Err(Halt::Transport(broken))
                }
            };
            course.bytes += exchange.read_bytes();
            course.came_over(exchange.wire());
            if let Some((status, headers)) = exchange.head() {
                course.learned.reply(status, headers, self.clock.now());
            }
            let judged = match halted {
                Ok(end) => judge(check, &mut exchange, end).await,
                Err(halt) => {
                    let failed = halt.judgement(exchange.reached());
                    check.halted(failed, exchange.reply(End::TimedOut))
                }
            };
            let mut next = match judged {
                Step::Done(judgement) => return self.conclude(course, exchange, judgement),
                Step::Then(next) => next,
            };
            let waited = self.clock.sleep(next.after);
            if !next.after.is_zero() && timeout_at(by(&next.memory), waited).await.is_err() {
                let failed = overtime(limit, next.doing);
                // What clears up does not wait: `after` is of no account here.
                next = match check.halted(failed, exchange.again(next.memory)) {
                    Step::Done(judgement) => return self.conclude(course, exchange, judgement),
                    Step::Then(next) => next,
                };
            }
            (request, memory, doing) = (next.request, next.memory, next.doing);
            course.settle(&memory, exchange);
        }
        let exchange = Exchange::new(0, begun, &self.clock);
        let endless = internal(format!("no verdict after {} requests", Step::LIMIT));
        self.conclude(course, exchange, endless)
    }

    fn conclude(&self, course: Course<'_>, last: Exchange<'_>, judged: Judgement) -> Run {
        let judged = second_hand(course.judged, judged);
        let secrets = last.secrets();
        record::secrets(&secrets);
        let own = Redactor::new(&secrets);
        let clean = |text: &str| self.redactor.redact(&own.redact(text));
        let mut found = judged.found.map(|found| *found).unwrap_or_default();
        found.merge(last.found());
        course
            .learned
            .add_to(&mut found, judged.failed_in, &course.tariff);
        found.note = found
            .note
            .map(|note| evidence::fit(&clean(&note), NOTE_BYTES));
        let (exchange, took) = match course.settled {
            // What came after the verdict and changed nothing is not what was measured.
            Some(settled) if settled.outcome == judged.outcome => (settled.exchange, settled.took),
            _ => (last, course.begun.elapsed()),
        };
        for text in found.texts() {
            *text = clean(text);
        }
        let started = self.clock.at(course.begun);
        let certificate = exchange.certificate();
        found
            .deadlines
            .extend(certificate.filter(|end| end.reached(started).is_some()));
        let silent = judged.outcome == Outcome::Success
            || (judged.outcome == Outcome::Noted && judged.why.is_empty());
        let wire = course.wire.unwrap_or_default();
        let evidence = (!silent).then(|| {
            let why = redirect::told(&wire.hops) + &judged.why;
            Box::new(Evidence {
                text: evidence::fit(&clean(&why), Evidence::LIMIT_BYTES),
                request_id: exchange.request_id().map(|id| clean(&id)),
            })
        });
        Run {
            started,
            outcome: judged.outcome,
            status: exchange.status(),
            failed_in: judged.failed_in,
            phases: exchange.phases(),
            total_us: micros(self.clock.told(took)),
            bytes: u32::try_from(course.bytes).unwrap_or(u32::MAX),
            evidence,
            found: (!found.is_empty()).then(|| Box::new(found)),
            peer: exchange.peer(),
            stream: exchange
                .trace()
                .map(|trace| Box::new(Streamed::of(trace, &self.redactor))),
            cert_expires: exchange.cert_expires(),
            wire,
        }
    }
}

/// What others say about a service, when it cannot be had, says nothing about the service.
fn second_hand(judged: Judged, judgement: Judgement) -> Judgement {
    match judgement.outcome {
        Outcome::Failure(..) if judged != Judged::Runs => Judgement {
            outcome: Outcome::Inconclusive(Cause::Unreadable),
            found: match judged {
                // Not to know what is claimed is to be recorded too, or the claim before it would seem to stand.
                Judged::Never => Some(Box::new(Findings {
                    claim: Some(Claim::UNKNOWN),
                    ..Findings::default()
                })),
                _ => judgement.found,
            },
            ..judgement
        },
        _ => judgement,
    }
}

/// What adds up over the requests of a run.
struct Course<'c> {
    begun: Instant,
    judged: Judged,
    tariff: Tariff,
    bytes: usize,
    /// What the first reply came over, with the redirects of all.
    wire: Option<Wire>,
    learned: Learned,
    settled: Option<Settled<'c>>,
}

/// The exchange on which the verdict fell, when more requests were made after it.
struct Settled<'c> {
    outcome: Outcome,
    exchange: Exchange<'c>,
    took: Duration,
}

impl<'c> Course<'c> {
    fn new(begun: Instant, judged: Judged, tariff: Tariff) -> Self {
        Self {
            begun,
            judged,
            tariff,
            bytes: 0,
            wire: None,
            learned: Learned::default(),
            settled: None,
        }
    }

    /// The first connection is the probe's own; the redirects are those of all requests.
    fn came_over(&mut self, wire: Wire) {
        match &mut self.wire {
            None => self.wire = Some(wire),
            Some(first) => first.hops.extend(wire.hops),
        }
    }

    /// Keeps the first exchange after which the check remembers a verdict.
    fn settle(&mut self, memory: &Memory, exchange: Exchange<'c>) {
        if let (Some(verdict), None) = (&memory.verdict, &self.settled) {
            self.settled = Some(Settled {
                outcome: verdict.outcome,
                exchange,
                took: self.begun.elapsed(),
            });
        }
    }
}

/// Time ran out between two requests, or at the start of one.
fn overtime(limit: Duration, doing: &str) -> Judgement {
    let limit = humantime::format_duration(limit);
    verdict::failure(
        FailureKind::Timeout,
        Fault::Provider,
        Phase::Body,
        format!("{doing} after {limit}"),
    )
}

/// Has the check judge the reply; a large one on a thread of its own, since other probes wait meanwhile.
async fn judge(check: &Arc<dyn Check>, exchange: &mut Exchange<'_>, end: End) -> Step {
    if exchange.kept_bytes() < LARGE_BYTES {
        return check.judge(exchange.reply(end));
    }
    let (check, reply) = (Arc::clone(check), exchange.take_reply(end));
    let judged = tokio::task::spawn_blocking(move || check.judge(&reply)).await;
    judged.unwrap_or_else(|e| {
        Step::Done(internal(format!(
            "the reply could not be judged, a defect of watchfire: {e}"
        )))
    })
}

/// A defect of watchfire.
fn internal(why: String) -> Judgement {
    Judgement {
        outcome: Outcome::Failure(FailureKind::Internal, Fault::Ours),
        failed_in: None,
        why,
        found: None,
    }
}

impl Halt {
    fn judgement(self, reached: Phase) -> Judgement {
        match self {
            Halt::Transport(Broken::Service(failed)) => Judgement {
                outcome: Outcome::Failure(failed.kind, failed.fault),
                failed_in: Some(reached),
                why: failed.words,
                found: None,
            },
            Halt::Transport(Broken::Prober(cause, words)) => Judgement {
                outcome: Outcome::Inconclusive(cause),
                failed_in: Some(reached),
                why: words,
                found: None,
            },
            Halt::Overtime(judgement) => judgement,
            Halt::Redirect(words) => Judgement {
                outcome: Outcome::Failure(FailureKind::Redirect, Fault::Provider),
                failed_in: Some(Phase::FirstByte),
                why: words,
                found: None,
            },
        }
    }
}
