//! Broken HTTP/1.1 and broken event streams.

use watchfire::simulate::faults::Protocol;

use super::each;
use super::server::ports;
use crate::probe::{client, roots};

/// hyper takes these apart as fast as they come and lets nothing else run meanwhile: for seconds, without optimizations.
/// `tests/faults/wire` runs them in processes of their own.
const SPIN: [&str; 2] = ["endless-1xx", "endless-chunk-size"];

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn broken_http_1_is_named_for_what_it_is_in_time() {
    let port = ports().paths;
    let url = |mode: &_| address(port, "h1", mode);
    let modes = Protocol::Http1
        .modes()
        .filter(|mode| !SPIN.contains(&mode.name));
    each(&client(&roots()), "http", modes, url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn broken_event_streams_are_named_for_what_they_are_in_time() {
    let port = ports().paths;
    let url = |mode: &_| address(port, "sse", mode);
    each(&client(&roots()), "chat", Protocol::Sse.modes(), url).await;
}

fn address(port: u16, protocol: &str, mode: &watchfire::simulate::faults::Mode) -> String {
    format!("http://127.0.0.1:{port}/{protocol}/{}", mode.name)
}
