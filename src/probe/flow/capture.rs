//! Values that a step takes from its reply for the steps after it.

use http::HeaderName;
use serde_json_path::JsonPath;
use url::Url;

use crate::probe::cookies::Cookies;
use crate::probe::html::Page;
use crate::probe::pattern::Pattern;
use crate::probe::reply::Reply;
use crate::probe::template::{LONGEST_VALUE, first_text};

/// Where a value is.
#[derive(Debug)]
pub(super) enum Capture {
    /// The one group of an expression.
    Text(Pattern),
    Json(JsonPath),
    Header(HeaderName),
    /// A control of the page, by its name: a hidden input above all.
    Field(String),
    /// A cookie that the next request would carry.
    Cookie(String),
}

impl Capture {
    /// The value; or what is not there.
    pub(super) fn take(
        &self,
        reply: &Reply,
        cookies: &Cookies,
        url: &Url,
    ) -> Result<String, String> {
        let (found, what) = match self {
            Capture::Text(pattern) => {
                let found = pattern.group(&reply.body);
                let found = found.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                (found, format!("nothing matches {pattern}"))
            }
            Capture::Json(path) => {
                let document = serde_json::from_slice(&reply.body)
                    .map_err(|fault| format!("the answer is not JSON ({fault})"))?;
                (first_text(path, &document), format!("nothing at {path}"))
            }
            Capture::Header(name) => {
                let value = reply.headers.get(name);
                let value = value.and_then(|value| value.to_str().ok());
                (value.map(str::to_owned), format!("no header `{name}`"))
            }
            Capture::Field(name) => {
                let page = Page::read(&reply.body);
                let value = page.value(name).map(str::to_owned);
                (value, format!("the page has no field `{name}`"))
            }
            Capture::Cookie(name) => (cookies.value(url, name), format!("no cookie `{name}`")),
        };
        match found {
            Some(value) if value.is_empty() => Err(format!("{what} that is not empty")),
            Some(value) if value.len() > LONGEST_VALUE => {
                Err(format!("it is {} bytes long", value.len()))
            }
            Some(value) => Ok(value),
            None => Err(what),
        }
    }
}
