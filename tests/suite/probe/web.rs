//! The kind `web`: pages and their main asset, as browsers get them.

use watchfire::model::{Cause, FailureKind, Fault, Outcome};

use super::server::{Server, reply};
use super::{LONG, build, run, why};
use tokio::io::AsyncWriteExt as _;

const HEAD: &str = "<!doctype html><html><head><title>Chat</title>";
const BODY: &str = "</head><body><h1>Ask anything</h1><p>A page with some words on it for people to read.</p></body></html>";

fn html(status: &str, page: &str) -> Vec<u8> {
    reply(status, "text/html; charset=utf-8", page)
}

/// Answers the page's own address with `page`, any other with `asset`.
async fn site(page: Vec<u8>, asset: Vec<u8>) -> Server {
    Server::start(move |mut stream, requests| {
        let (page, asset) = (page.clone(), asset.clone());
        async move {
            let request = requests.read(&mut stream).await;
            let answer = if request.starts_with("GET / ") {
                &page
            } else {
                &asset
            };
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

async fn visit(server: &Server, keys: &str) -> (Outcome, String) {
    let keys = format!("url = \"{}\"\n{keys}", server.url("/"));
    let run = run("web", &keys, "http://127.0.0.1:1", LONG).await;
    (run.outcome, why(&run).to_owned())
}

fn with_script() -> Vec<u8> {
    html(
        "200 OK",
        &format!("{HEAD}<script src=\"/app.js\"></script>{BODY}"),
    )
}

#[tokio::test]
async fn a_page_is_what_comes_with_what_it_needs_first() {
    let theirs = |kind| Outcome::Failure(kind, Fault::Provider);
    let script = || reply("200 OK", "text/javascript", "let a = 1;");
    for (page, asset, keys, wanted, says) in [
        (with_script(), script(), "", Outcome::Success, ""),
        (
            with_script(),
            reply("404 Gone", "text/plain", "x"),
            "",
            theirs(FailureKind::NotFound),
            "the script /app.js",
        ),
        (
            with_script(),
            reply("404 Gone", "text/plain", "x"),
            "asset = false",
            Outcome::Success,
            "",
        ),
        (
            with_script(),
            html("200 OK", "<p>no script"),
            "",
            theirs(FailureKind::WrongContent),
            "of the type text/html",
        ),
        (
            with_script(),
            reply("200 OK", "text/javascript", ""),
            "",
            theirs(FailureKind::Empty),
            "is empty",
        ),
        (
            html("200 OK", &format!("{HEAD}{BODY}")),
            Vec::new(),
            "",
            Outcome::Success,
            "",
        ),
        (
            reply("200 OK", "application/json", "{}"),
            Vec::new(),
            "",
            theirs(FailureKind::WrongContent),
            "no page",
        ),
        (
            html("503 Busy", "<title>Busy</title>"),
            Vec::new(),
            "",
            theirs(FailureKind::ServerError),
            "HTTP 503",
        ),
    ] {
        let server = site(page, asset).await;
        let (outcome, why) = visit(&server, keys).await;
        assert_eq!(outcome, wanted, "{keys} {says}: {why}");
        assert!(why.contains(says), "{says:?} is not in {why}");
    }
}

#[tokio::test]
async fn an_error_page_inside_a_200_is_known_in_many_languages_and_an_ordinary_page_is_not_one() {
    let page = |title: &str, words: &str| {
        html(
            "200 OK",
            &format!(
                "<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{words}</p></body></html>"
            ),
        )
    };
    let failed = |outcome| matches!(outcome, Outcome::Failure(_, Fault::Provider));
    for (title, words) in [
        ("Something went wrong", "Please try again later."),
        ("502 Bad Gateway", "nginx"),
        (
            "Interner Serverfehler",
            "Bitte versuchen Sie es später noch einmal.",
        ),
        (
            "Service indisponible",
            "Le service est momentanément indisponible.",
        ),
        ("Chat", "ChatGPT is at capacity right now"),
    ] {
        let server = site(page(title, words), Vec::new()).await;
        let (outcome, why) = visit(&server, "").await;
        assert!(failed(outcome), "{title}: {outcome:?} {why}");
        let (outcome, why) = visit(&server, "error_pages = false").await;
        assert_eq!(outcome, Outcome::Success, "{title}: {why}");
    }
    let long =
        "We write about what happens when a request fails, and how our support helps. ".repeat(40);
    for (title, words) in [
        ("How to fix a 502 Bad Gateway error in nginx", long.as_str()),
        (
            "Status history: something went wrong on Monday, and is well since",
            long.as_str(),
        ),
        ("Chat", "Ask anything."),
    ] {
        let server = site(page(title, words), Vec::new()).await;
        let (outcome, why) = visit(&server, "").await;
        assert_eq!(outcome, Outcome::Success, "{title}: {why}");
    }
}

#[tokio::test]
async fn a_bot_check_blocks_and_a_log_in_of_the_local_network_says_nothing_of_the_service() {
    let server = site(
        html("403 Forbidden", "<title>Just a moment...</title>"),
        Vec::new(),
    )
    .await;
    let blocked = Outcome::Failure(FailureKind::Blocked, Fault::Blocked);
    assert_eq!(visit(&server, "").await.0, blocked);
    let server = site(
        html(
            "511 Network Authentication Required",
            "<title>Log in</title>",
        ),
        Vec::new(),
    )
    .await;
    assert_eq!(
        visit(&server, "").await.0,
        Outcome::Inconclusive(Cause::Blind)
    );
}

#[tokio::test]
async fn the_asset_of_a_page_gets_no_header_of_ours() {
    let server = site(with_script(), reply("200 OK", "text/javascript", "1")).await;
    let keys = "headers = { x-secret = { env = \"K\" } }";
    assert_eq!(visit(&server, keys).await.0, Outcome::Success);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[0].contains("x-secret") && !requests[1].contains("x-secret"),
        "{requests:?}"
    );
}

#[test]
fn a_page_has_an_address() {
    assert!(build("web", "asset = true", None).is_err());
}

#[tokio::test]
async fn an_asset_is_sought_from_where_the_page_was_found() {
    let server = Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let answer = match request.split(' ').nth(1).unwrap_or_default() {
            "/" => {
                b"HTTP/1.1 302 Found\r\nlocation: /en/chat/\r\ncontent-length: 0\r\n\r\n".to_vec()
            }
            "/en/chat/" => html(
                "200 OK",
                &format!("{HEAD}<link rel=stylesheet href=css/a.css>{BODY}"),
            ),
            "/en/chat/css/a.css" => reply("200 OK", "text/css", "a{}"),
            _ => reply("404 Not Found", "text/plain", "x"),
        };
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let (outcome, why) = visit(&server, "").await;
    assert_eq!(outcome, Outcome::Success, "{why}");
    assert_eq!(server.requests().len(), 3);
    let (outcome, _) = visit(&server, "redirects = 0").await;
    assert_eq!(
        outcome,
        Outcome::Failure(FailureKind::Redirect, Fault::Provider)
    );
}

#[tokio::test]
async fn an_asset_that_cannot_be_had_is_named() {
    let page = format!("{HEAD}<script src=\"http://sub.localhost:1/a.js\"></script>{BODY}");
    let server = site(html("200 OK", &page), Vec::new()).await;
    let keys = format!("url = \"http://localhost:{}/\"", server.port);
    let got = run("web", &keys, "", LONG).await;
    assert!(matches!(got.outcome, Outcome::Failure(..)), "{got:?}");
    assert!(
        why(&got).starts_with("the script /a.js of the page: "),
        "{}",
        why(&got)
    );
}

#[tokio::test]
async fn a_page_is_read_in_the_letters_that_it_is_written_in() {
    let page = |text: &str| {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=windows-1251\r\n\r\n\
                          <title>x</title><p>"
            .to_vec();
        bytes.extend(encoding_rs::WINDOWS_1251.encode(text).0.iter());
        bytes
    };
    let server = site(page("Произошла ошибка"), Vec::new()).await;
    let (outcome, why) = visit(&server, "").await;
    assert_eq!(
        outcome,
        Outcome::Failure(FailureKind::ErrorBody, Fault::Provider)
    );
    assert!(why.contains("Russian"), "{why}");
    let server = site(page("Спросите что угодно"), Vec::new()).await;
    let (outcome, why) = visit(&server, "expect = { text = \"угодно\" }").await;
    assert_eq!(outcome, Outcome::Success, "{why}");
}

#[tokio::test]
async fn a_page_beside_a_status_may_say_more_than_the_status() {
    for (page, wanted) in [
        (
            "<title>Wartungsarbeiten</title><h1>Wir sind gleich zurück</h1>",
            Outcome::Failure(FailureKind::Maintenance, Fault::Provider),
        ),
        (
            "<title>x</title><p>We are experiencing exceptionally high demand.",
            Outcome::Failure(FailureKind::Overloaded, Fault::Provider),
        ),
        (
            "<title>x</title><p>Oh no.",
            Outcome::Failure(FailureKind::ServerError, Fault::Provider),
        ),
    ] {
        let server = site(html("500 Oops", page), Vec::new()).await;
        let (outcome, why) = visit(&server, "").await;
        assert_eq!(outcome, wanted, "{page}: {why}");
    }
}

#[tokio::test]
async fn what_is_expected_of_a_page_decides_before_its_asset_is_fetched() {
    let server = site(with_script(), reply("200 OK", "text/javascript", "1")).await;
    let wrong = Outcome::Failure(FailureKind::WrongContent, Fault::Provider);
    for (expect, said) in [
        (
            "text = \"Sign in\"",
            "nothing in the answer matches Sign in",
        ),
        ("not_text = \"Ask any\"", "the answer matches Ask any"),
        ("headers = { x-a = true }", "the header x-a is missing"),
        ("min_bytes = 9999", "wanted at least 9999"),
        ("http = \"2\"", "wanted HTTP/2"),
    ] {
        let (outcome, why) = visit(&server, &format!("expect = {{ {expect} }}")).await;
        assert_eq!(outcome, wrong, "{expect}: {why}");
        assert!(why.contains(said), "{expect}: {why}");
    }
    assert_eq!(server.requests().len(), 5);
    for slow in ["latency_under = \"1ns\"", "first_byte_under = \"1ns\""] {
        let (outcome, why) = visit(&server, &format!("expect = {{ {slow} }}")).await;
        assert_eq!(outcome, Outcome::Degraded(FailureKind::TooSlow), "{why}");
    }
    assert_eq!(server.requests().len(), 9, "the asset is fetched even so");
}
