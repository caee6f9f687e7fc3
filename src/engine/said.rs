//! What people say, as the engine hears it: slips become orders, orders are decided on, and what they change stands until
//! its end.
//!
//! What stands is in memory and in the database alike. A slip is removed after its order is committed; one that is found
//! again, because the daemon was killed in between, is known by its token.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::model::incident::IncidentState;
use crate::model::notification::ProbeTally;
use crate::model::said::{
    Anchor, Decision, Effect, Ended, Held, Known, Order, SaidId, Spell, Spells,
};
use crate::model::story::{Audience, News};
use crate::model::{
    Cause, EventKind, IncidentEvent, IncidentId, IncidentKind, Outcome, Sample, ServiceId,
    Timestamp,
};
use crate::store::{SaidRow, Slips, Store, StoreError, Transaction, What};

use super::service::Service;
use super::told::Told;
use super::{Engine, Input, letters};

/// The folder of slips is looked into this often.
const LOOK: Duration = Duration::from_secs(1);

/// All that was said and is not over.
#[derive(Debug)]
pub(super) struct Orders {
    slips: Slips,
    /// What stands.
    pub spells: Spells,
    next: SaidId,
    looked: Option<Instant>,
    /// The folder could not be read the last time: said once.
    closed: bool,
}

/// What is to be committed of it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// What was said, with what came of it.
    pub rows: Vec<SaidRow>,
    /// Silences and maintenances that are over.
    pub ended: Vec<Ended>,
    /// What is to become of letters.
    pub letters: Vec<Effect>,
    /// What silences kept back and do not any more.
    pub lifted: Vec<(ServiceId, IncidentId, Held)>,
}

impl Heard {
    /// The wall clock was stepped, and the rows are not where that is carried in.
    pub fn shift(&mut self, micros: i64) {
        let spans = self.rows.iter_mut().filter(|r| r.anchor == Anchor::Span);
        for stretch in spans.filter_map(|row| row.stretch.as_mut()) {
            stretch.from = stretch.from.shifted(micros);
            stretch.until = stretch.until.shifted(micros);
        }
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.ended.is_empty()
            && self.letters.is_empty()
            && self.lifted.is_empty()
    }
}

impl Orders {
    /// As an earlier daemon left it.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let standing = store.standing()?;
        Ok(Self {
            slips: store.slips(),
            spells: Spells::new(standing.iter().filter_map(SaidRow::spell).collect()),
            next: store.next_said()?,
            looked: None,
            closed: false,
        })
    }

    /// Whether a run of a service began in a maintenance of its probe, said or planned.
    pub fn is_worked_on(&self, service: &mut Service, sample: &Sample) -> bool {
        service.is_worked_on(sample)
            || self.spells.any_maintenance()
                && service.plan.probe_name(sample.probe).is_some_and(|probe| {
                    let mut all = self.spells.maintenances(&service.plan.name, probe);
                    all.any(|stretch| stretch.holds(sample.at))
                })
    }

    /// The silence that keeps back what is told of an event.
    pub fn silence(
        &self,
        service: &Service,
        incident: IncidentId,
        now: Timestamp,
    ) -> Option<&Spell> {
        if !self.spells.any_silence() {
            return None;
        }
        let failing = service.failing(incident);
        let names: Vec<&str> = failing.iter().map(String::as_str).collect();
        self.spells.silence(&service.plan.name, &names, now)
    }

    /// Whether a silence of all that there is, `*`, keeps back what is told of the prober itself.
    pub fn silences_prober(&self, now: Timestamp) -> bool {
        let silence = self.spells.silence(ServiceId::PROBER_NAME, &[], now);
        silence.is_some()
    }

    /// Whether a silence or a maintenance of its probe keeps back what a run has seen to end soon.
    pub fn hushes(&self, service: &mut Service, sample: &Sample, now: Timestamp) -> bool {
        let silent = service.plan.probe_name(sample.probe).is_some_and(|probe| {
            let silence = self.spells.silence(&service.plan.name, &[probe], now);
            silence.is_some()
        });
        silent || self.is_worked_on(service, sample)
    }

    /// Keeps back what waits to be told of services that have become silent meanwhile; those services.
    pub fn withdraw(
        &self,
        services: &mut HashMap<ServiceId, Service>,
        stories: &mut Audience,
        now: Timestamp,
    ) -> Vec<ServiceId> {
        if !stories.waits() || !self.spells.any_silence() {
            return Vec::new();
        }
        let silent = |news: &News| {
            let service = services.get(&news.service);
            service.is_some_and(|s| self.silence(s, news.event.incident, now).is_some())
        };
        let withdrawn = stories.withdraw(silent);
        for News { service, event } in &withdrawn {
            if let Some(service) = services.get_mut(service)
                && let Some(silence) = self.silence(service, event.incident, now)
            {
                service.hold(event, silence);
            }
        }
        withdrawn.into_iter().map(|news| news.service).collect()
    }

    /// What was committed needs its slip no more.
    pub fn done(&mut self, rows: &[SaidRow]) {
        for row in rows {
            if let Err(e) = self.slips.done(&row.token) {
                warn!("the slip of \"{}\" cannot be removed: {e}", row.answer);
            }
        }
    }
}

