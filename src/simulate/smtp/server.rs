//! The door of the mail server that misbehaves: one port, whose conduct can be changed while it is open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::journal::{Journal, Taken};
use super::session::Session;
use super::{Conduct, Shield};

/// Connections at a time; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 1_024;
/// Pause after a failed accept: out of file descriptors, it fails again at once.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Called with each message that came whole, before the answer to it.
type Teller = Box<dyn Fn(&Taken) + Send + Sync>;

/// A server: how it behaves, and what it has heard. Clones are the same server.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    conduct: Mutex<Conduct>,
    journal: Mutex<Journal>,
    tls: Option<TlsAcceptor>,
    teller: Option<Teller>,
}

impl Host {
    /// A server that behaves so. Without an acceptor it hangs up where TLS would begin.
    pub fn new(conduct: Conduct, tls: Option<TlsAcceptor>) -> Self {
        Self(Arc::new(Inner {
            conduct: Mutex::new(conduct),
            journal: Mutex::default(),
            tls,
            teller: None,
        }))
    }

    /// The same, and each message that came whole is told of.
    pub fn telling(
        conduct: Conduct,
        tls: Option<TlsAcceptor>,
        teller: impl Fn(&Taken) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            conduct: Mutex::new(conduct),
            journal: Mutex::default(),
            tls,
            teller: Some(Box::new(teller)),
        }))
    }

    /// From the next connection on it behaves so.
    pub fn behave(&self, conduct: Conduct) {
        *self
            .0
            .conduct
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = conduct;
    }

    /// What it was told so far.
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.0
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn conduct(&self) -> Conduct {
        *self
            .0
            .conduct
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tls(&self) -> Option<&TlsAcceptor> {
        self.0.tls.as_ref()
    }

    /// A message came whole. A server whose messages are told of keeps none of them itself.
    pub(super) fn take(&self, taken: Taken) {
        match &self.0.teller {
            Some(tell) => tell(&taken),
            None => self.journal().whole.push(taken),
        }
    }
}

/// Serves until `stop`; then every connection is dropped as it stands.
pub async fn serve(listener: TcpListener, host: Host, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    host.journal().connections += 1;
                    connections.spawn(Session::new(host.clone()).serve(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "the mail server of the drill could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shield: Shield = self.conduct().shield;
        f.debug_struct("Host")
            .field("shield", &shield)
            .finish_non_exhaustive()
    }
}
