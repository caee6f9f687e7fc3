//! What `--save` keeps of a run: all that was said, and no secret.

use watchfire::model::{Redactor, Secret};
use watchfire::probe::Recorder;

use super::server::{Server, reply, stream};
use super::{KEY, LONG, client, plan, roots};

async fn saved(kind: &str, keys: &str, server: &Server) -> String {
    let recorder = Recorder::default();
    let plan = plan(kind, keys, Some(&server.url("/v1")), LONG);
    let run = recorder.watch(client(&roots()).run(&plan)).await;
    let redactor = Redactor::new([&Secret::new(KEY.to_owned())]);
    recorder.text("test/probe", &run, &redactor)
}

#[tokio::test]
async fn an_exchange_is_kept_with_both_heads_both_bodies_and_the_verdict() {
    let events = "data: {\"choices\":[{\"delta\":{\"content\":\"po\"}}]}\n\ndata: {\"error\":{\"message\":\"it broke\"}}\n\n";
    let server = Server::saying(stream(events)).await;
    let text = saved("chat", "model = \"m\"\nprompt = \"say pong\"\n", &server).await;
    for part in [
        "# watchfire ",
        "probe test/probe at ",
        "> POST http://127.0.0.1:",
        "> authorization: [secret]",
        "\"content\":\"say pong\"",
        "< HTTP/1.1 200 OK",
        "< content-type: text/event-stream",
        "< data: {\"error\":{\"message\":\"it broke\"}}",
        " bytes at ",
        "# end of the body: Enough",
        "\"kind\":\"error_event\"",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_key_that_is_said_back_is_masked_wherever_it_stands() {
    let body = format!("{{\"you\":\"{KEY}\"}}  spaced  out\u{1b}[31m");
    let mut bytes = reply("500 Oops", "text/plain", &body);
    let at = bytes.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
    bytes.splice(
        at..at,
        format!("x-echo: {KEY}\r\nset-cookie: sid=abc; Path=/\r\n").bytes(),
    );
    let server = Server::saying(bytes).await;
    let keys = format!(
        "url = \"{}\"\nauth = \"bearer\"\n",
        server.url(&format!("/?k={KEY}"))
    );
    let text = saved("http", &keys, &server).await;
    assert!(
        !text.contains("canary") && !text.contains("sid=abc"),
        "{text}"
    );
    assert!(text.contains("< x-echo: [secret]"), "{text}");
    assert!(
        text.contains("{\"you\":\"[secret]\"}  spaced  out\\u{1b}[31m"),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_that_never_ends_or_is_no_text_is_kept_in_part() {
    let server = Server::repeating(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n",
        vec![b'x'; 5000],
    )
    .await;
    let keys = format!("url = \"{}\"\n", server.url("/"));
    let text = saved("http", &keys, &server).await;
    assert!(text.len() < 400_000, "{} bytes", text.len());
    assert!(text.contains("< (cut: "), "no word of the cut");
    let server = Server::saying(reply("200 OK", "image/png", [0x89, 0x50, 0xff, 0xfe])).await;
    let keys = format!("url = \"{}\"\n", server.url("/"));
    let text = saved("http", &keys, &server).await;
    assert!(text.contains("< (4 bytes that are no text)"), "{text}");
}
