//! The fake provider's films and its pictures as a stream, on the wire and as the kinds `job` and `image` meet them.

use std::time::Duration;

use serde_json::{Value, json};
use watchfire::model::scenario::Component;
use watchfire::model::{FailureKind as Kind, Outcome};
use watchfire::probe::Run;

use super::site::{Heard, Site};
use crate::probe::{LONG, SHORT, why};

const VIDEOS: &str = "/v1/videos";
const PICTURES: &str = "/v1/images/generations";

async fn picture(site: &Site, partial: u8, limit: Duration) -> Run {
    let keys = format!(
        "model = \"gpt-image-1\"\nstream = true\npartial_images = {partial}\nsize = \"64x32\""
    );
    let root = format!("http://{}/v1", site.address);
    crate::probe::run("image", &keys, &root, limit).await
}

async fn film(site: &Site) -> Run {
    let keys = "form = \"openai-video\"\nmodel = \"sora-2\"\npoll = { every = \"1s\" }";
    let root = format!("http://{}/v1", site.address);
    crate::probe::run("job", keys, &root, LONG).await
}

#[tokio::test]
async fn a_film_is_ordered_made_fetched_and_deleted() {
    let site = Site::well().await;
    let ordered = site
        .post(VIDEOS, &json!({ "prompt": "a fire" }))
        .await
        .json();
    assert_eq!(
        (&ordered["object"], &ordered["status"]),
        (&json!("video"), &json!("queued"))
    );
    let path = format!("{VIDEOS}/{}", ordered["id"].as_str().unwrap());
    let mut seen = Vec::new();
    while seen.last() != Some(&json!("completed")) {
        let film = site.get(&path).await.json();
        assert_eq!(film["id"], ordered["id"]);
        seen.push(film["status"].clone());
    }
    let mut order = seen.clone();
    order.sort_by_key(|status| {
        ["queued", "in_progress", "completed"]
            .iter()
            .position(|s| status == s)
    });
    assert_eq!(seen, order);

    let content = site.get(&format!("{path}/content")).await;
    assert!(content.head.contains("content-type: video/mp4") && content.whole);
    assert_eq!(content.body.get(4..8), Some(&b"ftyp"[..]));
    assert!(content.body.len() > 4_096);
    let gone = Heard::all(site.send("DELETE", &path, "", b"").await).await;
    assert_eq!(gone.json()["deleted"], true);
    let tally = site.provider.tallies()[Component::Video as usize];
    assert_eq!(tally.requests, 3 + seen.len() as u64);
}

#[tokio::test]
async fn a_wrong_order_and_an_unknown_film_are_refused() {
    let site = Site::well().await;
    let refused = site.post(VIDEOS, &json!({ "model": "sora-2" })).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["param"]),
        (400, &json!("prompt"))
    );
    // The last one would have been ordered in the far future.
    for id in ["nothing", "video_7fffffffffffffff0000000000000001"] {
        for path in [format!("{VIDEOS}/{id}"), format!("{VIDEOS}/{id}/content")] {
            assert_eq!(site.get(&path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn a_job_probe_finds_its_film_whole() {
    let site = Site::well().await;
    let run = film(&site).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
}

#[tokio::test]
async fn each_failure_of_films_is_told_for_what_it_is() {
    for (mode, kind) in [
        ("server_error", Kind::ServerError),
        ("unavailable", Kind::Overloaded),
        ("rate_limit", Kind::RateLimited),
        ("bad_gateway", Kind::Edge),
        ("error_in_200", Kind::ErrorBody),
        ("empty", Kind::WrongContent),
        ("cut_stream", Kind::Truncated),
    ] {
        let site = Site::failing(mode).await;
        let run = film(&site).await;
        assert_eq!(run.outcome.kind(), Some(kind), "{mode}: {}", why(&run));
    }
}

#[tokio::test]
async fn an_error_inside_the_answer_about_a_film_is_that_its_making_failed() {
    let site = Site::failing("error_in_200").await;
    // Ordered at the beginning of 1970.
    let film = site.get(&format!("{VIDEOS}/video_{:032x}", 1)).await;
    assert_eq!(film.status, 200);
    let film = film.json();
    assert_eq!(
        (&film["status"], &film["error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );
}

#[tokio::test]
async fn a_streamed_picture_comes_after_as_many_partial_ones_as_were_asked_for() {
    let site = Site::well().await;
    for partial in [None, Some(0), Some(3)] {
        let mut asked = json!({ "prompt": "a fire", "size": "64x32", "stream": true });
        asked["partial_images"] = json!(partial);
        let heard = site.post(PICTURES, &asked).await;
        assert!(heard.head.contains("text/event-stream") && heard.whole);
        let text = heard.text();
        let events: Vec<Value> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let (last, before) = events.split_last().unwrap();
        assert_eq!(last["type"], "image_generation.completed");
        assert!(last["usage"]["total_tokens"].is_u64() && last["b64_json"].is_string());
        let indices: Vec<_> = before
            .iter()
            .map(|e| e["partial_image_index"].clone())
            .collect();
        let wanted: Vec<_> = (0..partial.unwrap_or(0)).map(Value::from).collect();
        assert_eq!(indices, wanted);
        for event in before {
            assert_eq!(event["type"], "image_generation.partial_image");
        }
    }
    let asked = json!({ "prompt": "a fire", "stream": true, "partial_images": 4 });
    let refused = site.post(PICTURES, &asked).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["param"]),
        (400, &json!("partial_images"))
    );
}

#[tokio::test]
async fn an_image_probe_reads_the_stream_well_and_in_each_failure() {
    let site = Site::well().await;
    for partial in [0, 1, 2] {
        let run = picture(&site, partial, LONG).await;
        assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    }
    for (mode, kind) in [
        ("server_error", Kind::ServerError),
        ("unavailable", Kind::Overloaded),
        ("rate_limit", Kind::RateLimited),
        ("bad_gateway", Kind::Edge),
        ("error_in_200", Kind::ErrorEvent),
        ("empty", Kind::Empty),
        ("cut_stream", Kind::Truncated),
        ("stall", Kind::Timeout),
        ("timeout", Kind::Timeout),
    ] {
        let site = Site::failing(mode).await;
        let limit = if kind == Kind::Timeout { SHORT } else { LONG };
        for partial in [0, 1, 2] {
            let run = picture(&site, partial, limit).await;
            assert_eq!(
                run.outcome.kind(),
                Some(kind),
                "{mode} {partial}: {}",
                why(&run)
            );
        }
    }
}
