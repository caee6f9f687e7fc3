//! What the kind `http` sends: bodies, forms, queries and logins, and that their secrets are seen by nobody else.

use base64::Engine as _;
use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Outcome};

use super::server::{Server, reply};
use super::{KEY, LONG, build, client, failure, plan, roots, why};

/// A server that refuses, and says again all that it was told.
async fn echo() -> Server {
    Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let said = reply("500 Oops", "text/plain", format!("you said: {request}"));
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
    })
    .await
}

/// What the server got, and a run that shows no secret in any form.
async fn sent(keys: &str) -> String {
    let server = echo().await;
    let keys = format!("url = \"{}\"\n{keys}", server.url("/x?a=1"));
    let plan = plan("http", &keys, None, LONG);
    let shown = format!("{plan:?} {}", plan.check.describe());
    assert!(!shown.contains("canary"), "{shown}");
    let run = client(&roots()).run(&plan).await;
    assert_eq!(failure(&run).0, Kind::ServerError);
    let shown = format!("{run:?} {}", run.to_json("a/b"));
    assert!(shown.contains("you said"), "{shown}");
    for form in [
        KEY.to_owned(),
        base64::engine::general_purpose::STANDARD.encode(format!("us:{KEY}")),
        base64::engine::general_purpose::STANDARD.encode(KEY),
    ] {
        assert!(!shown.contains(&form), "{form} in {shown}");
    }
    server.requests().remove(0)
}

#[tokio::test]
async fn json_is_sent_as_it_stands_with_secrets_in_their_places() {
    let request = sent(
        "json = { a = 1, b = [true, 2.5, \"x\"], c = { secret = { env = \"S\" } }, d = { env = \"data\" } }",
    )
    .await;
    assert!(request.starts_with("POST /x?a=1 "), "{request}");
    assert!(request.contains("content-type: application/json\r\n"));
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    let wanted = format!(r#"{{"a":1,"b":[true,2.5,"x"],"c":"{KEY}","d":{{"env":"data"}}}}"#);
    let same: (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(body).unwrap(),
        serde_json::from_str(&wanted).unwrap(),
    );
    assert_eq!(same.0, same.1);
}

#[tokio::test]
async fn a_form_is_sent_as_browsers_send_it() {
    let request =
        sent("form = { user = \"a b&c\", password = { env = \"S\" }, n = 1 }\nmethod = \"PUT\"")
            .await;
    assert!(request.starts_with("PUT /x?a=1 "), "{request}");
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    for pair in ["user=a+b%26c", "n=1", &format!("password={KEY}")] {
        assert!(body.split('&').any(|found| found == pair), "{body}");
    }
    let request = sent("form = { a = 1 }\nheaders = { content-type = \"x/y\" }").await;
    assert!(request.contains("content-type: x/y\r\n"), "{request}");
}

#[tokio::test]
async fn a_query_may_hold_secrets() {
    let request = sent("query = { q = \"a b\", key = { env = \"S\" } }").await;
    let line = request.lines().next().unwrap();
    assert!(line.contains("q=a+b") && line.contains(&format!("key={KEY}")));
    let keys = "url = \"https://h.example/x\"\nquery = { q = \"b\", key = { env = \"S\" } }";
    let check = build("http", keys, None).unwrap();
    let shown = check.describe();
    assert!(
        shown.contains("key=...") && shown.contains("q=b"),
        "{shown}"
    );
}

#[tokio::test]
async fn each_way_to_say_who_we_are_is_sent() {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("us:{KEY}"));
    for (auth, header) in [
        ("\"bearer\"", format!("authorization: Bearer {KEY}\r\n")),
        (
            "{ bearer = { env = \"S\" } }",
            format!("authorization: Bearer {KEY}\r\n"),
        ),
        ("{ header = \"x-key\" }", format!("x-key: {KEY}\r\n")),
        (
            "{ header = \"x-key\", value = { env = \"S\" } }",
            format!("x-key: {KEY}\r\n"),
        ),
        (
            "{ basic = { user = \"us\", password = { env = \"S\" } } }",
            format!("authorization: Basic {basic}\r\n"),
        ),
        (
            "{ basic = { user = \"us\" } }",
            format!("authorization: Basic {basic}\r\n"),
        ),
    ] {
        let request = sent(&format!("auth = {auth}")).await;
        assert!(request.contains(&header), "{auth}: {request}");
    }
    let request = sent("auth = \"none\"").await;
    assert!(!request.contains("canary"), "{request}");
}

#[tokio::test]
async fn no_secret_of_the_request_reaches_another_origin() {
    for status in [301, 302, 303, 307, 308] {
        let stranger = Server::saying(reply("200 OK", "text/plain", "thanks")).await;
        let server = Server::saying(format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            stranger.url("/there")
        ))
        .await;
        for secret in [
            "query = { key = { env = \"S\" } }",
            "json = { key = { secret = { env = \"S\" } } }",
            "form = { key = { env = \"S\" } }",
            "auth = { basic = { user = \"us\", password = { env = \"S\" } } }",
            "auth = { header = \"x-key\", value = { env = \"S\" } }",
            "headers = { x-key = { env = \"S\" } }",
        ] {
            let keys = format!("url = \"{}\"\nredirects = 1\n{secret}", server.url("/"));
            let run = client(&roots()).run(&plan("http", &keys, None, LONG)).await;
            assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
            assert_eq!(run.to_json("a/b")["hops"][0]["status"], status);
        }
        let got = stranger.requests().join("");
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("us:{KEY}"));
        assert_eq!(stranger.requests().len(), 6);
        assert!(!got.contains("canary") && !got.contains(&basic), "{got}");
    }
}

#[tokio::test]
async fn a_failure_behind_redirects_names_each_hop() {
    let last = Server::saying(reply("503 Busy", "text/plain", "later")).await;
    let middle = Server::saying(format!(
        "HTTP/1.1 307 Go\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        last.url("/")
    ))
    .await;
    let first = Server::saying(format!(
        "HTTP/1.1 301 Go\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        middle.url("/")
    ))
    .await;
    let keys = format!("url = \"{}\"\nredirects = 2", first.url("/"));
    let run = client(&roots()).run(&plan("http", &keys, None, LONG)).await;
    let wanted = format!(
        "(redirected by 301 127.0.0.1:{}, 307 127.0.0.1:{}) HTTP 503, wanted 2xx: later",
        first.port, middle.port
    );
    assert_eq!(why(&run), wanted);
}
