//! The HTTP clients: one pair for each set of options, never one for each probe.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::redirect::Policy;

use super::names::Names;
use super::{HttpVersion, Transport};
use crate::probe::ClientError;
use crate::probe::dns::Dns;
use crate::probe::phases::ConnectLayer;
use crate::probe::tls::Roots;

/// More header lines than this are no answer (hyper's own limit holds their size to 400 KiB).
const MOST_HEADERS: usize = 100;
/// Idle connections that `connection = "reuse"` keeps per host.
const MOST_IDLE: usize = 8;
/// What the service sees as our name.
const USER_AGENT: &str = concat!("watchfire/", env!("CARGO_PKG_VERSION"));

/// The two clients of one transport; clones share their connections.
#[derive(Clone)]
pub(in crate::probe) struct Pair {
    pub fresh: reqwest::Client,
    pub reuse: reqwest::Client,
}

/// All pairs. As many are kept as the configuration has sets of options; a reload makes a new set of all.
pub(in crate::probe) struct Clients {
    roots: Roots,
    dns: Dns,
    usual: Pair,
    others: Mutex<HashMap<Arc<Transport>, Pair>>,
}

impl Clients {
    /// With the pair for probes without options made already.
    pub(in crate::probe) fn new(roots: &Roots) -> Result<Self, ClientError> {
        Self::with(roots, Dns::default())
    }

    /// The same, and no answer of a name server is kept.
    pub(in crate::probe) fn forgetful(roots: &Roots) -> Result<Self, ClientError> {
        Self::with(roots, Dns::forgetful())
    }

    fn with(roots: &Roots, dns: Dns) -> Result<Self, ClientError> {
        Ok(Self {
            usual: make(roots, &dns, &Transport::default())?,
            roots: roots.clone(),
            dns,
            others: Mutex::default(),
        })
    }

    /// The pair of a transport, made when it is asked for first.
    pub(in crate::probe) fn pair(&self, transport: &Arc<Transport>) -> Result<Pair, ClientError> {
        if **transport == Transport::default() {
            return Ok(self.usual.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = others.get(transport) {
            return Ok(pair.clone());
        }
        let pair = make(&self.roots, &self.dns, transport)?;
        others.insert(Arc::clone(transport), pair.clone());
        Ok(pair)
    }
}

fn make(roots: &Roots, dns: &Dns, transport: &Transport) -> Result<Pair, ClientError> {
    let tls = roots.client_config(transport)?;
    let names = Names {
        dns: dns.clone(),
        ip: transport.ip,
        proxy: transport.proxy.as_ref().map(|p| p.host().to_owned()),
    };
    let build = |idle: usize| {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .dns_resolver(names.clone())
            .connector_layer(ConnectLayer)
            .pool_max_idle_per_host(idle)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_max_headers(MOST_HEADERS)
            .user_agent(USER_AGENT);
        builder = match transport.http {
            HttpVersion::Auto => builder,
            HttpVersion::One => builder.http1_only(),
            HttpVersion::Two => builder.http2_prior_knowledge(),
        };
        if let Some(proxy) = &transport.proxy {
            builder = builder.proxy(proxy.made().map_err(ClientError::Build)?);
        }
        builder.build().map_err(ClientError::Build)
    };
    Ok(Pair {
        fresh: build(0)?,
        reuse: build(MOST_IDLE)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::IpFamily;

    #[test]
    fn probes_with_equal_options_share_one_pair_of_clients() {
        let clients = Clients::new(&Roots::system()).unwrap();
        for _ in 0..100 {
            clients.pair(&Transport::shared()).unwrap();
            clients.pair(&Arc::default()).unwrap();
        }
        assert_eq!(clients.others.lock().unwrap().len(), 0);
        let four = || {
            Arc::new(Transport {
                ip: IpFamily::V4,
                ..Transport::default()
            })
        };
        for _ in 0..100 {
            clients.pair(&four()).unwrap();
        }
        assert_eq!(clients.others.lock().unwrap().len(), 1);
    }
}
