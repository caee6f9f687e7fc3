//! What the kind `job` makes of services that take an order, are asked after it, and hand out a result.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Run;

use super::server::{Server, json, reply};
use super::{KEY, LONG, build, failure, run, why};

/// A film as small as one can be: boxes that add up.
const FILM: &[u8] = b"\0\0\0\x10ftypmp42\0\0\0\0\0\0\0\x0cmdatfilm";
/// No reply, and the connection stays open.
const HANG: &[u8] = b"hang";
/// A job that is asked after ten times a second.
const VIDEO: &str = "form = \"openai-video\"\nmodel = \"m\"\npoll = { every = \"100ms\" }\n";

/// A server that answers each route with the next of its replies, the last one again and again; with [`HANG`] never.
async fn site(routes: Vec<(&'static str, Vec<Vec<u8>>)>) -> Server {
    let routes: BTreeMap<_, _> = routes.into_iter().collect();
    let asked = Arc::new(Mutex::new(BTreeMap::<&str, usize>::new()));
    Server::start(move |mut stream, requests| {
        let (routes, asked) = (routes.clone(), Arc::clone(&asked));
        async move {
            let request = requests.read(&mut stream).await;
            let line = request.lines().next().unwrap_or_default();
            let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line);
            let bytes = match routes.get_key_value(line) {
                Some((route, replies)) => {
                    let mut asked = asked.lock().unwrap();
                    let count = asked.entry(route).or_default();
                    *count += 1;
                    replies[(*count - 1).min(replies.len() - 1)].clone()
                }
                None => reply(
                    "404 Not Found",
                    "application/json",
                    r#"{"error":{"message":"no such route"}}"#,
                ),
            };
            if bytes == HANG {
                std::future::pending::<()>().await;
            }
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn video(state: &str) -> Vec<u8> {
    json(&format!(
        r#"{{"id":"video_1","object":"video","status":"{state}"}}"#
    ))
}

fn film() -> Vec<u8> {
    reply("200 OK", "video/mp4", FILM)
}

const CREATE: &str = "POST /v1/videos";
const POLL: &str = "GET /v1/videos/video_1";
const FETCH: &str = "GET /v1/videos/video_1/content";
const DELETE: &str = "DELETE /v1/videos/video_1";

async fn ask(server: &Server, keys: &str) -> Run {
    run("job", keys, &server.url("/v1"), LONG).await
}

fn lines(server: &Server) -> Vec<String> {
    let first = |r: String| {
        r.lines()
            .next()
            .unwrap_or_default()
            .replace(" HTTP/1.1", "")
    };
    server.requests().into_iter().map(first).collect()
}

#[tokio::test]
async fn a_job_is_ordered_asked_after_fetched_and_cleared_away() {
    let server = site(vec![
        (CREATE, vec![video("queued")]),
        (
            POLL,
            vec![video("queued"), video("in_progress"), video("completed")],
        ),
        (FETCH, vec![film()]),
        (DELETE, vec![json("{\"deleted\":true}")]),
    ])
    .await;
    let run = ask(&server, VIDEO).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert_eq!(lines(&server), [CREATE, POLL, POLL, POLL, FETCH, DELETE]);
    let requests = server.requests();
    assert!(requests[0].contains(r#""model":"m""#) && requests[0].contains(r#""seconds":"4""#));
    assert!(
        requests.iter().all(|r| r.contains(KEY)),
        "each carries the key"
    );
    assert_eq!((run.status, run.found), (Some(200), None));
}

/// One spoiled part of an otherwise good job, and what it comes to.
struct Case {
    route: &'static str,
    replies: Vec<Vec<u8>>,
    wanted: (Kind, Fault, Phase),
    words: &'static str,
    deleted: bool,
}

#[tokio::test]
async fn whatever_part_of_a_job_fails_is_named_and_the_job_is_cleared_away() {
    let error = |status: &str, code: &str| {
        reply(
            status,
            "application/json",
            format!(r#"{{"error":{{"message":"m","code":"{code}"}}}}"#),
        )
    };
    let failed = |error: &str| {
        json(&format!(
            r#"{{"id":"video_1","status":"failed","error":{error}}}"#
        ))
    };
    let cut = reply("200 OK", "video/mp4", FILM);
    let theirs = |kind| (kind, Fault::Provider, Phase::Body);
    let at_first = |kind, fault| (kind, fault, Phase::FirstByte);
    let case = |route, replies, wanted, words, deleted| Case {
        route,
        replies,
        wanted,
        words,
        deleted,
    };
    let cases = vec![
        case(
            CREATE,
            vec![error("429 Slow", "insufficient_quota")],
            at_first(Kind::Quota, Fault::Ours),
            "creating the job: HTTP 429",
            false,
        ),
        case(
            CREATE,
            vec![error("500 No", "")],
            at_first(Kind::ServerError, Fault::Provider),
            "creating the job: HTTP 500",
            false,
        ),
        case(
            CREATE,
            vec![json("{\"error\":{\"message\":\"boom\"}}")],
            theirs(Kind::ErrorBody),
            "creating the job: HTTP 200 with an error inside: boom",
            false,
        ),
        case(
            CREATE,
            vec![json("{\"status\":\"queued\"}")],
            theirs(Kind::WrongContent),
            "the job cannot be asked after, the answer has no id at $.id",
            false,
        ),
        case(
            CREATE,
            vec![json("nonsense")],
            theirs(Kind::WrongContent),
            "creating the job: HTTP 200 and no JSON",
            false,
        ),
        case(
            CREATE,
            vec![reply("200 OK", "text/html", "<title>Hello</title>")],
            theirs(Kind::WrongContent),
            "a web page came instead",
            false,
        ),
        case(
            POLL,
            vec![error("404 No", "not_found")],
            at_first(Kind::NotFound, Fault::Provider),
            "asking after the job: HTTP 404",
            true,
        ),
        case(
            POLL,
            vec![error("401 No", "invalid_api_key")],
            at_first(Kind::Auth, Fault::Ours),
            "asking after the job: HTTP 401",
            true,
        ),
        case(
            POLL,
            vec![video("queued"), error("502 No", "")],
            at_first(Kind::ServerError, Fault::Provider),
            "asking after the job, twice in a row: HTTP 502",
            true,
        ),
        case(
            POLL,
            vec![json("nonsense")],
            theirs(Kind::WrongContent),
            "asking after the job: HTTP 200 and no JSON",
            true,
        ),
        case(
            POLL,
            vec![json("{\"error\":{\"message\":\"boom\"}}")],
            theirs(Kind::ErrorBody),
            "asking after the job: HTTP 200 with an error inside: boom",
            true,
        ),
        case(
            POLL,
            vec![failed("null")],
            theirs(Kind::JobFailed),
            "the job ended as \"failed\" and gives no reason",
            true,
        ),
        case(
            POLL,
            vec![failed(r#"{"code":"internal_error","message":"boom"}"#)],
            theirs(Kind::JobFailed),
            "the job ended as \"failed\": internal_error: boom",
            true,
        ),
        case(
            POLL,
            vec![failed("\"out of memory\"")],
            theirs(Kind::JobFailed),
            "out of memory",
            true,
        ),
        case(
            POLL,
            vec![failed(
                r#"{"code":"content_policy_violation","message":"no"}"#,
            )],
            (Kind::ContentFilter, Fault::Ours, Phase::Body),
            "content_policy_violation: no",
            true,
        ),
        case(
            POLL,
            vec![json(r#"{"id":"video_1","status":"Cancelled"}"#)],
            theirs(Kind::JobFailed),
            "ended as \"Cancelled\"",
            true,
        ),
        case(
            FETCH,
            vec![error("404 No", "")],
            at_first(Kind::NotFound, Fault::Provider),
            "fetching the result: HTTP 404",
            true,
        ),
        case(
            FETCH,
            vec![reply("200 OK", "video/mp4", b"")],
            theirs(Kind::Empty),
            "the result has no bytes",
            true,
        ),
        case(
            FETCH,
            vec![reply("200 OK", "video/mp4", &FILM[..20])],
            theirs(Kind::Truncated),
            "the video/mp4 is not whole",
            true,
        ),
        case(
            FETCH,
            vec![cut[..cut.len() - 4].to_vec()],
            theirs(Kind::Truncated),
            "broke off",
            true,
        ),
        case(
            FETCH,
            vec![json("{\"detail\":\"wait\"}")],
            theirs(Kind::WrongContent),
            "bytes that are no video/mp4: {\"detail\":\"wait\"}",
            true,
        ),
    ];
    for Case {
        route,
        replies,
        wanted,
        words,
        deleted,
    } in cases
    {
        let mut routes = vec![
            (CREATE, vec![video("queued")]),
            (POLL, vec![video("completed")]),
            (FETCH, vec![film()]),
            (DELETE, vec![json("{}")]),
        ];
        routes.retain(|(r, _)| *r != route);
        routes.push((route, replies));
        let server = site(routes).await;
        let run = ask(&server, VIDEO).await;
        let (kind, fault, phase) = wanted;
        assert_eq!(failure(&run), (kind, fault), "{words}: {}", why(&run));
        assert_eq!(run.failed_in, Some(phase), "{words}");
        assert!(why(&run).contains(words), "{words}: {}", why(&run));
        let cleared = lines(&server).contains(&DELETE.to_owned());
        assert_eq!(cleared, deleted, "{words}: {:?}", lines(&server));
    }
}

#[tokio::test]
async fn one_question_that_fails_degrades_a_job_that_goes_well() {
    let busy = reply("503 Busy", "application/json", "{}").to_vec();
    let server = site(vec![
        (CREATE, vec![video("queued")]),
        (POLL, vec![video("queued"), busy, video("completed")]),
        (FETCH, vec![film()]),
        (DELETE, vec![json("{}")]),
    ])
    .await;
    let run = ask(&server, VIDEO).await;
    assert_eq!(run.outcome, Outcome::Degraded(Kind::ServerError));
    assert_eq!(run.outcome.counts(), Some(false));
    assert!(
        why(&run).starts_with("the job went well, but 1 of 3 questions after it failed: HTTP 503"),
        "{}",
        why(&run)
    );
}

#[tokio::test]
async fn a_broken_connection_is_such_a_lapse_too() {
    for (breaks, wanted) in [(1, None), (2, Some(Kind::Reset))] {
        let routes = vec![
            (CREATE, vec![video("queued")]),
            (
                POLL,
                [vec![Vec::new(); breaks], vec![video("completed")]].concat(),
            ),
            (FETCH, vec![film()]),
        ];
        let run = ask(&site(routes).await, VIDEO).await;
        match wanted {
            None => assert_eq!(run.outcome, Outcome::Degraded(Kind::Reset), "{}", why(&run)),
            Some(kind) => assert_eq!(failure(&run).0, kind, "{}", why(&run)),
        }
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_cleared_away_is_a_note_and_not_the_verdict() {
    let refused = reply(
        "500 No",
        "application/json",
        "{\"error\":{\"message\":\"stuck\"}}",
    );
    for state in ["completed", "failed"] {
        let server = site(vec![
            (CREATE, vec![video("queued")]),
            (POLL, vec![video(state)]),
            (FETCH, vec![film()]),
            (DELETE, vec![refused.clone()]),
        ])
        .await;
        let run = ask(&server, VIDEO).await;
        assert_eq!(run.outcome == Outcome::Success, state == "completed");
        assert_eq!(run.status, Some(200), "that of the reply that decided");
        let note = run.found.as_ref().unwrap().note.clone().unwrap();
        assert!(
            note.starts_with("the job could not be deleted: HTTP 500"),
            "{note}"
        );
        assert_eq!(run.to_json("a/b")["found"]["note"], note);
    }
}

#[tokio::test]
async fn time_that_runs_out_is_told_with_the_last_state_and_the_job_is_cancelled() {
    let server = site(vec![
        ("POST /v1/jobs", vec![json(r#"{"id":7,"state":"queued"}"#)]),
        ("GET /v1/jobs/7", vec![json(r#"{"state":"running"}"#)]),
        ("POST /v1/jobs/7/cancel", vec![json("{}")]),
        ("DELETE /v1/jobs/7", vec![json("{}")]),
    ])
    .await;
    let keys = "create = { path = \"/jobs\", json = {} }\npoll = { path = \"/jobs/{id}\", every = \"100ms\" }\n\
                state = \"$.state\"\ndone = [\"ok\"]\ncancel = { path = \"/jobs/{id}/cancel\" }\ndelete = { path = \"/jobs/{id}\" }";
    let run = run("job", keys, &server.url("/v1"), Duration::from_millis(600)).await;
    assert_eq!(
        failure(&run),
        (Kind::Timeout, Fault::Provider),
        "{}",
        why(&run)
    );
    assert_eq!(run.failed_in, Some(Phase::Body));
    assert!(
        why(&run).starts_with("the job is not done after")
            && why(&run).ends_with("its last state is \"running\""),
        "{}",
        why(&run)
    );
    let asked = lines(&server);
    assert_eq!(
        asked[asked.len() - 2..],
        ["POST /v1/jobs/7/cancel", "DELETE /v1/jobs/7"]
    );
}

#[tokio::test]
async fn a_question_that_had_no_time_left_is_not_what_failed() {
    for (every, begins) in [
        ("1s", "the job is not done after 1s 600ms"),
        ("100ms", "still waiting for headers after 1s 600ms"),
    ] {
        let server = site(vec![
            (CREATE, vec![video("queued")]),
            (POLL, vec![HANG.to_vec()]),
        ])
        .await;
        let keys =
            format!("form = \"openai-video\"\nmodel = \"m\"\npoll = {{ every = \"{every}\" }}\n");
        let run = run("job", &keys, &server.url("/v1"), Duration::from_secs(2)).await;
        assert_eq!(
            failure(&run),
            (Kind::Timeout, Fault::Provider),
            "{}",
            why(&run)
        );
        assert!(why(&run).starts_with(begins), "{}", why(&run));
    }
}

#[tokio::test]
async fn a_service_that_asks_for_a_longer_pause_gets_it() {
    let mut queued = String::from_utf8(video("queued")).unwrap();
    queued = queued.replace("\r\n\r\n", "\r\nopenai-poll-after-ms: 400\r\n\r\n");
    let server = site(vec![
        (CREATE, vec![queued.into_bytes()]),
        (POLL, vec![video("completed")]),
        (FETCH, vec![film()]),
    ])
    .await;
    let run = ask(&server, VIDEO).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert!(run.total_us >= 400_000, "{} us", run.total_us);
}

#[tokio::test]
async fn addresses_come_from_headers_and_documents_and_no_key_goes_to_a_stranger() {
    let stranger = Server::saying(film()).await;
    let film_at = stranger.url("/film.mp4?sig=1");
    let done = json(&format!(
        r#"{{"state":"Succeeded","output":["{film_at}"]}}"#
    ));
    let server = site(vec![(
        "GET /v1/operations/9",
        vec![json("{\"state\":\"Running\"}"), done],
    )])
    .await;
    let home = server.url("/v1/operations/9");
    // The order is answered with nothing but a header.
    let order = Server::start(move |mut stream, requests| {
        let bytes = format!(
            "HTTP/1.1 202 Accepted\r\noperation-location: {home}\r\ncontent-length: 0\r\n\r\n"
        );
        async move {
            requests.read(&mut stream).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    })
    .await;
    let keys = "create = { path = \"/go\", form = { a = \"1 2\" }, headers = { x-once = \"{nonce}\" } }\n\
                poll = { header = \"operation-location\", every = \"100ms\" }\nstate = \"$.state\"\ndone = [\"succeeded\"]\n\
                fetch = { url = \"$.output\" }\nexpect = { media = \"video/mp4\", min_bytes = 20 }";
    let run = ask(&order, keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    let ordered = &order.requests()[0];
    assert!(
        ordered.contains(KEY) && ordered.ends_with("\r\n\r\na=1+2") && ordered.contains("x-once: "),
        "{ordered}"
    );
    // Another port is another origin.
    assert!(!server.requests().concat().contains("canary"));
    let fetched = stranger.requests().concat();
    assert!(
        fetched.starts_with("GET /film.mp4?sig=1 ") && !fetched.contains("canary"),
        "{fetched}"
    );
}

#[tokio::test]
async fn every_ready_made_job_goes_well_with_answers_as_its_service_gives_them() {
    let server = site(vec![
        ("POST /v1/models/veo-3:predictLongRunning", vec![json(r#"{"name":"models/veo-3/operations/o1"}"#)]),
        ("GET /v1/models/veo-3/operations/o1", vec![
            json(r#"{"name":"models/veo-3/operations/o1"}"#),
            json(r#"{"done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"/v1/files/f:download?alt=media"}}]}}}"#)]),
        ("GET /v1/files/f:download?alt=media", vec![film()]),
        ("POST /v1/batches", vec![json(r#"{"id":"batch_1","status":"validating","errors":null}"#)]),
        ("GET /v1/batches/batch_1", vec![json(r#"{"id":"batch_1","status":"completed","output_file_id":"file-2"}"#)]),
        ("GET /v1/files/file-2/content", vec![reply("200 OK", "application/octet-stream", "{\"a\":1}\n{\"b\":2}\n")]),
        ("POST /v1/models/black/flux/predictions", vec![json(r#"{"id":"p1","status":"starting","urls":{"get":"/v1/predictions/p1"}}"#)]),
        ("GET /v1/predictions/p1", vec![json(r#"{"id":"p1","status":"succeeded","error":null,"output":["/v1/out.png"]}"#)]),
        ("GET /v1/out.png", vec![reply("200 OK", "image/png", b"\x89PNG\r\n\x1a\n....IEND....")]),
    ])
    .await;
    for (keys, key) in [
        (
            "form = \"veo\"\nmodel = \"veo-3\"\npoll = { every = \"100ms\" }",
            "x-goog-api-key: sk",
        ),
        (
            "form = \"openai-batch\"\npoll = { every = \"100ms\" }\ncreate = { json = { input_file_id = \"file-1\" } }",
            "authorization: Bearer sk",
        ),
        (
            "form = \"replicate\"\nmodel = \"black/flux\"\npoll = { every = \"100ms\" }",
            "authorization: Bearer sk",
        ),
    ] {
        let before = server.requests().len();
        let run = ask(&server, keys).await;
        assert_eq!(run.outcome, Outcome::Success, "{keys}: {}", why(&run));
        for request in &server.requests()[before..] {
            assert!(request.contains(key), "{keys}: {request}");
        }
    }
    let batch = server
        .requests()
        .into_iter()
        .find(|r| r.starts_with("POST /v1/batches"))
        .unwrap();
    assert!(
        batch.contains(r#""input_file_id":"file-1""#)
            && batch.contains(r#""completion_window":"24h""#)
    );
}

#[tokio::test]
async fn a_film_that_a_filter_withheld_and_a_failed_operation_are_told_apart() {
    for (answer, kind, fault) in [
        (
            r#"{"done":true,"error":{"code":13,"status":"INTERNAL","message":"boom"}}"#,
            Kind::JobFailed,
            Fault::Provider,
        ),
        (
            r#"{"done":true,"response":{"generateVideoResponse":{"raiMediaFilteredReasons":["violence"]}}}"#,
            Kind::ContentFilter,
            Fault::Ours,
        ),
        (
            r#"{"done":true,"response":{}}"#,
            Kind::Empty,
            Fault::Provider,
        ),
    ] {
        let server = site(vec![
            (
                "POST /v1/models/v:predictLongRunning",
                vec![json(r#"{"name":"op"}"#)],
            ),
            ("GET /v1/op", vec![json(answer)]),
        ])
        .await;
        let keys = "form = \"veo\"\nmodel = \"v\"\npoll = { every = \"100ms\" }";
        let run = ask(&server, keys).await;
        assert_eq!(failure(&run), (kind, fault), "{answer}: {}", why(&run));
    }
}

#[tokio::test]
async fn a_job_without_a_result_to_fetch_is_judged_by_its_last_answer() {
    for (expect, wanted) in [
        ("", None),
        (
            "expect = { json = { \"$.rows\" = { at_least = 5 } } }",
            Some(Kind::WrongContent),
        ),
        ("expect = { json = { \"$.rows\" = 3 } }", None),
    ] {
        let server = site(vec![
            ("POST /v1/jobs", vec![json(r#"{"id":"a b","state":"new"}"#)]),
            (
                "GET /v1/jobs/a%20b",
                vec![json(r#"{"state":"ok","rows":3}"#)],
            ),
        ])
        .await;
        let keys = format!(
            "create = {{ path = \"/jobs\", body = \"x\" }}\npoll = {{ path = \"/jobs/{{id}}\", every = \"100ms\" }}\nstate = \"$.state\"\ndone = [\"ok\"]\n{expect}"
        );
        let run = ask(&server, &keys).await;
        match wanted {
            None => assert_eq!(run.outcome, Outcome::Success, "{expect}: {}", why(&run)),
            Some(kind) => assert_eq!(failure(&run).0, kind, "{expect}"),
        }
    }
}

#[test]
fn wrong_keys_are_told_at_once_where_they_stand() {
    let faults = |keys: &str| -> Vec<String> {
        let Err(problems) = build("job", keys, Some("https://h.example/v1")) else {
            return Vec::new();
        };
        let place = |p: &watchfire::diagnostic::Problem| keys[p.span.clone()].to_owned();
        problems
            .iter()
            .map(|p| format!("{}: {}", place(p), p.message))
            .collect()
    };
    let keys = r#"
create = { path = "/a", url = "https://x/", json = { a = "{idd}" } }
poll = { path = "/j/{idd}", every = "1ms", tries = 3 }
state = "status"
id = { heder = "x" }
done = []
fetch = { url = "$.[" }
delete = { path = "/j/{id}", method = "TRACE", json = {}, body = "" }
expect = { media = "video/mp5", min_bytes = 0, stat = 1 }
"#;
    assert_eq!(
        faults(keys),
        [
            "\"https://x/\": `path` and `url` exclude each other",
            "\"{idd}\": `{idd}` has no value here",
            "\"/j/{idd}\": `{idd}` has no value here",
            "\"1ms\": `every` is 1ms, not between 100ms and 10m",
            "tries: unknown key `tries`",
            "\"status\": `status` is no JSON path",
            "{ heder = \"x\" }: `header` is missing",
            "heder: unknown key `heder`",
            "[]: `done` names no state",
            "\"$.[\": `$.[` is no JSON path",
            "\"TRACE\": no method that a probe may use",
            "\"\": `json` and `body` exclude each other",
            "\"video/mp5\": no media that can be told by its bytes",
            "0: expected a whole number from 1 to 67108864, found 0",
            "stat: unknown key `stat`",
        ]
    );
    let form = "form = \"openai-video\"";
    assert_eq!(
        faults(form),
        ["\"openai-video\": `{model}` has no value here"]
    );
    assert_eq!(faults("form = 3"), ["3: expected a text, found 3"]);
    assert!(
        faults("")
            .iter()
            .any(|f| f.ends_with("`create` is missing"))
    );
    let stolen = "create = { path = \"/a\" }\npoll = { url = \"https://{id}/x\" }\nstate = \"$.s\"\ndone = [\"x\"]";
    assert!(
        faults(stolen)[0].contains("the host must not be filled in")
            || faults(stolen)[0].contains("no address")
    );
}
