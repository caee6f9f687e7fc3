//! Reading the components of a scenario file: profiles, what follows what, and the failure modes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fields::{Faults, Fields, Value};
use crate::model::Timestamp;
use crate::model::scenario::{Component, FailureMode, ModePhase, Modes, Script, USUAL_LATENCY};

/// Points of one profile; a day by the minute fits.
const MOST_POINTS: usize = 10_000;
/// Latency in milliseconds: ten minutes is longer than any client waits.
const MOST_LATENCY_MS: u32 = 600_000;
/// Weight of one failure mode.
const MOST_WEIGHT: u32 = 1_000_000;

const SCRIPT_KEYS: &[&str] = &["latency_ms", "profile", "like", "times", "modes", "phase"];

/// The tables under `component`; `usual` holds where a component names no failure modes of its own.
pub(super) fn scripts(
    faults: &mut Faults,
    root: &Fields<'_, '_>,
    base: f64,
    usual: &Modes,
) -> BTreeMap<Component, Script> {
    let mut scripts = BTreeMap::new();
    let mut followers = Vec::new();
    let all = root.get("component").and_then(|v| faults.open_table(v));
    for (key, value) in all.iter().flat_map(|fields| fields.table.iter()) {
        let Some(component) = Component::from_name(key.get_ref()) else {
            let known: Vec<_> = Component::ALL.iter().map(|c| c.name()).collect();
            faults.unknown(key.span(), "component", key.get_ref(), &known);
            continue;
        };
        let Some(fields) = faults.table(value, SCRIPT_KEYS) else {
            continue;
        };
        scripts.insert(component, script(faults, &fields, usual));
        if fields.get("like").is_some() {
            followers.push((component, fields));
        } else if let Some(times) = fields.get("times") {
            faults.note(times.span(), "`times` without `like`");
        }
    }
    for (component, fields) in &followers {
        let leading = |c: &Component| followers.iter().all(|(f, _)| f != c);
        let profile = follow(faults, fields, base, |c| {
            scripts.get(&c).filter(|_| leading(&c))
        });
        if let (Some(profile), Some(script)) = (profile, scripts.get_mut(component)) {
            script.profile = profile;
        }
    }
    scripts
}

/// All of a script but a profile that follows another.
fn script(faults: &mut Faults, fields: &Fields<'_, '_>, usual: &Modes) -> Script {
    let latency = fields.get("latency_ms");
    let latency = latency.and_then(|v| faults.whole(v, MOST_LATENCY_MS));
    let phases = faults.list(fields, "phase");
    let own = fields.get("modes").and_then(|v| modes(faults, v));
    Script {
        latency: latency.map_or(USUAL_LATENCY, |ms| Duration::from_millis(ms.into())),
        profile: profile(faults, fields),
        modes: own.unwrap_or_else(|| usual.clone()),
        phases: phases.iter().filter_map(|v| phase(faults, v)).collect(),
    }
}

fn profile(faults: &mut Faults, fields: &Fields<'_, '_>) -> Vec<(Timestamp, f64)> {
    let listed = faults.list(fields, "profile");
    if let Some(past) = listed.get(MOST_POINTS) {
        faults.note(past.span(), format!("more than {MOST_POINTS} points"));
    }
    let mut points: Vec<(Timestamp, f64)> = Vec::with_capacity(listed.len().min(MOST_POINTS));
    for value in listed.into_iter().take(MOST_POINTS) {
        let Some([at, rate]) = value.get_ref().as_array().and_then(|a| a.get(..2)) else {
            faults.note(value.span(), "expected a point: [moment, error rate]");
            continue;
        };
        let (Some(moment), Some(rate)) = (faults.time(at), faults.share(rate)) else {
            continue;
        };
        if points.last().is_some_and(|(before, _)| moment < *before) {
            faults.note(at.span(), "earlier than the point before it");
        }
        points.push((moment, rate));
    }
    points
}

/// The profile of the component named by `like`, with each rate above the base rate taken `times` so much.
fn follow<'s>(
    faults: &mut Faults,
    fields: &Fields<'_, '_>,
    base: f64,
    leader: impl Fn(Component) -> Option<&'s Script>,
) -> Option<Vec<(Timestamp, f64)>> {
    let like = fields.get("like")?;
    if let Some(own) = fields.get("profile") {
        faults.note(own.span(), "either `profile` or `like`, not both");
    }
    let named = faults.word(like, Component::ALL, Component::name)?;
    let times = match fields.get("times") {
        Some(value) => faults.number(value)?,
        None => 1.0,
    };
    let Some(script) = leader(named) else {
        let wanted = format!("`{named}` has no profile of its own");
        faults.note(like.span(), wanted);
        return None;
    };
    let scaled = |rate: f64| {
        if rate > base {
            (rate * times).clamp(base, 1.0)
        } else {
            rate
        }
    };
    if !(0.0..=100.0).contains(&times) {
        let span = fields.get("times").map_or(like.span(), |v| v.span());
        faults.note(span, "expected 0 to 100");
        return None;
    }
    Some(
        script
            .profile
            .iter()
            .map(|(at, r)| (*at, scaled(*r)))
            .collect(),
    )
}

fn phase(faults: &mut Faults, value: &Value<'_>) -> Option<ModePhase> {
    let fields = faults.table(value, &["from", "until", "modes"])?;
    let window = faults.window(&fields, "from", "until");
    let own = faults.want(&fields, "modes").and_then(|v| modes(faults, v));
    let (start, end) = window?;
    Some(ModePhase {
        start,
        end,
        modes: own?,
    })
}

/// Weights by failure mode.
pub(super) fn modes(faults: &mut Faults, value: &Value<'_>) -> Option<Modes> {
    let known: Vec<_> = FailureMode::ALL.iter().map(|m| m.name()).collect();
    let fields = faults.table(value, &known)?;
    let mut weights = Vec::new();
    // In the order of the enum: what a draw means does not depend on how the file is laid out.
    for mode in FailureMode::ALL {
        if let Some(weight) = fields.get(mode.name()) {
            weights.push((*mode, faults.whole(weight, MOST_WEIGHT)?));
        }
    }
    // An unknown word is a fault already; that it leaves nothing over needs no second one.
    let misspelt = fields
        .table
        .keys()
        .any(|k| FailureMode::from_name(k.get_ref()).is_none());
    let modes = Modes::new(weights);
    if modes.is_none() && !misspelt {
        faults.note(value.span(), "expected at least one weight above 0");
    }
    modes
}
