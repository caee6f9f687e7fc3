//! Handshakes that come to nothing, and HTTP/2 that breaks its rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use watchfire::simulate::faults::{Door, Protocol};

use super::each;
use super::server::{open, ports};
use crate::probe::certificates::{authority, certificate, config};
use crate::probe::{client, roots};

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn broken_handshakes_are_named_for_what_they_are_in_time() {
    let ports = &ports().tls;
    let url = |mode: &watchfire::simulate::faults::Mode| {
        format!("https://127.0.0.1:{}/", ports[mode.name])
    };
    each(&client(&roots()), "http", Protocol::Tls.modes(), url).await;
}

/// Keeps a thread as busy as it can, without optimizations for longer than anybody waits on a busy machine; and a GOAWAY
/// that may be read before or after the request has left, which is another failure. `tests/faults/wire` runs them in
/// processes of their own.
fn alone(mode: &watchfire::simulate::faults::Mode) -> bool {
    mode.name.ends_with("-flood") || mode.name == "goaway-before"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn broken_http_2_is_named_for_what_it_is_in_time() {
    let authority = authority();
    let mut config = config(&authority, certificate(&["127.0.0.1"], (2020, 2100)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let ports: BTreeMap<_, _> = Protocol::Http2
        .modes()
        .map(|mode| (mode.name, open(|| Door::Secure(mode, acceptor.clone()))))
        .collect();
    let roots = roots().with_file(authority.pem.path()).unwrap();
    let url = |mode: &watchfire::simulate::faults::Mode| {
        format!("https://127.0.0.1:{}/", ports[mode.name])
    };
    let modes = Protocol::Http2.modes().filter(|mode| !alone(mode));
    each(&client(&roots), "http", modes, url).await;
}
