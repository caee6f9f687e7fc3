//! Where one run may connect to, and with which client.
//!
//! An address that a reply named (a redirect to another origin, the address of a picture) is the service's word, not the
//! user's: it may lead within only when the probe's own first address lies there too. Such a request never goes over a
//! connection that another probe left open.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use url::{Host, Url};

use super::address::{Family, is_private};
use super::clients::Pair;
use super::{HttpVersion, Transport};
use crate::model::{FailureKind, Fault};
use crate::probe::phases::Notes;
use crate::probe::reply::Failed;
use crate::probe::transport_error::Broken;
use crate::probe::{Connection, Prepared};

/// How rustls names a server that refuses all versions of HTTP that are offered.
const NO_PROTOCOL: &str = "NoApplicationProtocol";

/// What a connection is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::probe) enum Guard {
    /// Every address is.
    #[default]
    Open,
    /// No private address: the probe says so.
    Forbidden,
    /// No private address: a reply named this one.
    NamedByReply,
}

/// The way of one run.
pub(in crate::probe) struct Route {
    transport: Arc<Transport>,
    pair: Pair,
    connection: Connection,
    first: Arc<Prepared>,
    /// Whether the first address lies within; `None` until it is known.
    within: Option<bool>,
}

impl Route {
    pub(in crate::probe) fn new(
        transport: &Arc<Transport>,
        pair: Pair,
        connection: Connection,
        first: &Arc<Prepared>,
    ) -> Self {
        Self {
            transport: Arc::clone(transport),
            pair,
            connection,
            first: Arc::clone(first),
            within: None,
        }
    }

    /// The client for a request, and what its connection is not allowed. `ours`: the address stands in the configuration.
    ///
    /// # Errors
    /// The address itself is one that is not connected to.
    pub(in crate::probe) fn to(
        &self,
        url: &Url,
        ours: bool,
    ) -> Result<(&reqwest::Client, Guard), Failed> {
        let guard = self.guard(url, ours);
        if let Some(address) = self.literal(url) {
            self.admits(address, guard)?;
        }
        let client = match (self.connection, guard) {
            (Connection::Reuse, Guard::Open | Guard::Forbidden) => &self.pair.reuse,
            _ => &self.pair.fresh,
        };
        Ok((client, guard))
    }

    /// From here on the run opens connections of its own. Whether it has used those that others left open until now.
    pub(in crate::probe) fn leaves_open_ones(&mut self) -> bool {
        let left = self.connection == Connection::Reuse;
        self.connection = Connection::Fresh;
        left
    }

    fn guard(&self, url: &Url, ours: bool) -> Guard {
        let ours = ours || url.origin() == self.first.url.origin();
        match self.transport.allow_private {
            true if ours || self.within == Some(true) => Guard::Open,
            false if ours => Guard::Forbidden,
            _ => Guard::NamedByReply,
        }
    }

    fn admits(&self, address: IpAddr, guard: Guard) -> Result<(), Failed> {
        let ip = self.transport.ip;
        if self.transport.proxy.is_none() && !ip.holds(address) {
            return Err(Failed {
                kind: FailureKind::Dns,
                fault: Fault::Ours,
                words: format!(
                    "{address} is an {} address, and this probe uses {} only",
                    Family(address),
                    ip.name()
                ),
            });
        }
        if guard == Guard::Open || !is_private(address) {
            return Ok(());
        }
        Err(match guard {
            Guard::NamedByReply => led_within(address),
            _ => Failed {
                kind: FailureKind::BadRequest,
                fault: Fault::Ours,
                words: format!("{address} is a private address, and allow_private is false"),
            },
        })
    }

