//! Each form in which pictures are asked for: what is sent, and what is made of each answer.

use base64::Engine as _;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Usage};
use watchfire::probe::Run;

use super::server::{STREAM, Server, json, reply, stream};
use super::{KEY, LONG, SHORT, failure, run, why};

fn drawn(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(16, 8, image::Rgb([200, 0, 0]))
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

fn png() -> String {
    base64::engine::general_purpose::STANDARD.encode(drawn(image::ImageFormat::Png))
}

fn webp() -> String {
    base64::engine::general_purpose::STANDARD.encode(drawn(image::ImageFormat::WebP))
}

async fn ask(server: &Server, keys: &str) -> Run {
    let keys = format!("model = \"m\"\n{keys}");
    run("image", &keys, &server.url("/v1"), LONG).await
}

/// `None` is a success.
type Wanted = Option<(Kind, Fault, &'static str)>;

#[tokio::test]
async fn every_answer_of_every_form_is_judged_by_what_it_holds() {
    let theirs = Fault::Provider;
    let bad = |why| Some((Kind::BadImage, Fault::Provider, why));
    let (png, webp) = (png(), webp());
    let openai = |item: &str| format!(r#"{{"created":1,"data":[{item}]}}"#);
    let gemini = |candidate: &str| format!(r#"{{"candidates":[{candidate}]}}"#);
    let chat = |message: &str, finish: &str| {
        format!(r#"{{"choices":[{{"message":{message},"finish_reason":"{finish}"}}]}}"#)
    };
    let cases: Vec<(&str, String, Wanted)> = vec![
        ("", openai(&format!(r#"{{"b64_json":"{png}"}}"#)), None),
        (
            "",
            openai(&format!(
                r#"{{"b64_json":"{}"}}"#,
                png.trim_end_matches('=')
            )),
            None,
        ),
        (
            "",
            openai(&format!(r#"{{"url":"data:image/webp;base64,{webp}"}}"#)),
            None,
        ),
        (
            "",
            openai(&format!(r#"{{"b64_json":"data:image/png;base64,{png}"}}"#)),
            None,
        ),
        (
            "",
            openai(&format!(r#"{{"url":"data:image/png;base64,{webp}"}}"#)),
            bad("said to be a png, but the bytes are a webp"),
        ),
        (
            "",
            openai(r#"{"url":"data:image/png,%89PNG"}"#),
            bad("without base64"),
        ),
        ("", openai(r#"{"url":"data:"}"#), bad("without base64")),
        (
            "",
            openai(r#"{"revised_prompt":"x"}"#),
            Some((Kind::Empty, theirs, "no picture in the answer")),
        ),
        (
            "",
            format!(r#"{{"data":[{{"b64_json":"{webp}"}}],"output_format":"png"}}"#),
            bad("said to be a png"),
        ),
        (
            "expect = { format = \"webp\" }",
            openai(&format!(r#"{{"b64_json":"{png}"}}"#)),
            Some((
                Kind::WrongContent,
                theirs,
                "the picture is a png, wanted a webp",
            )),
        ),
        (
            "expect = { size = \"1024x1024\" }",
            openai(&format!(r#"{{"b64_json":"{png}"}}"#)),
            Some((
                Kind::WrongContent,
                theirs,
                "the picture is 16x8, wanted 1024x1024",
            )),
        ),
        (
            "expect = { min_bytes = 100000 }",
            openai(&format!(r#"{{"b64_json":"{png}"}}"#)),
            Some((Kind::WrongContent, theirs, "wanted at least 100000")),
        ),
        (
            "expect = { format = \"png\", size = \"16x8\", min_width = 16, min_height = 8, min_bytes = 10 }",
            openai(&format!(r#"{{"b64_json":"{png}"}}"#)),
            None,
        ),
        (
            "",
            "{\"data\":0}".to_owned(),
            Some((Kind::Empty, theirs, "")),
        ),
        (
            "",
            "nonsense".to_owned(),
            Some((Kind::WrongContent, theirs, "no JSON")),
        ),
        (
            "",
            " ".to_owned(),
            Some((Kind::Empty, theirs, "empty body")),
        ),
        (
            "api = \"gemini\"",
            gemini(&format!(
                r#"{{"content":{{"parts":[{{"text":"here"}},{{"inlineData":{{"mimeType":"image/png","data":"{png}"}}}}]}},"finishReason":"STOP"}}"#
            )),
            None,
        ),
        (
            "api = \"gemini\"",
            gemini(&format!(
                r#"{{"content":{{"parts":[{{"inline_data":{{"mime_type":"image/png","data":"{webp}"}}}}]}}}}"#
            )),
            bad("said to be a png"),
        ),
        (
            "api = \"gemini\"",
            r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#.to_owned(),
            Some((Kind::ContentFilter, Fault::Ours, "content filter: SAFETY")),
        ),
        (
            "api = \"gemini\"",
            gemini(r#"{"finishReason":"IMAGE_SAFETY"}"#),
            Some((Kind::ContentFilter, Fault::Ours, "IMAGE_SAFETY")),
        ),
        (
            "api = \"gemini\"",
            gemini(r#"{"content":{"parts":[{"text":"I cannot"}]},"finishReason":"NO_IMAGE"}"#),
            Some((Kind::Empty, theirs, "I cannot")),
        ),
        (
            "api = \"gemini\"",
            r#"[{"error":{"code":503,"status":"UNAVAILABLE","message":"overloaded"}}]"#.to_owned(),
            Some((Kind::ErrorBody, theirs, "unavailable: overloaded")),
        ),
        (
            "api = \"chat\"",
            chat(
                &format!(
                    r#"{{"content":"","images":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{png}"}}}}]}}"#
                ),
                "stop",
            ),
            None,
        ),
        (
            "api = \"chat\"",
            chat(
                &format!(
                    r#"{{"content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{png}"}}}}]}}"#
                ),
                "stop",
            ),
            None,
        ),
        (
            "api = \"chat\"",
            chat(r#"{"content":"no","images":[]}"#, "stop"),
            Some((Kind::Empty, theirs, "no picture")),
        ),
        (
            "api = \"chat\"",
            chat(r#"{"content":null}"#, "content_filter"),
            Some((Kind::ContentFilter, Fault::Ours, "content filter")),
        ),
        (
            "stream = true",
            openai(&format!(r#"{{"b64_json":"{png}"}}"#)),
            Some((Kind::WrongContent, theirs, "where a stream was asked for")),
        ),
    ];
    for (keys, body, wanted) in cases {
        let run = ask(&Server::saying(json(&body)).await, keys).await;
        judged(&run, wanted, &format!("{keys}: {body:.200}"));
    }
}

fn judged(run: &Run, wanted: Wanted, case: &str) {
    match wanted {
        None => assert_eq!(run.outcome, Outcome::Success, "{case}: {}", why(run)),
        Some((kind, fault, words)) => {
            assert_eq!(failure(run), (kind, fault), "{case}: {}", why(run));
            assert!(why(run).contains(words), "{case}: {}", why(run));
        }
    }
}

fn partial(picture: &str) -> String {
    format!(
        "event: image_generation.partial_image\ndata: {{\"type\":\"image_generation.partial_image\",\"b64_json\":\"{picture}\",\"partial_image_index\":0}}\n\n"
    )
}

fn completed(picture: &str) -> String {
    format!(
        "event: image_generation.completed\ndata: {{\"type\":\"image_generation.completed\",\"b64_json\":\"{picture}\",\"output_format\":\"png\",\"usage\":{{\"input_tokens\":12,\"output_tokens\":272}}}}\n\n"
    )
}

#[tokio::test]
async fn a_stream_of_pictures_is_judged_by_its_last_one_and_by_how_it_ends() {
    let (png, webp) = (png(), webp());
    let theirs = Fault::Provider;
    let event = |data: &str| format!("data: {data}\n\n");
    let cases: Vec<(Vec<u8>, Wanted)> = vec![
        (stream(&(partial(&png) + &completed(&png))), None),
        (stream(&completed(&png)), None),
        (stream(&format!(": hello\n\n{}", completed(&png))), None),
        (stream(&(partial(&png) + &completed(&webp))), Some((Kind::BadImage, theirs, "said to be a png, but the bytes are a webp"))),
        (stream(&partial(&png)), Some((Kind::Truncated, theirs, "after 1 partial picture, without image_generation.completed"))),
        (stream(""), Some((Kind::Empty, theirs, "empty stream"))),
        (stream(&event("[DONE]")), Some((Kind::Truncated, theirs, "after 0 partial pictures"))),
        (stream(&(partial(&png) + &event("{malformed"))), Some((Kind::WrongContent, theirs, "no JSON"))),
        (stream(&(partial(&png) + &event(r#"{"error":{"type":"server_error","message":"boom"}}"#))),
            Some((Kind::ErrorEvent, theirs, "an error in the stream after 1 partial picture: server_error: boom"))),
        (stream(&event(r#"{"type":"error","code":"moderation_blocked","message":"no"}"#)),
            Some((Kind::ErrorEvent, Fault::Ours, "moderation_blocked: no"))),
        (format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n{}", partial(&png)).into_bytes(),
            Some((Kind::Truncated, theirs, "broke off after 1 partial picture"))),
        (reply("500 Internal", "text/event-stream", "data: {\"error\":{\"message\":\"m\"}}\n\n"), Some((Kind::ServerError, theirs, "HTTP 500"))),
    ];
    for (bytes, wanted) in cases {
        let server = Server::saying(&bytes).await;
        let run = ask(&server, "stream = true").await;
        judged(
            &run,
            wanted,
            &String::from_utf8_lossy(&bytes[..bytes.len().min(300)]),
        );
        assert!(server.requests()[0].contains(r#""partial_images":1"#));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_last_picture_whatever_the_server_does_then() {
    let server = Server::saying_then_silent(stream(&(partial(&png()) + &completed(&png())))).await;
    let run = ask(&server, "stream = true").await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert!(run.phases.first_token_us.is_some() && run.stream.unwrap().answer.is_empty());
    let server = Server::saying_then_silent(format!("{STREAM}{}", partial(&png()))).await;
    let keys = "model = \"m\"\nstream = true";
    let run = super::run("image", keys, &server.url("/v1"), SHORT).await;
    assert_eq!(failure(&run), (Kind::Timeout, Fault::Provider));
    assert!(
        why(&run).ends_with("after 1 partial picture"),
        "{}",
        why(&run)
    );
}

#[tokio::test]
async fn what_a_picture_cost_is_known_whether_it_is_good_or_not() {
    let elsewhere = Server::saying(reply("404 Gone", "text/plain", "expired")).await;
    let counted = |input, cached, output, images| Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        images,
    };
    let png = png();
    let cases = [
        (
            "",
            format!(
                r#"{{"data":[{{"b64_json":"{png}"}}],"usage":{{"input_tokens":12,"output_tokens":272,"input_tokens_details":{{"cached_tokens":4}}}}}}"#
            ),
            counted(12, 4, 272, 1),
        ),
        (
            "",
            r#"{"data":[{"b64_json":"aGVsbG8="}]}"#.to_owned(),
            counted(0, 0, 0, 1),
        ),
        (
            "",
            format!(
                r#"{{"data":[{{"url":"{}"}}],"usage":{{"input_tokens":9}}}}"#,
                elsewhere.url("/x.png")
            ),
            counted(9, 0, 0, 1),
        ),
        (
            "",
            "{\"data\":[{\"url\":\"http://127.0.0.1:9/x.png\"}],\"usage\":{\"input_tokens\":8}}"
                .to_owned(),
            counted(8, 0, 0, 1),
        ),
        (
            "api = \"gemini\"",
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"inlineData":{{"data":"{png}"}}}}]}}}}],"usageMetadata":{{"promptTokenCount":5,"candidatesTokenCount":1290,"thoughtsTokenCount":10}}}}"#
            ),
            counted(5, 0, 1300, 1),
        ),
        (
            "api = \"chat\"",
            format!(
                r#"{{"choices":[{{"message":{{"images":[{{"image_url":{{"url":"data:image/png;base64,{png}"}}}}]}}}}],"usage":{{"prompt_tokens":3,"completion_tokens":7}}}}"#
            ),
            counted(3, 0, 7, 1),
        ),
    ];
    for (keys, body, wanted) in cases {
        let run = ask(&Server::saying(json(&body)).await, keys).await;
        assert_eq!(run.found.and_then(|f| f.usage), Some(wanted), "{body:.200}");
    }
    let run = ask(
        &Server::saying(stream(&completed(&png))).await,
        "stream = true",
    )
    .await;
    assert_eq!(run.found.unwrap().usage, Some(counted(12, 0, 272, 1)));
}

#[tokio::test]
async fn each_form_asks_in_its_own_words_and_place() {
    for (keys, wanted) in [
        (
            "output_format = \"webp\"\nextra = { background = \"opaque\" }",
            [
                "POST /v1/images/generations ",
                r#""output_format":"webp""#,
                r#""background":"opaque""#,
                "authorization: Bearer ",
            ],
        ),
        (
            "api = \"gemini\"\nextra = { generationConfig = { imageConfig = { aspectRatio = \"1:1\" } } }",
            [
                "POST /v1/models/m:generateContent ",
                r#""responseModalities":["TEXT","IMAGE"]"#,
                r#""aspectRatio":"1:1""#,
                "x-goog-api-key: ",
            ],
        ),
        (
            "api = \"chat\"\nprompt = \"a fire\"",
            [
                "POST /v1/chat/completions ",
                r#""modalities":["image","text"]"#,
                r#""content":"a fire""#,
                "authorization: Bearer ",
            ],
        ),
    ] {
        let server = Server::saying(json("{}")).await;
        ask(&server, keys).await;
        let request = &server.requests()[0];
        for words in wanted {
            assert!(request.contains(words), "{words} in {request}");
        }
        assert_eq!(request.matches(KEY).count(), 1);
    }
}

#[tokio::test]
async fn a_picture_with_another_content_type_than_its_bytes_is_bad() {
    let picture = drawn(image::ImageFormat::Png);
    for (kind, good) in [
        ("image/png", true),
        ("application/octet-stream", true),
        ("image/webp", false),
    ] {
        let elsewhere = Server::saying(reply("200 OK", kind, &picture)).await;
        let body = format!(r#"{{"data":[{{"url":"{}"}}]}}"#, elsewhere.url("/a"));
        let run = ask(&Server::saying(json(&body)).await, "").await;
        assert_eq!(
            run.outcome == Outcome::Success,
            good,
            "{kind}: {}",
            why(&run)
        );
    }
    let elsewhere = Server::resetting_after(b"").await;
    let body = format!(r#"{{"data":[{{"url":"{}"}}]}}"#, elsewhere.url("/a"));
    let run = ask(&Server::saying(json(&body)).await, "").await;
    assert!(
        why(&run).starts_with("fetching the picture: "),
        "{}",
        why(&run)
    );
}
