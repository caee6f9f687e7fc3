//! The fake provider as the kind `chat` meets it: four shapes, whole and streamed, well and in each failure.

use std::time::Duration;

use serde_json::json;
use watchfire::model::{FailureKind as Kind, Outcome, Secret};
use watchfire::probe::Run;

use super::site::{Heard, Site, provider};
use crate::probe::{LONG, SHORT, why};

const APIS: [(&str, &str); 4] = [
    ("openai", "/v1"),
    ("responses", "/v1"),
    ("anthropic", "/v1"),
    ("gemini", "/v1beta"),
];

async fn ask(site: &Site, (api, root): (&str, &str), stream: bool, limit: Duration) -> Run {
    let stall = if stream {
        "stall_after = \"100ms\""
    } else {
        ""
    };
    let keys = format!("api = \"{api}\"\nmodel = \"m\"\nstream = {stream}\n{stall}");
    crate::probe::run(
        "chat",
        &keys,
        &format!("http://{}{root}", site.address),
        limit,
    )
    .await
}

#[tokio::test]
async fn every_built_in_question_is_answered_right_in_every_shape() {
    let site = Site::well().await;
    for api in APIS {
        for stream in [true, false] {
            // Each run asks another question.
            for _ in 0..8 {
                let run = ask(&site, api, stream, LONG).await;
                assert_eq!(
                    run.outcome,
                    Outcome::Success,
                    "{api:?} {stream}: {}",
                    why(&run)
                );
                let usage = run.found.and_then(|found| found.usage).unwrap();
                assert!(
                    usage.input_tokens > 7 && usage.output_tokens > 0,
                    "{api:?} {usage:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_failure_is_told_for_what_it_is_in_every_shape() {
    let mut wrong = Vec::new();
    for (mode, streamed, whole) in [
        ("server_error", Kind::ServerError, Kind::ServerError),
        ("overloaded", Kind::Overloaded, Kind::Overloaded),
        ("unavailable", Kind::Overloaded, Kind::Overloaded),
        ("rate_limit", Kind::RateLimited, Kind::RateLimited),
        ("bad_gateway", Kind::Edge, Kind::Edge),
        ("error_in_200", Kind::ErrorEvent, Kind::ErrorBody),
        ("empty", Kind::Empty, Kind::Empty),
        ("cut_stream", Kind::Truncated, Kind::Truncated),
        ("timeout", Kind::Timeout, Kind::Timeout),
    ] {
        let site = Site::failing(mode).await;
        for api in APIS {
            for (stream, wanted) in [(true, streamed), (false, whole)] {
                let wanted = match (api.0, mode) {
                    // Anthropic names no overload with a 503: it has 529 for that.
                    ("anthropic", "unavailable") => Kind::ServerError,
                    _ => wanted,
                };
                let limit = if mode == "timeout" { SHORT } else { LONG };
                let run = ask(&site, api, stream, limit).await;
                if run.outcome.kind() != Some(wanted) {
                    wrong.push(format!(
                        "{mode} {api:?} stream={stream}: {:?}, wanted {wanted:?}: {}",
                        run.outcome,
                        why(&run)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_stall_in_the_middle_of_an_answer_is_one_in_every_shape() {
    let site = Site::failing("stall").await;
    for api in APIS {
        // The questions differ, and with them where the half of an answer ends.
        for _ in 0..8 {
            let run = ask(&site, api, true, LONG).await;
            assert_eq!(
                run.outcome.kind(),
                Some(Kind::Stalled),
                "{api:?}: {}",
                why(&run)
            );
        }
        let whole = ask(&site, api, false, SHORT).await;
        assert_eq!(whole.outcome.kind(), Some(Kind::Timeout), "{api:?}");
    }
}

#[tokio::test]
async fn a_key_is_taken_from_the_header_of_its_shape_and_a_wrong_one_refused_in_its_words() {
    let site =
        Site::open(provider(0.0, "empty").with_key(Secret::new(crate::probe::KEY.to_owned())))
            .await;
    for api in APIS {
        let run = ask(&site, api, true, LONG).await;
        assert_eq!(run.outcome, Outcome::Success, "{api:?}: {}", why(&run));
    }
    let other =
        Site::open(provider(0.0, "empty").with_key(Secret::new("another-key".to_owned()))).await;
    for api in APIS {
        let run = ask(&other, api, true, LONG).await;
        assert_eq!(
            run.outcome.kind(),
            Some(Kind::Auth),
            "{api:?}: {}",
            why(&run)
        );
    }
}

#[tokio::test]
async fn a_limit_on_tokens_is_kept_in_every_shape() {
    let site = Site::well().await;
    let long = "tell me something that is long enough";
    let content = json!([{ "role": "user", "content": long }]);
    for (path, body, wanted) in [
        (
            "/v1/responses",
            json!({ "model": "m", "input": long, "max_output_tokens": 2 }),
            "\"incomplete\"",
        ),
        (
            "/v1/messages",
            json!({ "model": "m", "messages": content, "max_tokens": 2 }),
            "\"max_tokens\"",
        ),
        (
            "/v1beta/models/m:generateContent",
            json!({ "contents": [{ "parts": [{ "text": long }] }], "generationConfig": { "maxOutputTokens": 2 } }),
            "\"MAX_TOKENS\"",
        ),
    ] {
        let heard = site.post(path, &body).await;
        assert!(
            heard.status == 200 && heard.text().contains(wanted),
            "{path}: {}",
            heard.text()
        );
    }
}

#[tokio::test]
async fn gemini_streams_one_list_to_those_who_do_not_ask_for_events() {
    let site = Site::well().await;
    let body = json!({ "contents": [{ "parts": [{ "text": "ping" }] }] });
    let heard: Heard = site
        .post("/v1beta/models/m:streamGenerateContent", &body)
        .await;
    let list = heard.json();
    assert_eq!(list.as_array().map(Vec::len), Some(2));
    assert_eq!(
        list[0]["candidates"][0]["content"]["parts"][0]["text"],
        "pon"
    );
}

#[tokio::test]
async fn a_request_that_is_wrong_is_refused_in_the_words_of_its_shape() {
    let site = Site::well().await;
    let asked = json!({ "model": "m", "messages": [{ "role": "user", "content": "ping" }] });
    let heard = site.post("/v1/messages", &asked).await;
    assert_eq!(
        (heard.status, &heard.json()["error"]["type"]),
        (400, &json!("invalid_request_error"))
    );
    let heard = site
        .post("/v1beta/models/m:generateContent", &json!({}))
        .await;
    assert_eq!(
        (heard.status, &heard.json()["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
    assert_eq!(
        site.post("/v1/responses", &json!({ "model": "m" }))
            .await
            .status,
        400
    );
    assert_eq!(
        site.post("/v1beta/models/m:countTokens", &json!({}))
            .await
            .status,
        404
    );
}
