//! Each expectation of the kind `http`: what meets it, what fails it, and what is then said.

use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};

use super::server::{Server, json, reply};
use super::{LONG, failure, run, why};

async fn get(server: &Server, expect: &str) -> watchfire::probe::Run {
    let keys = format!(
        "url = \"{}\"\nexpect = {{ {expect} }}",
        server.url("/health")
    );
    run("http", &keys, "", LONG).await
}

/// Those that hold, and those that do not with what is said of each.
async fn decide(server: &Server, good: &[&str], bad: &[(&str, &str)]) {
    for expect in good {
        let run = get(server, expect).await;
        assert_eq!(
            run.outcome,
            Outcome::Success,
            "{expect}: {:?}",
            run.evidence
        );
    }
    for (expect, said) in bad {
        let run = get(server, expect).await;
        assert_eq!(
            failure(&run),
            (Kind::WrongContent, Fault::Provider),
            "{expect}"
        );
        assert!(why(&run).starts_with(said), "{expect}: {}", why(&run));
    }
}

#[tokio::test]
async fn statuses_are_numbers_hundreds_or_ranges() {
    let server =
        Server::saying("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n").await;
    for good in [
        "status = 302",
        "status = \"3xx\"",
        "status = [200, \"301-303\"]",
    ] {
        let run = get(&server, good).await;
        assert_eq!(run.outcome, Outcome::Success, "{good}: {:?}", run.evidence);
    }
    let run = get(&server, "status = [\"2xx\", \"303-308\"]").await;
    assert_eq!(failure(&run), (Kind::Redirect, Fault::Provider));
    assert!(why(&run).starts_with("HTTP 302, wanted 2xx or 303-308"));
}

#[tokio::test]
async fn headers_decide() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\nx-cache: MISS\r\n\
                set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\n{}";
    let server = Server::saying(head).await;
    decide(
        &server,
        &[
            "headers = { x-cache = \"MISS\" }",
            "headers = { X-Cache = true, etag = false }",
            "headers = { content-type = { matches = \"^application/json\" } }",
            "headers = { set-cookie = \"b=2\" }",
            "headers = { x-cache = { not = \"HIT\", not_matches = \"^ERROR\" } }",
            "headers = { etag = { exists = false } }",
        ],
        &[
            (
                "headers = { x-cache = \"HIT\" }",
                "the header x-cache is \"MISS\", wanted \"HIT\" (expect.headers)",
            ),
            (
                "headers = { etag = true }",
                "the header etag is missing, wanted it to be there",
            ),
            (
                "headers = { x-cache = false }",
                "the header x-cache is \"MISS\", wanted none",
            ),
            (
                "headers = { etag = { matches = \"W/\" } }",
                "the header etag is missing, wanted a match of W/",
            ),
            (
                "headers = { set-cookie = { not_matches = \"b=\" } }",
                "the header set-cookie is \"a=1\", wanted no match of b=",
            ),
            (
                "headers = { x-cache = { not = \"MISS\" } }",
                "the header x-cache is \"MISS\", wanted another value",
            ),
        ],
    )
    .await;
    let run = get(&server, "headers = { x-cache = \"HIT\" }").await;
    assert_eq!(run.failed_in, Some(Phase::FirstByte));
}

