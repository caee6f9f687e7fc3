//! Sends a form of the page before, filled in, as a browser does.
//!
//! What is filled in goes only to hosts that the file names: a page must not be able to send a password elsewhere.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::Value;
use url::{Origin, Url};

use super::course::{Course, NONCE, Page as Seen};
use crate::probe::call::{Shared, encoded_pairs, filled};
use crate::probe::html::{Form, Page};
use crate::probe::template::{Template, Values};
use crate::probe::{Keep, Prepared, Request};

/// A form to be filled in.
#[derive(Debug)]
pub(super) struct Submit {
    /// `#id`, name or number; `None` for the first one that has the fields.
    pub form: Option<String>,
    pub fields: Vec<(String, Template)>,
}

impl Submit {
    /// The request. Errs with what the page lacks.
    pub(super) fn request(
        &self,
        course: &Course,
        shared: &Shared,
        origins: &HashSet<Origin>,
    ) -> Result<Request, String> {
        let Some(seen) = &course.page else {
            return Err("there is no page before it with a form".to_owned());
        };
        let page = Page::read(&seen.body);
        let form = self.find(&page)?;
        let values = Values {
            named: &course.named,
            document: &Value::Null,
        };
        let fields = filled(&self.fields, values)?;
        let pairs = form.filled(&fields).map_err(|name| {
            format!(
                "the form of the page before has no field `{name}`: {}",
                form.listed()
            )
        })?;
        let mut url = action(seen, &page, form)?;
        if !origins.contains(&url.origin()) {
            let to = url.origin().ascii_serialization();
            return Err(format!(
                "the form is sent to {to}, which the probe does not name: if that is right, add trust = [\"{to}\"]"
            ));
        }
        let mut headers = shared.headers.clone();
        let mut body = Bytes::new();
        if !form.post {
            url.set_query(Some(&encoded_pairs(&pairs)));
        } else {
            let number = course.named.get(NONCE).map_or("", String::as_str);
            let (kind, text) = match form.multipart {
                true => multipart(&pairs, number),
                false => (
                    "application/x-www-form-urlencoded".to_owned(),
                    encoded_pairs(&pairs),
                ),
            };
            body = text.into();
            if let Ok(kind) = HeaderValue::from_str(&kind) {
                headers.all.insert(header::CONTENT_TYPE, kind);
            }
        }
        Ok(Request {
            prepared: Arc::new(Prepared {
                method: if form.post { Method::POST } else { Method::GET },
                url,
                headers: Arc::new(headers.all),
                secret: headers.secret,
                redirects: 0,
                max_bytes: shared.max_bytes,
                keep: Keep::Whole,
            }),
            body,
        })
    }

    fn find<'p>(&self, page: &'p Page) -> Result<&'p Form, String> {
        match &self.form {
            Some(wanted) => page.form(wanted).ok_or_else(|| {
                let listed = page.listed();
                format!("the page before has no form `{wanted}`: {listed}")
            }),
            None => {
                let names = self.fields.iter().map(|(name, _)| name.as_str());
                let form = page.form_with(names);
                form.ok_or_else(|| "the page before has no form".to_owned())
            }
        }
    }
}

/// Where a form is sent to.
fn action(seen: &Seen, page: &Page, form: &Form) -> Result<Url, String> {
    let fault = |fault: url::ParseError| format!("the form is sent to no address: {fault}");
    let mut url = match (form.action.is_empty(), &page.base) {
        (true, _) => seen.url.clone(),
        (false, Some(base)) => {
            let base = seen.url.join(base).map_err(fault)?;
            base.join(&form.action).map_err(fault)?
        }
        (false, None) => seen.url.join(&form.action).map_err(fault)?,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the form is sent to the scheme {:?}", url.scheme()));
    }
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    Ok(url)
}

/// The content type and the body (RFC 7578).
fn multipart(pairs: &[(String, String)], number: &str) -> (String, String) {
    let boundary = format!("watchfire-{number}-form");
    let mut body = String::new();
    for (name, value) in pairs {
        let name = name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        body.push_str(&format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/form-data; boundary={boundary}"), body)
}
