//! What each form of a page means, with the traps that each has set somewhere.

use super::*;

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
