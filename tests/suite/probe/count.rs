//! The kind `count`: numbers from JSON and text, and sources that cannot be read.

use watchfire::model::{Cause, Outcome};

use super::server::{Server, json, reply};
use super::{LONG, SHORT, build, run, why};

const REPORTS: &str = r#"{"reports": 45, "text": "1,234", "all": [1, 2, 3], "none": null}"#;

async fn read(value: &str, bytes: Vec<u8>) -> (Outcome, Option<f64>, String) {
    let server = Server::saying(bytes).await;
    let keys = format!("url = \"{}\"\nvalue = {value}\n", server.url("/feed"));
    let run = run("count", &keys, "http://127.0.0.1:1", LONG).await;
    let count = run.found.as_ref().and_then(|found| found.count);
    (run.outcome, count, why(&run).to_owned())
}

#[tokio::test]
async fn a_number_is_read_from_json_and_from_text_and_decides_nothing() {
    let page = || {
        reply(
            "200 OK",
            "text/html",
            "<p>1,234 reports</p>\nERROR a\nERROR b\n",
        )
    };
    for (value, bytes, wanted) in [
        (r#"{ json = "$.reports" }"#, json(REPORTS), 45.0),
        (r#"{ json = "$.text" }"#, json(REPORTS), 1234.0),
        (r#"{ json = "$.all" }"#, json(REPORTS), 3.0),
        (r#"{ text = "([0-9,]+) reports" }"#, page(), 1234.0),
        (r#"{ matches = "ERROR" }"#, page(), 2.0),
        (r#"{ matches = "PANIC" }"#, page(), 0.0),
    ] {
        let got = read(value, bytes).await;
        assert_eq!(
            got,
            (Outcome::Noted, Some(wanted), String::new()),
            "{value}"
        );
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_read_says_nothing_about_the_service() {
    let unreadable = Outcome::Inconclusive(Cause::Unreadable);
    for (value, bytes, says) in [
        (
            r#"{ json = "$.none" }"#,
            json(REPORTS),
            "$.none is no number",
        ),
        (r#"{ json = "$.gone" }"#, json(REPORTS), "$.gone is missing"),
        (r#"{ json = "$.x" }"#, json("{"), "the answer is not JSON"),
        (
            r#"{ text = "(x+) reports" }"#,
            json("xx reports"),
            "is no number",
        ),
        (
            r#"{ text = "(x+)" }"#,
            json("{}"),
            "nothing in the answer matches",
        ),
        (
            r#"{ matches = "x" }"#,
            reply("503 Down", "text/plain", "x"),
            "HTTP 503",
        ),
        (r#"{ matches = "x" }"#, b"nonsense".to_vec(), ""),
    ] {
        let (outcome, count, why) = read(value, bytes).await;
        assert_eq!((outcome, count), (unreadable, None), "{value}: {why}");
        assert!(why.contains(says), "{value}: {why}");
    }
    let silent = Server::saying_then_silent("").await;
    let keys = format!(
        "url = \"{}\"\nvalue = {{ matches = \"x\" }}\n",
        silent.url("/")
    );
    let run = run("count", &keys, "http://127.0.0.1:1", SHORT).await;
    assert_eq!(run.outcome, unreadable);
}

#[test]
fn what_is_to_be_read_is_said_in_one_way() {
    for (keys, says) in [
        ("", "`value` is missing"),
        ("value = {}", "read in one way"),
        (
            r#"value = { json = "$.a", text = "(a)" }"#,
            "read in one way",
        ),
        (r#"value = { json = "reports" }"#, "no JSON path"),
        (r#"value = { text = "[0-9]+" }"#, "has 0 groups"),
        (r#"value = { matches = "(" }"#, "no regular expression"),
        (
            "value = { matches = \"x\" }\nrise = 1",
            "a factor from 1.2 to 100",
        ),
    ] {
        let problems =
            build("count", &format!("url = \"http://x.org/\"\n{keys}"), None).unwrap_err();
        assert!(problems[0].message.contains(says), "{keys}: {problems:?}");
    }
}
