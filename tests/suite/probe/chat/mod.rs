//! What the kind `chat` makes of answers and streams.

mod shapes;
mod words;

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Run;

use crate::probe::server::{STREAM, Server, json, reply, stream};
use crate::probe::{KEY, LONG, SHORT, failure, run, why};

const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
const PONG: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"pong\"},\"finish_reason\":null}]}\n\n";
const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"total_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Asks what is answered with a pong, unless `more` says something else.
async fn chat(server: &Server, more: &str, timeout: Duration) -> Run {
    let own = more.contains("prompt") || more.contains("expect");
    let pong = if own {
        ""
    } else {
        "expect = { text = \"(?i)pong\" }\n"
    };
    run(
        "chat",
        &format!("model = \"m\"\n{pong}{more}"),
        &server.url("/v1"),
        timeout,
    )
    .await
}

async fn streamed(events: &str) -> Run {
    chat(&Server::saying(stream(events)).await, "", LONG).await
}

async fn whole(bytes: Vec<u8>) -> Run {
    chat(&Server::saying(bytes).await, "stream = false", LONG).await
}

fn tokens(run: &Run) -> Option<u32> {
    run.stream.as_ref().map(|stream| stream.tokens)
}

#[tokio::test]
async fn a_stream_that_answers_is_timed_by_its_tokens() {
    let server = Server::saying(stream(
        &[ROLE, ": wait\n\n", PONG, STOP, USAGE, DONE].concat(),
    ))
    .await;
    let run = chat(&server, "", LONG).await;
    assert_eq!(
        (run.outcome, run.status, tokens(&run)),
        (Outcome::Success, Some(200), Some(1))
    );
    let first = run.phases.first_token_us.unwrap();
    assert!(first > 0 && first <= run.total_us && run.phases.longest_gap_us.is_some());
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains(&format!("authorization: Bearer {KEY}\r\n")),
        "{request}"
    );
    let body: serde_json::Value =
        serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&body["model"], &body["max_tokens"], &body["stream"]),
        (&"m".into(), &1024.into(), &true.into())
    );
    let prompt = body["messages"][0]["content"].as_str().unwrap();
    assert!(
        prompt.starts_with("ping ") && !prompt.contains("{nonce}"),
        "{prompt}"
    );
    assert_eq!(body.get("temperature"), None);
}

#[tokio::test]
async fn each_run_asks_something_else() {
    let server = Server::saying(stream(&[PONG, DONE].concat())).await;
    chat(&server, "", LONG).await;
    chat(&server, "", LONG).await;
    let requests = server.requests();
    assert_ne!(requests[0], requests[1]);
}

#[tokio::test]
async fn bytes_may_be_cut_anywhere() {
    let server = Server::start(|mut stream, requests| async move {
        requests.read(&mut stream).await;
        stream.set_nodelay(true).unwrap();
        let events = [ROLE, PONG, STOP, DONE].concat().replace('\n', "\r\n");
        stream.write_all(STREAM.as_bytes()).await.unwrap();
        for byte in events.as_bytes() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(chat(&server, "", LONG).await.outcome, Outcome::Success);
}

#[tokio::test]
async fn a_stream_is_complete_with_a_finish_reason_or_done_and_cut_with_neither() {
    assert_eq!(
        streamed(&[PONG, STOP].concat()).await.outcome,
        Outcome::Success
    );
    assert_eq!(
        streamed(&[PONG, DONE].concat()).await.outcome,
        Outcome::Success
    );
    let cut = streamed(&[ROLE, PONG].concat()).await;
    assert_eq!(
        (failure(&cut), cut.failed_in),
        ((Kind::Truncated, Fault::Provider), Some(Phase::Body))
    );
    assert!(why(&cut).contains("after 1 token,"), "{}", why(&cut));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{PONG}\r\n",
        PONG.len()
    );
    let cut = chat(&Server::saying(chunked).await, "", LONG).await;
    assert_eq!(
        failure(&cut),
        (Kind::Truncated, Fault::Provider),
        "{}",
        why(&cut)
    );
}

#[tokio::test]
async fn a_clean_end_with_too_little_text_is_not_an_answer() {
    let short = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"this \"}}]}\n\n";
    let run = streamed(&[short, STOP, DONE].concat()).await;
    assert_eq!(failure(&run), (Kind::WrongContent, Fault::Provider));
    assert!(why(&run).contains("this"), "{}", why(&run));
}

#[tokio::test]
async fn an_empty_answer_is_named_by_why_it_is_empty() {
    let finish = |reason: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n"
        )
    };
    assert_eq!(failure(&streamed("").await), (Kind::Empty, Fault::Provider));
    assert_eq!(
        failure(&streamed(&[ROLE, STOP, DONE].concat()).await),
        (Kind::Empty, Fault::Provider)
    );
    assert_eq!(
        failure(&streamed(DONE).await),
        (Kind::Empty, Fault::Provider)
    );
    assert_eq!(
        failure(&streamed(&finish("length")).await),
        (Kind::BadRequest, Fault::Ours)
    );
    assert_eq!(
        failure(&streamed(&finish("content_filter")).await),
        (Kind::ContentFilter, Fault::Ours)
    );
}

