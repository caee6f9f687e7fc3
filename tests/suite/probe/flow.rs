//! What the kind `flow` makes of sites that one logs in to, and of what goes wrong on the way.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use watchfire::diagnostic::Problem;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Run;

use super::server::{Server, json, reply};
use super::{KEY, LONG, build, failure, run, why};

/// All of them hold "canary", which `run` looks for in everything that comes out.
const CSRF: &str = "csrf-canary&\"4711";
const SESSION: &str = "sid-canary-0815";

/// Log in as a user does it, see that one is in, log out again.
const LOGIN: &str = r##"
[[step]]
name = "open"
path = "/login"
capture = { csrf = { field = "csrf_token" } }
[[step]]
name = "log in"
submit = { form = "#login", fields = { username = "probe", password = { env = "PASSWORD" } } }
expect = { status = 303 }
[[step]]
name = "see"
path = "/home"
expect = { text = "Signed in" }
[[step]]
name = "log out"
path = "/logout"
form = { csrf_token = "{csrf}" }
finally = true
"##;

/// A site with a login. `mode` names what is wrong with it.
async fn site(mode: &'static str) -> Server {
    Server::start(move |mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let bytes = answer(mode, &request);
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    })
    .await
}

fn answer(mode: &str, request: &str) -> Vec<u8> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let head = head.to_ascii_lowercase();
    let line = request.lines().next().unwrap_or_default();
    let cookie = |pair: &str| head.contains("cookie: ") && head.contains(&pair.to_lowercase());
    let page = |status: &str, html: &str| reply(status, "text/html", html);
    let escaped = CSRF.replace('&', "&amp;").replace('"', "&quot;");
    let sent: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let is = |name: &str, value: &str| sent.iter().any(|(n, v)| n == name && v == value);
    match line.strip_suffix(" HTTP/1.1").unwrap_or(line) {
        "GET /login" => {
            let form = match mode {
                "no form" => "<p>Come back later</p>".to_owned(),
                "other form" => "<form id=search><input name=q></form>".to_owned(),
                "renamed field" => format!("<form id=login method=post><input type=hidden name=csrf_token value=\"{escaped}\"><input name=user><input name=password></form>"),
                "no token" => "<form id=login method=post><input name=username><input name=password></form>".to_owned(),
                "elsewhere" => format!("<form id=login method=post action=\"https://evil.example/\"><input name=csrf_token value=\"{escaped}\"><input name=username><input name=password></form>"),
                _ => format!("<form id=login method=post action=\"/session\"><input type=hidden name=csrf_token value=\"{escaped}\">\
                     <input name=username><input type=password name=password><button name=go value=in>Go</button></form>"),
            };
            let mut bytes = page("200 OK", &form);
            let at = bytes.windows(2).position(|w| w == b"\r\n").unwrap();
            bytes.splice(at..at, b"\r\nset-cookie: pre=pre-canary-1; Path=/; HttpOnly".iter().copied());
            bytes
        }
        "POST /session" => {
            let good = is("csrf_token", CSRF) && is("username", "probe") && is("password", KEY) && is("go", "in") && cookie("pre=pre-canary-1");
            let checked = head.contains("origin: http://127.0.0.1:") && head.contains("referer: http://127.0.0.1:");
            match mode {
                "server error" => page("500 Oops", &format!("<title>Oops {escaped}</title>")),
                "refused" => page("200 OK", &format!("<p>Wrong password {KEY} for csrf {escaped}</p>")),
                "hang" => Vec::new(),
                _ if good && checked => format!("HTTP/1.1 303 See Other\r\nset-cookie: sid={SESSION}; Path=/; HttpOnly\r\nlocation: /home\r\ncontent-length: 0\r\n\r\n").into_bytes(),
                _ => page("400 Bad", &format!("good {good}, checked {checked}")),
            }
        }
        "GET /home" => match (mode, cookie(&format!("sid={SESSION}"))) {
            ("forgetful", _) | (_, false) => page("200 OK", &format!("Please sign in. You sent {head} and {escaped}")),
            _ => page("200 OK", "Signed in"),
        },
        "POST /logout" if is("csrf_token", CSRF) => match mode {
            "sticky" => page("500 No", &format!("still {SESSION}")),
            _ => b"HTTP/1.1 302 Found\r\nset-cookie: sid=; Path=/; Max-Age=0\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n".to_vec(),
        },
        _ => page("404 Not Found", "no such page"),
    }
}

