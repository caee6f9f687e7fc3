//! The forms that status pages have, told apart by what stands in them, never by whose they are.
//!
//! - Statuspage's v2 `summary.json`, which incident.io and others serve as well: `status.indicator`, `components`,
//!   `incidents`, `scheduled_maintenances`. All of them are read: the indicator may say `none` while an incident is open,
//!   components may all be well while an incident names none of them.
//! - incident.io's widget `summary`: `ongoing_incidents`, `in_progress_maintenances`. It has no indicator and lists only
//!   what is affected: empty lists mean that all is well.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::words::{impact, items, named, post, standing, text};
use crate::model::Timestamp;
use crate::model::claim::{OpenPost, Standing};

/// Affected components that are kept apart: more than any page has, and each is compared with all.
const MOST_AFFECTED: usize = 500;

/// What a page says, before it is asked whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    /// The page's own word for all of it.
    pub indicator: Option<Standing>,
    /// Its parts.
    pub components: Vec<Part>,
    /// What is unresolved or going on.
    pub posts: Vec<OpenPost>,
    /// Whether all parts are listed, and not only those that are affected.
    pub lists_all: bool,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub name: String,
    /// Name of the group that it stands in.
    pub group: Option<String>,
    pub standing: Standing,
}

/// Reads a page's JSON; `None` for a form that is not known.
pub(super) fn read(page: &Value, now: Timestamp) -> Option<Said> {
    if page.get("ongoing_incidents").is_some_and(Value::is_array) {
        return Some(widget(page, now));
    }
    let indicator = page.pointer("/status/indicator").and_then(Value::as_str);
    let components = page.get("components").is_some_and(Value::is_array);
    (indicator.is_some() || components).then(|| statuspage(page, indicator, now))
}

fn statuspage(page: &Value, indicator: Option<&str>, now: Timestamp) -> Said {
    let mut groups: HashMap<&str, String> = HashMap::new();
    let mut parents: HashSet<&str> = HashSet::new();
    for component in items(page, "components") {
        if let Some(id) = component.get("id").and_then(Value::as_str) {
            groups.insert(id, text(component, "name"));
        }
        parents.extend(component.get("group_id").and_then(Value::as_str));
    }
    // A group repeats its members: it is read only where none of them is shown.
    let is_group = |component: &&Value| {
        let id = component.get("id").and_then(Value::as_str);
        id.is_some_and(|id| parents.contains(id))
    };
    let components = items(page, "components")
        .filter(|component| !is_group(component))
        .filter_map(|component| {
            let group = component.get("group_id").and_then(Value::as_str);
            part(
                component,
                group.and_then(|id| groups.get(id)).cloned(),
                "status",
            )
        });
    let going_on = |post: &&Value| {
        !matches!(
            text(post, "status").as_str(),
            "resolved" | "postmortem" | "completed" | "scheduled"
        )
    };
    let incidents = items(page, "incidents").filter(going_on).map(|incident| {
        let impact = impact(incident.get("impact").and_then(Value::as_str));
        OpenPost {
            components: named(incident, "components"),
            ..post(incident, impact, now)
        }
    });
    let works = items(page, "scheduled_maintenances")
        .filter(|work| matches!(text(work, "status").as_str(), "in_progress" | "verifying"))
        .map(|work| OpenPost {
            components: named(work, "components"),
            ..post(work, Standing::Maintenance, now)
        });
    Said {
        indicator: indicator.and_then(standing),
        components: components.collect(),
        posts: incidents.chain(works).collect(),
        lists_all: true,
    }
}

fn widget(page: &Value, now: Timestamp) -> Said {
    let mut said = Said {
        // It lists what is wrong: an empty list is a statement.
        indicator: Some(Standing::Operational),
        ..Said::default()
    };
    for incident in items(page, "ongoing_incidents") {
        if matches!(text(incident, "status").as_str(), "resolved" | "completed") {
            continue;
        }
        let worst = impact(incident.get("current_worst_impact").and_then(Value::as_str));
        said.posts.push(OpenPost {
            components: named(incident, "affected_components"),
            ..post(incident, worst, now)
        });
        for component in items(incident, "affected_components") {
            let group = Some(text(component, "group_name")).filter(|name| !name.is_empty());
            said.affected(part(component, group, "current_status"));
        }
    }
    for work in items(page, "in_progress_maintenances") {
        said.posts.push(OpenPost {
            components: named(work, "affected_components"),
            ..post(work, Standing::Maintenance, now)
        });
    }
    said
}

impl Said {
    /// Adds a part, or makes it worse when it is there: several incidents may affect it.
    fn affected(&mut self, part: Option<Part>) {
        let Some(part) = part else { return };
        let same = |c: &&mut Part| c.name == part.name && c.group == part.group;
        if let Some(known) = self.components.iter_mut().find(same) {
            known.standing = known.standing.max(part.standing);
        } else if self.components.len() < MOST_AFFECTED {
            self.components.push(part);
        }
    }
}

fn part(component: &Value, group: Option<String>, status: &str) -> Option<Part> {
    let name = text(component, "name");
    (!name.is_empty()).then(|| Part {
        name,
        group,
        standing: standing(&text(component, status)).unwrap_or_default(),
    })
}
