//! Pages in the forms that are known, with the traps that each has set somewhere, and pages in none.

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
fn the_worst_of_all_that_a_page_says_is_its_claim() {
    use Standing::*;
    let up = || json!([component("Chat", "operational")]);
    let none = || json!([]);
    for (what, page, wanted) in [
        (
            "all is well",
            statuspage("none", up(), none(), none()),
            Operational,
        ),
        ("minor", statuspage("minor", up(), none(), none()), Degraded),
        ("major", statuspage("major", up(), none(), none()), Partial),
        (
            "critical",
            statuspage("critical", up(), none(), none()),
            Major,
        ),
        (
            "indicator of planned work",
            statuspage("maintenance", up(), none(), none()),
            Maintenance,
        ),
        (
            "the indicator is none while an incident is watched",
            statuspage(
                "none",
                up(),
                json!([incident(json!("major"), "monitoring", none())]),
                none(),
            ),
            Partial,
        ),
        (
            "the impact was set back to none before the end",
            statuspage(
                "none",
                up(),
                json!([incident(json!("none"), "monitoring", none())]),
                none(),
            ),
            Degraded,
        ),
        (
            "an incident without impact",
            statuspage(
                "none",
                up(),
                json!([incident(json!(null), "investigating", json!(null))]),
                none(),
            ),
            Degraded,
        ),
        (
            "an impact in an unknown word",
            statuspage(
                "none",
                up(),
                json!([incident(json!("apocalyptic"), "investigating", none())]),
                none(),
            ),
            Degraded,
        ),
        (
            "an incident that is over",
            statuspage(
                "none",
                up(),
                json!([
                    incident(json!("critical"), "resolved", none()),
                    incident(json!("major"), "postmortem", none())
                ]),
                none(),
            ),
            Operational,
        ),
        (
            "the indicator lags behind a component",
            statuspage(
                "none",
                json!([component("Chat", "major_outage")]),
                none(),
                none(),
            ),
            Major,
        ),
        (
            "a component in the widget's word",
            statuspage(
                "none",
                json!([component("Chat", "full_outage")]),
                none(),
                none(),
            ),
            Major,
        ),
        (
            "a component without a word",
            statuspage(
                "none",
                json!([component("Chat", ""), component("Web", "operational")]),
                none(),
                none(),
            ),
            Operational,
        ),
        (
            "work that is going on",
            statuspage(
                "none",
                up(),
                none(),
                json!([incident(json!("maintenance"), "in_progress", none())]),
            ),
            Maintenance,
        ),
        (
            "work that is checked",
            statuspage(
                "none",
                up(),
                none(),
                json!([incident(json!("major"), "verifying", none())]),
            ),
            Maintenance,
        ),
        (
            "work that is planned or done",
            statuspage(
                "none",
                up(),
                none(),
                json!([
                    incident(json!("maintenance"), "scheduled", none()),
                    incident(json!("maintenance"), "completed", none())
                ]),
            ),
            Operational,
        ),
        (
            "planned work among the incidents",
            statuspage(
                "none",
                up(),
                json!([incident(json!("maintenance"), "scheduled", none())]),
                none(),
            ),
            Operational,
        ),
        (
            "a component under work",
            statuspage(
                "none",
                json!([component("Chat", "under_maintenance")]),
                none(),
                none(),
            ),
            Maintenance,
        ),
        (
            "only the indicator",
            json!({ "status": { "indicator": "minor" } }),
            Degraded,
        ),
        (
            "only components",
            json!({ "components": [component("Chat", "partial_outage")] }),
            Partial,
        ),
        (
            "lists of the wrong type",
            json!({ "status": { "indicator": "none" }, "components": {}, "incidents": "x", "scheduled_maintenances": 7 }),
            Operational,
        ),
        (
            "items of the wrong type",
            json!({ "status": { "indicator": "none" }, "components": [1, null, {}], "incidents": [null], "scheduled_maintenances": [[]] }),
            Operational,
        ),
        (
            "the widget, all well",
            json!({ "page_title": "E", "page_url": "https://e", "ongoing_incidents": [], "in_progress_maintenances": [], "scheduled_maintenances": [] }),
            Operational,
        ),
        (
            "the widget, planned work only",
            json!({ "ongoing_incidents": [], "scheduled_maintenances": [{ "status": "maintenance_scheduled" }] }),
            Operational,
        ),
        (
            "the widget, work going on",
            json!({ "ongoing_incidents": [], "in_progress_maintenances": [{ "id": "m", "name": "Move", "status": "maintenance_in_progress", "started_at": "2026-11-25T17:00:00Z" }] }),
            Maintenance,
        ),
        (
            "the widget, an incident",
            json!({ "ongoing_incidents": [{ "id": "w", "name": "n", "status": "monitoring", "current_worst_impact": "partial_outage", "affected_components": [{ "id": "c", "name": "Chat", "current_status": "full_outage" }] }] }),
            Major,
        ),
        (
            "the widget, an incident without components",
            json!({ "ongoing_incidents": [{ "id": "w", "name": "n", "status": "investigating", "current_worst_impact": "degraded_performance", "affected_components": [] }] }),
            Degraded,
        ),
    ] {
        assert_eq!(overall(&page), Ok(wanted), "{what}");
    }
}

