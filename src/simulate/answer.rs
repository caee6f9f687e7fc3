//! What an answer is on the wire, whole and in each way in which it can be spoiled.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};

use super::pages;
use super::provider::Fate;
use crate::clock::Clock;
use crate::model::scenario::FailureMode;

/// A body as the server sends it.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Silence before a cut, in the story's time: what was said before it shall be on its way.
const BEFORE_CUT: Duration = Duration::from_millis(100);

/// One thing done while a body is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Send these bytes.
    Send(Bytes),
    /// Wait so long, in the story's time.
    Wait(Duration),
    /// Break the connection off.
    Break,
    /// Say nothing more until the client leaves.
    Hang,
}

/// How a client reads an answer, and with it how an error looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON document.
    Json,
    /// A web page.
    Page,
    /// One that knows its failure: what is whole is already worded as the request's fate wants it.
    Settled,
}

/// An answer ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) steps: Vec<Step>,
}

/// An endpoint's answer, and what the same answer is without content.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) form: Form,
    pub(super) whole: Answer,
    pub(super) empty: Answer,
}

impl Answer {
    /// A JSON document, its length told.
    pub(super) fn json(status: u16, document: &Value) -> Self {
        Self::told(status, "application/json", document.to_string())
    }

    /// A web page, its length told.
    pub(super) fn page(status: u16, html: impl Into<Bytes>) -> Self {
        Self::told(status, "text/html; charset=utf-8", html)
    }

    /// An error as OpenAI words them.
    pub(super) fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        Self::json(status, &json!({ "error": error }))
    }

    /// Server-sent events, their length not told.
    pub(super) fn events(steps: Vec<Step>) -> Self {
        let mut answer = Self::told(200, "text/event-stream; charset=utf-8", Bytes::new());
        answer.headers.remove(CONTENT_LENGTH);
        answer.steps = steps;
        answer
    }

    /// Any document, its length told.
    pub(super) fn told(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            steps: vec![Step::Send(body)],
        }
    }

    /// With one more header; a value that no header can carry is left out.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The beginning of the answer, then `end`. The told length stays that of the whole.
    ///
    /// Of a document that is half of its bytes, of a stream its first piece of text and half of the next event.
    fn half(mut self, end: Step) -> Self {
        let spoken = self
            .steps
            .iter()
            .position(|step| matches!(step, Step::Wait(_)));
        let head = spoken.map_or(0, |at| at + 2);
        let mut rest = self.steps.split_off(head.min(self.steps.len())).into_iter();
        let broken = rest.find_map(|step| match step {
            Step::Send(bytes) => Some(bytes.slice(..bytes.len() / 2)),
            _ => None,
        });
        self.steps.extend(broken.map(Step::Send));
        self.steps.extend([Step::Wait(BEFORE_CUT), end]);
        self
    }

    /// As hyper sends it.
    pub(super) fn into_response(self, clock: &Clock) -> Response<Body> {
        let state = (self.steps.into_iter(), clock.clone());
        let frames = stream::unfold(state, |(mut steps, clock)| async move {
            loop {
                match steps.next()? {
                    Step::Send(bytes) => return Some((Ok(Frame::data(bytes)), (steps, clock))),
                    Step::Wait(span) => clock.sleep(span).await,
                    Step::Break => {
                        let cut = io::Error::from(io::ErrorKind::ConnectionAborted);
                        return Some((Err(cut), (steps, clock)));
                    }
                    Step::Hang => match std::future::pending::<Infallible>().await {},
                }
            }
        });
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl Offer {
    /// What the request gets; `None`: nothing, ever.
    pub(super) fn settle(self, fate: &Fate) -> Option<Answer> {
        let Some(mode) = fate.failure else {
            return Some(self.whole);
        };
        let headers = self.whole.headers.clone();
        let answer = match mode {
            FailureMode::Timeout => return None,
            FailureMode::Empty => return Some(self.empty),
            FailureMode::Cut => return Some(self.whole.half(Step::Break)),
            FailureMode::Stall => return Some(self.whole.half(Step::Hang)),
            FailureMode::BadGateway => return Some(bad_gateway(fate.mark)),
            _ if self.form == Form::Settled => return Some(self.whole),
            FailureMode::ErrorInside => return Some(self.error_inside()),
            FailureMode::ServerError => self.refusal(
                500,
                "server_error",
                None,
                "The server had an error while processing your request.",
            ),
            FailureMode::Unavailable => self.refusal(
                503,
                "service_unavailable_error",
                Some("server_is_overloaded"),
                "The service cannot take this request now. Try again later.",
            ),
            FailureMode::Overloaded => self.refusal(529, "overloaded_error", None, "Overloaded"),
            FailureMode::RateLimit => self
                .refusal(
                    429,
                    "requests",
                    Some("rate_limit_exceeded"),
                    "Too many requests in a minute.",
                )
                .with(RETRY_AFTER, "20"),
        };
        let id = HeaderName::from_static("x-request-id");
        Some(match headers.get(&id).and_then(|v| v.to_str().ok()) {
            Some(value) => answer.with(id, value),
            None => answer,
        })
    }

    fn refusal(&self, status: u16, kind: &str, code: Option<&str>, message: &str) -> Answer {
        match self.form {
            Form::Json | Form::Settled => Answer::error(status, kind, code, message),
            Form::Page => Answer::page(status, pages::failed(status)),
        }
    }

    /// Status 200, and an error in the place of content.
    fn error_inside(mut self) -> Answer {
        if self.form == Form::Page {
            return Answer::page(200, pages::failed(500));
        }
        let message = "The server had an error while processing your request.";
        let error =
            json!({ "message": message, "type": "server_error", "param": null, "code": null });
        let error = json!({ "error": error }).to_string();
        self.whole
            .headers
            .insert(CONTENT_LENGTH, error.len().into());
        self.whole.steps = vec![Step::Send(error.into())];
        self.whole
    }
}

/// What the edge says when it cannot reach the service behind it.
fn bad_gateway(mark: u64) -> Answer {
    let ray = HeaderName::from_static("cf-ray");
    Answer::page(502, pages::bad_gateway(mark))
        .with(SERVER, "cloudflare")
        .with(ray, &format!("{mark:016x}-TST"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(answer: &Answer) -> usize {
        let size = |s: &Step| if let Step::Send(b) = s { b.len() } else { 0 };
        answer.steps.iter().map(size).sum()
    }

    #[test]
    fn half_an_answer_keeps_the_length_it_promised() {
        let whole = Answer::json(200, &json!({ "data": "0123456789" }));
        let promised = whole.headers[CONTENT_LENGTH].clone();
        let half = whole.clone().half(Step::Hang);
        assert_eq!(half.headers[CONTENT_LENGTH], promised);
        assert_eq!(sent(&half), sent(&whole) / 2);
        assert_eq!(half.steps.last(), Some(&Step::Hang));
    }

    #[test]
    fn half_of_nothing_is_nothing_and_still_ends_as_asked() {
        let half = Answer::page(200, "").half(Step::Break);
        assert_eq!(sent(&half), 0);
        assert_eq!(half.steps.last(), Some(&Step::Break));
    }
}
