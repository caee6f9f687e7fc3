//! A request, prepared once per probe so that a run costs as little as it can.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use url::Url;

/// What is sent: the shared part, and the body, which may differ from run to run.
#[derive(Clone)]
pub struct Request {
    /// Everything but the body.
    pub prepared: Arc<Prepared>,
    /// Empty for none.
    pub body: Bytes,
}

/// The part of a request that stays the same over the runs.
#[derive(Clone)]
pub struct Prepared {
    /// GET, POST, ...
    pub method: Method,
    /// `http` or `https`, without user information and fragment.
    pub url: Url,
    /// All headers of our own; secret values are marked sensitive.
    pub headers: Arc<HeaderMap>,
    /// Those of `headers` that carry a secret: dropped, like the body, when a redirect leaves the origin.
    pub secret: Vec<HeaderName>,
    /// Redirects that are followed; at most [`Prepared::MOST_REDIRECTS`].
    pub redirects: u8,
    /// Decoded bytes of body that are read before the reply counts as too large.
    pub max_bytes: usize,
    /// Whether a successful reply's body is wanted.
    pub keep: Keep,
}

impl fmt::Debug for Request {
    /// A body may hold a secret: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} bytes of body", self.prepared, self.body.len())
    }
}

impl fmt::Debug for Prepared {
    /// Headers and query may hold a secret: neither is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{} {host}{}", self.method, self.url.path())
    }
}

impl Prepared {
    /// More hops than this are a fault of the service.
    pub const MOST_REDIRECTS: u8 = 5;
    /// Default of `max_bytes`: an API's answer to a probe is a few KiB, a page some hundred.
    pub const MAX_BYTES: usize = 1024 * 1024;
    /// Default of `max_bytes` for images: a 1536x1024 PNG in base64 is about 5 MiB.
    pub const MAX_IMAGE_BYTES: usize = 20 * 1024 * 1024;
}

/// What happens to the body of a reply with a 2xx status; others are always kept, up to an excerpt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is given to the check.
    Whole,
    /// It is given to the check when it says that it is JSON, else as `Nothing`.
    IfJson,
    /// It is read to its end, counted and dropped.
    Nothing,
}
