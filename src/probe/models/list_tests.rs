//! Lists of all providers, and what names stand for in them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn found(document: &Value, name: &str) -> Option<bool> {
    let entries = entries(document).expect("a list");
    look_up(name, entries, None).map(|listed| listed.exactly)
}

#[test]
fn a_name_is_found_in_the_lists_of_all_providers() {
    let openai = json!({ "object": "list", "data": [{ "id": "gpt-4o", "object": "model" }] });
    let anthropic = json!({ "data": [{ "type": "model", "id": "claude-x-20250929", "display_name": "Claude X" }], "has_more": false });
    let gemini = json!({ "models": [{ "name": "models/gemini-2.0-flash" }, { "name": "models/gemini-2.0-flash-001" }] });
    let ollama = json!({ "models": [{ "name": "llama3.2:latest", "model": "llama3.2:latest" }, { "name": "phi3:mini" }] });
    let llama = json!({ "models": [{ "name": "smol" }], "object": "list", "data": [{ "id": "smol", "aliases": ["tiny"] }] });
    let plain = json!(["gpt-4o"]);
    let objects = json!([{ "id": "a/b", "name": "B" }]);
    let wildcard = json!({ "data": [{ "id": "openai/*" }] });
    for (document, name, exactly) in [
        (&openai, "gpt-4o", Some(true)),
        (&openai, "GPT-4o", None),
        (&anthropic, "claude-x", Some(false)),
        (&anthropic, "claude-x-latest", Some(false)),
        (&anthropic, "claude", None),
        (&gemini, "gemini-2.0-flash", Some(true)),
        (&gemini, "models/gemini-2.0-flash", Some(true)),
        (&gemini, "gemini-2.0", None),
        (&ollama, "llama3.2", Some(false)),
        (&ollama, "llama3.2:latest", Some(true)),
        (&ollama, "phi3", None),
        (&ollama, "phi3:mini", Some(true)),
        (&llama, "smol", Some(true)),
        (&llama, "tiny", Some(true)),
        (&plain, "gpt-4o", Some(true)),
        (&objects, "a/b", Some(true)),
        (&objects, "a/b:nitro", Some(false)),
        (&objects, "a/b:free", None),
        (&wildcard, "openai/gpt-4o", Some(false)),
        (&wildcard, "mistral/large", None),
    ] {
        assert_eq!(found(document, name), exactly, "{name} in {document}");
    }
}

#[test]
fn a_snapshot_stands_for_its_model_and_a_longer_name_does_not() {
    for (listed, name, same) in [
        ("gpt-4o-2024-08-06", "gpt-4o", true),
        ("gpt-4-0613", "gpt-4", true),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", true),
        ("gemini-2.0-flash-001", "gemini-2.0-flash", true),
        ("claude-x@20250929", "claude-x", true),
        ("gpt-4o-mini", "gpt-4o", false),
        ("gpt-4o-mini-2024-07-18", "gpt-4o", false),
        ("claude-sonnet-4-5", "claude-sonnet-4", false),
        ("gpt-4-1106-preview", "gpt-4", false),
        ("gpt-4o", "gpt-4o-2024-08-06", false),
        ("gpt-4o-", "gpt-4o", false),
        ("gpt-4o-2024-8-6", "gpt-4o", false),
    ] {
        assert_eq!(is_snapshot(listed, name), same, "{listed} {name}");
    }
}

