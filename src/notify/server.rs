//! Which mail server, how it is spoken to, and as whom: `[smtp]` of config/watchfire.toml.
//!
//! The scheme decides about TLS, and nothing falls back: a server that cannot do what the scheme says gets no mail
//! and no password.

use std::fmt;
use std::net::IpAddr;

use crate::model::Secret;

/// Everything needed to send.
#[derive(Debug, Clone, PartialEq)]
pub struct SmtpConfig {
    /// Where to.
    pub server: Server,
    /// As whom; `None` for a relay that trusts this host.
    pub login: Option<Login>,
    /// Address of the sender, bare: `watchfire@example.com`.
    pub from: String,
    /// PEM certificates to trust beside the system's.
    pub ca: Option<Vec<u8>>,
}

impl SmtpConfig {
    /// Reads `smtp://host[:port]` (STARTTLS required, port 587), `smtps://host[:port]` (TLS from the start, port 465) or
    /// `smtp-plain://` with a loopback host (no TLS, port 25).
    ///
    /// Errs with a sentence for the one who wrote it, without a full stop.
    pub fn parse_url(text: &str) -> Result<Server, String> {
        Server::parse(text)
    }

    /// A bare address out of `a@example.com` or `Ann <a@example.com>`; see [`super::parse_address`].
    pub fn parse_address(text: &str) -> Result<String, String> {
        super::parse_address(text)
    }
}

/// A name and its password, only ever sent inside TLS (or to this very host).
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A mail server. Displays as the URL it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS is asked for on the open connection, and required.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: for a relay on this very host only.
    Loopback,
}

impl Security {
    const fn scheme(self) -> &'static str {
        match self {
            Security::Starttls => "smtp",
            Security::Tls => "smtps",
            Security::Loopback => "smtp-plain",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::Loopback => 25,
        }
    }
}

impl Server {
    fn parse(text: &str) -> Result<Self, String> {
        const WANTED: &str = "wanted smtp://host:587 (STARTTLS) or smtps://host:465 (TLS)";
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("{WANTED}, found no scheme"))?;
        let security = [Security::Starttls, Security::Tls, Security::Loopback]
            .into_iter()
            .find(|s| s.scheme().eq_ignore_ascii_case(scheme))
            .ok_or_else(|| format!("{WANTED}, found the scheme `{}`", scheme.escape_debug()))?;
        if rest.contains('@') {
            return Err(
                "the user and password go into `user` and `password`, not into the URL".into(),
            );
        }
        // The url crate knows how hosts, brackets and ports are written; its own scheme rules need a special scheme.
        let parsed = url::Url::parse(&format!("http://{rest}"))
            .map_err(|error| format!("{WANTED}: {error}"))?;
        if !matches!(parsed.path(), "" | "/")
            || parsed.query().is_some()
            || parsed.fragment().is_some()
        {
            return Err("nothing may follow the port".into());
        }
        let host = parsed
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        // Port 80 is what the stand-in scheme leaves out.
        let port = match parsed.port() {
            Some(0) => return Err("port 0 is no port".into()),
            Some(port) => port,
            None if rest.trim_end_matches('/').ends_with(":80") => 80,
            None => security.port(),
        };
        if security == Security::Loopback && !is_loopback(&host) {
            return Err(format!(
                "smtp-plain:// sends in clear and is for a relay on this host only (127.0.0.1, ::1, localhost), found `{host}`"
            ));
        }
        Ok(Self {
            host,
            port,
            security,
        })
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Server {
            host,
            port,
            security,
        } = self;
        let scheme = security.scheme();
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        match Server::parse(url) {
            Ok(server) => server.to_string(),
            Err(why) => why,
        }
    }

    #[test]
    fn the_scheme_decides_about_tls_and_the_port() {
        assert_eq!(
            shown("smtp://mail.example.com"),
            "smtp://mail.example.com:587"
        );
        assert_eq!(
            shown("smtps://Mail.example.com/"),
            "smtps://mail.example.com:465"
        );
        assert_eq!(
            shown("smtp://[2001:db8::1]:2525"),
            "smtp://[2001:db8::1]:2525"
        );
        assert_eq!(shown("smtp://relay:80"), "smtp://relay:80");
        assert_eq!(shown("smtp-plain://127.0.0.1"), "smtp-plain://127.0.0.1:25");
        assert_eq!(shown("smtp-plain://[::1]:2525"), "smtp-plain://[::1]:2525");
    }

    #[test]
    fn clear_text_leaves_no_host() {
        for url in [
            "smtp-plain://mail.example.com",
            "smtp-plain://10.0.0.1",
            "smtp-plain://localhost.example.com",
        ] {
            assert!(shown(url).contains("this host only"), "{url}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused_with_what_was_wanted() {
        for url in [
            "",
            "mail.example.com",
            "https://x",
            "smtp://",
            "smtp://h:99999",
            "smtp://h:0",
            "smtp://h/path",
            "smtp://h?tls=no",
            "smtp://a b",
        ] {
            assert!(Server::parse(url).is_err(), "{url}");
        }
        let with_password = shown("smtp://me:hunter2@h");
        assert!(with_password.contains("`password`") && !with_password.contains("hunter2"));
    }
}
