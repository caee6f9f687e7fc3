//! Below the first byte: connections that are never opened, proxies that nobody configured, pools.

use std::process::{Command, Stdio};

use tokio::net::{TcpSocket, TcpStream};
use watchfire::model::{FailureKind as Kind, Fault, Phase};

use super::server::ports;
use crate::probe::server::{Server, reply};
use crate::probe::{OVERRUN, SHORT, client, failure, plan, roots};

#[tokio::test]
async fn a_host_that_answers_no_syn_is_a_timeout_of_the_connection() {
    // A queue for one connection, and nobody who accepts: when it is full, the kernel drops what else comes.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the queue is never full here");
    }
    let plan = plan("http", &format!("url = \"http://{address}/\""), None, SHORT);
    let run = client(&roots()).run(&plan).await;
    assert_eq!(failure(&run), (Kind::ConnectTimeout, Fault::Network));
    assert_eq!(run.failed_in, Some(Phase::Connect));
    let most = (SHORT + OVERRUN).as_micros();
    assert!(u128::from(run.total_us) < most, "{} us", run.total_us);
}

#[tokio::test]
async fn proxies_in_the_environment_are_not_asked() {
    let proxy = Server::saying(reply("200 OK", "text/plain", "from the proxy")).await;
    let home = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}/h1/gzip", ports().paths);
    let probes = format!(
        "[service.s]\n[[probe]]\nservice = \"s\"\nname = \"p\"\nkind = \"http\"\nurl = {url:?}\n\
         expect = {{ text = \"^fine$\" }}\n"
    );
    std::fs::write(home.path().join("probes.toml"), probes).unwrap();
    let mut probe = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    probe
        .args(["probe", "--json"])
        .current_dir(home.path())
        .stdout(Stdio::null());
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        probe.env(name, proxy.url(""));
    }
    let ended = tokio::task::spawn_blocking(move || probe.status().unwrap()).await;
    assert!(ended.unwrap().success());
    assert_eq!(proxy.requests(), Vec::<String>::new());
}
