//! The words of status pages, made into standings and clean, short texts.

use serde_json::Value;
use url::Url;

use crate::model::Timestamp;
use crate::model::claim::{Claim, OpenPost, Standing};
use crate::probe::evidence::fit;

/// Longest address that is kept.
const URL_BYTES: usize = 300;
/// Components that a post may name.
const MOST_NAMED: usize = 10;

/// The standing of a component, an impact or a whole page, in any of the vocabularies; `None` for a word that says
/// nothing, such as `""`.
pub(super) fn standing(word: &str) -> Option<Standing> {
    Some(match word {
        "none" | "operational" => Standing::Operational,
        "maintenance" | "under_maintenance" => Standing::Maintenance,
        "minor" | "degraded_performance" => Standing::Degraded,
        "major" | "partial_outage" => Standing::Partial,
        "critical" | "major_outage" | "full_outage" => Standing::Major,
        _ => return None,
    })
}

/// How bad an unresolved incident is. It is something, whatever its impact says: pages set the impact back to none
/// before they resolve.
pub(super) fn impact(word: Option<&str>) -> Standing {
    match word.and_then(standing) {
        None | Some(Standing::Unknown | Standing::Operational) => Standing::Degraded,
        Some(standing) => standing,
    }
}

/// A field's text, cleaned; empty for anything but a text.
pub(super) fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
    clean(text)
}

/// On one line, without control characters, not too long.
pub(super) fn clean(text: &str) -> String {
    fit(text.trim(), Claim::TEXT_BYTES)
}

/// A moment that has passed. A page's clock cannot know the future; one that claims to is not believed.
pub(super) fn moment(value: &Value, keys: &[&str], now: Timestamp) -> Option<Timestamp> {
    keys.iter()
        .find_map(|key| Timestamp::parse(value.get(key)?.as_str()?))
        .filter(|at| *at <= now)
}

/// The first of these fields that holds a web address.
pub(super) fn address(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| {
        let url = Url::parse(value.get(key)?.as_str()?).ok()?;
        let fits = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= URL_BYTES;
        fits.then(|| url.to_string())
    })
}

/// The names of the components that a post names.
pub(super) fn named(value: &Value, key: &str) -> Vec<String> {
    items(value, key)
        .map(|component| text(component, "name"))
        .filter(|name| !name.is_empty())
        .take(MOST_NAMED)
        .collect()
}

/// A list's objects; none for anything but a list.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|item| item.is_object())
}

/// A post with what all forms call alike.
pub(super) fn post(value: &Value, impact: Standing, now: Timestamp) -> OpenPost {
    OpenPost {
        id: text(value, "id"),
        name: text(value, "name"),
        impact,
        status: text(value, "status"),
        started_at: moment(value, &["started_at", "created_at"], now),
        updated_at: moment(value, &["updated_at", "last_update_at"], now),
        url: address(value, &["shortlink", "url"]),
        components: Vec::new(),
    }
}
