//! The fake provider on the wire: what each endpoint answers, and how each failure looks to a client.

mod chat;
mod media;
mod site;

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use watchfire::clock::Clock;
use watchfire::model::scenario::{Component, Scenario};
use watchfire::model::{Outcome, Secret, Standing, Timestamp};
use watchfire::simulate::Provider;

use site::{Heard, Site, provider};

const CHAT: &str = "/v1/chat/completions";

fn chat(text: &str) -> Value {
    json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": text }] })
}

fn streamed(text: &str) -> Value {
    let mut request = chat(text);
    request["stream"] = json!(true);
    request["stream_options"] = json!({ "include_usage": true });
    request
}

#[tokio::test]
async fn a_ping_is_answered_with_a_pong_and_anything_else_is_echoed() {
    let site = Site::well().await;
    let heard = site.post(CHAT, &chat("Reply to this ping.")).await;
    assert_eq!((heard.status, heard.whole), (200, true));
    let reply = heard.json();
    assert_eq!(reply["object"], "chat.completion");
    assert_eq!(reply["choices"][0]["message"]["content"], "pong");
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert!(reply["usage"]["total_tokens"].as_u64().unwrap() > 2);
    for header in [
        "x-request-id: req_",
        "openai-processing-ms: ",
        "x-ratelimit-limit-requests: ",
    ] {
        assert!(heard.head.contains(header), "{header} in {}", heard.head);
    }
    let parts = json!({ "model": "m", "messages": [{ "role": "user",
        "content": [{ "type": "text", "text": "hello" }] }] });
    let echoed = site.post(CHAT, &parts).await.json();
    assert_eq!(
        echoed["choices"][0]["message"]["content"],
        "You said: hello"
    );
    let mut short = chat("hello");
    short["max_tokens"] = json!(1);
    assert_eq!(
        site.post(CHAT, &short).await.json()["choices"][0]["finish_reason"],
        "length"
    );
}

#[tokio::test]
async fn a_stream_brings_the_role_then_text_then_its_end_then_usage_then_done() {
    let heard = Site::well().await.post(CHAT, &streamed("ping")).await;
    assert!(heard.head.contains("text/event-stream") && heard.whole);
    let events = heard.events();
    let deltas: Vec<_> = events
        .iter()
        .map(|e| e["choices"][0]["delta"]["content"].clone())
        .collect();
    assert_eq!(
        deltas[..4],
        [json!(""), json!("pon"), json!("g"), json!(null)]
    );
    assert_eq!(events[3]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[4]["choices"], json!([]));
    assert!(events[4]["usage"]["total_tokens"].is_u64());
    assert_eq!(events[5], "[DONE]");
    assert_eq!(events.len(), 6);
}

#[tokio::test]
async fn pictures_are_real_and_come_inline_or_by_address() {
    let site = Site::well().await;
    let path = "/v1/images/generations";
    let asked = json!({ "model": "gpt-image-1", "prompt": "a fire", "size": "64x32" });
    let inline = site.post(path, &asked).await.json();
    let png = base64::engine::general_purpose::STANDARD
        .decode(inline["data"][0]["b64_json"].as_str().unwrap())
        .unwrap();
    let picture = image::load_from_memory(&png).unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 32));

    let asked = json!({ "prompt": "a fire", "size": "64x32", "response_format": "url" });
    let url = site.post(path, &asked).await.json()["data"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = url
        .strip_prefix(&format!("http://{}", site.address))
        .unwrap();
    assert_eq!(site.get(file).await.body, png);
    assert_eq!(site.get("/files/99999x1.png").await.status, 404);
}

#[tokio::test]
async fn the_web_pages_let_anyone_sign_in() {
    let site = Site::well().await;
    assert!(site.get("/").await.text().contains("Sign in"));
    let form = site.get("/login").await.text();
    assert!(form.contains("<form method=\"post\""));
    let (_, token) = form.split_once("name=\"csrf_token\" value=\"").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let post =
        async |body: &str| Heard::all(site.send("POST", "/login", "", body.as_bytes()).await).await;
    let refused = post(&format!("csrf_token={token}&username=a&password=")).await;
    assert_eq!(refused.status, 401);
    let signed = post(&format!("csrf_token={token}&username=a&password=b")).await;
    assert_eq!(signed.status, 303);
    let page = Heard::all(site.send("GET", "/", &cookie(&signed), b"").await).await;
    assert!(page.text().contains("Signed in."));

    let out = Heard::all(site.send("GET", "/logout", &cookie(&signed), b"").await).await;
    assert!(out.status == 200 && out.text().contains("Signed out"));
    assert!(out.head.contains("max-age=0"), "{}", out.head);
    let page = Heard::all(site.send("GET", "/", &cookie(&out), b"").await).await;
    assert!(!page.text().contains("Signed in."));
}

fn cookie(answer: &Heard) -> String {
    let (_, cookie) = answer.head.split_once("set-cookie: ").unwrap();
    format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
}

