//! Replies that are not the service's own, over real sockets, and what each kind makes of them.

use watchfire::model::{Cause, FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Run;

use super::server::Server;
use super::{LONG, run, why};

async fn asked(kind: &str, head: &str, body: &str) -> Run {
    let server = Server::saying(format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let keys = match kind {
        "http" => format!("url = \"{}\"", server.url("/")),
        _ => format!("url = \"{}\"\nmodel = \"m\"", server.url("/")),
    };
    run(kind, &keys, "http://unused", LONG).await
}

#[tokio::test]
async fn what_stands_before_the_service_is_never_its_failure_nor_its_success() {
    let wall = Outcome::Failure(Kind::Blocked, Fault::Blocked);
    let portal = Outcome::Inconclusive(Cause::Blind);
    for (head, body, wanted) in [
        ("202 Accepted\r\nx-amzn-waf-action: challenge", "", wall),
        (
            "200 OK\r\ncf-mitigated: challenge\r\ncontent-type: text/html",
            "<html>",
            wall,
        ),
        (
            "403 Forbidden\r\ncontent-type: text/html",
            "<title>Just a moment...</title>",
            wall,
        ),
        (
            "511 Log In\r\ncontent-type: text/html",
            "<title>Hotel</title>",
            portal,
        ),
        ("302 Found\r\nlocation: http://captive.example/", "", portal),
        (
            "503 No\r\nx-squid-error: ERR_DNS_FAIL 0",
            "",
            Outcome::Failure(Kind::Proxy, Fault::Network),
        ),
    ] {
        for kind in ["http", "chat", "image"] {
            let run = asked(kind, head, body).await;
            assert_eq!(run.outcome, wanted, "{kind} {head}: {}", why(&run));
            assert_eq!(run.failed_in, Some(Phase::FirstByte), "{kind} {head}");
            assert!(!why(&run).ends_with("2xx"), "{kind} {head}: {}", why(&run));
        }
    }
}

#[tokio::test]
async fn a_gateway_that_keeps_only_the_words_of_an_unpaid_bill_is_understood() {
    let body = "{\"error\":{\"message\":\"RateLimitError: OpenAIException - You exceeded your current quota, please check your plan.\",\"type\":\"throttling_error\",\"param\":null,\"code\":\"429\"}}";
    let head = "429 Too Many Requests\r\ncontent-type: application/json";
    for kind in ["http", "chat", "image"] {
        let run = asked(kind, head, body).await;
        assert_eq!(
            run.outcome,
            Outcome::Failure(Kind::Quota, Fault::Ours),
            "{kind}"
        );
    }
}
