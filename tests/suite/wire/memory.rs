//! How much memory a probe takes when it is flooded: a process of its own, looked at before and after.
//!
//! The child runs a probe against us that fails, then another, then the hostile one, then one against us again. While it
//! waits for us its memory is read from `/proc`; in the second wait the high-water mark is set back, so that the third shows
//! the hostile probe alone. The first takes what any first failure does, once for a process: the table of faults.

use std::process::{Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use watchfire::simulate::faults::Protocol;

use super::server::ports;

const KIB_IN_MB: u64 = 1000;

/// Where, which, and how many MB more a probe of it may take.
const CAPS: &[(&str, &str, u64)] = &[
    ("h1", "gzip-bomb", 8),
    ("h1", "gzip-bomb-refusal", 8),
    ("h1", "gzip-50-times", 2),
    ("h1", "endless-body", 4),
    ("h1", "one-gb-line", 4),
    ("h1", "endless-headers", 2),
    ("h1", "endless-header", 2),
    ("h1", "header-1-mb", 2),
    ("h1", "endless-trailers", 2),
    ("h1", "json-deep", 4),
    ("sse", "endless-comments", 4),
    ("sse", "endless-tokens", 4),
    ("sse", "one-gb-line", 4),
    ("sse", "gzip-bomb", 8),
];

#[tokio::test]
async fn a_flooded_probe_stays_within_its_memory() {
    if !std::path::Path::new("/proc/self/clear_refs").exists() {
        return;
    }
    let mut over = Vec::new();
    for (protocol, mode, most_mb) in CAPS {
        let known = Protocol::ALL.iter().find(|p| p.name() == *protocol);
        let keys = known.unwrap().mode(mode).unwrap().keys;
        let took = took_kib(protocol, mode, keys).await;
        if took > most_mb * KIB_IN_MB {
            over.push(format!(
                "{protocol}/{mode}: {took} KiB, at most {most_mb} MB"
            ));
        }
    }
    assert!(over.is_empty(), "\n{}", over.join("\n"));
    let all = "expect = { text = \"y\", max_bytes = 20_000_000 }";
    let took = took_kib("h1", "endless-body", all).await;
    assert!(
        took > 10 * KIB_IN_MB,
        "20 MB were kept, and only {took} KiB seen"
    );
}

/// KiB by which the process grew while it was flooded.
async fn took_kib(protocol: &str, mode: &str, keys: &str) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wait = format!("http://{}/", listener.local_addr().unwrap());
    let hostile = format!("http://127.0.0.1:{}/{protocol}/{mode}", ports().paths);
    let home = tempfile::tempdir().unwrap();
    let kind = match protocol {
        "sse" => "kind = \"chat\"\nmodel = \"m\"\nauth = \"none\"",
        _ => "kind = \"http\"",
    };
    let probes = format!(
        "[service.s]\n[[probe]]\nservice = \"s\"\nname = \"wait\"\nkind = \"http\"\nurl = {wait:?}\n\
         [[probe]]\nservice = \"s\"\nname = \"hostile\"\nurl = {hostile:?}\n{kind}\n{keys}\n"
    );
    std::fs::write(home.path().join("probes.toml"), probes).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["probe", "s/wait", "s/wait", "s/hostile", "s/wait", "--json"])
        .current_dir(home.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let kib = |what: &str| -> u64 {
        let status = std::fs::read_to_string(&status).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut before = 0;
    let mut took = 0;
    for turn in 0..3 {
        let (mut asked, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = asked.read(&mut request).await.unwrap();
        let mut answer: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        match turn {
            0 => answer = b"no HTTP\r\n\r\n",
            1 => {
                // 5: the high-water mark is what is resident now.
                std::fs::write(format!("/proc/{}/clear_refs", child.id()), "5").unwrap();
                before = kib("VmRSS");
            }
            _ => took = kib("VmHWM") - before,
        }
        asked.write_all(answer).await.unwrap();
    }
    child.wait().unwrap();
    took
}