#[tokio::test]
async fn an_error_in_the_stream_is_the_one_who_said_its() {
    let error = |body: &str| format!("{PONG}data: {{\"error\":{body}}}\n\n{DONE}");
    let run = streamed(&error(r#"{"message":"boom","type":"server_error"}"#)).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::ErrorEvent, Fault::Provider), Some(Phase::Body))
    );
    assert!(why(&run).contains("boom"), "{}", why(&run));
    let run = streamed(&error(r#"{"code":"insufficient_quota","message":"pay"}"#)).await;
    assert_eq!(failure(&run), (Kind::ErrorEvent, Fault::Ours));
    let run = streamed(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
    )
    .await;
    assert_eq!(failure(&run), (Kind::ErrorEvent, Fault::Provider));
}

#[tokio::test]
async fn a_stream_that_goes_silent_is_stalled_long_before_the_timeout() {
    let server = Server::saying_then_silent(stream(PONG)).await;
    let run = chat(&server, "stall_after = \"100ms\"", LONG).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Stalled, Fault::Provider), Some(Phase::Body))
    );
    assert!(run.total_us < 5_000_000, "{}", run.total_us);
    assert!(
        run.phases.longest_gap_us.unwrap() >= 90_000,
        "{:?}",
        run.phases
    );
}

#[tokio::test]
async fn an_answer_that_is_complete_need_not_close() {
    let server = Server::saying_then_silent(stream(&[PONG, STOP].concat())).await;
    assert_eq!(
        chat(&server, "stall_after = \"50ms\"", LONG).await.outcome,
        Outcome::Success
    );
    let server = Server::saying_then_silent(stream(&[PONG, DONE].concat())).await;
    assert_eq!(chat(&server, "", LONG).await.outcome, Outcome::Success);
}

#[tokio::test]
async fn comments_without_end_are_no_answer() {
    let server = Server::start(|mut stream, requests| async move {
        requests.read(&mut stream).await;
        let _ = stream.write_all(STREAM.as_bytes()).await;
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        loop {
            tick.tick().await;
            if stream.write_all(b": keep-alive\n\n").await.is_err() {
                return;
            }
        }
    })
    .await;
    let run = chat(&server, "stall_after = \"50ms\"", SHORT).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Timeout, Fault::Provider), Some(Phase::Body))
    );
    assert_eq!((tokens(&run), run.phases.first_token_us), (Some(0), None));
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let line = Server::repeating(STREAM.as_bytes(), vec![b'x'; 65536]).await;
    assert_eq!(
        failure(&chat(&line, "", LONG).await),
        (Kind::TooLarge, Fault::Provider)
    );
    let comments = Server::repeating(STREAM.as_bytes(), b":\n".repeat(10_000)).await;
    assert_eq!(
        failure(&chat(&comments, "", LONG).await),
        (Kind::TooLarge, Fault::Provider)
    );
}

#[tokio::test]
async fn a_late_first_token_is_degraded() {
    let server = Server::saying(stream(&[PONG, DONE].concat())).await;
    let run = chat(&server, "first_token_within = \"1us\"", LONG).await;
    assert_eq!(run.outcome, Outcome::Degraded(Kind::TooSlow));
}

#[tokio::test]
async fn the_status_counts_before_the_stream() {
    let body = "data: {\"error\":{\"message\":\"m\",\"type\":\"None\",\"code\":\"500\"}}\n\n";
    let run = chat(
        &Server::saying(reply("500 Error", "text/event-stream", body)).await,
        "",
        LONG,
    )
    .await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::ServerError, Fault::Provider), Some(Phase::FirstByte))
    );
    let body =
        r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let run = chat(
        &Server::saying(reply("429 Too Many", "application/json", body)).await,
        "",
        LONG,
    )
    .await;
    assert_eq!(failure(&run), (Kind::Quota, Fault::Ours));
    let page = "<html><title>api.example | 502: Bad gateway</title>";
    let bytes = format!(
        "HTTP/1.1 502 Bad\r\nserver: cloudflare\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{page}",
        page.len()
    );
    let run = chat(&Server::saying(bytes).await, "", LONG).await;
    assert_eq!(failure(&run), (Kind::Edge, Fault::Provider));
    assert!(why(&run).contains("502: Bad gateway"), "{}", why(&run));
}

