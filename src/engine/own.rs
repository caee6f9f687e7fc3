//! The letter about the prober itself: to everybody who is told of any service.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Engine;
use crate::model::blind::OwnIncident;
use crate::model::life::Theme;
use crate::model::notification::{Compose, Notification, Pace, ProbeTally, Reason, Thread};
use crate::model::said::Remarks;
use crate::model::scene::Scene;
use crate::model::{Fault, IncidentEvent, ServiceId, Timestamp};
use crate::store::{About, StoreError, Transaction};

/// A letter about the prober itself.
#[derive(Debug)]
pub(super) struct OwnLetter {
    pub notification: Notification,
    pub recipients: BTreeSet<String>,
}

impl OwnLetter {
    /// Puts it into the outbox, once for each recipient; how many there are.
    pub fn write(
        &self,
        tx: &mut Transaction<'_>,
        compose: &dyn Compose,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let event = self.notification.event;
        let about = About {
            incident: event.incident,
            sequence: event.sequence,
            event: event.event,
        };
        for recipient in &self.recipients {
            let letter = compose.compose(&self.notification, recipient);
            tx.letter(Some(about), &letter, now)?;
        }
        Ok(self.recipients.len())
    }
}

impl Engine {
    /// To everybody who is told of any service.
    pub(super) fn own_letter(&self, own: &OwnIncident, event: IncidentEvent) -> OwnLetter {
        let probes = own.services.iter().filter(|(_, runs)| runs.unknown > 0);
        let probes = probes.filter_map(|(id, runs)| {
            Some(ProbeTally {
                id: None,
                name: self.services.get(id)?.plan.title.clone(),
                failed: runs.unknown,
                of: runs.all,
            })
        });
        let reasons = own.kinds().into_iter().map(|(kind, count)| Reason {
            kind,
            fault: Fault::Provider,
            status: None,
            count,
        });
        let services = self.services.values();
        let everybody = services.flat_map(|s| s.plan.recipients.first_called());
        let title = format!("watchfire at {}", self.parts.location);
        OwnLetter {
            notification: Notification {
                event,
                thread: Thread {
                    incident: event.incident,
                    sequence: own.thread_root.unwrap_or(event.sequence),
                    title: title.clone(),
                    theme: Theme {
                        kind: event.kind,
                        cause: None,
                    },
                    severity: event.severity,
                },
                opened_at: own.opened_at,
                reopened: own.reopened,
                service: ServiceId::PROBER_NAME.to_owned(),
                title,
                reasons: reasons.collect(),
                probes: probes.collect(),
                concerned: Vec::new(),
                rule: None,
                last_failure: None,
                location: self.parts.location.clone(),
                reopen_within: Duration::ZERO,
                pace: Pace::Steps,
                fellows: Vec::new(),
                common: None,
                works: Vec::new(),
                remarks: Remarks::default(),
                scene: Scene::default(),
            },
            recipients: everybody.map(str::to_owned).collect(),
        }
    }
}
