//! How the engine begins: the committed state is loaded, and the samples since then are folded again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::model::fold::fold;
use crate::model::{ProbeId, Sample, ServiceId, Timestamp};
use crate::store::{OpenError, Store, StoreError};

use super::backlog::Backlog;
use super::blind::Watch;
use super::ledger::Ledger;
use super::routes;
use super::said::Orders;
use super::service::{Service, ServicePlan};
use super::{Backups, Counters, Engine, Parts};

/// How far back samples are folded again when no checkpoint says where to begin.
const AGAIN: Duration = Duration::from_secs(86_400);
/// Samples of one probe that are folded again at most: a day at one a second. A checkpoint is a minute old at most,
/// so more than that were left by a checkpoint that could not be read, and then the prior is as good.
const MOST_AGAIN: usize = 86_400;

impl Engine {
    /// Loads what an earlier daemon committed, and folds again what came after its last checkpoint.
    ///
    /// Re-checks that were asked for and not answered are asked for again, through the observer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn start(mut parts: Parts) -> Result<Self, StoreError> {
        let now = parts.clock.now();
        let states: HashMap<ServiceId, String> = parts
            .store
            .load_states()?
            .into_iter()
            .map(|(id, json, _)| (id, json))
            .collect();
        let plans = std::mem::take(&mut parts.services);
        let mut services = HashMap::with_capacity(plans.len());
        let mut backlog = Backlog::default();
        let mut next_incident = parts.store.next_incident()?;
        for plan in plans {
            let id = plan.id;
            let kept = states.get(&id).map(String::as_str);
            let mut service = load(plan, kept);
            for sample in since_checkpoint(&parts.store, &service, now)? {
                let folded = fold(
                    &mut service.state,
                    &service.plan.rules,
                    &sample,
                    &mut next_incident,
                );
                backlog
                    .events
                    .extend(folded.events.into_iter().map(|event| (id, event)));
                service.dirty = true;
            }
            let plan = service.plan.clone();
            backlog
                .events
                .extend(service.replan(plan, now).into_iter().map(|e| (id, e)));
            for recheck in service.state.wanted() {
                parts.observer.recheck(recheck);
            }
            services.insert(id, service);
        }
        routes::load(&parts.store, &mut services, now)?;
        let ledger = ledger(&parts.store, &services, now)?;
        let told = super::told::load(&parts)?;
        let mut engine = Self {
            homes: homes(&services),
            orders: Orders::load(&parts.store)?,
            services,
            ledger,
            told,
            watch: Watch::load(states.get(&ServiceId::PROBER).map(String::as_str), now),
            next_incident,
            backlog,
            counters: Arc::new(Counters::default()),
            // The first turn writes a checkpoint: `status` sees at once that the daemon lives.
            last_checkpoint: Timestamp::EPOCH,
            retry_at: None,
            trouble: None,
            last_trouble: None,
            last_damage: None,
            pruning: false,
            sure_from: Timestamp::EPOCH,
            rolling_up: true,
            parts,
        };
        engine.note_recovery(now);
        // Before the first probe runs.
        engine.review(now);
        Ok(engine)
    }
}

/// A service with its committed state.
pub(super) fn load(plan: ServicePlan, checkpoint: Option<&str>) -> Service {
    let (service, why) = Service::load(plan, checkpoint);
    if let Some(why) = why {
        warn!(
            "what was learned of {} cannot be read and is learned anew: {why}",
            service.plan.name
        );
    }
    service
}

/// The service of each probe.
pub(super) fn homes(services: &HashMap<ServiceId, Service>) -> HashMap<ProbeId, ServiceId> {
    let pairs = services
        .iter()
        .flat_map(|(id, s)| s.plan.probes().map(move |p| (p, *id)));
    pairs.collect()
}

/// The books, as the database has them.
pub(super) fn ledger(
    store: &Store,
    services: &HashMap<ServiceId, Service>,
    now: Timestamp,
) -> Result<Ledger, StoreError> {
    let plans = services
        .values()
        .map(|s| (s.plan.id, s.plan.name.as_str(), &s.plan.money));
    Ok(Ledger::new(
        plans,
        &store.spending(now)?,
        &store.rations()?,
        now,
    ))
}

/// What the service's probes brought after its checkpoint, in the order in which it became known. Of a probe that the
/// checkpoint does not know (the daemon was killed before it wrote one) the samples of the last day.
fn since_checkpoint(
    store: &Store,
    service: &Service,
    now: Timestamp,
) -> Result<Vec<Sample>, StoreError> {
    let mut samples = Vec::new();
    for probe in service.plan.rules.probes.iter().map(|p| p.id) {
        let after = service.state.last_folded(probe).unwrap_or(now - AGAIN);
        samples.extend(store.samples_after(probe, Some(after), MOST_AGAIN)?);
    }
    samples.sort_by_key(Sample::known_at);
    Ok(samples)
}

/// Copies the database, and removes the oldest copies beyond those that are kept.
pub(super) fn back_up(
    store: &mut Store,
    backups: &Backups,
    now: Timestamp,
) -> Result<PathBuf, OpenError> {
    let stamp = now
        .to_utc()
        .map_or_else(String::new, |t| t.format("%Y%m%dT%H%M%SZ").to_string());
    let file = backups.folder.join(format!("watchfire-{stamp}.db"));
    store.backup(&file)?;
    for old in surplus(&backups.folder, backups.keep) {
        match std::fs::remove_file(&old) {
            Ok(()) => info!("removed the old backup {}", old.display()),
            Err(e) => warn!("the old backup {} could not be removed: {e}", old.display()),
        }
    }
    Ok(file)
}

/// The backups beyond the newest `keep`; their names sort by time.
fn surplus(folder: &Path, keep: usize) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "db"))
        .collect();
    files.sort();
    files.truncate(files.len().saturating_sub(keep.max(1)));
    files
}