#[test]
fn what_is_no_page_that_is_known_is_unreadable() {
    for (what, page) in [
        ("nothing", json!({})),
        ("a list", json!([])),
        ("a word", json!("operational")),
        (
            "another vendor's form",
            json!({ "page": { "name": "E", "url": "https://e", "status": "UP" }, "activeIncidents": [], "activeMaintenances": [] }),
        ),
        ("an error", json!({ "error": { "message": "not found" } })),
        (
            "a page that says nothing",
            json!({ "status": { "indicator": "" }, "components": [component("Chat", "")] }),
        ),
        (
            "an unknown indicator alone",
            json!({ "status": { "indicator": "purple" } }),
        ),
    ] {
        assert!(overall(&page).is_err(), "{what}");
    }
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
fn a_group_is_not_counted_beside_its_members_and_lends_them_its_name() {
    let member = |name: &str, status: &str| json!({ "id": name, "name": name, "status": status, "group_id": "g" });
    let page = statuspage(
        "none",
        json!([
            { "id": "g", "name": "APIs", "status": "major_outage", "group": true, "group_id": null },
            member("Chat Completions", "partial_outage"),
            member("Images", "operational"),
            { "id": "h", "name": "Sora", "status": "operational", "group": true, "group_id": null },
        ]),
        json!([]),
        json!([]),
    );
    let claim = judged(&*check(""), &page).unwrap();
    let names: Vec<&str> = claim.components.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Chat Completions", "Images", "Sora"]);
    assert_eq!(claim.overall, Standing::Partial);
    let mapped = check(r#"components = { "chat*" = ["apis"] }"#);
    let claim = judged(&*mapped, &page).unwrap();
    assert_eq!(claim.of_probe("chat"), Some(Standing::Partial));
    assert_eq!(claim.components.len(), 2);
}

#[test]
fn where_components_are_named_only_they_and_what_names_them_or_nothing_count() {
    use Standing::*;
    let mapped = check(r#"components = { "chat*" = ["Chat*"], image = ["Images"] }"#);
    let components = json!([
        component("Chat Completions", "operational"),
        component("Images", "degraded_performance"),
        component("Billing", "major_outage"),
    ]);
    let named = |name: &str| json!([{ "id": "01H", "name": name }]);
    for (what, incidents, overall, chat) in [
        ("nothing open", json!([]), Degraded, Operational),
        (
            "one that names another part",
            json!([incident(json!("critical"), "identified", named("Billing"))]),
            Degraded,
            Operational,
        ),
        (
            "one that names ours",
            json!([incident(
                json!("major"),
                "identified",
                named("Chat Completions")
            )]),
            Partial,
            Partial,
        ),
        (
            "one that names none",
            json!([incident(json!("critical"), "identified", json!([]))]),
            Major,
            Operational,
        ),
    ] {
        let page = statuspage("critical", components.clone(), incidents, json!([]));
        let claim = judged(&*mapped, &page).unwrap();
        assert_eq!(claim.overall, overall, "{what}");
        assert_eq!(claim.of_probe("chat-stream"), Some(chat), "{what}");
        assert_eq!(claim.of_probe("page"), None, "{what}");
    }
    let renamed = statuspage(
        "none",
        json!([component("LLM", "operational")]),
        json!([]),
        json!([]),
    );
    let why = judged(&*mapped, &renamed).unwrap_err();
    assert!(why.contains("it lists LLM"), "{why}");
    let quiet = json!({ "ongoing_incidents": [] });
    assert_eq!(judged(&*mapped, &quiet).map(|c| c.overall), Ok(Operational));
}

#[test]
fn a_post_is_kept_with_what_can_be_believed_of_it() {
    let mut hostile = incident(json!("minor"), "investigating", json!([]));
    hostile["name"] = json!("a\u{1b}[31m\n".repeat(500));
    hostile["started_at"] = json!("2999-01-01T00:00:00Z");
    hostile["updated_at"] = json!("yesterday");
    hostile["shortlink"] = json!("javascript:alert(1)");
    let page = statuspage(
        "none",
        json!([]),
        json!([incident(json!("minor"), "identified", json!([])), hostile]),
        json!([]),
    );
    let claim = judged(&*check(""), &page).unwrap();
    let [post, hostile] = &claim.posts[..] else {
        panic!("{claim:?}")
    };
    assert_eq!(post.started_at, Timestamp::parse("2026-11-25T16:54:00Z"));
    assert_eq!(post.url.as_deref(), Some("https://stspg.io/x"));
    assert_eq!(
        (hostile.started_at, hostile.updated_at, &hostile.url),
        (None, None, &None)
    );
    assert!(hostile.name.len() <= Claim::TEXT_BYTES && !hostile.name.contains('\u{1b}'));
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

#[test]
fn faults_of_the_map_are_found_where_they_stand() {
    for (keys, message) in [
        ("", "`url` is missing"),
        ("url = 7", "expected a text"),
        (
            "url = \"https://s.example.com\"\ncomponents = []",
            "expected a table",
        ),
        (
            "url = \"https://s.example.com\"\ncomponents = { \"caht*\" = [\"Chat\"] }",
            "no probe of service `openai` fits `caht*`",
        ),
        (
            "url = \"https://s.example.com\"\ncomponents = { chat = \"Chat\" }",
            "expected a list",
        ),
        (
            "url = \"https://s.example.com\"\ncomponents = { chat = [\"\"] }",
            "expected the name of a component",
        ),
    ] {
        let problems = build_with(keys, &["chat", "image"]).unwrap_err();
        assert!(
            problems.iter().any(|p| p.message.contains(message)),
            "{keys}: {problems:?}"
        );
    }
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
