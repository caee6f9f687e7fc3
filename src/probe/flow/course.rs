//! A run of a flow so far: its cookies, what was captured, and the page that it is on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use url::Url;

use super::capture::Capture;
use crate::model::{Redactor, Secret};
use crate::probe::cookies::Cookies;
use crate::probe::reply::{Memory, Reply};
use crate::probe::{Judgement, Prepared, Request};

/// The state between two requests.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// Values for the places: what was captured, and the number of the run.
    pub named: BTreeMap<String, String>,
    pub cookies: Cookies,
    pub page: Option<Arc<Page>>,
    /// The request that is being answered.
    pub sent: Option<Request>,
    /// Redirects that this step has followed.
    pub hops: u8,
    /// When the step began, from the start of the run.
    pub began: Duration,
    /// The first thing that was not as it should be and stopped nothing.
    pub blemish: Option<Box<Judgement>>,
}

/// A page that was got.
#[derive(Debug)]
pub(super) struct Page {
    pub url: Url,
    pub body: Vec<u8>,
}

/// The place that is no secret.
pub(super) const NONCE: &str = "nonce";

impl Course {
    /// The beginning of the run with this number.
    pub(super) fn new(nonce: u64) -> Self {
        // 32 bits are enough to tell runs apart.
        let number = format!("{:08x}", nonce & 0xffff_ffff);
        Self {
            named: BTreeMap::from([(NONCE.to_owned(), number)]),
            cookies: Cookies::default(),
            page: None,
            sent: None,
            hops: 0,
            began: Duration::ZERO,
            blemish: None,
        }
    }

    /// What a check remembered.
    pub(super) fn of(memory: &Memory) -> Option<Self> {
        memory.own.as_ref()?.downcast_ref::<Course>().cloned()
    }

    /// The verdict when no step failed.
    pub(super) fn well(&self) -> Judgement {
        match &self.blemish {
            Some(judgement) => Judgement::clone(judgement),
            None => Judgement::SUCCESS,
        }
    }

    /// Captured values and cookies.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let captured = self.named.iter().filter(|(name, _)| *name != NONCE);
        let captured = captured.map(|(_, value)| Secret::new(value.clone()));
        captured.chain(self.cookies.secrets()).collect()
    }

    pub(super) fn redacted(&self, text: &str) -> String {
        Redactor::new(&self.secrets()).redact(text)
    }

    /// Takes what a step captures; at the first that is not there, why.
    pub(super) fn capture(
        &mut self,
        captures: &[(String, Capture)],
        reply: &Reply,
        url: &Url,
    ) -> Result<(), String> {
        for (name, capture) in captures {
            let value = capture
                .take(reply, &self.cookies, url)
                .map_err(|why| format!("nothing to capture as `{name}`: {why}"))?;
            self.named.insert(name.clone(), value);
        }
        Ok(())
    }

    /// The step is done: its reply is the page from which the next one starts.
    pub(super) fn turn_to(&mut self, url: &Url, reply: &Reply) {
        self.page = Some(Arc::new(Page {
            url: url.clone(),
            body: reply.body.clone(),
        }));
        self.hops = 0;
        self.began = reply.elapsed;
    }

    /// With what a browser adds by itself: cookies, and where a form was filled in, which many sites check.
    pub(super) fn as_a_browser(&self, request: Request) -> Request {
        let mut request = self.with_cookies(request);
        let Some(page) = &self.page else {
            return request;
        };
        if matches!(request.prepared.method, Method::GET | Method::HEAD) {
            return request;
        }
        let origin = page.url.origin();
        let prepared = Arc::make_mut(&mut request.prepared);
        let whole = prepared.url.origin() == origin;
        let origin = origin.ascii_serialization();
        let referer = match whole {
            true => page.url.to_string(),
            false => format!("{origin}/"),
        };
        for (name, value) in [(header::ORIGIN, origin), (header::REFERER, referer)] {
            if let (false, Ok(mut value)) = (
                prepared.headers.contains_key(&name),
                HeaderValue::from_str(&value),
            ) {
                // What was captured may be in the address.
                value.set_sensitive(true);
                Arc::make_mut(&mut prepared.headers).insert(name, value);
            }
        }
        request
    }

    /// With the cookies for its address.
    pub(super) fn with_cookies(&self, mut request: Request) -> Request {
        let prepared: &mut Prepared = Arc::make_mut(&mut request.prepared);
        if let Some(cookies) = self.cookies.header(&prepared.url) {
            Arc::make_mut(&mut prepared.headers).insert(header::COOKIE, cookies);
        }
        request
    }
}
