//! One request of several, as the file writes it: method, address, query, headers and body, with places to fill in.
//!
//! What the file itself names as an address gets the probe's secrets. An address that a reply gave gets them only on the
//! host that the probe is for.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::fields::{Fields, wanted};
use super::redirect;
use super::target::Headers;
use super::template::{Context, Document, Template, Values, first_text};
use super::{Keep, Prepared, Request, Surroundings};
use crate::diagnostic::Problem;

/// The keys of a request.
pub(super) const KEYS: &[&str] = &[
    "method", "path", "url", "query", "headers", "json", "form", "body",
];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A request to be filled in.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    pub at: At,
    query: Vec<(String, Template)>,
    headers: Vec<(HeaderName, Template)>,
    body: Body,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(super) enum At {
    /// An address of the file.
    Fixed(Template),
    /// An address that is filled in whole, relative to the page before.
    Link(Template),
    /// What a path finds in the reply before.
    Found(Box<JsonPath>),
    /// A header of the reply before.
    Header(HeaderName),
}

#[derive(Debug, Clone)]
enum Body {
    None,
    Text(Template),
    Form(Vec<(String, Template)>),
    Json(Document),
}

/// What a request is filled in from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub values: Values<'a>,
    /// Headers of the reply before.
    pub headers: &'a HeaderMap,
    /// Where the reply before came from; `None` before the first.
    pub page: Option<&'a Url>,
    /// Whose secrets may go along to an address that a reply gave.
    pub home: &'a Url,
}

/// What all requests of a probe share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub headers: Headers,
    pub max_bytes: usize,
}

impl Call {
    /// Reads the keys [`KEYS`], and `header` where an address may stand in one. Faults go to `fields`.
    pub(super) fn read(
        fields: &mut Fields<'_, '_>,
        context: &Context<'_>,
        around: &Surroundings<'_>,
    ) -> Option<Self> {
        let at = at(fields, context, around);
        let query = pairs(fields, "query", context);
        let headers = headers(fields, context);
        let body = body(fields, context);
        let method = method(fields, &body);
        Some(Self {
            method,
            at: at?,
            query,
            headers,
            body,
        })
    }

    /// The host that the file names for it; `None` when the address comes from a reply.
    pub(super) fn origin(&self) -> Option<url::Origin> {
        match &self.at {
            At::Fixed(template) => Some(Url::parse(template.head()).ok()?.origin()),
            _ => None,
        }
    }

