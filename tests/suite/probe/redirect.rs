//! Redirects: only as many as asked for, only to http(s), and nothing of ours to a stranger.

use watchfire::model::{FailureKind as Kind, Fault, Outcome};

use super::server::{Server, reply};
use super::{KEY, LONG, failure, run, why};

fn redirect(status: &str, to: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn a_redirect_is_not_followed_unless_asked() {
    let server = Server::saying(redirect("302 Found", "/login")).await;
    let got = run("http", &format!("url = \"{}\"", server.url("/")), "", LONG).await;
    assert_eq!(failure(&got), (Kind::Redirect, Fault::Provider));
    assert_eq!((got.status, server.requests().len()), (Some(302), 1));
    let keys = format!("url = \"{}\"\nexpect = {{ status = 302 }}", server.url("/"));
    assert_eq!(run("http", &keys, "", LONG).await.outcome, Outcome::Success);
}

#[tokio::test]
async fn a_loop_ends_after_the_hops_that_were_asked_for() {
    let server = Server::saying(redirect("301 Moved", "/again")).await;
    let got = run(
        "http",
        &format!("url = \"{}\"\nredirects = 3", server.url("/")),
        "",
        LONG,
    )
    .await;
    assert_eq!(failure(&got), (Kind::Redirect, Fault::Provider));
    assert_eq!(server.requests().len(), 4);
    assert!(why(&got).contains("more than 3"), "{}", why(&got));
}

#[tokio::test]
async fn a_redirect_leaves_http_for_nothing() {
    for to in [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://127.0.0.1/",
        "gopher://x",
    ] {
        let server = Server::saying(redirect("302 Found", to)).await;
        let got = run(
            "http",
            &format!("url = \"{}\"\nredirects = 5", server.url("/")),
            "",
            LONG,
        )
        .await;
        assert_eq!(failure(&got).0, Kind::Redirect, "{to}");
    }
}

#[tokio::test]
async fn secrets_and_bodies_stay_with_the_origin_that_they_are_for() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let stranger = Server::saying(reply("200 OK", "text/plain", "thanks")).await;
        let server = Server::saying(redirect(status, &stranger.url("/there"))).await;
        let keys = format!(
            "url = \"{}\"\nredirects = 1\nmethod = \"POST\"\nbody = \"body-canary\"\nauth = \"bearer\"\n\
             headers = {{ x-api-key = {{ env = \"K\" }}, x-plain = \"plain-canary\" }}",
            server.url("/")
        );
        let got = run("http", &keys, "", LONG).await;
        assert_eq!(got.outcome, Outcome::Success, "{:?}", got.evidence);
        let first = server.requests().join("");
        assert_eq!(first.matches(KEY).count(), 2, "{first}");
        assert!(
            first.contains("body-canary") && first.contains("plain-canary"),
            "{first}"
        );
        let second = stranger.requests().join("");
        assert!(second.contains("/there HTTP/1.1"), "{second}");
        assert!(!second.contains("canary"), "{status}: {second}");
    }
}

#[tokio::test]
async fn within_the_origin_the_key_goes_along_and_307_repeats_the_body() {
    let server = Server::start(|mut stream, requests| async move {
        use tokio::io::AsyncWriteExt;
        let request = requests.read(&mut stream).await;
        let bytes = match request.contains(" /there ") {
            true => reply("200 OK", "text/plain", "fine"),
            false => redirect("307 Temporary", "/there").into_bytes(),
        };
        let _ = stream.write_all(&bytes).await;
    })
    .await;
    let keys = format!(
        "url = \"{}\"\nredirects = 1\nbody = \"hello\"\nauth = {{ header = \"x-api-key\" }}",
        server.url("/")
    );
    assert_eq!(run("http", &keys, "", LONG).await.outcome, Outcome::Success);
    let second = &server.requests()[1];
    assert!(
        second.starts_with("POST /there") && second.contains(KEY) && second.ends_with("hello"),
        "{second}"
    );
}
