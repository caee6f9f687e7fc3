//! Pages in the forms that are known, in none, and in no form at all.

mod forms;
mod map;

use proptest::prelude::*;
use serde_json::{Value, json};
use toml::de::DeTable;

use super::*;
use crate::model::Timestamp;
use crate::model::claim::Standing;
use crate::probe::reply::Memory;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-25T18:00:00Z").unwrap()
}

fn build_with(keys: &str, probes: &[&str]) -> Result<Box<dyn Check>, Vec<Problem>> {
    let table = DeTable::parse(keys).unwrap();
    let table = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    let probes: Vec<String> = probes.iter().map(|p| (*p).to_owned()).collect();
    build(
        &table,
        &Surroundings {
            service: "openai",
            base_url: None,
            key: None,
            api: None,
            probes: &probes,
            models: &[],
            secret: &|_| Ok(None),
        },
    )
}

fn check(keys: &str) -> Box<dyn Check> {
    let keys = format!("url = \"https://status.example.com\"\n{keys}");
    build_with(&keys, &["chat", "chat-stream", "image", "page"]).unwrap()
}

fn reply(step: u8, body: &[u8]) -> Reply {
    Reply {
        step,
        status: 200,
        headers: HeaderMap::new(),
        body: body.to_vec(),
        read_bytes: body.len(),
        end: End::Complete,
        trace: None,
        elapsed: std::time::Duration::ZERO,
        now: now(),
        cert_expires: None,
        hops: 0,
        nonce: 0,
        memory: Memory::default(),
        wire: Default::default(),
    }
}

/// What the check makes of a page, asked for at the last place.
fn judged(check: &dyn Check, page: &Value) -> Result<Claim, String> {
    match check.judge(&reply(1, page.to_string().as_bytes())) {
        Step::Done(Judgement {
            outcome: Outcome::Noted,
            found,
            ..
        }) => Ok(found.unwrap().claim.unwrap()),
        Step::Done(judgement) => Err(judgement.why),
        Step::Then(next) => panic!("{next:?}"),
    }
}

fn overall(page: &Value) -> Result<Standing, String> {
    judged(&*check(""), page).map(|claim| claim.overall)
}

fn statuspage(indicator: &str, components: Value, incidents: Value, works: Value) -> Value {
    json!({
        "page": { "id": "p", "name": "Example", "url": "https://status.example.com" },
        "status": { "indicator": indicator, "description": "" },
        "components": components, "incidents": incidents, "scheduled_maintenances": works,
    })
}

fn component(name: &str, status: &str) -> Value {
    json!({ "id": name, "name": name, "status": status, "group": false, "group_id": null })
}

fn incident(impact: Value, status: &str, components: Value) -> Value {
    json!({
        "id": "i1", "name": "Elevated errors on gpt-4o", "status": status, "impact": impact,
        "created_at": "2026-11-25T17:00:00Z", "started_at": "2026-11-25T16:54:00Z",
        "updated_at": "2026-11-25T17:30:00Z", "shortlink": "https://stspg.io/x", "components": components,
        "incident_updates": [{ "body": "We look into it." }],
    })
}

#[test]
fn a_page_that_has_moved_is_looked_for_in_the_other_place_and_then_told_as_unread() {
    let check = check("");
    let mut moved = reply(0, b"<!doctype html><title>Status</title>");
    moved
        .headers
        .insert("content-type", "text/html".parse().unwrap());
    let Step::Then(next) = check.judge(&moved) else {
        panic!("no second place")
    };
    assert_eq!(
        next.request.prepared.url.as_str(),
        "https://status.example.com/api/v1/summary"
    );
    let mut gone = reply(1, b"not found");
    (gone.status, gone.memory) = (404, next.memory);
    let Step::Done(judgement) = check.judge(&gone) else {
        panic!("a third place")
    };
    assert!(matches!(judgement.outcome, Outcome::Failure(..)));
    for part in [
        "/api/v2/summary.json: a web page",
        "/api/v1/summary: HTTP 404",
    ] {
        assert!(judgement.why.contains(part), "{}", judgement.why);
    }
    assert_eq!(check.judged(), Judged::Never);
}

#[test]
fn the_address_may_be_that_of_the_page_or_of_its_json() {
    for (url, first, others) in [
        (
            "https://s.example.com",
            "https://s.example.com/api/v2/summary.json",
            1,
        ),
        (
            "https://s.example.com/",
            "https://s.example.com/api/v2/summary.json",
            1,
        ),
        (
            "https://example.com/status/?x=1",
            "https://example.com/status/api/v2/summary.json?x=1",
            1,
        ),
        (
            "https://s.example.com/api/v2/status.json",
            "https://s.example.com/api/v2/status.json",
            0,
        ),
        (
            "https://s.example.com/api/v1/summary",
            "https://s.example.com/api/v1/summary",
            0,
        ),
    ] {
        let (found, rest) = places(&Url::parse(url).unwrap());
        assert_eq!((found.as_str(), rest.len()), (first, others), "{url}");
    }
}

#[test]
fn a_million_incidents_and_a_nest_without_end_are_bounded() {
    let many: Vec<Value> = (0..20_000).map(|_| json!({ "impact": "minor" })).collect();
    let parts: Vec<Value> = (0..5_000)
        .map(|n| component(&n.to_string(), "operational"))
        .collect();
    let page = statuspage("none", parts.into(), many.clone().into(), json!([]));
    let claim = judged(&*check(""), &page).unwrap();
    assert_eq!(claim.posts.len(), Claim::MOST_POSTS);
    assert_eq!(claim.components.len(), Claim::MOST_COMPONENTS);
    let affected = json!({ "ongoing_incidents": many });
    assert_eq!(overall(&affected), Ok(Standing::Degraded));
    let deep = "[".repeat(100_000);
    let Step::Done(judgement) = check("").judge(&reply(1, deep.as_bytes())) else {
        panic!("another place")
    };
    assert!(judgement.why.contains("no JSON"), "{}", judgement.why);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), step in 0_u8..3) {
        let mapped = check(r#"components = { "chat*" = ["Chat*"] }"#);
        let _ = mapped.judge(&reply(step, &body));
    }

    #[test]
    fn no_json_makes_it_panic(page in anything()) {
        let _ = judged(&*check(""), &page);
        let _ = judged(&*check(r#"components = { "*" = ["*a*"] }"#), &page);
    }
}

/// JSON that has the known keys in odd places, with odd values.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(|none|major|resolved|in_progress|full_outage|a|\\PC{0,8})".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof![
            Just("status"),
            Just("indicator"),
            Just("components"),
            Just("incidents"),
            Just("id"),
            Just("name"),
            Just("group_id"),
            Just("impact"),
            Just("scheduled_maintenances"),
            Just("ongoing_incidents"),
            Just("affected_components"),
            Just("current_worst_impact"),
            Just("in_progress_maintenances"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