async fn ask(server: &Server, keys: &str) -> Run {
    run("flow", keys, &server.url(""), LONG).await
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
async fn one_logs_in_as_a_user_does_and_out_again() {
    let server = site("").await;
    let run = ask(&server, LOGIN).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert_eq!(
        lines(&server),
        [
            "GET /login",
            "POST /session",
            "GET /home",
            "POST /logout",
            "GET /login"
        ]
    );
    assert_eq!(
        run.status,
        Some(200),
        "that of the last step before logging out"
    );
    let last = server.requests().pop().unwrap();
    assert!(
        last.contains("pre=pre-canary-1") && !last.contains(SESSION),
        "logged out: {last}"
    );
}

#[tokio::test]
async fn a_redirect_is_followed_with_the_cookies_that_it_sets() {
    let server = site("").await;
    let keys = LOGIN.replace(
        "expect = { status = 303 }",
        "expect = { text = \"Signed in\" }",
    );
    let run = ask(&server, &keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    assert_eq!(
        lines(&server)[1..4],
        ["POST /session", "GET /home", "GET /home"]
    );
}

#[tokio::test]
async fn whatever_goes_wrong_is_named_with_its_step_and_without_its_secrets() {
    let theirs = Fault::Provider;
    let wrong = (Kind::WrongContent, theirs, Phase::Body);
    let cases = [
        (
            "no form",
            wrong,
            "step 1 of 4, open: nothing to capture as `csrf`: the page has no field `csrf_token`",
        ),
        (
            "no token",
            wrong,
            "step 1 of 4, open: nothing to capture as `csrf`",
        ),
        (
            "renamed field",
            wrong,
            "step 2 of 4, log in: the form of the page before has no field `username`: it has csrf_token, user, password",
        ),
        (
            "elsewhere",
            wrong,
            "step 2 of 4, log in: the form is sent to https://evil.example, which the probe does not name",
        ),
        (
            "server error",
            (Kind::ServerError, theirs, Phase::FirstByte),
            "step 2 of 4, log in: HTTP 500, wanted 303: page \"Oops [secret]\"",
        ),
        (
            "refused",
            (Kind::UnexpectedStatus, theirs, Phase::FirstByte),
            "step 2 of 4, log in: HTTP 200, wanted 303",
        ),
        (
            "hang",
            (Kind::Reset, Fault::Network, Phase::FirstByte),
            "step 2 of 4, log in: ",
        ),
        (
            "forgetful",
            wrong,
            "step 3 of 4, see: nothing in the answer matches Signed in (expect.text): Please sign in. You sent get /home",
        ),
        (
            "sticky",
            (Kind::ServerError, theirs, Phase::FirstByte),
            "step 4 of 4, log out: HTTP 500",
        ),
    ];
    for (mode, (kind, fault, phase), words) in cases {
        let server = site(mode).await;
        let run = ask(&server, LOGIN).await;
        assert_eq!(
            (failure(&run), run.failed_in),
            ((kind, fault), Some(phase)),
            "{mode}: {}",
            why(&run)
        );
        assert!(why(&run).starts_with(words), "{mode}: {}", why(&run));
        let out = lines(&server).contains(&"POST /logout".to_owned());
        assert_eq!(
            out,
            !mode.starts_with("no "),
            "{mode}: what was not captured cannot be sent"
        );
    }
}

#[tokio::test]
async fn a_failed_step_is_followed_only_by_those_that_are_always_taken() {
    let server = site("renamed field").await;
    ask(&server, LOGIN).await;
    assert_eq!(lines(&server), ["GET /login", "POST /logout", "GET /login"]);
}

#[tokio::test]
async fn time_that_runs_out_is_told_with_the_step_and_one_still_logs_out() {
    let server = Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        if request.starts_with("GET /slow") {
            std::future::pending::<()>().await;
        }
        let _ = stream
            .write_all(&reply("200 OK", "text/plain", "fine"))
            .await;
    })
    .await;
    let keys = "[[step]]\npath = \"/a\"\n[[step]]\nname = \"wait\"\npath = \"/slow\"\n[[step]]\npath = \"/out\"\nfinally = true";
    let run = run("flow", keys, &server.url(""), Duration::from_millis(500)).await;
    assert_eq!(failure(&run), (Kind::Timeout, Fault::Provider));
    assert!(
        why(&run).starts_with("step 2 of 3, wait: "),
        "{}",
        why(&run)
    );
    assert_eq!(lines(&server), ["GET /a", "GET /slow", "GET /out"]);
}

#[tokio::test]
async fn values_are_captured_from_every_place_and_filled_into_every_place() {
    let server = Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let mut bytes = match request.starts_with("GET /token") {
            true => json(
                r#"{"data":[{"token":"json-canary 1"}],"page":"<a href='/next?t=text-canary'>"}"#,
            ),
            false => json("{\"ok\":true}"),
        };
        let head = b"HTTP/1.1 200 OK\r\nx-token: header-canary\r\nset-cookie: c=cookie-canary";
        bytes.splice(..b"HTTP/1.1 200 OK".len(), head.iter().copied());
        let _ = stream.write_all(&bytes).await;
    })
    .await;
    let keys = r#"
