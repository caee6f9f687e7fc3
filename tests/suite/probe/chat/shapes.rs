//! Every shape of API in every way of going right and wrong, whole and streamed: one table.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Question};
use watchfire::probe::Run;

use super::words::{Api, HEAD, Stop, TAIL};
use crate::probe::server::{STREAM, Server, json as json_reply, reply};
use crate::probe::{KEY, LONG, SHORT, build, why};

/// What a server does with a question.
#[derive(Debug, Clone)]
enum Play {
    /// Sends it and closes.
    Say(Vec<u8>),
    /// Sends it and holds the connection.
    Hold(Vec<u8>),
}

use Play::{Hold, Say};

fn streamed(events: impl Into<String>) -> Vec<u8> {
    format!("{STREAM}{}", events.into()).into_bytes()
}

/// `HEAD` and `TAIL` become the right answer to the question in the request; the length is told anew.
fn filled(bytes: &[u8], request: &str) -> Vec<u8> {
    let answer = Question::asked_in(request).map_or_else(String::new, Question::answer);
    let (head, tail) = answer.split_at(answer.len().min(1));
    let text = String::from_utf8(bytes.to_vec())
        .unwrap()
        .replace(HEAD, head)
        .replace(TAIL, tail);
    let (top, body) = text.split_once("\r\n\r\n").unwrap();
    let told = bytes.len() - top.len() - 4;
    let top = top.replace(
        &format!("content-length: {told}"),
        &format!("content-length: {}", body.len()),
    );
    format!("{top}\r\n\r\n{body}").into_bytes()
}

async fn server(play: Play) -> Server {
    let play = Arc::new(play);
    Server::start(move |mut stream, requests| {
        let play = Arc::clone(&play);
        async move {
            let request = requests.read(&mut stream).await;
            let (Say(bytes) | Hold(bytes)) = &*play;
            let _ = stream.write_all(&filled(bytes, &request)).await;
            match &*play {
                Say(_) => drop(stream.shutdown().await),
                Hold(_) => std::future::pending().await,
            }
        }
    })
    .await
}

async fn ask(api: Api, stream: bool, play: Play, more: &str) -> Run {
    let limit = if matches!(play, Hold(_)) && !stream {
        SHORT
    } else {
        LONG
    };
    let server = server(play).await;
    let keys = format!(
        "api = \"{}\"\nmodel = \"m\"\nstream = {stream}\n{more}",
        api.name()
    );
    crate::probe::run("chat", &keys, &server.url("/v1"), limit).await
}

type Verdict = Option<(Kind, Fault)>;

const WELL: Verdict = None;

fn provider(kind: Kind) -> Verdict {
    Some((kind, Fault::Provider))
}

fn ours(kind: Kind) -> Verdict {
    Some((kind, Fault::Ours))
}

