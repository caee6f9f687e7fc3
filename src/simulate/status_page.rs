//! The status page in Statuspage's v2 shape and in that of incident.io's widget: it knows what was posted by now, and
//! nothing else.
//!
//! Until the first post all is operational, however much burns.

use serde_json::{Value, json};

use crate::model::Timestamp;
use crate::model::scenario::{Component, Impact, Post, PostStatus, Scenario, Told};

/// `GET /status/api/v2/summary.json`.
pub(super) fn summary(scenario: &Scenario, now: Timestamp) -> Value {
    let open = || scenario.incidents.iter().filter(|t| is_open(t, now));
    let worst = open().map(|t| t.impact).max().unwrap_or(Impact::None);
    let description = match (open().next(), worst) {
        (None, _) => "All Systems Operational",
        (_, Impact::None | Impact::Minor) => "Minor Service Outage",
        (_, Impact::Major) => "Partial System Outage",
        (_, Impact::Critical) => "Major Service Outage",
    };
    let components: Vec<Value> = Component::ALL
        .iter()
        .map(|component| {
            let hit = open().filter(|t| t.components.contains(component));
            let status = match hit.map(|t| t.impact).max() {
                None | Some(Impact::None) => "operational",
                Some(Impact::Minor) => "degraded_performance",
                Some(Impact::Major) => "partial_outage",
                Some(Impact::Critical) => "major_outage",
            };
            json!({ "id": component.name(), "name": component.name(), "status": status, "group_id": null })
        })
        .collect();
    let told = scenario.incidents.iter().enumerate();
    let incidents: Vec<Value> = told
        .filter(|(_, t)| is_open(t, now))
        .filter_map(|(i, t)| incident(i, t, now))
        .collect();
    json!({
        "page": page(scenario, now),
        "status": { "indicator": worst.name(), "description": description },
        "components": components,
        "incidents": incidents,
        "scheduled_maintenances": [],
    })
}

/// `GET /status/api/v2/incidents.json`: the latest first.
pub(super) fn incidents(scenario: &Scenario, now: Timestamp) -> Value {
    let told = scenario.incidents.iter().enumerate().rev();
    let incidents: Vec<Value> = told.filter_map(|(i, t)| incident(i, t, now)).collect();
    json!({ "page": page(scenario, now), "incidents": incidents })
}

/// `GET /status/api/v1/summary`: only what is going on.
pub(super) fn widget(scenario: &Scenario, now: Timestamp) -> Value {
    let ongoing: Vec<Value> = scenario
        .incidents
        .iter()
        .enumerate()
        .filter(|(_, told)| is_open(told, now))
        .filter_map(|(number, told)| {
            let last = told.posted(now).last()?;
            let impact = match told.impact {
                Impact::None | Impact::Minor => "degraded_performance",
                Impact::Major => "partial_outage",
                Impact::Critical => "full_outage",
            };
            let affected: Vec<Value> = told
                .components
                .iter()
                .map(|c| json!({ "id": c.name(), "name": c.name(), "current_status": impact }))
                .collect();
            Some(json!({
                "id": format!("simulated{number}"), "name": told.name, "status": last.status.name(),
                "url": format!("/status/simulated{number}"), "current_worst_impact": impact,
                "last_update_at": last.at.to_string(), "last_update_message": last.text,
                "affected_components": affected,
            }))
        })
        .collect();
    json!({
        "page_title": "Simulated provider", "page_url": "/status",
        "ongoing_incidents": ongoing, "in_progress_maintenances": [], "scheduled_maintenances": [],
    })
}

fn page(scenario: &Scenario, now: Timestamp) -> Value {
    let posted = scenario.posts().map(|(_, p)| p.at).filter(|at| *at <= now);
    let updated = posted.max().unwrap_or(scenario.start);
    json!({
        "id": "simulated", "name": "Simulated provider", "url": "/status",
        "time_zone": "Etc/UTC", "updated_at": updated.to_string(),
    })
}

/// Whether the page shows it as going on.
fn is_open(told: &Told, now: Timestamp) -> bool {
    let last = told.posted(now).last();
    last.is_some_and(|post| post.status != PostStatus::Resolved)
}

/// An incident as far as it is posted; `None` before its first post.
fn incident(number: usize, told: &Told, now: Timestamp) -> Option<Value> {
    let posted = told.posted(now);
    let (first, last) = (posted.first()?, posted.last()?);
    let id = format!("simulated{number}");
    let at = |wanted: PostStatus| {
        let post = posted.iter().find(|p| p.status == wanted);
        post.map(|p| p.at.to_string())
    };
    let update = |(i, post): (usize, &Post)| {
        json!({
            "id": format!("{id}-{i}"), "incident_id": id, "status": post.status.name(), "body": post.text,
            "created_at": post.at.to_string(), "display_at": post.at.to_string(),
        })
    };
    let updates: Vec<Value> = posted.iter().enumerate().rev().map(update).collect();
    let named: Vec<Value> = told
        .components
        .iter()
        .map(|c| json!({ "id": c.name(), "name": c.name() }))
        .collect();
    Some(json!({
        "id": id, "name": told.name, "status": last.status.name(), "impact": told.impact.name(),
        "created_at": first.at.to_string(), "started_at": first.at.to_string(),
        "updated_at": last.at.to_string(), "monitoring_at": at(PostStatus::Monitoring),
        "resolved_at": at(PostStatus::Resolved), "shortlink": format!("/status/{id}"),
        "incident_updates": updates, "components": named,
    }))
}