#[test]
fn the_end_of_a_name_is_its_own_or_that_of_its_longest_lived_form() {
    let day = |text: &str| Timestamp::parse(&format!("{text}T00:00:00Z"));
    let ends = |document: Value| {
        look_up("m", entries(&document).unwrap(), None)
            .unwrap()
            .ends
    };
    let dated = |id: &str, date: Value| json!({ "id": id, "shutdown_date": date });
    for (document, wanted) in [
        (json!([dated("m", json!("2026-10-23"))]), day("2026-10-23")),
        (
            json!([dated("m", json!("2026-10-23T00:00:00Z"))]),
            day("2026-10-23"),
        ),
        (json!([dated("m", json!(1_792_713_600))]), day("2026-10-23")),
        (
            json!([{ "id": "m", "expiration_date": "2026-10-23" }]),
            day("2026-10-23"),
        ),
        (json!([dated("m", json!(null))]), None),
        (json!([dated("m", json!("soon"))]), None),
        (json!([dated("m", json!([1]))]), None),
        (json!([dated("m", json!(-1))]), None),
        // The alias moves on to the younger snapshot.
        (
            json!([
                dated("m-2024-01-01", json!("2026-10-23")),
                dated("m-2025-01-01", json!("2027-10-23"))
            ]),
            day("2027-10-23"),
        ),
        (
            json!([dated("m-2024-01-01", json!("2026-10-23")), { "id": "m-2025-01-01" }]),
            None,
        ),
        // Its own date counts, whatever its snapshots have.
        (
            json!([{ "id": "m-2025-01-01" }, dated("m", json!("2026-10-23"))]),
            day("2026-10-23"),
        ),
    ] {
        assert_eq!(ends(document.clone()), wanted, "{document}");
    }
}

#[test]
fn the_last_day_belongs_to_the_model() {
    let listed = Listed {
        exactly: true,
        ends: Timestamp::parse("2026-10-23T00:00:00Z"),
    };
    let at = |text: &str| Timestamp::parse(text).unwrap();
    assert!(!listed.is_over(at("2026-10-23T23:59:59Z")));
    assert!(listed.is_over(at("2026-10-24T00:00:00Z")));
    let endless = Listed {
        ends: None,
        ..listed
    };
    assert!(!endless.is_over(at("2126-10-24T00:00:00Z")));
    for kept in [
        listed,
        endless,
        Listed {
            exactly: false,
            ..listed
        },
    ] {
        assert_eq!(Listed::read(&kept.write()), Some(kept));
    }
    assert_eq!(Listed::read(""), None);
}

#[test]
fn where_a_list_goes_on_is_read_from_the_list() {
    let query = |key, value: &str| More::Query(key, value.to_owned());
    for (document, wanted) in [
        (json!({ "data": [] }), More::No),
        (json!([]), More::No),
        (
            json!({ "models": [], "nextPageToken": "t/1" }),
            query("pageToken", "t/1"),
        ),
        (json!({ "models": [], "nextPageToken": "" }), More::No),
        (
            json!({ "data": [], "has_more": true, "last_id": "m9" }),
            query("after_id", "m9"),
        ),
        (
            json!({ "data": [], "has_more": false, "last_id": "m9" }),
            More::No,
        ),
        (json!({ "data": [], "has_more": true }), More::Lost),
        (
            json!({ "data": [], "links": { "next": "/api/v1/models?offset=500" } }),
            More::Address("/api/v1/models?offset=500".to_owned()),
        ),
        (json!({ "data": [], "links": { "next": null } }), More::No),
    ] {
        assert_eq!(more(&document), wanted, "{document}");
    }
}

#[test]
fn what_is_no_list_is_none() {
    for document in [json!({}), json!("x"), json!(null), json!({ "data": {} })] {
        assert_eq!(entries(&document), None, "{document}");
    }
    assert!(!is_model(&json!({ "id": " " })));
    assert!(!is_model(&json!(7)));
}

proptest! {
    #[test]
    fn no_list_makes_it_panic(text in r#"[\[\]{}":,0-9a-z\- ]{0,200}"#, name in "\\PC{0,20}") {
        if let Ok(document) = serde_json::from_str::<Value>(&text) {
            let _ = more(&document);
            if let Some(list) = entries(&document) {
                let _ = look_up(&name, list, None);
            }
        }
    }

    #[test]
    fn no_pair_of_names_makes_it_panic(listed in "\\PC{0,20}", name in "\\PC{0,20}") {
        let document = serde_json::json!([{ "id": listed, "shutdown_date": name }]);
        let _ = look_up(&name, entries(&document).unwrap(), None);
    }
}
