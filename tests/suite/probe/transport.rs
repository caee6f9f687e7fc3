//! What goes wrong below HTTP, and in HTTP itself.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Connection;

use super::server::{Server, reply};
use super::{LONG, SHORT, client, failure, plan, roots, run, why};

async fn get(server: &Server, timeout: Duration) -> watchfire::probe::Run {
    run(
        "http",
        &format!("url = \"{}\"", server.url("/")),
        "http://unused",
        timeout,
    )
    .await
}

#[tokio::test]
async fn an_answer_has_its_phases_and_no_evidence() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let run = get(&server, LONG).await;
    assert_eq!(
        (run.outcome, run.status, run.bytes),
        (Outcome::Success, Some(200), 4)
    );
    assert_eq!(
        (run.failed_in, &run.evidence, run.phases.tls_us),
        (None, &None, None)
    );
    let p = run.phases;
    assert_eq!(p.dns_us, Some(0), "an address needs no look-up");
    let parts = p.connect_us.unwrap() + p.first_byte_us.unwrap() + p.body_us.unwrap();
    assert!(parts <= run.total_us, "{parts} of {}", run.total_us);
    assert_eq!(run.peer.map(|peer| peer.port()), Some(server.port));
    let request = &server.requests()[0];
    assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("accept-encoding: gzip\r\n"), "{request}");
    assert!(
        !request.contains("canary"),
        "an http probe sends no key unasked"
    );
}

#[tokio::test]
async fn a_name_is_looked_up_and_timed() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let keys = format!("url = \"http://localhost:{}/\"", server.port);
    let run = run("http", &keys, "http://unused", LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert!(run.phases.dns_us.is_some());
}

#[tokio::test]
async fn a_name_that_is_not_there_fails_in_the_look_up() {
    let run = run(
        "http",
        "url = \"http://no-such-host.invalid/\"",
        "http://unused",
        Duration::from_secs(2),
    )
    .await;
    assert_eq!(failure(&run), (Kind::Dns, Fault::Network));
    assert_eq!(
        (run.failed_in, run.phases.connect_us),
        (Some(Phase::Dns), None)
    );
    assert!(!why(&run).contains("no-such-host"), "{}", why(&run));
}

#[tokio::test]
async fn a_closed_port_is_the_services_fault() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let run = run(
        "http",
        &format!("url = \"http://127.0.0.1:{port}/\""),
        "http://unused",
        LONG,
    )
    .await;
    assert_eq!(failure(&run), (Kind::Connect, Fault::Provider));
    assert_eq!((run.failed_in, run.status), (Some(Phase::Connect), None));
    assert!(run.phases.connect_us.is_some() && run.phases.first_byte_us.is_none());
    assert!(why(&run).contains("refused"), "{}", why(&run));
}

#[tokio::test]
async fn silence_before_the_headers_is_a_timeout_there() {
    let server = Server::saying_then_silent("").await;
    let begun = Instant::now();
    let run = get(&server, SHORT).await;
    assert!(begun.elapsed() >= SHORT);
    assert_eq!(failure(&run), (Kind::Timeout, Fault::Provider));
    assert_eq!(run.failed_in, Some(Phase::FirstByte));
    assert!(run.phases.connect_us.is_some() && run.phases.first_byte_us.unwrap() > 200_000);
}

#[tokio::test]
async fn a_header_a_moment_does_not_outlive_the_deadline() {
    let server = Server::start(|mut stream, requests| async move {
        requests.read(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-drip: ").await;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            if stream.write_all(b"x").await.is_err() {
                return;
            }
        }
    })
    .await;
    let run = get(&server, SHORT).await;
    assert_eq!(
        (failure(&run).0, run.failed_in),
        (Kind::Timeout, Some(Phase::FirstByte))
    );
}

#[tokio::test]
async fn silence_in_the_body_is_a_timeout_there_and_keeps_the_status() {
    let server =
        Server::saying_then_silent("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc").await;
    let run = get(&server, SHORT).await;
    assert_eq!(failure(&run), (Kind::Timeout, Fault::Provider));
    assert_eq!(
        (run.failed_in, run.status, run.bytes),
        (Some(Phase::Body), Some(200), 3)
    );
    assert!(run.phases.body_us.unwrap() > 200_000);
}

#[tokio::test]
async fn a_connection_that_breaks_is_named_by_where_it_broke() {
    let close = Server::saying("").await;
    let run = get(&close, LONG).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Reset, Fault::Network), Some(Phase::FirstByte))
    );

    let reset = Server::resetting_after(b"").await;
    let run = get(&reset, LONG).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Reset, Fault::Network), Some(Phase::FirstByte))
    );

    let short = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc").await;
    let run = get(&short, LONG).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Truncated, Fault::Provider), Some(Phase::Body))
    );

    let chunk =
        Server::saying("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab").await;
    let run = get(&chunk, LONG).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Truncated, Fault::Provider), Some(Phase::Body))
    );
}

