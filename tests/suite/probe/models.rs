//! The kind `models`: lists of all providers, page by page, and models that go.

use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Timestamp};
use watchfire::probe::Run;

use super::server::{Server, json, reply};
use super::{LONG, build, failure, run, why};

/// A day so many days from now, as lists write it.
fn day(days: i64) -> String {
    let now = watchfire::clock::Clock::system().now();
    let at = now.shifted(days * 86_400_000_000);
    at.to_string()[..10].to_owned()
}

async fn ask(keys: &str, bytes: Vec<u8>) -> Run {
    let server = Server::saying(bytes).await;
    run("models", keys, &server.url("/v1"), LONG).await
}

/// Answers each request with what `page` makes of its first line.
async fn paged(page: impl Fn(&str) -> String + Clone + Send + 'static) -> Server {
    Server::start(move |mut stream, requests| {
        let page = page.clone();
        async move {
            let request = requests.read(&mut stream).await;
            let body = page(request.lines().next().unwrap());
            let _ = stream.write_all(&json(&body)).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_list_with_the_models_that_are_asked_for_succeeds() {
    for (keys, body) in [
        ("", r#"{"object":"list","data":[{"id":"gpt-4o-mini"}]}"#),
        ("", r#"{"data":[{"id":"gpt-4o-mini-2024-07-18"}]}"#),
        (
            "",
            r#"[{"id":"x"},{"id":"gpt-4o-mini","shutdown_date":null}]"#,
        ),
        ("models = []", r#"{"data":[{"id":"other"}]}"#),
        (
            "models = [\"a\", \"b\"]",
            r#"{"data":[{"id":"b"},{"id":"a"}]}"#,
        ),
        (
            "api = \"ollama\"\nmodels = [\"llama3.2\"]",
            r#"{"models":[{"name":"llama3.2:latest"}]}"#,
        ),
    ] {
        let run = ask(keys, json(body)).await;
        assert_eq!(run.outcome, Outcome::Success, "{body}: {}", why(&run));
        assert_eq!(run.found, None);
    }
}

#[tokio::test]
async fn a_model_that_is_gone_or_over_is_retired_and_our_own_fault() {
    let over = format!(
        r#"{{"data":[{{"id":"gpt-4o-mini","shutdown_date":"{}"}}]}}"#,
        day(-2)
    );
    for (keys, body, says) in [
        (
            "",
            r#"{"data":[{"id":"gpt-5"}]}"#,
            "the model gpt-4o-mini is not in the list",
        ),
        (
            "models = [\"a\", \"b\"]",
            r#"{"data":[{"id":"a"}]}"#,
            "the model b is not in the list",
        ),
        ("", &over, "was to be switched off on"),
    ] {
        let run = ask(keys, json(body)).await;
        assert_eq!(failure(&run), (Kind::ModelRetired, Fault::Ours), "{body}");
        assert!(why(&run).contains(says), "{}", why(&run));
    }
}

#[tokio::test]
async fn a_model_that_will_be_switched_off_is_told_of_and_fails_nothing() {
    for (ahead, told) in [(59, true), (6, true), (0, true), (-1, true), (61, false)] {
        let body = format!(
            r#"{{"data":[{{"id":"gpt-4o-mini","shutdown_date":"{}"}}]}}"#,
            day(ahead)
        );
        let run = ask("", json(&body)).await;
        // Of the last day, some of which may be over, the model has the whole.
        let wanted = match ahead {
            -1 => Outcome::Failure(Kind::ModelRetired, Fault::Ours),
            _ => Outcome::Success,
        };
        assert_eq!(run.outcome, wanted, "{ahead}: {}", why(&run));
        let ends = run.found.map_or(Vec::new(), |found| found.deadlines);
        assert_eq!(ends.len(), usize::from(told), "{ahead}");
        if let Some(end) = ends.first() {
            let at = Timestamp::parse(&format!("{}T00:00:00Z", day(ahead)));
            assert_eq!((Some(end.at), end.subject.as_str()), (at, "gpt-4o-mini"));
        }
    }
}

#[tokio::test]
async fn what_is_no_list_fails_as_it_does_elsewhere() {
    for (bytes, wanted) in [
        (json(r#"{"data":[]}"#), (Kind::Empty, Fault::Provider)),
        (json(r#"{"data":[{}]}"#), (Kind::Empty, Fault::Provider)),
        (json("{}"), (Kind::WrongContent, Fault::Provider)),
        (json("{"), (Kind::WrongContent, Fault::Provider)),
        (
            reply("200 OK", "text/html", "<title>Hello</title>"),
            (Kind::WrongContent, Fault::Provider),
        ),
        (
            json(r#"{"error":{"message":"m","type":"server_error"}}"#),
            (Kind::ErrorBody, Fault::Provider),
        ),
        (
            reply("401 No", "application/json", r#"{"error":{"message":"m"}}"#),
            (Kind::Auth, Fault::Ours),
        ),
        (
            reply("503 No", "text/plain", "x"),
            (Kind::ServerError, Fault::Provider),
        ),
    ] {
        let run = ask("", bytes).await;
        assert_eq!(failure(&run), wanted, "{}", why(&run));
    }
}

#[tokio::test]
async fn anthropics_list_is_read_page_by_page_with_its_headers() {
    let server = paged(|line| {
        let page = |id: &str, more: bool| {
            format!(r#"{{"data":[{{"id":"{id}"}}],"has_more":{more},"last_id":"{id}"}}"#)
        };
        if line.contains("after_id=claude-b") {
            page("claude-c-20250929", false)
        } else if line.contains("after_id=claude-a") {
            page("claude-b", true)
        } else {
            page("claude-a", true)
        }
    })
    .await;
    let keys = "api = \"anthropic\"\nmodels = [\"claude-c\"]";
    let run = run("models", keys, &server.url("/v1"), LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    let requests = server.requests();
    let lines: Vec<&str> = requests.iter().filter_map(|r| r.lines().next()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/models?limit=1000 HTTP/1.1",
            "GET /v1/models?limit=1000&after_id=claude-a HTTP/1.1",
            "GET /v1/models?limit=1000&after_id=claude-b HTTP/1.1",
        ]
    );
    for request in &requests {
        assert!(request.contains("x-api-key: sk-canary"), "{request}");
        assert!(request.contains("anthropic-version: 2023-06-01"));
        assert!(!request.contains("authorization"));
    }
}

#[tokio::test]
async fn googles_list_goes_on_by_its_token_and_ends_when_all_is_found() {
    let server = paged(|line| {
        if line.contains("pageToken=t%2F1") {
            r#"{"models":[{"name":"models/gemini-x"}],"nextPageToken":"t2"}"#.to_owned()
        } else {
            r#"{"models":[{"name":"models/gemini-a"}],"nextPageToken":"t/1"}"#.to_owned()
        }
    })
    .await;
    let keys = "api = \"gemini\"\nmodels = [\"gemini-x\", \"models/gemini-a\"]";
    let run = run("models", keys, &server.url("/v1beta"), LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[1].contains("x-goog-api-key: sk-canary"));
}

#[tokio::test]
async fn a_list_without_end_is_left_and_what_was_not_seen_is_not_judged() {
    let server =
        paged(|_| r#"{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}"#.to_owned()).await;
    let run = run("models", "", &server.url("/v1"), LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert_eq!(server.requests().len(), 10);
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for_with_our_key() {
    let other = Server::saying(json("[]")).await;
    let elsewhere = other.url("/models");
    let server =
        paged(move |_| format!(r#"{{"data":[{{"id":"a"}}],"links":{{"next":"{elsewhere}"}}}}"#))
            .await;
    let run = run("models", "", &server.url("/v1"), LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert!(other.requests().is_empty());
    let relative = paged(|line| {
        if line.contains("offset=1") {
            r#"{"data":[{"id":"gpt-4o-mini"}],"links":{"next":null}}"#.to_owned()
        } else {
            r#"{"data":[{"id":"a"}],"links":{"next":"/api/v1/models?offset=1"}}"#.to_owned()
        }
    })
    .await;
    let run = super::run("models", "", &relative.url("/v1"), LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert_eq!(relative.requests().len(), 2);
}

#[tokio::test]
async fn a_page_that_does_not_come_is_cut_by_the_time_limit_of_the_run() {
    let server = Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        if request.contains("after_id") {
            return std::future::pending().await;
        }
        let page = r#"{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}"#;
        let _ = stream.write_all(&json(page)).await;
    })
    .await;
    let run = run("models", "", &server.url("/v1"), super::SHORT).await;
    assert_eq!(failure(&run), (Kind::Timeout, Fault::Provider));
}

#[test]
fn each_provider_is_asked_in_its_own_way() {
    for (keys, base, asks) in [
        (
            "",
            "https://x.org/v1",
            "GET https://x.org/v1/models, with gpt-4o-mini",
        ),
        (
            "models = []",
            "https://x.org/v1/",
            "GET https://x.org/v1/models",
        ),
        (
            "api = \"ollama\"\nmodels = []",
            "http://x.org:11434/v1",
            "GET http://x.org:11434/api/tags",
        ),
        (
            "api = \"ollama\"\nmodels = []",
            "http://x.org:11434",
            "GET http://x.org:11434/api/tags",
        ),
        (
            "api = \"anthropic\"\nmodels = []\nurl = \"https://x.org/m?limit=5\"",
            "https://x.org",
            "GET https://x.org/m?limit=5",
        ),
    ] {
        let check = build("models", keys, Some(base)).unwrap();
        assert_eq!(check.describe(), asks);
    }
    for (keys, says) in [
        ("api = \"opnai\"", "no API whose list of models is known"),
        ("models = \"a\"", "expected a list of names"),
        ("models = [\" \"]", "this name is empty"),
        ("models = [7]", "expected a name"),
    ] {
        let problems = build("models", keys, Some("https://x.org")).unwrap_err();
        assert!(problems[0].message.contains(says), "{problems:?}");
    }
}