#[tokio::test]
async fn a_form_without_a_token_of_this_provider_is_refused() {
    let site = Site::well().await;
    for token in [
        "",
        "csrf_token=&",
        "csrf_token=00000000000000010000000000000002&",
    ] {
        let body = format!("{token}username=a&password=b");
        let refused = Heard::all(site.send("POST", "/login", "", body.as_bytes()).await).await;
        assert_eq!(refused.status, 403, "{token}");
        assert!(refused.text().contains("name=\"csrf_token\""));
        assert!(!refused.head.contains("set-cookie"));
    }
}

#[tokio::test]
async fn signing_out_fails_like_signing_in() {
    let site = Site::failing("server_error").await;
    assert_eq!(site.get("/logout").await.status, 500);
    let tally = site.provider.tallies()[Component::Login as usize];
    assert_eq!((tally.requests, tally.failures), (1, 1));
}

#[tokio::test]
async fn requests_that_are_wrong_are_refused_and_not_counted_as_failures() {
    let site = Site::open(provider(0.0, "empty").with_key(Secret::new("sk-right".into()))).await;
    let refused = site.get("/v1/models").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["code"], "invalid_api_key");
    let key = "Authorization: Bearer sk-right\r\n";
    let get = async |path| Heard::all(site.send("GET", path, key, b"").await).await;
    assert_eq!(get("/v1/models").await.json()["data"][0]["object"], "model");
    assert_eq!(
        get("/v1/nothing").await.json()["error"]["code"],
        "unknown_url"
    );
    let post = async |body| Heard::all(site.send("POST", CHAT, key, body).await).await;
    assert_eq!(post(b"{").await.status, 400);
    assert_eq!(
        post(b"{\"messages\":[]}").await.json()["error"]["param"],
        "model"
    );
    assert_eq!(post(&vec![b' '; 1024 * 1024 + 1]).await.status, 413);
    assert_eq!(site.get("/healthz").await.text(), "ok\n");
    assert!(site.provider.tallies().iter().all(|t| t.failures == 0));
}

#[tokio::test]
async fn each_failure_with_a_status_looks_like_the_provider_or_its_edge() {
    for (mode, status, code, form) in [
        ("server_error", 500, json!(null), "application/json"),
        (
            "unavailable",
            503,
            json!("server_is_overloaded"),
            "application/json",
        ),
        ("overloaded", 529, json!(null), "application/json"),
        (
            "rate_limit",
            429,
            json!("rate_limit_exceeded"),
            "application/json",
        ),
        ("bad_gateway", 502, json!(null), "text/html"),
    ] {
        let site = Site::failing(mode).await;
        for request in [chat("ping"), streamed("ping")] {
            let heard = site.post(CHAT, &request).await;
            assert_eq!((heard.status, heard.whole), (status, true), "{mode}");
            assert!(heard.head.contains(form), "{mode}: {}", heard.head);
            if form == "application/json" {
                let error = &heard.json()["error"];
                assert_eq!(error["code"], code, "{mode}");
                assert!(
                    error["message"].is_string() && error["type"].is_string(),
                    "{mode}"
                );
            } else {
                assert!(heard.text().contains("502: Bad gateway"));
                assert!(heard.head.contains("server: cloudflare"));
            }
        }
        let page = site.get("/").await;
        assert!(
            page.head.contains("text/html") && page.status == status,
            "{mode}"
        );
        let tally = site.provider.tallies()[Component::ApiChatCompletions as usize];
        assert_eq!((tally.requests, tally.failures), (2, 2));
    }
}

#[tokio::test]
async fn an_error_inside_a_200_stands_in_the_body_or_in_the_stream_after_some_text() {
    let site = Site::failing("error_in_200").await;
    let plain = site.post(CHAT, &chat("ping")).await;
    assert_eq!((plain.status, plain.whole), (200, true));
    assert_eq!(plain.json()["error"]["type"], "server_error");
    let stream = site.post(CHAT, &streamed("ping")).await;
    let events = stream.events();
    assert_eq!(events[2]["choices"][0]["delta"]["content"], "g");
    assert_eq!(events[3]["error"]["type"], "server_error");
    assert_eq!((events.len(), stream.status), (4, 200));
    assert!(
        site.get("/login")
            .await
            .text()
            .contains("Something went wrong")
    );
}

#[tokio::test]
async fn an_empty_answer_is_whole_but_has_no_content() {
    let site = Site::failing("empty").await;
    let plain = site.post(CHAT, &chat("ping")).await;
    assert!(plain.whole);
    assert_eq!(plain.json()["choices"][0]["message"]["content"], "");
    let stream = site.post(CHAT, &streamed("ping")).await;
    assert!(!stream.text().contains("pon") && stream.text().contains("[DONE]"));
    let picture = site
        .post("/v1/images/generations", &json!({ "prompt": "a" }))
        .await;
    assert_eq!(picture.json()["data"], json!([]));
    let page = site.get("/").await;
    assert_eq!((page.status, page.body.len()), (200, 0));
}