[[step]]
path = "/token?{nonce}"
[step.capture]
a = { json = "$.data[0].token" }
b = { text = "t=([a-z-]+)" }
c = { header = "x-token" }
d = { cookie = "c" }
[[step]]
method = "PUT"
path = "/use/{a}/x"
query = { b = "{b}" }
headers = { x-c = "{c}" }
json = { a = ["{a}", { d = "{d}" }], n = 1, literal = "{{a}}", file = { env = "K" }, secret = { secret = { env = "K" } } }
[[step]]
path = "/text"
body = "a={a}"
expect = { json = { "$.ok" = true } }
"#;
    let run = ask(&server, keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    let requests = server.requests();
    let put = &requests[1];
    assert!(
        put.starts_with("PUT /use/json-canary%201/x?b=text-canary HTTP/1.1"),
        "{put}"
    );
    assert!(
        put.contains("x-c: header-canary\r\n") && put.contains("cookie: c=cookie-canary"),
        "{put}"
    );
    let body = format!(
        r#"{{"a":["json-canary 1",{{"d":"cookie-canary"}}],"file":{{"env":"K"}},"literal":"{{a}}","n":1,"secret":"{KEY}"}}"#
    );
    assert!(put.ends_with(&body), "{put}");
    assert!(requests[2].starts_with("POST /text ") && requests[2].ends_with("a=json-canary 1"));
}

