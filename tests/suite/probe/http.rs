//! What the kind `http` makes of answers.

use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};

use super::server::{Server, json, reply};
use super::{KEY, LONG, failure, run, why};

async fn get(server: &Server, more: &str) -> watchfire::probe::Run {
    run(
        "http",
        &format!("url = \"{}\"\n{more}", server.url("/health")),
        "",
        LONG,
    )
    .await
}

#[tokio::test]
async fn a_refusal_is_shown_with_its_words_and_id_and_without_secrets() {
    let body = format!(
        "{{\"error\":{{\"message\":\"no key {KEY}\\u0007\",\"code\":\"invalid_api_key\"}}}}"
    );
    let server = Server::saying(reply("401 Whatever", "application/json", body)).await;
    let run = get(&server, "auth = \"bearer\"").await;
    assert_eq!(failure(&run), (Kind::Auth, Fault::Ours));
    assert_eq!(
        (run.failed_in, run.status),
        (Some(Phase::FirstByte), Some(401))
    );
    assert!(
        why(&run).starts_with("HTTP 401, wanted 2xx: ") && why(&run).contains("[secret]"),
        "{}",
        why(&run)
    );
    assert_eq!(run.evidence.unwrap().request_id.as_deref(), Some("req-7"));
}

#[tokio::test]
async fn the_reason_phrase_may_be_anything() {
    for status in ["529 unknown", "529 ", "529"] {
        let server = Server::saying(reply(status, "application/json", "{}")).await;
        assert_eq!(
            failure(&get(&server, "").await),
            (Kind::Overloaded, Fault::Provider),
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn expectations_on_text_decide() {
    let server = Server::saying(reply("200 OK", "text/html", "<h1>All systems go</h1>")).await;
    assert_eq!(
        get(&server, "expect = { text = \"(?i)all systems\" }")
            .await
            .outcome,
        Outcome::Success
    );
    let run = get(&server, "expect = { text = \"degraded\" }").await;
    assert_eq!(failure(&run), (Kind::WrongContent, Fault::Provider));
    assert!(why(&run).contains("All systems go"), "{}", why(&run));
    let run = get(&server, "expect = { not_text = \"systems\" }").await;
    assert_eq!(failure(&run).0, Kind::WrongContent);
    let empty = Server::saying(reply("200 OK", "text/html", "")).await;
    assert_eq!(
        failure(&get(&empty, "expect = { text = \"x\" }").await).0,
        Kind::Empty
    );
    assert_eq!(get(&empty, "").await.outcome, Outcome::Success);
}

#[tokio::test]
async fn expectations_on_json_decide() {
    let server = Server::saying(json(
        r#"{"status":"ok","load":0.5,"models":[{"id":"a"},{"id":"b"}],"n":3}"#,
    ))
    .await;
    for good in [
        r#""$.status" = "ok""#,
        r#""$.n" = 3.0"#,
        r#""$.load" = { at_most = 1, at_least = 0.5 }"#,
        r#""$.models[*].id" = { matches = "^[ab]$" }"#,
        r#""$.models[?@.id == 'b']" = { exists = true }"#,
        r#""$.error" = { exists = false }"#,
        r#""$.status" = { not = "down" }"#,
    ] {
        let run = get(&server, &format!("expect = {{ json = {{ {good} }} }}")).await;
        assert_eq!(run.outcome, Outcome::Success, "{good}: {:?}", run.evidence);
    }
    for bad in [
        r#""$.status" = "fine""#,
        r#""$.nothing" = 1"#,
        r#""$.load" = { at_least = 1 }"#,
        r#""$.models[*].id" = "a""#,
        r#""$.status" = { exists = false }"#,
    ] {
        let run = get(&server, &format!("expect = {{ json = {{ {bad} }} }}")).await;
        assert_eq!(
            failure(&run),
            (Kind::WrongContent, Fault::Provider),
            "{bad}"
        );
    }
    let text = Server::saying(reply("200 OK", "text/plain", "ok")).await;
    assert_eq!(
        failure(&get(&text, r#"expect = { json = { "$.a" = 1 } }"#).await).0,
        Kind::WrongContent
    );
}

#[tokio::test]
async fn an_error_inside_a_200_is_found_without_being_asked_for() {
    let server = Server::saying(json(
        r#"{"error":{"message":"boom","type":"server_error"}}"#,
    ))
    .await;
    let run = get(&server, "").await;
    assert_eq!(failure(&run), (Kind::ErrorBody, Fault::Provider));
    assert_eq!(run.failed_in, Some(Phase::Body));
    let server = Server::saying(json(r#"{"error":{"code":"insufficient_quota"}}"#)).await;
    assert_eq!(
        failure(&get(&server, "").await),
        (Kind::ErrorBody, Fault::Ours)
    );
    for fine in [
        r#"{"error":null}"#,
        r#"{"a":{"error":1}}"#,
        r#"{"detail":"error"}"#,
        "{\"error\":",
    ] {
        let server = Server::saying(json(fine)).await;
        assert_eq!(get(&server, "").await.outcome, Outcome::Success, "{fine}");
    }
}

#[tokio::test]
async fn only_the_wanted_statuses_are_right() {
    let server = Server::saying(reply("401 Unauthorized", "text/plain", "who?")).await;
    assert_eq!(
        get(&server, "expect = { status = [200, 401] }")
            .await
            .outcome,
        Outcome::Success
    );
    let server = Server::saying("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(get(&server, "").await.outcome, Outcome::Success);
    let run = get(&server, "expect = { status = [200] }").await;
    assert_eq!(failure(&run), (Kind::UnexpectedStatus, Fault::Provider));
}

#[tokio::test]
async fn a_late_answer_is_degraded_and_not_down() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let run = get(&server, "expect = { latency_under = \"1us\" }").await;
    assert_eq!(run.outcome, Outcome::Degraded(Kind::TooSlow));
    assert!(why(&run).contains("more than"), "{}", why(&run));
}

#[tokio::test]
async fn a_path_a_query_and_headers_are_sent_as_written() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let keys = "path = \"/models\"\nquery = { limit = 5, q = \"a b\" }\nauth = \"bearer\"\nheaders = { x-team = \"sre\" }";
    let run = run("http", keys, &server.url("/v1/"), LONG).await;
    assert_eq!(run.outcome, Outcome::Success);
    let request = &server.requests()[0];
    assert!(
        request.starts_with("GET /v1/models?limit=5&q=a+b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("x-team: sre\r\n")
            && request.contains(&format!("authorization: Bearer {KEY}\r\n")),
        "{request}"
    );
    assert!(request.contains("user-agent: watchfire/"), "{request}");
}

#[tokio::test]
async fn a_run_as_json_has_the_documented_fields() {
    let server = Server::saying(reply("503 Busy", "text/plain", "later")).await;
    let run = get(&server, "").await;
    let value = run.to_json("gateway/health");
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "at",
            "bytes",
            "cert_days_left",
            "evidence",
            "fault",
            "hops",
            "http",
            "ip",
            "kind",
            "outcome",
            "phase",
            "phases_ms",
            "probe",
            "request_id",
            "status",
            "tls",
            "total_ms"
        ]
    );
    assert_eq!(
        (&value["outcome"], &value["kind"], &value["fault"]),
        (
            &"failure".into(),
            &"server_error".into(),
            &"provider".into()
        )
    );
    assert_eq!(
        (&value["phase"], &value["status"], &value["bytes"]),
        (&"first_byte".into(), &503.into(), &5.into())
    );
    assert!(value["phases_ms"]["connect"].is_f64() && value["phases_ms"]["first_token"].is_null());
}