#[tokio::test]
async fn a_cut_ends_the_connection_in_the_middle_of_the_answer() {
    let site = Site::failing("cut_stream").await;
    for request in [chat("ping"), streamed("ping")] {
        let heard = site.post(CHAT, &request).await;
        assert_eq!((heard.status, heard.whole), (200, false));
        assert!(!heard.body.is_empty() && !heard.text().contains("[DONE]"));
    }
    assert!(!site.get("/").await.whole);
}

#[tokio::test]
async fn a_stall_begins_an_answer_and_a_timeout_does_not_and_both_keep_the_connection() {
    for (mode, begins) in [("stall", true), ("timeout", false)] {
        let site = Site::failing(mode).await;
        let body = streamed("ping").to_string();
        let mut silent = site.send("POST", CHAT, "", body.as_bytes()).await;
        let mut heard = Vec::new();
        while begins && !String::from_utf8_lossy(&heard).contains("\"pon") {
            assert!(silent.read_buf(&mut heard).await.unwrap() > 0, "closed");
        }
        // Whatever had been on its way would arrive before a picture has been asked for and drawn.
        let others = async {
            site.get("/files/512x512.png").await;
            while site.provider.tallies()[Component::ApiChatCompletions as usize].requests == 0 {
                site.get("/files/512x512.png").await;
            }
        };
        let more = async {
            // The rest of the half may still come; its end may not.
            while silent.read_buf(&mut heard).await.unwrap() > 0 {}
        };
        tokio::select! {
            biased;
            () = more => panic!("{mode}: the connection was closed"),
            () = others => {}
        }
        assert_eq!(!heard.is_empty(), begins, "{mode}");
        assert!(!String::from_utf8_lossy(&heard).contains("[DONE]"));
    }
}

#[tokio::test]
async fn the_status_page_is_green_until_the_first_post_and_again_after_the_last() {
    let seen = async |moment: &str| {
        let scenario = Scenario::builtin("2023-11-08").unwrap().unwrap();
        let clock = Clock::sped(Timestamp::parse(moment).unwrap(), 0.001);
        let site = Site::open(Provider::new(scenario, clock, 1)).await;
        let summary = site.get("/status/api/v2/summary.json").await.json();
        let all = site.get("/status/api/v2/incidents.json").await.json();
        let component = summary["components"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["name"] == "api_chat_completions")
            .unwrap()["status"]
            .clone();
        let told = &all["incidents"][0];
        json!([
            summary["status"]["indicator"],
            component,
            summary["incidents"].as_array().unwrap().len(),
            told["status"],
            told["incident_updates"].as_array().map(Vec::len),
        ])
    };
    let green = json!(["none", "operational", 0, null, null]);
    assert_eq!(seen("2023-11-08T03:51:30Z").await, green);
    let red = json!(["major", "partial_outage", 1, "investigating", 1]);
    assert_eq!(seen("2023-11-08T03:52:00Z").await, red);
    let watched = json!(["major", "partial_outage", 1, "monitoring", 3]);
    assert_eq!(seen("2023-11-08T04:50:00Z").await, watched);
    let over = json!(["none", "operational", 0, "resolved", 6]);
    assert_eq!(seen("2023-11-08T06:21:00Z").await, over);
}

#[tokio::test]
async fn both_forms_of_the_status_page_are_read_as_the_same_claim() {
    let read = async |moment: &str, form: &str| {
        let scenario = Scenario::builtin("2023-11-08").unwrap().unwrap();
        let clock = Clock::sped(Timestamp::parse(moment).unwrap(), 0.001);
        let site = Site::open(Provider::new(scenario, clock, 1)).await;
        let keys = format!("url = \"http://{}/status{form}\"", site.address);
        let run = crate::probe::run("status_page", &keys, "", crate::probe::LONG).await;
        assert_eq!(run.outcome, Outcome::Noted, "{:?}", run.evidence);
        let claim = run.found.unwrap().claim.unwrap();
        let posts: Vec<_> = claim.posts.into_iter().map(|p| (p.id, p.status)).collect();
        (claim.overall, posts)
    };
    for (moment, overall, posts) in [
        ("2023-11-08T03:51:30Z", Standing::Operational, None),
        (
            "2023-11-08T03:52:00Z",
            Standing::Partial,
            Some("investigating"),
        ),
        (
            "2023-11-08T04:50:00Z",
            Standing::Partial,
            Some("monitoring"),
        ),
        ("2023-11-08T06:21:00Z", Standing::Operational, None),
    ] {
        let posts: Vec<_> = posts
            .map(|status| ("simulated0".to_owned(), status.to_owned()))
            .into_iter()
            .collect();
        for form in ["", "/api/v1/summary"] {
            assert_eq!(
                read(moment, form).await,
                (overall, posts.clone()),
                "{moment} {form}"
            );
        }
    }
}
