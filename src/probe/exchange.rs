//! One request and its reply, redirects included: what was noted survives when the exchange is cut off.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::phases::{Notes, Slot};
use super::record;
use super::redirect;
use super::reply::{End, Failed, Hop, Reply, StreamReader, Trace, Turn, Wire};
use super::spans::{self, micros};
use super::target;
use super::transport::Route;
use super::transport_error::{self, Broken};
use super::{Judgement, Keep, Memory, Prepared, Request};
use crate::clock::Clock;
use crate::model::{
    Deadline, FailureKind, Fault, Findings, Phase, Phases, Secret, Timestamp, Topic,
};

/// Of the body of a refusal no more is read: enough for any error object and for an excerpt of a page.
const REFUSAL_BYTES: usize = 64 * 1024;
/// Headers by which providers name a request, the best first.
const REQUEST_ID_HEADERS: [&str; 3] = ["x-request-id", "request-id", "cf-ray"];

/// Why an exchange ended without a reply for the check.
#[derive(Debug)]
pub(super) enum Halt {
    /// The connection, or we.
    Transport(Broken),
    /// A redirect that is not followed.
    Redirect(String),
    /// The time that earlier requests left was too short.
    Overtime(Judgement),
}

/// The state of one exchange.
pub(super) struct Exchange<'c> {
    clock: &'c Clock,
    /// When the run began.
    run_begun: Instant,
    /// When the latest hop began.
    begun: Instant,
    slot: Slot,
    head_at: Option<Instant>,
    ended_at: Option<Instant>,
    peer: Option<SocketAddr>,
    /// `host:port` of the latest hop over TLS.
    server: String,
    https: bool,
    reader: Option<Box<dyn StreamReader>>,
    reply: Reply,
    has_status: bool,
}

impl<'c> Exchange<'c> {
    pub(super) fn new(step: u8, run_begun: Instant, clock: &'c Clock) -> Self {
        Self {
            clock,
            run_begun,
            begun: Instant::now(),
            slot: Slot::default(),
            head_at: None,
            ended_at: None,
            peer: None,
            server: String::new(),
            https: false,
            reader: None,
            has_status: false,
            reply: Reply {
                step,
                status: 0,
                headers: HeaderMap::new(),
                body: Vec::new(),
                read_bytes: 0,
                end: End::TimedOut,
                trace: None,
                elapsed: Duration::ZERO,
                now: Timestamp::EPOCH,
                cert_expires: None,
                hops: 0,
                wire: Wire::default(),
                nonce: 0,
                memory: Memory::default(),
            },
        }
    }

    /// What the check is to be given back with the reply.
    pub(super) fn remember(&mut self, nonce: u64, memory: Memory) {
        self.reply.nonce = nonce;
        self.reply.memory = memory;
    }

    /// Sends, follows redirects as far as asked, reads the body to its end or to a limit. `ours`: the address stands in
    /// the configuration.
    pub(super) async fn perform(
        &mut self,
        route: &mut Route,
        request: &Request,
        ours: bool,
        reader: Option<Box<dyn StreamReader>>,
    ) -> Result<End, Halt> {
        let prepared = &*request.prepared;
        let body = request.body.clone();
        let response = self.send(route, prepared, body, ours).await?;
        let success = (200..300).contains(&self.reply.status);
        if success && may_be_stream(&self.reply.headers) {
            self.reader = reader;
        }
        let left = self.reply.headers.get(header::CONTENT_ENCODING);
        if let Some(coding) = left.filter(|c| !c.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Ok(End::Broken(Failed {
                kind: FailureKind::Encoding,
                fault: Fault::Provider,
                words: format!("content-encoding {coding:?}, which was not asked for"),
            }));
        }
        let end = self.read(response, prepared, success).await;
        record::ended(&end);
        Ok(end)
    }