    /// Where it goes, and whether the probe's secrets may go along. Errs with a reason for people.
    pub(super) fn address(&self, from: Source<'_>) -> Result<(Url, bool), String> {
        let (text, given) = match &self.at {
            At::Fixed(template) => (template.fill(from.values, encoded)?, true),
            At::Link(template) => (template.plain(from.values)?, false),
            At::Found(path) => match first_text(path, from.values.document) {
                Some(text) => (text, false),
                None => return Err(format!("the reply has no address at {path}")),
            },
            At::Header(name) => match from.headers.get(name).and_then(|v| v.to_str().ok()) {
                Some(text) => (text.to_owned(), false),
                None => return Err(format!("the reply has no header `{name}`")),
            },
        };
        let base = from.page.unwrap_or(from.home);
        let mut url = base
            .join(&text)
            .map_err(|fault| format!("no address to go on to: {fault}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("the scheme {:?} is not probed", url.scheme()));
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        if !self.query.is_empty() {
            let pairs = filled(&self.query, from.values)?;
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let trusted = given || url.origin() == from.home.origin();
        Ok((url, trusted))
    }

    /// The request, filled in. Errs with a reason for people.
    pub(super) fn request(
        &self,
        from: Source<'_>,
        shared: &Shared,
        redirects: u8,
    ) -> Result<Request, String> {
        let (url, trusted) = self.address(from)?;
        let mut headers = match trusted {
            true => shared.headers.clone(),
            false => Headers {
                all: redirect::for_a_stranger(&shared.headers.all),
                secret: Vec::new(),
            },
        };
        let (kind, body) = match (&self.body, trusted) {
            (Body::None, _) | (_, false) => (None, Bytes::new()),
            (Body::Text(text), true) => (None, text.plain(from.values)?.into()),
            (Body::Form(pairs), true) => (
                Some("application/x-www-form-urlencoded"),
                encoded_pairs(&filled(pairs, from.values)?).into(),
            ),
            (Body::Json(document), true) => (
                Some("application/json"),
                document.fill(from.values)?.to_string().into(),
            ),
        };
        if let Some(kind) = kind {
            headers
                .all
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers.iter().filter(|_| trusted) {
            let text = value.plain(from.values)?;
            let mut filled = HeaderValue::from_str(&text).map_err(|_| {
                format!("what was filled in for the header `{name}` cannot be sent")
            })?;
            if value.is_secret() {
                filled.set_sensitive(true);
                headers.secret.push(name.clone());
            }
            headers.all.insert(name.clone(), filled);
        }
        Ok(Request {
            prepared: Arc::new(Prepared {
                method: self.method.clone(),
                url,
                headers: Arc::new(headers.all),
                secret: headers.secret,
                redirects,
                max_bytes: shared.max_bytes,
                keep: Keep::Whole,
            }),
            body,
        })
    }
}

/// `a=1&b=2`, percent-encoded.
pub(super) fn encoded_pairs(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The pairs, filled in.
pub(super) fn filled(
    pairs: &[(String, Template)],
    values: Values<'_>,
) -> Result<Vec<(String, String)>, String> {
    let fill = |(name, value): &(String, Template)| Ok((name.clone(), value.plain(values)?));
    pairs.iter().map(fill).collect()
}

/// A value as part of an address: slashes stay, since ids may be paths.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn at(fields: &mut Fields<'_, '_>, context: &Context<'_>, around: &Surroundings<'_>) -> Option<At> {
    let given: Vec<&str> = ["path", "url", "header"]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    let key = match given[..] {
        [key] => key,
        [] => {
            let fault = Problem::new(fields.span(""), "`path` or `url` is missing")
                .help("give `path` below the service's base_url, or `url = \"https://..\"`");
            fields.fault(fault);
            return None;
        }
        [first, second, ..] => {
            let fault = format!("`{first}` and `{second}` exclude each other");
            fields.fault(Problem::new(fields.span(second), fault));
            return None;
        }
    };
    let (text, span) = (fields.required_text(key)?, fields.span(key));
    let read = match key {
        "header" => HeaderName::from_bytes(text.as_bytes())
            .map(At::Header)
            .map_err(|_| Problem::new(span, "no header name")),
        "url" if context.paths && text.starts_with('$') => JsonPath::parse(text)
            .map(|path| At::Found(Box::new(path)))
            .map_err(|fault| {
                Problem::new(span, format!("`{text}` is no JSON path")).help(fault.to_string())
            }),
        "url" if text.starts_with('{') => Template::parse(text, &span, context).map(At::Link),
        "url" => fixed(text, &span, context),
        _ => match around.base_url {
            Some(base) => {
                let base = base.trim_end_matches('/');
                fixed(
                    &format!("{base}/{}", text.trim_start_matches('/')),
                    &span,
                    context,
                )
            }
            None => {
                let message = format!("service `{}` has no base_url", around.service);
                Err(Problem::new(span, message).help("give a `url`, or the service a `base_url`"))
            }
        },
    };
    read.map_err(|problem| fields.fault(problem)).ok()
}

/// An address whose host stands in the file, so that nothing that is filled in can lead elsewhere.
fn fixed(text: &str, span: &std::ops::Range<usize>, context: &Context<'_>) -> Result<At, Problem> {
    let fault = |message: String| Problem::new(span.clone(), message);
    let template = Template::parse(text, span, context)?;
    let head = template.head();
    let url = Url::parse(head)
        .map_err(|why| fault(format!("no address: {why}")).help("as https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(fault("only http and https are probed".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("an address must not carry a password".to_owned())
            .help("use `headers` with a secret"));
    }
    let rest = head.split_once("://").map_or("", |(_, rest)| rest);
    if !template.is_fixed() && !rest.contains('/') {
        return Err(fault("the host must not be filled in".to_owned())
            .help("places such as {id} stand after the host's `/`"));
    }
    Ok(At::Fixed(template))
}

/// A table of texts.
pub(super) fn pairs(
    fields: &mut Fields<'_, '_>,
    key: &str,
    context: &Context<'_>,
) -> Vec<(String, Template)> {
    let Some(value) = fields.get(key) else {
        return Vec::new();
    };
    let inner = Fields::of(value);
    let mut pairs = Vec::new();
    for (name, value) in inner.entries() {
        match Template::read(value, context) {
            Ok(template) => pairs.push((name.to_owned(), template)),
            Err(problem) => fields.fault(problem),
        }
    }
    fields.take::<()>(Err(inner.problems()));
    pairs
}

fn headers(fields: &mut Fields<'_, '_>, context: &Context<'_>) -> Vec<(HeaderName, Template)> {
    let span = fields.span("headers");
    let mut headers = Vec::new();
    for (name, value) in pairs(fields, "headers", context) {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(header) if super::target::REFUSED.contains(&header) => {
                let what = format!("`{header}` is set by watchfire itself");
                fields.fault(Problem::new(span.clone(), what));
            }
            Ok(header) => headers.push((header, value)),
            Err(_) => {
                let what = format!("`{}` is no header name", name.escape_debug());
                fields.fault(Problem::new(span.clone(), what));
            }
        }
    }
    headers
}

fn body(fields: &mut Fields<'_, '_>, context: &Context<'_>) -> Body {
    let given: Vec<&str> = ["json", "form", "body"]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    let key = match given[..] {
        [] => return Body::None,
        [key] => key,
        [first, second, ..] => {
            let fault = format!("`{first}` and `{second}` exclude each other");
            fields.fault(Problem::new(fields.span(second), fault));
            return Body::None;
        }
    };
    let Some(value): Option<&Spanned<DeValue<'_>>> = fields.get(key) else {
        return Body::None;
    };
    let read = match key {
        "form" if value.get_ref().as_table().is_none() => Err(wanted("a table", value)),
        "form" => return Body::Form(pairs(fields, "form", context)),
        "json" => Document::read(value, context).map(Body::Json),
        _ => Template::read(value, context).map(Body::Text),
    };
    read.unwrap_or_else(|problem| {
        fields.fault(problem);
        Body::None
    })
}

fn method(fields: &mut Fields<'_, '_>, body: &Body) -> Method {
    let usual = match body {
        Body::None => Method::GET,
        _ => Method::POST,
    };
    let Some(text) = fields.text("method") else {
        return usual;
    };
    match METHODS.contains(&text).then(|| text.parse().ok()).flatten() {
        Some(method) => method,
        None => {
            let fault = Problem::new(fields.span("method"), "no method that a probe may use")
                .help(format!("one of {}", METHODS.join(", ")));
            fields.fault(fault);
            usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_into_an_address_stays_within_its_path() {
        assert_eq!(
            encoded("models/veo-3.0/op s?a=b#c&d%"),
            "models/veo-3.0/op%20s%3Fa%3Db%23c%26d%25"
        );
    }
}