#[tokio::test]
async fn what_a_run_has_captured_is_in_no_reason_even_when_the_server_says_it_back() {
    let server = Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let mut bytes = match request.starts_with("GET /a") {
            true => json(r#"{"t":"said-canary-1"}"#),
            false => reply(
                "500 No",
                "application/json",
                format!("{{\"error\":{{\"message\":{request:?}}}}}"),
            ),
        };
        if request.starts_with("GET /a") {
            let head = b"HTTP/1.1 200 OK\r\nset-cookie: s=baked-canary-2";
            bytes.splice(..b"HTTP/1.1 200 OK".len(), head.iter().copied());
        } else {
            let text = String::from_utf8(bytes).unwrap();
            bytes = text.replace("req-7", "said-canary-1").into_bytes();
        }
        let _ = stream.write_all(&bytes).await;
    })
    .await;
    let keys = "[[step]]\npath = \"/a\"\ncapture = { t = { json = \"$.t\" } }\n[[step]]\npath = \"/b/{t}\"\n\
                headers = { x-t = \"{t}\", x-p = { env = \"P\" } }\nform = { t = \"{t}\", p = { env = \"P\" } }";
    let run = ask(&server, keys).await;
    assert_eq!(failure(&run).0, Kind::ServerError);
    let shown = format!("{} {:?}", why(&run), run.evidence);
    assert!(shown.matches("[secret]").count() >= 5, "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn nothing_of_ours_follows_a_redirect_to_a_stranger() {
    let stranger = Server::saying(reply("200 OK", "text/plain", "thanks")).await;
    let to = stranger.url("/there");
    let server = Server::start(move |mut stream, requests| {
        let to = to.clone();
        async move {
            requests.read(&mut stream).await;
            let bytes = format!("HTTP/1.1 307 Temporary\r\nset-cookie: s=baked-canary; Path=/\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    })
    .await;
    let keys = "headers = { x-plain = \"plain-canary\" }\n[[step]]\npath = \"/a\"\nexpect = { status = 307 }\n[[step]]\npath = \"/b\"\n\
                headers = { x-key = { env = \"K\" } }\nform = { p = { env = \"P\" } }";
    let run = ask(&server, keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    // Cookies know no ports, so that one of the same host goes along; a browser does the same.
    let request = stranger.requests().concat().replace("baked-canary", "");
    assert!(
        request.starts_with("POST /there ") && !request.contains("canary"),
        "{request}"
    );
}

#[tokio::test]
async fn redirects_are_bounded_and_can_be_judged_instead() {
    let around = "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n";
    let server = Server::saying(around).await;
    let two = |more: &str| {
        format!(
            "[[step]]\npath = \"/a\"\n{more}\n[[step]]\npath = \"/b\"\nexpect = {{ status = 302 }}"
        )
    };
    for (more, kind, words, asked) in [
        (
            "redirects = 2",
            Kind::Redirect,
            "step 1 of 2: more than 2 redirects",
            3,
        ),
        ("", Kind::Redirect, "step 1 of 2: more than 5 redirects", 6),
        (
            "redirects = 0",
            Kind::Redirect,
            "step 1 of 2: HTTP 302, wanted 2xx",
            1,
        ),
    ] {
        let before = server.requests().len();
        let run = ask(&server, &two(more)).await;
        assert_eq!(failure(&run).0, kind, "{more}");
        assert!(why(&run).starts_with(words), "{more}: {}", why(&run));
        assert_eq!(server.requests().len() - before, asked, "{more}");
    }
    let run = ask(&server, &two("expect = { status = 302 }")).await;
    assert_eq!(run.outcome, Outcome::Success);
}

#[tokio::test]
async fn forms_are_sent_by_get_and_in_parts_as_the_page_wants_it() {
    let server = Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let page = match request.starts_with("GET /a") {
            true => "<base href='/deep/'><form name=find action='search?old=1#x'><input name=q><input type=hidden name=h value=1></form>\
                     <form method=post enctype=multipart/form-data action=up><input name='a\"b'><textarea name=t>x\ny</textarea></form>",
            false => "found",
        };
        let _ = stream.write_all(&reply("200 OK", "text/html", page)).await;
    })
    .await;
    let step = |submit: &str| {
        format!(
            "[[step]]\npath = \"/a\"\n[[step]]\nsubmit = {submit}\nexpect = {{ text = \"found\" }}"
        )
    };
    let run = ask(
        &server,
        &step("{ form = \"find\", fields = { q = \"a b\" } }"),
    )
    .await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    let run = ask(&server, &step("{ form = 2 }")).await;
    assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
    let requests = server.requests();
    assert!(
        requests[1].starts_with("GET /deep/search?q=a+b&h=1 "),
        "{}",
        requests[1]
    );
    let parts = &requests[3];
    assert!(
        parts.starts_with("POST /deep/up ")
            && parts.contains("content-type: multipart/form-data; boundary=")
    );
    assert!(
        parts.contains("name=\"a%22b\"\r\n\r\n\r\n--")
            && parts.contains("name=\"t\"\r\n\r\nx\ny\r\n--"),
        "{parts}"
    );
}

#[tokio::test]
async fn a_slow_step_degrades_the_flow_and_its_time_is_its_own() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let keys = "[[step]]\nname = \"one\"\npath = \"/a\"\nexpect = { latency_under = \"1us\" }\n[[step]]\npath = \"/b\"\nexpect = { latency_under = \"9s\" }";
    let run = ask(&server, keys).await;
    assert_eq!(run.outcome, Outcome::Degraded(Kind::TooSlow));
    assert!(
        why(&run).starts_with("step 1 of 2, one: the answer took"),
        "{}",
        why(&run)
    );
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn wrong_keys_are_told_at_once_where_they_stand() {
    let faults = |keys: &str| -> Vec<String> {
        let Err(problems) = build("flow", keys, Some("https://h.example/")) else {
            return Vec::new();
        };
        let place = |p: &Problem| keys[p.span.clone()].to_owned();
        problems
            .iter()
            .map(|p| format!("{}: {}", place(p), p.message))
            .collect()
    };
    let keys = r#"
trust = ["ftp://x", 3]
[[step]]
path = "/a"
finaly = true
capture = { nonce = { json = "$.a" }, a = { json = "a", text = "(b)" }, b = { text = "b" }, c = { text = "(" }, d = 3, e = { jsn = "x" } }
[[step]]
name = " "
submit = { form = 0, fields = { u = "{ab}" }, more = 1 }
url = "https://x/"
redirects = 6
expect = { stat = 200 }
[[step]]
path = "/b"
finally = true
[[step]]
path = "/{c}"
method = "FETCH"
"#;
    assert_eq!(
        faults(keys),
        [
            "\"ftp://x\": expected an address such as \"https://login.example.com\", found a text",
            "3: expected an address such as \"https://login.example.com\", found 3",
            "finaly: unknown key `finaly`",
            "{ json = \"$.a\" }: `nonce` is no name for a value",
            "{ json = \"a\", text = \"(b)\" }: a value is captured from one place",
            "\"b\": the expression needs exactly one group",
            "\"(\": no regular expression: unclosed group",
            "3: expected a table, found 3",
            "{ jsn = \"x\" }: a value is captured from one place",
            "jsn: unknown key `jsn`",
            "\" \": `name` is empty",
            "0: expected a whole number from 1 to 100, found 0",
            "\"{ab}\": `{ab}` has no value here",
            "more: unknown key `more`",
            "\"https://x/\": `submit` and `url` exclude each other",
            "6: expected a whole number from 0 to 5, found 6",
            "stat: unknown key `stat`",
            "[[step]]: a step after one with `finally` needs it, too",
            "\"FETCH\": no method that a probe may use",
        ]
    );
    assert!(faults("[[step]]\npath = \"/a\"")[0].contains("1 steps, a flow has 2 to 20"));
    assert!(faults("").iter().any(|f| f.contains("`step` is missing")));
    let first = "[[step]]\nsubmit = {}\n[[step]]\npath = \"/\"";
    assert!(faults(first)[0].contains("the address of the first step must stand in the file"));
}