    async fn send(
        &mut self,
        route: &mut Route,
        prepared: &Prepared,
        mut body: Bytes,
        ours: bool,
    ) -> Result<reqwest::Response, Halt> {
        let mut url = Cow::Borrowed(&prepared.url);
        let mut method = prepared.method.clone();
        let mut headers = Cow::Borrowed(&*prepared.headers);
        loop {
            self.https = url.scheme() == "https";
            if self.https {
                self.server = target::host(&url);
            }
            let mut sent = reqwest::Request::new(method.clone(), Url::clone(&url));
            if !body.is_empty() {
                *sent.body_mut() = Some(body.clone().into());
            }
            *sent.headers_mut() = HeaderMap::clone(&headers);
            record::sent(&method, &url, &headers, &body);
            let (http, guard) = route
                .to(&url, ours && self.reply.hops == 0)
                .map_err(|refused| Halt::Transport(Broken::Service(refused)))?;
            self.slot = Slot::guarded(guard);
            let mut response = self.slot.watch(http.execute(sent)).await.map_err(|error| {
                let notes = self.slot.notes();
                let broken = transport_error::name(&error.without_url(), notes.reached());
                Halt::Transport(route.blame(broken, &notes))
            })?;
            self.head_at = Some(Instant::now());
            self.peer = response.remote_addr();
            route.arrived(&url, self.peer);
            self.reply.wire.http = Some(response.version());
            self.reply.status = response.status().as_u16();
            self.has_status = true;
            if let Some(refused) = route.refused_by_proxy(self.reply.status, self.https) {
                return Err(Halt::Transport(Broken::Service(refused)));
            }
            self.reply.headers = std::mem::take(response.headers_mut());
            record::heard(response.version(), response.status(), &self.reply.headers);
            if prepared.redirects == 0 || !response.status().is_redirection() {
                return Ok(response);
            }
            let Some(location) = self.reply.headers.get(header::LOCATION) else {
                return Ok(response);
            };
            let next = redirect::next(&url, location.as_bytes()).map_err(Halt::Redirect)?;
            if self.reply.hops == prepared.redirects {
                return Err(Halt::Redirect(format!(
                    "more than {} redirects",
                    prepared.redirects
                )));
            }
            if redirect::becomes_get(self.reply.status, &method) {
                method = Method::GET;
                body = Bytes::new();
                redirect::drop_body_headers(headers.to_mut());
            }
            if next.origin() != url.origin() {
                // Secrets and whatever was meant for the first host stay with it.
                headers = Cow::Owned(redirect::for_a_stranger(&headers));
                body = Bytes::new();
            }
            self.reply.wire.hops.push(Hop {
                status: self.reply.status,
                host: target::host(&url),
            });
            self.reply.wire.landed = Some(next.clone());
            url = Cow::Owned(next);
            self.reply.hops += 1;
            self.next_hop();
        }
    }

    fn next_hop(&mut self) {
        self.begun = Instant::now();
        self.head_at = None;
    }

    async fn read(
        &mut self,
        mut response: reqwest::Response,
        prepared: &Prepared,
        success: bool,
    ) -> End {
        let keep = !success
            || match prepared.keep {
                Keep::Whole => true,
                Keep::IfJson => is_json(&self.reply.headers),
                Keep::Nothing => false,
            };
        loop {
            let deadline = self.reader.as_ref().and_then(|reader| reader.deadline());
            let arrived = match deadline {
                None => response.chunk().await,
                Some(deadline) => {
                    let at = self.run_begun + self.clock.real(deadline);
                    match timeout_at(at, response.chunk()).await {
                        Ok(arrived) => arrived,
                        Err(_) => return End::Stalled,
                    }
                }
            };
            let chunk = match arrived {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return End::Complete,
                Err(error) => {
                    return match transport_error::name(&error, Phase::Body) {
                        Broken::Service(failed) => End::Broken(failed),
                        Broken::Prober(cause, words) => End::Prober(cause, words),
                    };
                }
            };
            record::piece(&chunk);
            self.reply.read_bytes += chunk.len();
            let too_large = self.reply.read_bytes > prepared.max_bytes;
            if let Some(reader) = &mut self.reader {
                let at = self.clock.told(self.run_begun.elapsed());
                if reader.feed(&chunk, at) == Turn::Enough {
                    return End::Enough;
                }
            } else if keep && !too_large {
                self.reply.body.extend_from_slice(&chunk);
            }
            if too_large {
                return End::TooLarge;
            }
            if !success && self.reply.read_bytes > REFUSAL_BYTES {
                return End::Enough;
            }
        }
    }

    /// Whether status and headers have come (of the latest hop).
    pub(super) fn has_headers(&self) -> bool {
        self.head_at.is_some()
    }

    /// Whether no byte of an answer came over a connection that an earlier run had left open.
    pub(super) fn met_a_closed_connection(&self, halt: &Halt) -> bool {
        let closed = matches!(halt, Halt::Transport(Broken::Service(failed)) if failed.kind == FailureKind::Reset);
        closed && self.head_at.is_none() && self.slot.notes().own().is_none()
    }

    /// The phase that the exchange is in, or failed in.
    pub(super) fn reached(&self) -> Phase {
        match self.head_at {
            Some(_) => Phase::Body,
            None => self.slot.notes().reached(),
        }
    }

