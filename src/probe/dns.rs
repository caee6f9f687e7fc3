//! Name look-up with a deadline of its own.
//!
//! `getaddrinfo` cannot be cancelled: a mute resolver would fill the runtime's blocking threads and stop every probe.
//! So names are asked for in-process (hosts file, then the servers of `/etc/resolv.conf`), and answers are kept for
//! their TTL, at most [`LONGEST_KEPT`]. Both files are looked at again when they change.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::TokioResolver;
use tokio::time::Instant;

/// A moved service is noticed within a minute, even if its TTL said a day.
const LONGEST_KEPT: Duration = Duration::from_secs(60);
/// How long a look-up may take; a probe's own timeout may be shorter.
const DEADLINE: Duration = Duration::from_secs(10);
/// Wait for one server before the next one is asked.
const SERVER_DEADLINE: Duration = Duration::from_secs(2);
/// More names than this are not kept. A probe has one name, and 10,000 probes are the design's limit.
const MOST_KEPT: usize = 10_000;
/// Their change replaces the resolver.
const SYSTEM_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

type Changed = [Option<SystemTime>; 2];

/// A look-up that failed, without the name.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    /// The servers gave an answer that is no address.
    #[error("{0}")]
    Refused(String),
    /// No answer within the deadline.
    #[error("no answer from the name servers within {} s", DEADLINE.as_secs())]
    Silent,
    /// The name exists and has no address.
    #[error("the name has no address")]
    NoAddress,
    /// It has none of the family that the probe uses.
    #[error("the name has no {0} address")]
    OtherFamily(&'static str),
    /// It leads to where the probe may not connect to.
    #[error("the name leads to the private address {address}, and allow_private is false")]
    Private {
        /// Where it leads.
        address: IpAddr,
        /// Whether a reply named it, not the configuration.
        by_reply: bool,
    },
    /// The prober's own trouble.
    #[error(transparent)]
    Io(std::io::Error),
}

/// The process's resolver with its answers; clones share them.
#[derive(Clone, Default)]
pub(super) struct Dns(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// No answer is kept.
    forgets: bool,
    kept: Mutex<HashMap<String, Answer>>,
    resolver: Mutex<Option<(Option<Arc<TokioResolver>>, Changed)>>,
}

#[derive(Clone)]
struct Answer {
    addresses: Arc<[IpAddr]>,
    until: Instant,
}

impl Dns {
    /// One that asks anew each time.
    pub(super) fn forgetful() -> Self {
        Self(Arc::new(Shared {
            forgets: true,
            ..Shared::default()
        }))
    }

    pub(super) async fn addresses(&self, name: &str) -> Result<Arc<[IpAddr]>, LookupError> {
        if let Some(addresses) = self.kept(name) {
            return Ok(addresses);
        }
        let looked_up = match self.resolver() {
            Some(resolver) => tokio::time::timeout(DEADLINE, ask(&resolver, name)).await,
            None => tokio::time::timeout(DEADLINE, ask_system(name)).await,
        };
        let answer = looked_up.map_err(|_| LookupError::Silent)??;
        if answer.addresses.is_empty() {
            return Err(LookupError::NoAddress);
        }
        if self.0.forgets {
            return Ok(answer.addresses);
        }
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(name.to_owned(), answer.clone());
        Ok(answer.addresses)
    }

    fn kept(&self, name: &str) -> Option<Arc<[IpAddr]>> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = kept.get(name)?;
        (answer.until > Instant::now()).then(|| Arc::clone(&answer.addresses))
    }

    /// The resolver for the system's files as they are now; `None` without a usable resolv.conf.
    fn resolver(&self) -> Option<Arc<TokioResolver>> {
        let changed =
            SYSTEM_FILES.map(|file| std::fs::metadata(file).and_then(|m| m.modified()).ok());
        let mut slot = self
            .0
            .resolver
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some((resolver, at)) if *at == changed => resolver.clone(),
            _ => {
                let resolver = build().map(Arc::new);
                *slot = Some((resolver.clone(), changed));
                resolver
            }
        }
    }
}

fn build() -> Option<TokioResolver> {
    let mut builder = TokioResolver::builder_tokio().ok()?;
    let options = builder.options_mut();
    options.timeout = SERVER_DEADLINE;
    // Answers are kept here, where a hit costs a hash look-up.
    options.cache_size = 0;
    builder.build().ok()
}

async fn ask(resolver: &TokioResolver, name: &str) -> Result<Answer, LookupError> {
    let found = resolver
        .lookup_ip(name)
        .await
        .map_err(|fault| match fault {
            hickory_resolver::net::NetError::Io(io) => {
                LookupError::Io(match io.raw_os_error() {
                    // The number is what tells our own trouble from theirs; a wrapped error would hide it.
                    Some(number) => std::io::Error::from_raw_os_error(number),
                    None => std::io::Error::new(io.kind(), io),
                })
            }
            hickory_resolver::net::NetError::Timeout => LookupError::Silent,
            fault if fault.is_nx_domain() => {
                LookupError::Refused("no such name (NXDOMAIN)".to_owned())
            }
            fault if fault.is_no_records_found() => LookupError::NoAddress,
            fault => LookupError::Refused(format!("look-up failed: {fault}")),
        })?;
    let lifetime = found
        .valid_until()
        .saturating_duration_since(std::time::Instant::now());
    Ok(Answer {
        addresses: found.iter().collect(),
        until: Instant::now() + lifetime.min(LONGEST_KEPT),
    })
}

async fn ask_system(name: &str) -> Result<Answer, LookupError> {
    let found = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|fault| LookupError::Refused(format!("look-up failed: {fault}")))?;
    Ok(Answer {
        addresses: found.map(|address| address.ip()).collect(),
        until: Instant::now() + LONGEST_KEPT,
    })
}

#[cfg(test)]
impl Dns {
    /// An answer that is kept, as if it had been asked for.
    pub(super) fn know(&self, name: &str, addresses: Vec<IpAddr>) {
        let answer = Answer {
            addresses: addresses.into(),
            until: Instant::now() + LONGEST_KEPT,
        };
        self.0.kept.lock().unwrap().insert(name.to_owned(), answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_found_without_a_server_and_kept() {
        let dns = Dns::default();
        let found = dns.addresses("localhost").await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
        assert_eq!(dns.kept("localhost"), Some(found));
        let forgetful = Dns::forgetful();
        assert!(forgetful.addresses("localhost").await.is_ok());
        assert_eq!(forgetful.kept("localhost"), None);
    }
}
