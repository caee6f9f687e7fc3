//! Sends a body by the rules of the probes: no proxy of the environment, no redirect, one attempt under one deadline, a bounded
//! reply, and no secret in what is handed on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use url::Url;

use super::client::{Client, ClientError};
use super::target;
use super::tls::Roots;
use super::{Check, Judgement, Keep, Plan, Prepared, Reply, Request, Step};
use crate::clock::Clock;
use crate::model::{FailureKind, Fault, Judged, Outcome, Phase, Redactor};

/// Of a reply no more is read.
const MOST_BYTES: usize = 16 * 1024;
/// Bytes of a reply that are handed on.
const WORDS: usize = 400;

/// Sends JSON by POST.
#[derive(Clone)]
pub struct Poster {
    client: Client,
    limit: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Of the reply; `None` when none came.
    pub status: Option<u16>,
    /// Where it failed, when no reply came.
    pub failed_in: Option<Phase>,
    /// The words of the reply, or of the transport. Redacted.
    pub text: String,
}

impl Poster {
    /// Each post ends within `limit`.
    ///
    /// # Errors
    /// No client could be made.
    pub fn new(
        clock: Clock,
        roots: &Roots,
        redactor: Redactor,
        limit: Duration,
    ) -> Result<Self, ClientError> {
        let client = Client::forgetful(clock, roots, redactor)?;
        Ok(Self { client, limit })
    }

    /// Posts once. A header that cannot be one is left out.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Posted {
        let mut all = HeaderMap::new();
        all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                all.insert(HeaderName::from_static(name), value);
            }
        }
        let letter = Letter {
            prepared: Arc::new(Prepared {
                method: Method::POST,
                url: url.clone(),
                headers: Arc::new(all),
                secret: Vec::new(),
                redirects: 0,
                max_bytes: MOST_BYTES,
                keep: Keep::Nothing,
            }),
            body: body.into(),
            host: target::host(url),
        };
        let run = self
            .client
            .run(&Plan::new(Arc::new(letter), self.limit))
            .await;
        let text = run.evidence.map_or_else(String::new, |e| e.text.clone());
        Posted {
            status: run.status,
            failed_in: run.failed_in,
            text,
        }
    }
}

/// What is posted, as the client wants it.
#[derive(Debug)]
struct Letter {
    prepared: Arc<Prepared>,
    body: Bytes,
    host: String,
}

impl Check for Letter {
    fn first(&self, _: u64) -> Request {
        Request {
            prepared: Arc::clone(&self.prepared),
            body: self.body.clone(),
        }
    }

    fn judge(&self, reply: &Reply) -> Step {
        if (200..300).contains(&reply.status) {
            return Step::Done(Judgement::SUCCESS);
        }
        let words = reply.body.get(..WORDS).unwrap_or(&reply.body);
        Step::Done(Judgement {
            outcome: Outcome::Failure(FailureKind::ServerError, Fault::Provider),
            failed_in: Some(Phase::FirstByte),
            why: String::from_utf8_lossy(words).into_owned(),
            found: None,
        })
    }

    fn judged(&self) -> Judged {
        Judged::Runs
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        format!("post to {}", self.host)
    }
}