#[tokio::test]
async fn all_texts_of_a_list_are_wanted_and_none_of_the_other() {
    let server = Server::saying(reply("200 OK", "text/plain", "alpha beta")).await;
    decide(
        &server,
        &[
            "text = [\"alpha\", \"bet.\"]",
            "not_text = [\"gamma\", \"delta\"]",
            "text = []",
        ],
        &[
            (
                "text = [\"alpha\", \"gamma\"]",
                "nothing in the answer matches gamma (expect.text): alpha beta",
            ),
            (
                "not_text = [\"gamma\", \"beta\"]",
                "the answer matches beta, which it must not (expect.not_text)",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn every_comparison_in_json_decides() {
    let server = Server::saying(json(
        r#"{"n":3,"load":0.5,"name":"watchfire","tags":["a","b"],"by":{"k":1},"no":null}"#,
    ))
    .await;
    decide(
        &server,
        &[
            r#"json = { "$.n" = { more_than = 2, less_than = 4 } }"#,
            r#"json = { "$.n" = { at_least = 3, at_most = 3, not = 4 } }"#,
            r#"json = { "$.name" = { contains = "fire", matches = "^watch" } }"#,
            r#"json = { "$.tags" = { contains = "b", length = 2 } }"#,
            r#"json = { "$.tags" = ["a", "b"] }"#,
            r#"json = { "$.by" = { contains = "k", length = { at_least = 1 } } }"#,
            r#"json = { "$.name" = { length = { more_than = 8, less_than = 10 } } }"#,
            r#"json = { "$.no" = { exists = true }, "$.yes" = { exists = false } }"#,
        ],
        &[
            (
                r#"json = { "$.n" = { more_than = 3 } }"#,
                "$.n is 3, wanted more than 3 (expect.json)",
            ),
            (
                r#"json = { "$.n" = { less_than = 3 } }"#,
                "$.n is 3, wanted less than 3",
            ),
            (
                r#"json = { "$.n" = { at_least = 4 } }"#,
                "$.n is 3, wanted at least 4",
            ),
            (
                r#"json = { "$.load" = { at_most = 0.4 } }"#,
                "$.load is 0.5, wanted at most 0.4",
            ),
            (
                r#"json = { "$.name" = { contains = "smoke" } }"#,
                "$.name is \"watchfire\", wanted it to contain \"smoke\"",
            ),
            (
                r#"json = { "$.tags" = { contains = "c" } }"#,
                "$.tags is [\"a\",\"b\"], wanted it to contain \"c\"",
            ),
            (
                r#"json = { "$.tags" = { length = { at_least = 3 } } }"#,
                "$.tags has the length 2, wanted the length at least 3",
            ),
            (
                r#"json = { "$.n" = { length = 1 } }"#,
                "$.n is 3, which has no length, wanted the length 1",
            ),
            (
                r#"json = { "$.name" = "smoke" }"#,
                "$.name is \"watchfire\", wanted \"smoke\"",
            ),
            (
                r#"json = { "$.name" = { not = "watchfire" } }"#,
                "$.name is \"watchfire\", wanted anything but \"watchfire\"",
            ),
            (
                r#"json = { "$.name" = { matches = "^smoke" } }"#,
                "$.name is \"watchfire\", wanted a match of ^smoke",
            ),
            (r#"json = { "$.gone" = 1 }"#, "$.gone is missing, wanted 1"),
            (
                r#"json = { "$.gone" = { exists = true } }"#,
                "$.gone is missing, wanted it to be there",
            ),
            (
                r#"json = { "$.n" = { exists = false } }"#,
                "$.n is 3, wanted none",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_size_of_the_answer_decides() {
    let server = Server::saying(reply("200 OK", "text/plain", "12345")).await;
    decide(
        &server,
        &["min_bytes = 5", "min_bytes = 5, max_bytes = 5"],
        &[(
            "min_bytes = 6",
            "the answer has 5 bytes, wanted at least 6 (expect.min_bytes)",
        )],
    )
    .await;
    let run = get(&server, "max_bytes = 4").await;
    assert_eq!(failure(&run).0, Kind::TooLarge);
}

#[tokio::test]
async fn what_it_came_over_decides() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    decide(
        &server,
        // Of plain http no TLS is claimed.
        &["http = \"1.1\"", "ip = \"4\"", "tls_version = \"1.3\""],
        &[(
            "http = \"2\"",
            "the answer came in HTTP/1.1, wanted HTTP/2 (expect.http)",
        )],
    )
    .await;
    let run = get(&server, "ip = \"6\"").await;
    assert_eq!(failure(&run), (Kind::WrongContent, Fault::Network));
    assert!(why(&run).starts_with("the connection went over IPv4, wanted IPv6 (expect.ip)"));
}

#[tokio::test]
async fn a_late_first_byte_is_degraded_not_failed() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let run = get(&server, "first_byte_under = \"10s\"").await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    let run = get(&server, "first_byte_under = \"1ns\"").await;
    assert_eq!(run.outcome, Outcome::Degraded(Kind::TooSlow));
    assert!(why(&run).starts_with("the first byte took 0.0"), "{run:?}");
}