    /// The address that an URL's host is. A name is the resolver's business, but what it is to a proxy is not known here:
    /// of names only `localhost` is then told.
    fn literal(&self, url: &Url) -> Option<IpAddr> {
        match url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(name) if self.transport.proxy.is_some() => (name == "localhost"
                || name.ends_with(".localhost"))
            .then_some(Ipv4Addr::LOCALHOST.into()),
            Host::Domain(_) => None,
        }
    }

    /// A reply came from `peer`.
    pub(in crate::probe) fn arrived(&mut self, url: &Url, peer: Option<SocketAddr>) {
        if self.within.is_none() {
            let address = match self.transport.proxy {
                None => peer.map(|peer| peer.ip()),
                // The peer is the proxy; what lies behind it is only known of a literal address.
                Some(_) => self.literal(url),
            };
            self.within = Some(address.is_some_and(is_private));
        }
    }

    /// A failure before headers, told as the fault of who caused it: a proxy that did not let us through, a server that
    /// does not speak the HTTP that is asked for.
    pub(in crate::probe) fn blame(&self, broken: Broken, notes: &Notes) -> Broken {
        let Broken::Service(mut failed) = broken else {
            return broken;
        };
        let connecting = notes.begun.is_some() && (notes.ended.is_none() || notes.failed);
        if let Some(proxy) = &self.transport.proxy
            && failed.kind != FailureKind::Redirect
        {
            if connecting && notes.tls_begun.is_none() {
                return Broken::Service(proxy.blamed(failed));
            }
            failed.words = format!("{} (through the proxy {proxy})", failed.words);
        }
        let unspoken = match failed.kind {
            FailureKind::Protocol | FailureKind::Reset => !connecting,
            FailureKind::TlsHandshake => failed.words.contains(NO_PROTOCOL),
            _ => false,
        };
        if self.transport.http == HttpVersion::Two && unspoken {
            failed.words = format!(
                "no HTTP/2 was spoken, and http = \"2\" wants it: {}",
                failed.words
            );
        }
        Broken::Service(failed)
    }

    /// A proxy answers in the service's place, on plain http, when it does not let us in.
    pub(in crate::probe) fn refused_by_proxy(&self, status: u16, https: bool) -> Option<Failed> {
        let proxy = self.transport.proxy.as_ref()?;
        let http = proxy.url.scheme().starts_with("http");
        (status == 407 && http && !https).then(|| proxy.not_let_in())
    }
}

/// A reply named a private address.
pub(in crate::probe) fn led_within(address: IpAddr) -> Failed {
    Failed {
        kind: FailureKind::Redirect,
        fault: Fault::Provider,
        words: format!("the reply leads to the private address {address}, which is not followed"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Clients, IpFamily};
    use super::*;
    use crate::probe::tls::Roots;
    use crate::probe::{Keep, Request};

    fn request(url: &str) -> Request {
        Request {
            prepared: Arc::new(Prepared {
                method: http::Method::GET,
                url: url.parse().unwrap(),
                headers: Arc::default(),
                secret: Vec::new(),
                redirects: 0,
                max_bytes: 1,
                keep: Keep::Nothing,
            }),
            body: bytes::Bytes::new(),
        }
    }

    fn route(first: &str, peer: &str, allow_private: bool) -> Route {
        let transport = Arc::new(Transport {
            allow_private,
            ..Transport::default()
        });
        let clients = Clients::new(&Roots::system()).unwrap();
        let pair = clients.pair(&transport).unwrap();
        let first = request(first).prepared;
        let mut route = Route::new(&transport, pair, Connection::Reuse, &first);
        let peer: SocketAddr = peer.parse().unwrap();
        route.arrived(&first.url, Some(peer));
        route
    }

    #[test]
    fn a_reply_leads_within_only_from_within() {
        let to = |route: &Route, url: &str| {
            route
                .to(&url.parse().unwrap(), false)
                .map(|(_, guard)| guard)
                .map_err(|failed| (failed.kind, failed.fault))
        };
        let refused = Err((FailureKind::Redirect, Fault::Provider));
        let outside = route("https://a.example/", "203.0.113.7:443", true);
        assert_eq!(to(&outside, "https://a.example/x"), Ok(Guard::Open));
        for named in [
            "https://b.example/",
            "https://a.example:8443/",
            "http://203.0.113.8/",
        ] {
            assert_eq!(to(&outside, named), Ok(Guard::NamedByReply), "{named}");
        }
        for within in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://169.254.169.254/latest",
            "http://[::ffff:10.0.0.1]/",
            "http://2130706433/",
        ] {
            assert_eq!(to(&outside, within), refused, "{within}");
        }
        let inside = route("https://a.example/", "10.1.2.3:443", true);
        assert_eq!(to(&inside, "http://10.0.0.1/"), Ok(Guard::Open));
        let strict = route("https://a.example/", "10.1.2.3:443", false);
        assert_eq!(to(&strict, "http://10.0.0.1/"), refused);
        assert_eq!(to(&strict, "https://a.example/"), Ok(Guard::Forbidden));
        let own = route("http://10.1.2.3/", "10.1.2.3:80", false);
        assert_eq!(
            to(&own, "http://10.1.2.3/"),
            Err((FailureKind::BadRequest, Fault::Ours))
        );
    }

    #[test]
    fn an_address_of_another_family_is_told_as_our_own_mistake() {
        let mut route = route("http://[::1]/", "[::1]:80", true);
        route.transport = Arc::new(Transport {
            ip: IpFamily::V4,
            ..Transport::default()
        });
        let failed = route.to(&"http://[::1]/".parse().unwrap(), true).err();
        assert_eq!(
            failed.map(|f| (f.fault, f.words)),
            Some((
                Fault::Ours,
                "::1 is an IPv6 address, and this probe uses IPv4 only".to_owned()
            ))
        );
    }
}
