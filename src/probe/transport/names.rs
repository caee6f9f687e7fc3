//! Looks names up for one transport: only addresses that it may connect to come out.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

use super::address::is_private;
use super::{Guard, IpFamily};
use crate::probe::dns::{Dns, LookupError};
use crate::probe::phases::{guard, note};

/// The resolver of one pair of clients.
#[derive(Clone)]
pub(super) struct Names {
    pub dns: Dns,
    pub ip: IpFamily,
    /// The proxy's own name: wherever it lies, the file says so.
    pub proxy: Option<String>,
}

impl Names {
    async fn look_up(&self, name: &str, guard: Guard) -> Result<Vec<IpAddr>, LookupError> {
        let found = self.dns.addresses(name).await?;
        let guarded = guard != Guard::Open && self.proxy.as_deref() != Some(name);
        self.admitted(&found, if guarded { guard } else { Guard::Open })
    }

    fn admitted(&self, found: &[IpAddr], guard: Guard) -> Result<Vec<IpAddr>, LookupError> {
        let mut kept: Vec<IpAddr> = found.to_vec();
        kept.retain(|address| self.ip.holds(*address));
        if kept.is_empty() {
            return Err(LookupError::OtherFamily(self.ip.name()));
        }
        if guard != Guard::Open {
            let private = kept.first().copied().filter(|ip| is_private(*ip));
            kept.retain(|address| !is_private(*address));
            if let (Some(address), true) = (private, kept.is_empty()) {
                let by_reply = guard == Guard::NamedByReply;
                return Err(LookupError::Private { address, by_reply });
            }
        }
        Ok(kept)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            note(|notes| notes.dns_begun = Some(Instant::now()));
            let found = names.look_up(name.as_str(), guard()).await;
            note(|notes| {
                notes.dns_ended = Some(Instant::now());
                notes.address = found
                    .as_ref()
                    .ok()
                    .and_then(|f| f.first())
                    .map(|ip| SocketAddr::new(*ip, 0));
            });
            let found = found.map_err(|fault| Box::new(fault) as Box<dyn Error + Send + Sync>)?;
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ip: IpFamily, proxy: Option<&str>) -> Names {
        let dns = Dns::default();
        let known = |text: &str| text.split(' ').map(|ip| ip.parse().unwrap()).collect();
        dns.know("open.example", known("203.0.113.7 2001:db8::7"));
        dns.know("mixed.example", known("10.0.0.1 203.0.113.7"));
        dns.know("metadata.example", known("169.254.169.254"));
        Names {
            dns,
            ip,
            proxy: proxy.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn only_addresses_of_the_wanted_family_come_out() {
        let found = |ip| async move { names(ip, None).look_up("open.example", Guard::Open).await };
        assert_eq!(found(IpFamily::Any).await.unwrap().len(), 2);
        assert!(found(IpFamily::V4).await.unwrap()[0].is_ipv4());
        assert!(found(IpFamily::V6).await.unwrap()[0].is_ipv6());
        let none = names(IpFamily::V6, None)
            .look_up("mixed.example", Guard::Open)
            .await;
        assert_eq!(
            none.unwrap_err().to_string(),
            "the name has no IPv6 address"
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_within_has_no_address_for_the_guarded() {
        let names = names(IpFamily::Any, Some("metadata.example"));
        for guard in [Guard::Forbidden, Guard::NamedByReply] {
            let mixed = names.look_up("mixed.example", guard).await.unwrap();
            assert_eq!(mixed, ["203.0.113.7".parse::<IpAddr>().unwrap()]);
        }
        let found = |guard| {
            let names = Names {
                proxy: None,
                ..names.clone()
            };
            async move { names.look_up("metadata.example", guard).await }
        };
        assert!(found(Guard::Open).await.is_ok());
        assert!(matches!(
            found(Guard::Forbidden).await,
            Err(LookupError::Private {
                by_reply: false,
                ..
            })
        ));
        assert!(matches!(
            found(Guard::NamedByReply).await,
            Err(LookupError::Private { by_reply: true, .. })
        ));
        // The proxy itself may lie within.
        assert!(
            names
                .look_up("metadata.example", Guard::Forbidden)
                .await
                .is_ok()
        );
    }
}