    /// The reply, as the check is to see it; ends the exchange.
    pub(super) fn reply(&mut self, end: End) -> &Reply {
        let now = Instant::now();
        self.ended_at = Some(now);
        let elapsed = self.clock.told(now - self.run_begun);
        self.reply.end = end;
        self.reply.elapsed = elapsed;
        self.reply.now = self.clock.at(now);
        let notes = self.slot.notes();
        self.reply.cert_expires = notes.cert_expires;
        self.reply.wire = self.wire();
        self.reply.wire.first_byte =
            (self.phases().first_byte_us).map(|us| Duration::from_micros(us.into()));
        self.reply.trace = self.reader.take().map(|reader| reader.finish(elapsed));
        &self.reply
    }

    /// The reply once more, after some waiting, with what the check wanted to know then.
    pub(super) fn again(&mut self, memory: Memory) -> &Reply {
        let now = Instant::now();
        self.reply.memory = memory;
        self.reply.elapsed = self.clock.told(now - self.run_begun);
        self.reply.now = self.clock.at(now);
        &self.reply
    }

    /// What must not be seen outside: what the check named, and the cookies of this reply.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let cookies = self.reply.headers.get_all(header::SET_COOKIE);
        let cookies = cookies
            .iter()
            .filter_map(|cookie| cookie_value(cookie.to_str().ok()?));
        let named = self.reply.memory.secrets.iter().cloned();
        named.chain(cookies).take(Memory::MOST_SECRETS).collect()
    }

    /// What was learned before this request.
    pub(super) fn found(&self) -> Findings {
        self.reply.memory.found.clone()
    }

    /// Like [`Exchange::reply`], but gives the reply away with its body.
    pub(super) fn take_reply(&mut self, end: End) -> Reply {
        self.reply(end);
        let body = std::mem::take(&mut self.reply.body);
        Reply {
            body,
            ..self.reply.clone()
        }
    }

    /// Bytes of body that were kept; what a reader took counts whole, since it may have kept all of it.
    pub(super) fn kept_bytes(&self) -> usize {
        match self.reader {
            Some(_) => self.reply.read_bytes,
            None => self.reply.body.len(),
        }
    }

    pub(super) fn read_bytes(&self) -> usize {
        self.reply.read_bytes
    }

    /// Status and headers, once they have come.
    pub(super) fn head(&self) -> Option<(u16, &HeaderMap)> {
        self.has_status
            .then_some((self.reply.status, &self.reply.headers))
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.has_status.then_some(self.reply.status)
    }

    pub(super) fn trace(&self) -> Option<&Trace> {
        self.reply.trace.as_ref()
    }

    pub(super) fn cert_expires(&self) -> Option<Timestamp> {
        self.slot.notes().cert_expires
    }

    /// The certificate that was shown last, and its end.
    pub(super) fn certificate(&self) -> Option<Deadline> {
        Some(Deadline {
            topic: Topic::Certificate,
            subject: super::evidence::fit(&self.server, Deadline::SUBJECT_BYTES),
            at: self.cert_expires()?,
        })
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer.or(self.slot.notes().address)
    }

    /// The provider's id of the request.
    pub(super) fn request_id(&self) -> Option<String> {
        REQUEST_ID_HEADERS
            .iter()
            .find_map(|name| self.reply.headers.get(*name)?.to_str().ok())
            .map(|id| super::evidence::fit(id, 200))
    }

    /// What the reply came over, as far as it is known.
    pub(super) fn wire(&self) -> Wire {
        Wire {
            tls: self.slot.notes().tls,
            peer: self.peer,
            ..self.reply.wire.clone()
        }
    }

    /// What is known of the connection of the latest hop.
    pub(super) fn notes(&self) -> Notes {
        self.slot.notes()
    }

    /// How long each part took, until the end or until now.
    pub(super) fn phases(&self) -> Phases {
        let moments = spans::Moments {
            begun: self.begun,
            head: self.head_at,
            end: self.ended_at.unwrap_or_else(Instant::now),
        };
        let mut phases = spans::phases(&self.slot.notes(), moments, self.clock);
        if let Some(trace) = &self.reply.trace {
            phases.first_token_us = trace.first_token.map(micros);
            phases.longest_gap_us = trace.longest_gap.map(micros);
        }
        phases
    }
}

/// The value in `Set-Cookie: name=value; Path=/`.
fn cookie_value(header: &str) -> Option<Secret> {
    let pair = header.split(';').next()?;
    let (_, value) = pair.split_once('=')?;
    Some(Secret::new(value.trim().trim_matches('"').to_owned()))
}

/// An event stream, or a body that does not say what it is.
fn may_be_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| starts_with(kind.as_bytes(), b"text/event-stream"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    starts_with(kind.as_bytes(), b"application/json")
}

fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}
