//! When a connection was looked up, opened and secured, noted from inside reqwest's connector.
//!
//! reqwest connects somewhere below `execute`; the notes travel to the run in a task-local [`Slot`]. Three places write
//! them: a connector layer (begin and end), the resolver, and rustls' session store, which is asked first of all when a
//! handshake begins. What was noted stays when the run is cut off, so a timeout knows where it happened.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::TlsVersion;
use super::transport::Guard;
use crate::model::{Phase, Timestamp};

tokio::task_local! {
    static CURRENT: Slot;
}

/// Notes on the connection of one exchange, and what it is not allowed.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    notes: Arc<Mutex<Notes>>,
    guard: Guard,
}

/// What is known of a connection so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Notes {
    pub begun: Option<Instant>,
    pub dns_begun: Option<Instant>,
    pub dns_ended: Option<Instant>,
    pub tls_begun: Option<Instant>,
    pub ended: Option<Instant>,
    pub failed: bool,
    /// The first address of the look-up.
    pub address: Option<SocketAddr>,
    /// End of the leaf certificate's validity.
    pub cert_expires: Option<Timestamp>,
    /// The version of TLS that was agreed on.
    pub tls: Option<TlsVersion>,
    /// A handshake with the proxy is over: the next one is with the service.
    pub proxy_secured: bool,
    task: Option<tokio::task::Id>,
    /// It was finished by another task: the request took a pooled connection meanwhile.
    elsewhere: bool,
}

impl Slot {
    /// An empty one, whose connections are held to `guard`.
    pub(super) fn guarded(guard: Guard) -> Self {
        Self {
            guard,
            ..Self::default()
        }
    }

    /// Runs `future`; connections that it opens are noted here.
    pub(super) fn watch<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self.clone(), future)
    }

    /// What has been noted; nothing, when the request went over a connection that was there already.
    pub(super) fn notes(&self) -> Notes {
        *self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Writes into the slot of the exchange that is going on in this task, if one is.
pub(super) fn note(change: impl FnOnce(&mut Notes)) {
    let _ = CURRENT.try_with(|slot| slot.write(change));
}

/// What the connection of the exchange that is going on in this task is not allowed.
pub(super) fn guard() -> Guard {
    CURRENT.try_with(|slot| slot.guard).unwrap_or_default()
}

impl Notes {
    /// The notes on a connection that the reply really came over: `None` when it was a pooled one.
    pub(super) fn own(self) -> Option<Notes> {
        (self.begun.is_some() && self.ended.is_some() && !self.elsewhere).then_some(self)
    }

    /// The phase that was going on when no headers had come.
    pub(super) fn reached(&self) -> Phase {
        if self.begun.is_none() || (self.ended.is_some() && !self.failed) {
            Phase::FirstByte
        } else if self.dns_begun.is_some() && (self.dns_ended.is_none() || self.address.is_none()) {
            Phase::Dns
        } else if self.tls_begun.is_none() {
            Phase::Connect
        } else {
            Phase::Tls
        }
    }
}

/// Notes begin and end of each connection that reqwest opens.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectLayer;

/// The connector within a [`ConnectLayer`].
#[derive(Debug, Clone)]
pub(super) struct Connect<S>(S);

impl<S> tower_layer::Layer<S> for ConnectLayer {
    type Service = Connect<S>;

    fn layer(&self, inner: S) -> Connect<S> {
        Connect(inner)
    }
}

impl<S, R> tower_service::Service<R> for Connect<S>
where
    S: tower_service::Service<R>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connect = self.0.call(request);
        // The slot is taken along: the pool may finish this future in a task of its own.
        let Ok(slot) = CURRENT.try_with(Slot::clone) else {
            return Box::pin(connect);
        };
        slot.write(|notes| {
            *notes = Notes {
                begun: Some(Instant::now()),
                task: tokio::task::try_id(),
                ..Notes::default()
            }
        });
        Box::pin(CURRENT.scope(slot, async move {
            let connected = connect.await;
            note(|notes| {
                notes.ended = Some(Instant::now());
                notes.failed = connected.is_err();
                notes.elsewhere = notes.task != tokio::task::try_id();
            });
            connected
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_reached_follows_from_what_was_noted() {
        let now = Some(Instant::now());
        let mut notes = Notes::default();
        assert_eq!(notes.reached(), Phase::FirstByte, "a pooled connection");
        notes.begun = now;
        assert_eq!(
            notes.reached(),
            Phase::Connect,
            "an address needs no look-up"
        );
        notes.dns_begun = now;
        assert_eq!(notes.reached(), Phase::Dns);
        notes.dns_ended = now;
        assert_eq!(notes.reached(), Phase::Dns, "the look-up found nothing");
        notes.address = Some(SocketAddr::from(([127, 0, 0, 1], 80)));
        assert_eq!(notes.reached(), Phase::Connect);
        notes.tls_begun = now;
        assert_eq!(notes.reached(), Phase::Tls);
        (notes.ended, notes.failed) = (now, true);
        assert_eq!(notes.reached(), Phase::Tls);
        notes.failed = false;
        assert_eq!(notes.reached(), Phase::FirstByte);
    }
}
