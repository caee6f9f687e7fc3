//! Which components concern which probes.

use super::*;

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
