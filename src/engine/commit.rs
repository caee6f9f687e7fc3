//! One transaction for all that a turn has brought, and what happens when the database refuses it.

use std::collections::HashMap;

use tracing::{error, warn};

use crate::model::{ServiceId, Timestamp};
use crate::store::{Hush, Said, StoreError};

use super::backlog::Backlog;
use super::post::Counter;
use super::routes;
use super::said::{self, Orders};
use super::service::Service;
use super::telling::Desk;
use super::told::{self, Told, suspected};
use super::{Engine, Parts, scene};

/// Facts of the daemon that `status` reads, by their names in the database.
pub mod fact {
    /// Moment of the last checkpoint, RFC 3339: how `status` tells a daemon that has stopped.
    pub const ALIVE_AT: &str = "alive_at";
    /// Slots that the schedule left out since the start.
    pub const MISSED: &str = "missed_slots";
    /// Samples that were dropped since the start.
    pub const DROPPED: &str = "dropped_samples";
    /// Why the database cannot take samples; empty when it can.
    pub const STORAGE: &str = "storage";
    /// What the prober lacks to see; empty while it sees.
    pub const BLIND: &str = "blind";
}

/// Which part of the backlog a transaction takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// All of it.
    All,
    /// What must not be lost, without the samples: fits into the space that the ballast held.
    Light,
}

impl Engine {
    /// Commits the backlog, and with `checkpoint` the state of every service that has changed.
    pub(super) fn commit(&mut self, now: Timestamp, checkpoint: bool) {
        let committed = match self.room() {
            Ok(()) => self.transact(now, checkpoint, Load::All),
            Err(e) => Err(e),
        };
        match committed {
            Ok(()) => self.all_well(now),
            Err(e) => self.refused(&e, now),
        }
    }

