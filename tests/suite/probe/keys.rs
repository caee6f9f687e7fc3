//! What is said of wrong keys: all faults at once, each where it stands.

use super::build;

/// The faults as `text-of-the-span: message`.
fn faults(kind: &str, keys: &str) -> Vec<String> {
    let Err(problems) = build(kind, keys, None) else {
        return Vec::new();
    };
    problems
        .iter()
        .map(|p| format!("{}: {}", &keys[p.span.clone()], p.message))
        .collect()
}

#[test]
fn every_fault_is_told_at_once_where_it_stands() {
    let keys = r#"
url = "ftp://host/"
method = "TRACE"
redirects = 9
auth = "basic"
headers = { host = "x", "a b" = "c" }
expect = { status = [99], text = "(", latency_under = "soon", statsu = 1, json = { "status" = "ok" } }
"#;
    assert_eq!(
        faults("http", keys),
        [
            "\"ftp://host/\": only http and https are probed",
            "\"TRACE\": no method that a probe may use",
            "9: expected a whole number from 0 to 5, found 9",
            "\"basic\": expected a way to send the key, found a text",
            "\"x\": `host` is set by watchfire itself",
            "\"c\": `a b` is no header name",
            "99: expected a status from 100 to 599, found 99",
            "\"(\": no regular expression: unclosed group",
            "\"soon\": expected a duration, found a text",
            "statsu: unknown key `statsu`",
            "\"ok\": `status` is no JSON path",
        ]
    );
}

#[test]
fn a_key_that_is_missing_is_named() {
    assert_eq!(faults("http", "").len(), 1);
    assert!(faults("http", "path = \"/x\"")[0].contains("service `test` has no base_url"));
    assert!(faults("chat", "url = \"http://h/\"")[0].contains("`model` is missing"));
    assert!(faults("chat", "url = \"http://h/\"\nmodel = \" \"")[0].contains("`model` is empty"));
    assert!(
        faults(
            "chat",
            "url = \"http://h/\"\nmodel = \"m\"\nstream = false\nstall_after = \"1s\""
        )[0]
        .contains("needs a stream")
    );
    assert!(
        faults("image", "model = 3\nurl = \"http://u:p@h/\"")
            .iter()
            .any(|f| f.contains("must not carry a password"))
    );
}

#[test]
fn a_slip_of_the_finger_is_corrected() {
    let Err(problems) = build(
        "chat",
        "url = \"http://h/\"\nmodel = \"m\"\nexpect = { txet = \"x\" }",
        None,
    ) else {
        panic!("accepted");
    };
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `text`?"));
}

#[test]
fn a_check_describes_itself_without_secrets() {
    let check = build(
        "chat",
        "url = \"https://h.example/v1/chat/completions\"\nmodel = \"m\"",
        None,
    )
    .unwrap();
    assert_eq!(
        check.describe(),
        "POST https://h.example/v1/chat/completions, m, streamed"
    );
    assert_eq!(check.host(), "h.example:443");
    assert!(!format!("{check:?}").contains("canary"));
}
