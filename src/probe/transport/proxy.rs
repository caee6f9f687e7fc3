//! A proxy that the file names, and what its failures are called: they are not the service's.

use std::fmt;

use url::Url;

use crate::model::{FailureKind, Fault, Secret};
use crate::probe::reply::Failed;

/// An explicit proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// `http`, `https`, `socks5` (names are looked up here) or `socks5h` (by the proxy); no user information.
    pub url: Url,
    /// User and password.
    pub login: Option<(String, Secret)>,
}

/// What a proxy says when it wants another user or password, in the words of the connectors.
const NOT_LET_IN: [&str; 4] = [
    "tunnel error: proxy authorization required",
    "SOCKS error: server does not support user/pass authentication",
    "SOCKS error: server implements authentication incorrectly",
    "SOCKS error: credentials not accepted",
];

impl Proxy {
    /// The schemes of proxies.
    pub const SCHEMES: [&'static str; 4] = ["http", "https", "socks5", "socks5h"];

    /// The name or address of the proxy, without brackets.
    pub(in crate::probe) fn host(&self) -> &str {
        self.url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
    }

    /// For reqwest.
    pub(super) fn made(&self) -> reqwest::Result<reqwest::Proxy> {
        let proxy = reqwest::Proxy::all(self.url.clone())?;
        Ok(match &self.login {
            Some((user, password)) => proxy.basic_auth(user, password.expose()),
            None => proxy,
        })
    }

    /// A failure before the service was reached, told as the proxy's.
    pub(in crate::probe) fn blamed(&self, failed: Failed) -> Failed {
        if NOT_LET_IN.contains(&failed.words.as_str()) {
            return self.not_let_in();
        }
        let words = match failed.words.as_str() {
            "tunnel error: unsuccessful" => "it opened no tunnel to the host (CONNECT refused)",
            "tunnel error: unexpected end of file" => "it closed the connection after CONNECT",
            words => words,
        };
        Failed {
            kind: FailureKind::Proxy,
            fault: Fault::Network,
            words: format!("the proxy {self}: {words}"),
        }
    }

    /// The proxy refused our user and password, or wants some.
    pub(in crate::probe) fn not_let_in(&self) -> Failed {
        let words = match &self.login {
            None => "wants a user and a password: proxy = { url = .., user = .., password = .. }",
            Some(_) => "did not accept the user and the password",
        };
        Failed {
            kind: FailureKind::Proxy,
            fault: Fault::Ours,
            words: format!("the proxy {self} {words}"),
        }
    }
}

impl fmt::Display for Proxy {
    /// Scheme, host and port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            self.url.scheme(),
            self.url.host_str().unwrap_or_default()
        )?;
        match self.url.port() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