/// What is played to a probe that streams, and what must come of it.
fn streams(api: Api) -> Vec<(&'static str, Play, Verdict)> {
    let right = [api.say(HEAD), api.say(TAIL)].concat();
    let all = |middle: &str, stop| streamed([&api.begin(), middle, &api.end(stop)].concat());
    let (status, body) = api.overloaded();
    let refused = match api {
        Api::Gemini => ours(Kind::ContentFilter),
        _ => provider(Kind::WrongContent),
    };
    let filtered = match api {
        Api::Anthropic => provider(Kind::WrongContent),
        _ => ours(Kind::ContentFilter),
    };
    let quiet = api.quiet();
    vec![
        ("good", Say(all(&right, Stop::Done)), WELL),
        (
            "good, the connection stays",
            Hold(all(&right, Stop::Done)),
            WELL,
        ),
        (
            "error before",
            Say(reply(status, "application/json", body)),
            provider(Kind::Overloaded),
        ),
        (
            "error before, as a stream",
            Say(reply(
                "500 Error",
                "text/event-stream",
                format!("data: {}\n\n", json!({ "error": { "message": "m" } })),
            )),
            provider(Kind::ServerError),
        ),
        (
            "error in a 200",
            Say(json_reply(&api.error_inside())),
            provider(Kind::ErrorBody),
        ),
        (
            "error event first",
            Say(streamed([api.begin(), api.error_event()].concat())),
            provider(Kind::ErrorEvent),
        ),
        (
            "error event after tokens",
            Say(streamed(
                [
                    api.begin(),
                    api.say("x"),
                    api.error_event(),
                    api.end(Stop::Done),
                ]
                .concat(),
            )),
            provider(Kind::ErrorEvent),
        ),
        (
            "cut",
            Say(streamed([&api.begin(), right.as_str()].concat())),
            provider(Kind::Truncated),
        ),
        (
            "cut before a token",
            Say(streamed(api.begin() + &quiet)),
            provider(Kind::Truncated),
        ),
        ("nothing", Say(streamed("")), provider(Kind::Empty)),
        (
            "stall",
            Hold(streamed(
                [api.begin(), api.say("x"), quiet.clone()].concat(),
            )),
            provider(Kind::Stalled),
        ),
        ("empty", Say(all("", Stop::Done)), provider(Kind::Empty)),
        ("refusal", Say(all(&api.refuse(), Stop::Refusal)), refused),
        ("filter", Say(all("", Stop::Filter)), filtered),
        (
            "length, nothing said",
            Say(all(&api.think(), Stop::Length)),
            ours(Kind::BadRequest),
        ),
        ("length, answered", Say(all(&right, Stop::Length)), WELL),
        (
            "wrong",
            Say(all(&api.say("forty-two"), Stop::Done)),
            provider(Kind::WrongContent),
        ),
        (
            "too little",
            Say(all(&api.say(HEAD), Stop::Done)),
            provider(Kind::WrongContent),
        ),
        (
            "only thoughts",
            Say(all(&api.think(), Stop::Done)),
            provider(Kind::Empty),
        ),
        (
            "thoughts first",
            Say(all(&[api.think(), right.clone()].concat(), Stop::Done)),
            WELL,
        ),
        (
            "keep-alives between",
            Say(all(
                &[
                    quiet.as_str(),
                    &api.say(HEAD),
                    &quiet,
                    &api.say(TAIL),
                    &quiet,
                ]
                .concat(),
                Stop::Done,
            )),
            WELL,
        ),
        (
            "no JSON",
            Say(streamed("data: {malformed\n\n")),
            provider(Kind::WrongContent),
        ),
        (
            "a whole answer",
            Say(json_reply(&api.whole(HEAD, Stop::Done))),
            provider(Kind::WrongContent),
        ),
        (
            "a page",
            Say(reply("200 OK", "text/html", "<title>Sign in</title>")),
            provider(Kind::WrongContent),
        ),
    ]
}

/// The same for a probe that wants the answer in one piece.
fn wholes(api: Api) -> Vec<(&'static str, Play, Verdict)> {
    let (status, body) = api.overloaded();
    let right = format!("{HEAD}{TAIL}");
    let whole = |text: &str, stop| json_reply(&api.whole(text, stop));
    let refused = match api {
        Api::Gemini => ours(Kind::ContentFilter),
        _ => provider(Kind::WrongContent),
    };
    let filtered = match api {
        Api::Anthropic => provider(Kind::WrongContent),
        _ => ours(Kind::ContentFilter),
    };
    let cut = |text: Vec<u8>| text[..text.len() - 9].to_vec();
    vec![
        ("good", Say(whole(&right, Stop::Done)), WELL),
        (
            "error before",
            Say(reply(status, "application/json", body)),
            provider(Kind::Overloaded),
        ),
        (
            "error in a 200",
            Say(json_reply(&api.error_inside())),
            provider(Kind::ErrorBody),
        ),
        (
            "cut",
            Say(cut(whole("x", Stop::Done))),
            provider(Kind::Truncated),
        ),
        (
            "stall",
            Hold(cut(whole("x", Stop::Done))),
            provider(Kind::Timeout),
        ),
        ("nothing", Say(json_reply("")), provider(Kind::Empty)),
        (
            "another document",
            Say(json_reply("{\"object\":\"list\"}")),
            provider(Kind::Empty),
        ),
        ("empty", Say(whole("", Stop::Done)), provider(Kind::Empty)),
        ("refusal", Say(whole("", Stop::Refusal)), refused),
        ("filter", Say(whole("", Stop::Filter)), filtered),
        (
            "length, nothing said",
            Say(whole("", Stop::Length)),
            ours(Kind::BadRequest),
        ),
        (
            "wrong",
            Say(whole("forty-two", Stop::Done)),
            provider(Kind::WrongContent),
        ),
        (
            "thoughts in the text",
            Say(whole(
                &format!("<think>{right}?</think>\n\n{right}"),
                Stop::Done,
            )),
            WELL,
        ),
        (
            "thoughts without end",
            Say(whole(&format!("<think>{right}? But"), Stop::Length)),
            ours(Kind::BadRequest),
        ),
        (
            "no JSON",
            Say(json_reply("{malformed json: <<<chaos>>>")),
            provider(Kind::WrongContent),
        ),
        (
            "a page",
            Say(reply("200 OK", "text/html", "<title>Sign in</title>")),
            provider(Kind::WrongContent),
        ),
    ]
}