impl Engine {
    /// What people have said since the last look, at most once a second. Returns at once.
    pub fn listen(&mut self) -> Vec<Input> {
        let looked = self.orders.looked;
        if looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Vec::new();
        }
        self.orders.looked = Some(Instant::now());
        let found = match self.orders.slips.collect() {
            Ok(found) => found,
            Err(e) => {
                if !std::mem::replace(&mut self.orders.closed, true) {
                    warn!("what people say cannot be read: {e}");
                }
                return Vec::new();
            }
        };
        self.orders.closed = false;
        for (name, why) in found.refused {
            warn!(
                "{name} in the folder `said` of the data directory is no word of anybody's: {why}"
            );
        }
        let said = |(token, order)| Input::Said(token, order);
        found.orders.into_iter().map(said).collect()
    }

    /// A run in maintenance says nothing, neither of the service nor of the prober; what it read of others stays.
    pub(super) fn set_apart(&mut self, sample: &mut Sample) {
        let judged = match sample.outcome {
            Outcome::Noted | Outcome::Inconclusive(_) => false,
            Outcome::Success | Outcome::Degraded(_) | Outcome::Failure(..) => true,
        };
        let home = self.homes.get(&sample.probe);
        let Some(service) = home.and_then(|home| self.services.get_mut(home)) else {
            return;
        };
        if judged && self.orders.is_worked_on(service, sample) {
            sample.outcome = Outcome::Inconclusive(Cause::Maintenance);
        }
    }

    /// Decides on what somebody said.
    pub(super) fn hear(&mut self, token: String, order: Order) {
        match self.parts.store.knows_slip(&token) {
            Ok(false) => {}
            Ok(true) => {
                if let Err(e) = self.orders.slips.done(&token) {
                    warn!("a slip that was taken before cannot be removed: {e}");
                }
                return;
            }
            // Committing it finds out: a token is there once.
            Err(e) => warn!("whether a slip was taken before cannot be told: {e}"),
        }
        let now = self.parts.clock.now();
        let id = self.orders.next;
        let known = |incident| self.known(incident);
        let decision = match letters::decide(&order, &self.parts.store) {
            Some(decision) => decision,
            None => self.orders.spells.decide(&order, id, now, known),
        };
        let Decision { answer, effect } = &decision;
        info!(said.by = %order.who, "{} said: {answer}", order.who);
        match effect {
            Some(Effect::Begin(spell)) => self.orders.spells.add(spell.clone()),
            Some(Effect::End(ids)) => {
                let ended = self.orders.spells.end_now(ids, &order.who, now);
                self.backlog.heard.ended.extend(ended);
            }
            Some(letters @ (Effect::Retry(_) | Effect::Discard(..))) => {
                self.backlog.heard.letters.push(letters.clone());
            }
            Some(Effect::Ack(_)) | None => {}
        }
        self.orders.next = SaidId(id.0.saturating_add(1));
        let row = SaidRow::new(id, token, order, &decision, now);
        self.backlog.heard.rows.push(row);
    }

    fn known(&self, incident: IncidentId) -> Known {
        if let Some(own) = self.watch.own().filter(|own| own.id == incident) {
            return match own.until {
                None => Known::Open,
                Some(_) => Known::Over,
            };
        }
        let of = |s: &Service| s.incident(incident);
        match self.services.values().find_map(of) {
            Some(open) if open.state == IncidentState::Open => Known::Open,
            Some(_) => Known::Over,
            None if incident.0 > 0 && incident < self.next_incident => Known::Over,
            None => Known::Never,
        }
    }

    /// Ends what is over, and takes up what silences do not keep back any more.
    pub(super) fn lapse(&mut self, now: Timestamp) {
        for ended in self.orders.spells.expire(now) {
            let Spell {
                id, kind, selector, ..
            } = &ended.spell;
            info!("{} {id} of {selector} is over", kind.name());
            self.backlog.heard.ended.push(ended);
        }
        for (id, service) in &mut self.services {
            if service.held.is_empty() && service.lifted.is_empty() {
                continue;
            }
            let finals = service.forget_lifted(now);
            self.backlog.finals.extend(finals);
            let still =
                |incident: &IncidentId| self.orders.silence(service, *incident, now).is_some();
            let lifted: Vec<IncidentId> =
                service.held.keys().copied().filter(|i| !still(i)).collect();
            for incident in lifted {
                if let Some(held) = service.held.remove(&incident) {
                    self.backlog.heard.lifted.push((*id, incident, held));
                }
            }
        }
    }
}

