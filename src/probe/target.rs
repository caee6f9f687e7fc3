//! Where a probe sends to and with which headers: the keys `url`, `path`, `query`, `headers` and `auth`.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::Surroundings;
pub(super) use super::auth::Auth;
use super::fields::{Fields, wanted};
use crate::diagnostic::Problem;
use crate::model::Secret;

/// Headers, and which of them carry a secret.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers {
    pub all: HeaderMap,
    pub secret: Vec<HeaderName>,
}

/// The address: `url`, or else `path` (or `default_path`) joined to the service's `base_url`.
pub(super) fn url(
    fields: &mut Fields<'_, '_>,
    around: &Surroundings<'_>,
    default_path: Option<&str>,
) -> Option<Url> {
    if fields.get("url").is_some() {
        if fields.get("path").is_some() {
            fields.fault(Problem::new(
                fields.span("path"),
                "`url` and `path` exclude each other",
            ));
        }
        let text = fields.text("url")?;
        return parse(fields, "url", text);
    }
    let path = match fields.get("path") {
        Some(_) => fields.text("path")?,
        None => match default_path {
            Some(path) => path,
            None => {
                let fault = Problem::new(fields.span(""), "`url` is missing")
                    .help("give `url = \"https://..\"`, or `path` below the service's base_url");
                fields.fault(fault);
                return None;
            }
        },
    };
    let Some(base) = around.base_url else {
        let message = format!("service `{}` has no base_url", around.service);
        fields.fault(
            Problem::new(fields.span("path"), message)
                .help("give the probe a `url`, or the service a `base_url`"),
        );
        return None;
    };
    let joined = format!(
        "{}/{}",
        base.trim_end_matches('/'),
        path.trim_start_matches('/')
    );
    parse(fields, "path", &joined)
}

fn parse(fields: &mut Fields<'_, '_>, key: &str, text: &str) -> Option<Url> {
    let fault = |message: &str| Problem::new(fields.span(key), message.to_owned());
    let parsed = Url::parse(text)
        .map_err(|why| fault(&format!("no address: {why}")).help("as https://host/path"));
    let checked = parsed.and_then(|mut url| {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fault("only http and https are probed"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                fault("an address must not carry a password").help("use `headers` with a secret")
            );
        }
        url.set_fragment(None);
        Ok(url)
    });
    checked.map_err(|problem| fields.fault(problem)).ok()
}

/// Adds the pairs of `query` to the address, and gives it as it may be shown: secrets of the query are left out.
pub(super) fn query(fields: &mut Fields<'_, '_>, around: &Surroundings<'_>, url: &mut Url) -> Url {
    let mut shown = url.clone();
    let Some(value) = fields.get("query") else {
        return shown;
    };
    for pair in fields.take(pairs(value, around)).unwrap_or_default() {
        url.query_pairs_mut().append_pair(&pair.key, &pair.value);
        let value = if pair.secret { "..." } else { &pair.value };
        shown.query_pairs_mut().append_pair(&pair.key, value);
    }
    shown
}

/// A key with its value, of a query or a form.
pub(super) struct Pair {
    pub key: String,
    pub value: String,
    pub secret: bool,
}

/// The pairs of a table whose values are texts, numbers, truths or secrets; absent secrets are empty.
pub(super) fn pairs(
    value: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Vec<Pair>, Vec<Problem>> {
    let mut fields = Fields::of(value);
    let mut pairs = Vec::new();
    for (key, value) in fields.entries() {
        let (value, secret) = match value.get_ref() {
            DeValue::String(text) => (text.to_string(), false),
            DeValue::Integer(number) => (number.to_string(), false),
            DeValue::Float(number) => (number.to_string(), false),
            DeValue::Boolean(truth) => (truth.to_string(), false),
            DeValue::Table(_) => {
                let read = (around.secret)(value).map_err(|problem| vec![problem]);
                let secret = fields.take(read).flatten();
                (
                    secret.map_or_else(String::new, |s| s.expose().to_owned()),
                    true,
                )
            }
            _ => {
                fields.fault(wanted("a text, a number, true, false or a secret", value));
                continue;
            }
        };
        pairs.push(Pair {
            key: key.to_owned(),
            value,
            secret,
        });
    }
    let problems = fields.problems();
    match problems.is_empty() {
        true => Ok(pairs),
        false => Err(problems),
    }
}

/// The headers of `headers` and `auth`.
pub(super) fn headers(
    fields: &mut Fields<'_, '_>,
    around: &Surroundings<'_>,
    default: Auth,
) -> Headers {
    let mut headers = Headers::default();
    headers
        .all
        .insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if let (auth, Some(secret)) = Auth::read(fields, around, default)
        && let Some((name, value)) = auth.header(&secret)
        && !headers.add_secret(name, &value)
    {
        let message = match fields.get("auth") {
            Some(_) => "this secret cannot be sent in a header".to_owned(),
            None => format!(
                "the key of service `{}` cannot be sent in a header",
                around.service
            ),
        };
        fields.fault(
            Problem::new(fields.span("auth"), message)
                .help("it holds a line break or another control character"),
        );
    }
    let Some(value) = fields.get("headers") else {
        return headers;
    };
    let given = Fields::of(value);
    for (name, value) in given.entries() {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            fields.fault(Problem::new(
                value.span(),
                format!("`{}` is no header name", name.escape_debug()),
            ));
            continue;
        };
        if REFUSED.contains(&header) {
            fields.fault(Problem::new(
                value.span(),
                format!("`{header}` is set by watchfire itself"),
            ));
            continue;
        }
        match value.get_ref() {
            DeValue::String(text) => match HeaderValue::from_str(text) {
                Ok(text) => {
                    headers.all.insert(header, text);
                }
                Err(_) => fields.fault(Problem::new(
                    value.span(),
                    "a header cannot hold control characters",
                )),
            },
            DeValue::Table(_) => match (around.secret)(value) {
                Ok(Some(secret)) => {
                    if !headers.add_secret(header, secret.expose()) {
                        fields.fault(
                            Problem::new(value.span(), "this secret cannot be sent in a header")
                                .help("it holds a line break or another control character"),
                        );
                    }
                }
                Ok(None) => {}
                Err(problem) => fields.fault(problem),
            },
            _ => fields
                .fault(wanted("a text or a secret", value).help("a secret is { env = \"NAME\" }")),
        }
    }
    fields.take::<()>(Err(given.problems()));
    headers
}

/// Headers that HTTP itself needs right.
pub(super) const REFUSED: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::ACCEPT_ENCODING,
];

impl Headers {
    fn add_secret(&mut self, name: HeaderName, value: &str) -> bool {
        let Ok(mut value) = HeaderValue::from_str(value) else {
            return false;
        };
        value.set_sensitive(true);
        self.all.insert(name.clone(), value);
        self.secret.push(name);
        true
    }
}

/// `host:port` of an address.
pub(super) fn host(url: &Url) -> String {
    format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or(0)
    )
}

/// Whether the service has a key to send.
pub(super) fn default_auth(key: Option<&Secret>) -> Auth {
    if key.is_some() {
        Auth::Bearer
    } else {
        Auth::None
    }
}
