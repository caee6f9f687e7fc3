//! The kind `status_page`: claims are read and recorded, and nothing that happens to a page is a run of the service.

use tokio::io::AsyncWriteExt;
use watchfire::model::{Cause, Claim, Outcome, Standing};
use watchfire::probe::Run;

use super::server::{Server, json, reply};
use super::{KEY, LONG, SHORT, run, why};

const UNREADABLE: Outcome = Outcome::Inconclusive(Cause::Unreadable);
const SUMMARY: &str = r#"{"page":{"id":"p"},"status":{"indicator":"none"},"components":[{"id":"c","name":"Chat","status":"degraded_performance"}],"incidents":[],"scheduled_maintenances":[]}"#;
const WIDGET: &str = r#"{"page_title":"Example","ongoing_incidents":[],"in_progress_maintenances":[],"scheduled_maintenances":[]}"#;

/// Answers `/api/v2/summary.json` with the one, and `/api/v1/summary` with the other.
async fn site(summary: Vec<u8>, widget: Vec<u8>) -> Server {
    Server::start(move |mut stream, requests| {
        let (summary, widget) = (summary.clone(), widget.clone());
        async move {
            let request = requests.read(&mut stream).await;
            let bytes = match request.contains("GET /status/api/v2/summary.json ") {
                true => summary,
                false => widget,
            };
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

async fn read(server: &Server, keys: &str) -> Run {
    let keys = format!("url = \"{}\"\n{keys}", server.url("/status/"));
    run("status_page", &keys, "http://127.0.0.1:1", LONG).await
}

fn claim(run: &Run) -> &Claim {
    run.found.as_ref().unwrap().claim.as_ref().unwrap()
}

fn html() -> Vec<u8> {
    reply("200 OK", "text/html", "<title>Status</title>")
}

#[tokio::test]
async fn a_claim_is_noted_whatever_it_says() {
    let server = site(json(SUMMARY), html()).await;
    let run = read(&server, "").await;
    assert_eq!((run.outcome, &run.evidence), (Outcome::Noted, &None));
    assert_eq!(claim(&run).overall, Standing::Degraded);
    assert_eq!(server.requests().len(), 1);
    let shown = run.to_json("openai/page");
    assert_eq!(shown["outcome"], "noted");
    assert_eq!(shown["found"]["claim"]["overall"], "degraded");
    assert_eq!(shown["found"]["claim"]["components"][0]["name"], "Chat");
}

#[tokio::test]
async fn the_widgets_form_is_found_where_the_other_is_not() {
    for missing in [html(), reply("404 No", "text/plain", "")] {
        let server = site(missing, json(WIDGET)).await;
        let run = read(&server, "").await;
        assert_eq!(run.outcome, Outcome::Noted, "{}", why(&run));
        assert_eq!(claim(&run).overall, Standing::Operational);
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_claims_nothing_that_is_known() {
    for (summary, widget) in [
        (html(), html()),
        (reply("503 No", "text/plain", ""), html()),
        (
            json("{}"),
            json(r#"{"page":{"status":"UP"},"activeIncidents":[]}"#),
        ),
        (json("{"), b"garbage".to_vec()),
    ] {
        let run = read(&site(summary, widget).await, "").await;
        assert_eq!(run.outcome, UNREADABLE, "{}", why(&run));
        assert_eq!(*claim(&run), Claim::UNKNOWN);
    }
    let nobody = "url = \"http://127.0.0.1:9/\"";
    let run = run("status_page", nobody, "http://127.0.0.1:1", LONG).await;
    assert_eq!(run.outcome, UNREADABLE);
    assert_eq!(*claim(&run), Claim::UNKNOWN);
}

#[tokio::test]
async fn a_page_without_end_is_left_at_its_limit_and_a_silent_one_at_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"incidents\":[";
    let server = Server::repeating(head, b"{\"impact\":\"minor\"},".repeat(4_000)).await;
    let run = read(&server, "").await;
    assert_eq!(run.outcome, UNREADABLE);
    assert!(run.bytes < 8 * 1024 * 1024, "{} bytes", run.bytes);
    let silent = Server::saying_then_silent(head).await;
    let keys = format!("url = \"{}\"", silent.url("/"));
    let run = super::run("status_page", &keys, "http://127.0.0.1:1", SHORT).await;
    assert_eq!(run.outcome, UNREADABLE);
}

#[tokio::test]
async fn a_secret_that_the_page_sends_back_is_not_recorded() {
    let page = SUMMARY.replace(
        "\"incidents\":[]",
        &format!(
            r#""incidents":[{{"id":"{KEY}","name":"token {KEY}","impact":"minor","status":"{KEY}","shortlink":"https://x.org/{KEY}","components":[{{"name":"{KEY}"}}]}}]"#
        ),
    );
    let server = site(json(&page), html()).await;
    let run = read(&server, "headers = { x-token = { env = \"T\" } }").await;
    assert!(server.requests()[0].contains(&format!("x-token: {KEY}")));
    assert_eq!(claim(&run).posts.len(), 1);
    assert!(!format!("{:?}", run.found).contains("canary"));
}

#[tokio::test]
async fn a_page_that_has_moved_is_followed_without_our_secrets() {
    let there = Server::saying(json(SUMMARY)).await;
    let moved = format!(
        "HTTP/1.1 301 Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        there
            .url("/api/v2/summary.json")
            .replace("127.0.0.1", "localhost")
    );
    let server = site(moved.into_bytes(), html()).await;
    let run = read(&server, "headers = { x-token = { env = \"T\" } }").await;
    assert_eq!(run.outcome, Outcome::Noted, "{}", why(&run));
    assert!(!there.requests()[0].contains("canary"));
}
