//! The key `auth`: how a probe says who it is, with the service's key or with a secret of its own.

use base64::Engine as _;
use http::{HeaderName, header};
use toml::Spanned;
use toml::de::DeValue;

use super::Surroundings;
use super::fields::{Fields, wanted};
use crate::diagnostic::Problem;
use crate::model::Secret;

/// How a secret is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer ..`
    Bearer,
    /// As the value of a header.
    Header(HeaderName),
    /// `Authorization: Basic ..`, as the password of this user.
    Basic(String),
}

const HELP: &str = "\"none\", \"bearer\", { header = \"x-api-key\" }, { bearer = { env = \"TOKEN\" } } or \
                    { basic = { user = \"..\", password = { env = \"PASSWORD\" } } }";

impl Auth {
    /// The header that carries the secret.
    pub(super) fn header(self, secret: &Secret) -> Option<(HeaderName, String)> {
        Some(match self {
            Auth::None => return None,
            Auth::Bearer => (header::AUTHORIZATION, format!("Bearer {}", secret.expose())),
            Auth::Header(name) => (name, secret.expose().to_owned()),
            Auth::Basic(user) => {
                let login = format!("{user}:{}", secret.expose());
                let login = base64::engine::general_purpose::STANDARD.encode(login);
                (header::AUTHORIZATION, format!("Basic {login}"))
            }
        })
    }

    /// What the probe says, or `default`, and the secret that goes with it; none when it is absent.
    pub(super) fn read(
        fields: &mut Fields<'_, '_>,
        around: &Surroundings<'_>,
        default: Auth,
    ) -> (Auth, Option<Secret>) {
        let service = || around.key.cloned();
        let Some(value) = fields.get("auth") else {
            return (default, service());
        };
        match value.get_ref() {
            DeValue::String(text) if text == "none" => (Auth::None, None),
            DeValue::String(text) if text == "bearer" => (Auth::Bearer, service()),
            DeValue::Table(_) => {
                let read = table(value, around);
                let (auth, own) = fields.take(read).unwrap_or((Auth::None, Own::Service));
                match own {
                    Own::Service => (auth, service()),
                    Own::Given(secret) => (auth, secret),
                }
            }
            _ => {
                fields.fault(wanted("a way to send the key", value).help(HELP));
                (Auth::None, None)
            }
        }
    }
}

/// Whose secret is sent.
enum Own {
    /// The service's key.
    Service,
    /// One that the probe names; none when it is absent.
    Given(Option<Secret>),
}

fn table(
    value: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<(Auth, Own), Vec<Problem>> {
    let mut fields = Fields::of(value);
    let ways = ["bearer", "header", "basic"];
    let given: Vec<&str> = ways
        .into_iter()
        .filter(|way| fields.get(way).is_some())
        .collect();
    match given[..] {
        ["header"] => fields.only(&["header", "value"]),
        [way] => fields.only(&[way]),
        [] => fields.only(&ways),
        _ => fields.fault(Problem::new(
            value.span(),
            "one way to send the key is enough",
        )),
    }
    let read = match given.first().copied() {
        Some("bearer") => {
            let own = secret(&mut fields, "bearer", around);
            Some((Auth::Bearer, own))
        }
        Some("header") => {
            let name = fields.required_text("header").map(|name| {
                let parsed = HeaderName::from_bytes(name.as_bytes());
                parsed.map_err(|_| Problem::new(fields.span("header"), "no header name"))
            });
            let name = match name {
                Some(Ok(name)) => Some(name),
                Some(Err(problem)) => {
                    fields.fault(problem);
                    None
                }
                None => None,
            };
            let own = secret(&mut fields, "value", around);
            name.map(|name| (Auth::Header(name), own))
        }
        Some(_) => fields
            .get("basic")
            .and_then(|value| fields.take(basic(value, around))),
        None => {
            if value.get_ref().as_table().is_some_and(|t| t.is_empty()) {
                fields.fault(wanted("a way to send the key", value).help(HELP));
            }
            None
        }
    };
    let problems = fields.problems();
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(problems),
    }
}

fn basic(
    value: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<(Auth, Own), Vec<Problem>> {
    let mut fields = Fields::of(value);
    fields.only(&["user", "password"]);
    let user = fields.required_text("user");
    if user.is_some_and(|user| user.contains(':') || user.chars().any(char::is_control)) {
        let fault = Problem::new(
            fields.span("user"),
            "a user holds no colon and no control character",
        );
        fields.fault(fault);
    }
    let own = secret(&mut fields, "password", around);
    let problems = fields.problems();
    match user {
        Some(user) if problems.is_empty() => Ok((Auth::Basic(user.to_owned()), own)),
        _ => Err(problems),
    }
}

/// The secret of a key; the service's when the key is not there.
fn secret(fields: &mut Fields<'_, '_>, key: &str, around: &Surroundings<'_>) -> Own {
    let Some(value) = fields.get(key) else {
        return Own::Service;
    };
    let read = (around.secret)(value).map_err(|problem| vec![problem]);
    Own::Given(fields.take(read).flatten())
}