    /// Samples are written only while the reserve is there: once the disk is full, what is left of it is for incidents
    /// and mails, and samples would soon have taken it.
    fn room(&self) -> Result<(), StoreError> {
        match self.parts.store.restore_ballast() {
            Err(StoreError::Full(e)) => Err(StoreError::Full(e)),
            // Whether the database can be written shows when it is tried.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn transact(
        &mut self,
        now: Timestamp,
        checkpoint: bool,
        load: Load,
    ) -> Result<(), StoreError> {
        let trouble = match (&self.trouble, load) {
            (Some(trouble), Load::Light) => Some(format!(
                "{}; since {}, {} samples wait in memory",
                trouble.why,
                trouble.since,
                self.backlog.samples.len()
            )),
            _ => None,
        };
        let mut told = self.told.clone();
        self.keep_sight(checkpoint);
        let hush = self.hush(now);
        let written = write(
            &mut self.parts,
            &mut self.services,
            &mut self.backlog,
            &self.orders,
            &hush,
            (&self.told, &mut told),
            now,
            checkpoint,
            load,
            trouble,
        )?;
        self.told = told;
        if checkpoint {
            self.last_checkpoint = now;
        }
        let Written { letters, said } = written;
        if letters {
            self.parts.observer.letters();
        }
        if !self.backlog.events.is_empty() && self.parts.observer.wants_routes() {
            let routes = routes::routes(&self.services, now);
            self.parts.observer.routes(&routes);
        }
        for (service, event) in self.backlog.events.drain(..) {
            if let Some(service) = self.services.get(&service) {
                let name = &service.plan.name;
                let probes = service.concerned(&event);
                self.parts.observer.event(name, &event, &probes);
            } else if service == ServiceId::PROBER {
                let name = ServiceId::PROBER_NAME;
                self.parts.observer.event(name, &event, &[]);
            }
        }
        for said in said {
            if let Some(service) = self.services.get(&said.service) {
                warn!("{}: {}", service.plan.name, said.deadline.tell(now));
            }
        }
        self.backlog.reports.clear();
        for incident in self.backlog.finals.drain(..) {
            self.services.values_mut().for_each(|s| s.forget(incident));
        }
        self.backlog.own.clear();
        self.backlog.letters.clear();
        self.backlog.notes.clear();
        self.backlog.own_state = None;
        self.backlog.rations.clear();
        let heard = std::mem::take(&mut self.backlog.heard);
        self.orders.done(&heard.rows);
        self.backlog.shift = 0;
        if load == Load::All {
            let samples = self.backlog.samples.len() as u64;
            self.counters
                .committed
                .fetch_add(samples, std::sync::atomic::Ordering::Relaxed);
            self.backlog.samples.clear();
        }
        Ok(())
    }

    /// What is not to be said now of what ends soon.
    fn hush(&mut self, now: Timestamp) -> Hush {
        let mut hush = Hush {
            clock: now < self.sure_from || self.watch.lacks_clock(),
            ..Hush::default()
        };
        for sample in &self.backlog.samples {
            let found = sample.found.as_ref();
            if found.is_none_or(|found| found.deadlines.is_empty()) {
                continue;
            }
            let home = self.homes.get(&sample.probe);
            if let Some(service) = home.and_then(|home| self.services.get_mut(home))
                && self.orders.hushes(service, sample, now)
            {
                hush.probes.insert(sample.probe);
            }
        }
        hush
    }
}

struct Written {
    letters: bool,
    /// Deadlines that are to be said.
    said: Vec<Said>,
}

/// The transaction itself. Leaves the backlog as it is: the caller clears it once this has succeeded.
#[expect(
    clippy::too_many_arguments,
    reason = "each is a part of the engine that is borrowed for itself"
)]
fn write(
    parts: &mut Parts,
    services: &mut HashMap<ServiceId, Service>,
    backlog: &mut Backlog,
    orders: &Orders,
    hush: &Hush,
    (before, told): (&Told, &mut Told),
    now: Timestamp,
    checkpoint: bool,
    load: Load,
    trouble: Option<String>,
) -> Result<Written, StoreError> {
    let mut tx = parts.store.begin()?;
    let said = match load {
        Load::All => tx.samples_but(backlog.samples.make_contiguous(), hush)?,
        Load::Light => Vec::new(),
    };
    if backlog.shift != 0 {
        tx.shift(backlog.shift)?;
        told.shift(backlog.shift);
    }
    let mut counter = Counter {
        tx: &mut tx,
        compose: parts.compose.as_ref(),
        location: &parts.location,
        services,
        now,
    };
    let mut letters = counter.record(&backlog.reports, told)?;
    let mut touched: Vec<ServiceId> = Vec::new();
    for (id, event) in &backlog.events {
        tx.event(*id, event)?;
        if let Some(why) = said::ends_ack(event.event) {
            tx.end_ack(event.incident, event.at, why)?;
        }
        let Some(service) = services.get_mut(id) else {
            continue;
        };
        touched.push(*id);
        let reopen_within = service.plan.rules.reopen_within;
        let wanted = match orders.silence(service, event.incident, now) {
            Some(silence) => {
                service.hold(event, silence);
                false
            }
            None => service.thread(event).is_some(),
        };
        let mailed = told.mailings.take(*id, event, wanted, reopen_within);
        let people = match mailed {
            true => told.crowds.tell(&service.plan.recipients, *id, event, now),
            false => told.crowds.note(event, now),
        };
        told.stories.take(&people, *id, event, mailed);
    }
    for (id, event) in told.mailings.due(now) {
        if let Some(service) = services.get(&id) {
            let people = told.crowds.tell(&service.plan.recipients, id, &event, now);
            told.stories.take(&people, id, &event, true);
        }
    }
    let joining = told.join(services, orders, now);
    let reminding = told.remind(services, orders, now);
    touched.extend(orders.withdraw(services, &mut told.stories, now));
    said::write(&mut tx, &backlog.heard, services, told, now)?;
    touched.extend(backlog.heard.lifted.iter().map(|(id, ..)| *id));
    let mut desk = Desk {
        tx: &mut tx,
        compose: parts.compose.as_ref(),
        location: &parts.location,
        services,
        mailings: &told.mailings,
        post: &told.post,
        caps: &mut told.caps,
        joining: &joining,
        now,
        facts: HashMap::new(),
        // What is left of a full disk is for words.
        pictures: match load {
            Load::All => scene::MOST_PICTURES,
            Load::Light => 0,
        },
    };
    for (recipient, telling) in told.stories.due(now, suspected(services), services.len()) {
        let root = desk.tell(&recipient, &telling)?;
        letters += usize::from(root.is_some());
        // What was no mail of its own, or never arrives, is nothing for a thread to hang on.
        if root != Some(telling.root) && (root.is_some() || telling.is_first()) {
            told.stories.hang(&recipient, telling.root, root);
        }
    }
    for (recipient, reminding) in &reminding {
        letters += usize::from(desk.remind_open(recipient, reminding)?);
    }
    for said in &said {
        letters += desk.remind(said)?;
    }
    let mut counter = Counter {
        tx: &mut tx,
        compose: parts.compose.as_ref(),
        location: &parts.location,
        services,
        now,
    };
    letters += counter.folded(told.caps.due(now))?;
    letters += counter.notes(&backlog.notes)?;
    for letter in &backlog.letters {
        tx.letter(None, letter, now)?;
        letters += 1;
    }
    for own in &backlog.own {
        letters += own.write(&mut tx, parts.compose.as_ref(), now)?;
    }
    for ration in &backlog.rations {
        tx.ration(ration)?;
    }
    for incident in &backlog.finals {
        tx.finalize(*incident)?;
        // That it is over may still have to be told, in its thread.
        if !services.values().any(|s| s.held.contains_key(incident)) {
            told.stories.forget(*incident);
            told.crowds.forget(*incident);
        }
    }
    if told != before {
        match serde_json::to_string(told) {
            Ok(json) => tx.set_meta(told::TOLD, &json)?,
            Err(e) => error!("who was told what cannot be written: {e}"),
        }
    }
    for (id, service) in services.iter_mut() {
        if touched.contains(id) || (checkpoint && service.dirty) {
            match service.checkpoint() {
                Ok(json) => tx.state(*id, &json, now)?,
                Err(e) => error!("the state of {} cannot be written: {e}", service.plan.name),
            }
        }
    }
    if checkpoint {
        tx.set_meta(fact::ALIVE_AT, &now.to_string())?;
        tx.set_meta(fact::MISSED, &(parts.missed)().to_string())?;
        tx.set_meta(fact::DROPPED, &backlog.dropped.to_string())?;
    }
    if let Some(json) = &backlog.own_state {
        tx.state(ServiceId::PROBER, json, now)?;
    }
    tx.set_meta(fact::BLIND, &backlog.blind)?;
    tx.set_meta(fact::STORAGE, trouble.as_deref().unwrap_or(""))?;
    tx.commit()?;
    if checkpoint {
        services.values_mut().for_each(|s| s.dirty = false);
    }
    Ok(Written {
        letters: letters > 0,
        said,
    })
}