#[tokio::test]
async fn a_stream_that_is_none_is_wrong() {
    let page = chat(
        &Server::saying(reply("200 OK", "text/html", "<title>Sign in</title>")).await,
        "",
        LONG,
    )
    .await;
    assert_eq!(failure(&page), (Kind::WrongContent, Fault::Provider));
    assert!(why(&page).contains("Sign in"), "{}", why(&page));
    let error = chat(
        &Server::saying(json(r#"{"error":{"message":"no"}}"#)).await,
        "",
        LONG,
    )
    .await;
    assert_eq!(failure(&error), (Kind::ErrorBody, Fault::Provider));
    let answer = chat(
        &Server::saying(json(r#"{"choices":[{"message":{"content":"pong"}}]}"#)).await,
        "",
        LONG,
    )
    .await;
    assert_eq!(failure(&answer).0, Kind::WrongContent);
    let unlabelled = format!("HTTP/1.1 200 OK\r\n\r\n{PONG}{DONE}");
    assert_eq!(
        chat(&Server::saying(unlabelled).await, "", LONG)
            .await
            .outcome,
        Outcome::Success
    );
    assert_eq!(
        failure(&streamed("data: {malformed\n\n").await).0,
        Kind::WrongContent
    );
}

#[tokio::test]
async fn a_whole_answer_is_judged_like_a_streamed_one() {
    let answer = |message: &str, finish: &str| {
        json(&format!(
            r#"{{"object":"chat.completion","choices":[{{"index":0,"message":{message},"finish_reason":{finish}}}]}}"#
        ))
    };
    assert_eq!(
        whole(answer(r#"{"content":"Pong!"}"#, "\"stop\""))
            .await
            .outcome,
        Outcome::Success
    );
    assert_eq!(
        whole(answer(
            r#"{"content":[{"type":"text","text":"pong"}]}"#,
            "null"
        ))
        .await
        .outcome,
        Outcome::Success
    );
    assert_eq!(
        failure(&whole(answer(r#"{"content":"ping"}"#, "\"stop\"")).await).0,
        Kind::WrongContent
    );
    assert_eq!(
        failure(&whole(answer(r#"{"content":null}"#, "\"stop\"")).await).0,
        Kind::Empty
    );
    assert_eq!(
        failure(&whole(answer(r#"{"content":""}"#, "\"length\"")).await),
        (Kind::BadRequest, Fault::Ours)
    );
    assert_eq!(
        failure(&whole(json(r#"{"choices":[]}"#)).await),
        (Kind::Empty, Fault::Provider)
    );
    assert_eq!(
        failure(&whole(json("")).await),
        (Kind::Empty, Fault::Provider)
    );
    assert_eq!(
        failure(&whole(json("{malformed json: <<<chaos>>>")).await).0,
        Kind::WrongContent
    );
    let run = whole(json(
        r#"{"error":{"message":"full","type":"overloaded_error"}}"#,
    ))
    .await;
    assert_eq!(failure(&run), (Kind::ErrorBody, Fault::Provider));
    let cut = whole(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"choices\"".to_vec()).await;
    assert_eq!(failure(&cut), (Kind::Truncated, Fault::Provider));
}

#[tokio::test]
async fn an_own_prompt_takes_any_answer_and_an_expectation_takes_its_own() {
    let text =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Paris\"},\"finish_reason\":\"stop\"}]}\n\n";
    let server = Server::saying(stream(text)).await;
    assert_eq!(
        chat(&server, "prompt = \"capital of France?\"", LONG)
            .await
            .outcome,
        Outcome::Success
    );
    assert!(server.requests()[0].contains("capital of France?"));
    assert_eq!(
        chat(&server, "expect = { text = \"(?i)paris\" }", LONG)
            .await
            .outcome,
        Outcome::Success
    );
    assert_eq!(
        failure(&chat(&server, "expect = { text = \"Rome\" }", LONG).await).0,
        Kind::WrongContent
    );
}

#[tokio::test]
async fn a_reset_is_a_cut_answer_only_after_its_first_byte() {
    let server = Server::resetting_after(b"").await;
    let run = chat(&server, "", LONG).await;
    assert_eq!(
        (failure(&run), run.failed_in),
        ((Kind::Reset, Fault::Network), Some(Phase::FirstByte))
    );
}