fn verdict(run: &Run) -> Verdict {
    match run.outcome {
        Outcome::Success => WELL,
        Outcome::Failure(kind, fault) => Some((kind, fault)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_shape_is_judged_alike_however_it_goes() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for api in Api::ALL {
        for (stream, plays) in [(true, streams(api)), (false, wholes(api))] {
            for (name, play, wanted) in plays {
                let stall = if stream {
                    "stall_after = \"100ms\""
                } else {
                    ""
                };
                let run = ask(api, stream, play, stall).await;
                cases += 1;
                if verdict(&run) != wanted {
                    wrong.push(format!(
                        "{api:?} stream={stream} {name}: {:?}, wanted {wanted:?}: {}",
                        run.outcome,
                        why(&run)
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn every_shape_tells_what_it_cost_and_when_its_tokens_came() {
    for api in Api::ALL {
        let quiet = api.quiet();
        let events = [
            &api.begin(),
            &quiet,
            &api.think(),
            &api.say(HEAD),
            &quiet,
            &api.say(TAIL),
            &api.end(Stop::Done),
        ];
        let stream = ask(
            api,
            true,
            Say(streamed(events.map(String::as_str).concat())),
            "",
        )
        .await;
        let shown = stream.stream.as_ref().unwrap();
        assert_eq!(
            (shown.tokens, shown.moments_us.len(), shown.complete),
            (3, 3, true),
            "{api:?}"
        );
        let first = stream.phases.first_token_us.unwrap();
        assert!(
            shown.first_event_us.unwrap() <= first && first == shown.moments_us[0],
            "{api:?}"
        );
        assert!(
            !shown.answer.is_empty() && !shown.answer.contains("may be"),
            "{api:?}: {}",
            shown.answer
        );
        let whole = format!("{HEAD}{TAIL}");
        let whole = ask(
            api,
            false,
            Say(json_reply(&api.whole(&whole, Stop::Done))),
            "",
        )
        .await;
        for run in [stream, whole] {
            let usage = run.found.as_ref().and_then(|found| found.usage).unwrap();
            let counted = (usage.input_tokens, usage.cached_tokens, usage.output_tokens);
            assert_eq!(counted, (7, 2, 3), "{api:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_that_has_cost_something_says_so_too() {
    let wrong = Api::OpenAi.say("forty-two") + &Api::OpenAi.end(Stop::Done);
    let run = ask(Api::OpenAi, true, Say(streamed(wrong)), "").await;
    assert_eq!(verdict(&run), provider(Kind::WrongContent));
    assert_eq!(
        run.found
            .and_then(|found| found.usage)
            .map(|usage| usage.output_tokens),
        Some(3)
    );
    let said = run.evidence.unwrap().text;
    assert!(
        said.contains("asked \"") && said.contains("wanted \"") && said.contains("forty-two"),
        "{said}"
    );
}

#[tokio::test]
async fn each_shape_asks_where_and_how_its_provider_wants_it() {
    for (api, stream, path, key) in [
        (
            Api::OpenAi,
            true,
            "/v1/chat/completions",
            format!("authorization: Bearer {KEY}"),
        ),
        (
            Api::Responses,
            false,
            "/v1/responses",
            format!("authorization: Bearer {KEY}"),
        ),
        (
            Api::Anthropic,
            true,
            "/v1/messages",
            format!("x-api-key: {KEY}"),
        ),
        (
            Api::Gemini,
            true,
            "/v1/models/m:streamGenerateContent?alt=sse",
            format!("x-goog-api-key: {KEY}"),
        ),
        (
            Api::Gemini,
            false,
            "/v1/models/m:generateContent",
            format!("x-goog-api-key: {KEY}"),
        ),
    ] {
        let server = server(Say(json_reply("{}"))).await;
        let keys = format!("api = \"{}\"\nmodel = \"m\"\nstream = {stream}", api.name());
        crate::probe::run("chat", &keys, &server.url("/v1"), LONG).await;
        let request = &server.requests()[0];
        assert!(
            request.starts_with(&format!("POST {path} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(request.contains(&format!("{key}\r\n")), "{request}");
        assert_eq!(request.matches(KEY).count(), 1, "{request}");
        assert_eq!(
            request.contains("anthropic-version: 2023-06-01\r\n"),
            api == Api::Anthropic
        );
        let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert!(Question::asked_in(&body.to_string()).is_some(), "{body}");
        assert_eq!(
            body.get("store"),
            (api == Api::Responses).then_some(&json!(false))
        );
        assert!(!body.to_string().contains("temperature"));
    }
}

#[tokio::test]
async fn the_probes_own_way_to_send_the_key_wins_and_so_do_its_headers() {
    let server = server(Say(json_reply("{}"))).await;
    let keys = "api = \"anthropic\"\nmodel = \"m\"\nauth = \"bearer\"\nheaders = { anthropic-version = \"2024-01-01\" }";
    crate::probe::run("chat", keys, &server.url("/v1"), LONG).await;
    let request = &server.requests()[0];
    assert!(
        request.contains("authorization: Bearer") && !request.contains("x-api-key"),
        "{request}"
    );
    assert!(
        request.contains("anthropic-version: 2024-01-01\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn a_blocked_question_is_no_outage() {
    let body = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":4}}"#;
    let whole = ask(Api::Gemini, false, Say(json_reply(body)), "").await;
    let stream = ask(
        Api::Gemini,
        true,
        Say(streamed(format!("data: {body}\n\n"))),
        "",
    )
    .await;
    for run in [whole, stream] {
        assert_eq!(verdict(&run), ours(Kind::ContentFilter));
        assert!(why(&run).contains("PROHIBITED_CONTENT"), "{}", why(&run));
    }
}

#[tokio::test]
async fn an_error_event_without_a_response_around_it_is_read() {
    let event = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\",\"sequence_number\":3}\n\n";
    let run = ask(Api::Responses, true, Say(streamed(event)), "").await;
    assert_eq!(verdict(&run), ours(Kind::ErrorEvent));
    assert!(
        why(&run).contains("rate_limit_exceeded: slow down"),
        "{}",
        why(&run)
    );
}

#[tokio::test]
async fn a_clean_end_with_too_few_characters_fails_for_a_prompt_of_ones_own() {
    let keys = "prompt = \"tell a story\"\nexpect = { min_chars = 20 }";
    let said = |text: &str| {
        Say(streamed(
            Api::OpenAi.say(text) + &Api::OpenAi.end(Stop::Done),
        ))
    };
    let short = ask(Api::OpenAi, true, said("Once upon a"), keys).await;
    assert_eq!(verdict(&short), provider(Kind::WrongContent));
    assert!(
        why(&short).contains("has 11 characters, wanted at least 20"),
        "{}",
        why(&short)
    );
    let long = ask(Api::OpenAi, true, said("Once upon a time there was"), keys).await;
    assert_eq!(verdict(&long), WELL);
}

#[tokio::test]
async fn a_refused_prompt_of_ones_own_is_ones_own_fault_unless_it_is_expected() {
    let refusal = || {
        Say(streamed(
            Api::OpenAi.refuse() + &Api::OpenAi.end(Stop::Refusal),
        ))
    };
    let run = ask(Api::OpenAi, true, refusal(), "prompt = \"something bad\"").await;
    assert_eq!(verdict(&run), ours(Kind::ContentFilter));
    let keys = "prompt = \"something bad\"\nexpect = { text = \"cannot\" }";
    assert_eq!(
        verdict(&ask(Api::OpenAi, true, refusal(), keys).await),
        WELL
    );
}

#[test]
fn keys_that_do_not_go_together_are_faults() {
    for (keys, wanted) in [
        ("api = \"cohere\"", "no API that a chat probe speaks"),
        ("thinking_budget = 100", "no budget for thinking"),
        ("api = \"anthropic\"\nthinking_budget = 100", "from 1024"),
        (
            "api = \"anthropic\"\nthinking_budget = 2000\nmax_tokens = 2000",
            "leaves no room",
        ),
        (
            "api = \"gemini\"\nthinking_budget = 0\nreasoning_effort = \"low\"",
            "exclude each other",
        ),
        (
            "api = \"gemini\"\nmax_tokens_field = \"max_tokens\"",
            "only",
        ),
        ("stream = false\nusage = false", "needs a stream"),
        ("reasoning_effort = \"Very High\"", "no word for an effort"),
        ("expect = { min_chars = 0 }", "from 1"),
    ] {
        let keys = format!("model = \"m\"\n{keys}");
        let problems = build("chat", &keys, Some("http://127.0.0.1/v1")).unwrap_err();
        let found = format!("{problems:?}");
        assert!(found.contains(wanted), "{keys}: {found}");
    }
}