#[tokio::test]
async fn a_reset_in_the_body_is_a_failure_in_the_body() {
    let server =
        Server::resetting_after(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc").await;
    let run = get(&server, LONG).await;
    // The kernel may drop unread bytes at a reset, the headers among them.
    assert_eq!(failure(&run).0, Kind::Reset, "{run:?}");
}

#[tokio::test]
async fn what_is_not_http_is_named_so() {
    for bytes in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ] {
        let server = Server::saying(bytes).await;
        let run = get(&server, LONG).await;
        assert_eq!(
            failure(&run),
            (Kind::Protocol, Fault::Provider),
            "{bytes:?} {:?}",
            run.evidence
        );
    }
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-a: b\r\n".repeat(200));
    let endless = Server::repeating(b"HTTP/1.1 200 OK\r\nx-a: ", vec![b'x'; 65536]).await;
    assert_eq!(
        failure(&get(&Server::saying(many).await, LONG).await).0,
        Kind::Protocol
    );
    assert_eq!(failure(&get(&endless, LONG).await).0, Kind::Protocol);
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_limit_only() {
    let server = Server::repeating(b"HTTP/1.1 200 OK\r\n\r\n", vec![b'x'; 65536]).await;
    let run = get(&server, LONG).await;
    assert_eq!(failure(&run), (Kind::TooLarge, Fault::Provider));
    assert!(
        run.bytes > 1024 * 1024 && run.bytes < 2 * 1024 * 1024,
        "{}",
        run.bytes
    );
}

/// 64 MiB of zeros in gzip: one stored header, then a long run. Made with a tiny encoder of dynamic repeats.
fn bomb() -> Vec<u8> {
    // A final fixed-Huffman block: one literal zero, then length-258 copies at distance 1.
    let mut bits = Bits::default();
    bits.push(1, 1);
    bits.push(1, 2);
    bits.push(0b0000_1100, 8); // literal 0 is 00110000, written from its first bit
    for _ in 0..64 * 1024 * 1024 / 258 {
        bits.push(0b1010_0011, 8); // length code 285 is 11000101
        bits.push(0, 5); // distance 1
    }
    bits.push(0, 7);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(bits.bytes());
    out.extend([0; 8]);
    out
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    hold: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        self.hold |= value << self.count;
        self.count += width;
        while self.count >= 8 {
            self.out.push(self.hold as u8);
            self.hold >>= 8;
            self.count -= 8;
        }
    }

    fn bytes(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.out
    }
}

#[tokio::test]
async fn a_gzip_bomb_counts_as_what_it_unpacks_to() {
    let bomb = bomb();
    assert!(bomb.len() < 1024 * 1024);
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    bytes.extend(bomb);
    let run = get(&Server::saying(bytes).await, LONG).await;
    assert_eq!(failure(&run).0, Kind::TooLarge, "{:?}", run.evidence);
    assert!(run.bytes < 2 * 1024 * 1024, "{}", run.bytes);
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_or_is_broken_is_named_so() {
    for coding in ["br", "gzip, gzip", "zstd"] {
        let bytes = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 3\r\n\r\nabc"
        );
        let run = get(&Server::saying(bytes).await, LONG).await;
        assert_eq!(failure(&run), (Kind::Encoding, Fault::Provider), "{coding}");
    }
    let corrupt = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\nnot gzip!";
    let run = get(&Server::saying(corrupt).await, LONG).await;
    assert_eq!(
        failure(&run),
        (Kind::Encoding, Fault::Provider),
        "{:?}",
        run.evidence
    );
}

#[tokio::test]
async fn a_reused_connection_has_no_connect_phase_and_a_fresh_one_has() {
    let server = Server::start(|mut stream, requests| async move {
        while !requests.read(&mut stream).await.is_empty() {
            stream
                .write_all(&reply("200 OK", "text/plain", "fine"))
                .await
                .unwrap();
        }
    })
    .await;
    let client = client(&roots());
    let mut plan = plan(
        "http",
        &format!("url = \"{}\"", server.url("/")),
        None,
        LONG,
    );
    for _ in 0..2 {
        assert!(client.run(&plan).await.phases.connect_us.is_some());
    }
    plan.connection = Connection::Reuse;
    assert!(client.run(&plan).await.phases.connect_us.is_some());
    let second = client.run(&plan).await;
    assert_eq!(second.outcome, Outcome::Success);
    assert_eq!(
        (second.phases.dns_us, second.phases.connect_us),
        (None, None)
    );
    assert!(second.phases.first_byte_us.is_some());
}