/// Writes down what was said and what came of it, and has told what silences keep back no more.
pub(super) fn write(
    tx: &mut Transaction<'_>,
    heard: &Heard,
    services: &mut HashMap<ServiceId, Service>,
    told: &mut Told,
    now: Timestamp,
) -> Result<(), StoreError> {
    for row in &heard.rows {
        tx.said(row)?;
        if let (What::Ack, Some(incident), false) = (row.what, row.incident, row.refused) {
            told.crowds.ack(incident);
        }
    }
    for effect in &heard.letters {
        letters::write(tx, effect, now)?;
    }
    for Ended { spell, at, by } in &heard.ended {
        tx.end_said(spell.id, *at, by.as_deref().unwrap_or_default())?;
    }
    for (id, incident, held) in &heard.lifted {
        let (Some(service), Some(latest)) = (services.get_mut(id), tx.latest_event(*incident)?)
        else {
            continue;
        };
        let Some(mut event) = after_silence(service, held, latest, now) else {
            continue;
        };
        if event.event != EventKind::Close && event.kind == IncidentKind::Errors {
            let probes = tx.story(*id, event.since, event.cause)?.probes;
            let sum = |of: fn(&ProbeTally) -> u32| probes.iter().map(of).sum();
            (event.verdict.failed, event.verdict.of) = (sum(|p| p.failed), sum(|p| p.of));
            event.verdict.window_s = now.since(event.since).as_secs_f64();
        }
        // What nothing was told of is told when it is bad enough; what people know of goes on being told.
        let mailed = event.event != EventKind::Open || service.thread(&event).is_some();
        if mailed {
            service.lifted.insert(*incident, held.lifted(now));
            told.mailings.tell(*id, &event);
        }
        let people = match mailed {
            true => told.crowds.tell(&service.plan.recipients, *id, &event, now),
            false => told.crowds.note(&event, now),
        };
        told.stories.take(&people, *id, &event, mailed);
    }
    Ok(())
}

/// The event that tells of an incident after a silence; `None` when people know all that matters.
fn after_silence(
    service: &Service,
    held: &Held,
    latest: IncidentEvent,
    now: Timestamp,
) -> Option<IncidentEvent> {
    let incident = service.incident(latest.incident);
    let open = incident.filter(|i| i.state == IncidentState::Open);
    let event = held.tells(open.is_some())?;
    let Some(open) = open else {
        return (latest.event == EventKind::Close).then_some(latest);
    };
    let since = match event {
        EventKind::Open => open.since,
        _ => latest.since,
    };
    Some(IncidentEvent {
        event,
        severity: open.severity,
        at: now,
        since,
        ..latest
    })
}

/// Why an acknowledgement does not outlast an event; `None` when it does.
pub(super) fn ends_ack(event: EventKind) -> Option<&'static str> {
    match event {
        EventKind::Escalate => Some("it got worse"),
        EventKind::Reopen => Some("it came back"),
        EventKind::Open | EventKind::Deescalate | EventKind::Close => None,
    }
}
