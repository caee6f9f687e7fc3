//! Who was told what, as far as it decides what is told next. Committed with the letters, so that a restart tells nothing twice.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cap::Caps;
use crate::model::crowd::{Crowds, Joining};
use crate::model::mailing::Mailings;
use crate::model::post::Post;
use crate::model::roster::Roster;
use crate::model::story::{Audience, Member, Reminding};
use crate::model::{IncidentEvent, IncidentKind, ServiceId, Timestamp};
use crate::store::StoreError;

use super::Parts;
use super::said::Orders;
use super::service::Service;

/// Key of what was told among the single facts of the database.
pub(super) const TOLD: &str = "told";

/// Who was told what. Committed with the letters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    pub stories: Audience,
    #[serde(default)]
    pub mailings: Mailings,
    #[serde(default)]
    pub post: Post,
    #[serde(default)]
    pub crowds: Crowds,
    #[serde(default)]
    pub caps: Caps,
}

impl Told {
    /// Whether there is something to tell now.
    pub fn is_due(
        &self,
        now: Timestamp,
        services: &HashMap<ServiceId, Service>,
        orders: &Orders,
    ) -> bool {
        let gathered = || {
            self.stories.waits()
                && self
                    .stories
                    .is_due(now, suspected(services), services.len())
        };
        self.mailings.is_due(now)
            || gathered()
            || self.caps.is_due(now)
            || self.crowds.joins(on_duty(services, orders, now), now)
            || self
                .stories
                .reminds(now, &self.every(services, orders, now))
    }

    /// When it is first reminded of an incident.
    fn every<'t>(
        &'t self,
        services: &'t HashMap<ServiceId, Service>,
        orders: &'t Orders,
        now: Timestamp,
    ) -> impl Fn(&Member) -> Option<Duration> + use<'t> {
        every(&self.crowds, &self.mailings, services, orders, now)
    }

    /// Whom to remind of what is still going on.
    pub fn remind(
        &mut self,
        services: &HashMap<ServiceId, Service>,
        orders: &Orders,
        now: Timestamp,
    ) -> Vec<(String, Reminding)> {
        let every = every(&self.crowds, &self.mailings, services, orders, now);
        self.stories.remind(now, &every)
    }

    /// Has those told who are called, or come on duty, while something is open.
    pub fn join(
        &mut self,
        services: &HashMap<ServiceId, Service>,
        orders: &Orders,
        now: Timestamp,
    ) -> Vec<Joining> {
        let joining = self.crowds.join(on_duty(services, orders, now), now);
        for Joining {
            service,
            event,
            people,
        } in &joining
        {
            self.stories.take(people, *service, event, true);
        }
        joining
    }

    /// The wall clock was stepped by so much.
    pub fn shift(&mut self, micros: i64) {
        self.stories.shift(micros);
        self.mailings.shift(micros);
        self.post.shift(micros);
        self.crowds.shift(micros);
        self.caps.shift(micros);
    }
}

/// Who is to know of an incident of a service; nobody while it is silent.
fn on_duty<'s>(
    services: &'s HashMap<ServiceId, Service>,
    orders: &'s Orders,
    now: Timestamp,
) -> impl Fn(&IncidentEvent, ServiceId) -> Option<&'s Roster> {
    move |event, service| {
        let service = services.get(&service)?;
        let silent = orders.silence(service, event.incident, now).is_some();
        (!silent).then_some(&service.plan.recipients)
    }
}

/// When it is first reminded of an incident: never of one on which somebody works, that is silent, or that keeps coming
/// back.
fn every<'t>(
    crowds: &'t Crowds,
    mailings: &'t Mailings,
    services: &'t HashMap<ServiceId, Service>,
    orders: &'t Orders,
    now: Timestamp,
) -> impl Fn(&Member) -> Option<Duration> + use<'t> {
    move |member| {
        let service = services.get(&member.service)?;
        let every = service.plan.recipients.remind_every?;
        let seldom = crowds.is_acked(member.incident)
            || mailings.comes_back(member.service, IncidentKind::Errors)
            || orders.silence(service, member.incident, now).is_some();
        (!seldom).then_some(every)
    }
}

/// Services under suspicion without an open incident.
pub(super) fn suspected(services: &HashMap<ServiceId, Service>) -> usize {
    let suspected = |s: &&Service| s.state.suspects() && s.state.affected().next().is_none();
    services.values().filter(suspected).count()
}

/// What an earlier run of the daemon has told, and left untold.
pub(super) fn load(parts: &Parts) -> Result<Told, StoreError> {
    let kept = parts.store.meta(TOLD)?;
    // What cannot be read is of another version; its incidents begin new threads.
    Ok(kept
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default())
}
