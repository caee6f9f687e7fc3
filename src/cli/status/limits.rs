//! What is left of providers' rate limits.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::config::Config;
use crate::model::Timestamp;
use crate::model::headroom::{HORIZON, Outlook, outlook};
use crate::store::{Reader, ServiceRow, StoreError};

/// The limits of all services: service, probe, outlook.
pub(super) struct Limits(Vec<(String, String, Outlook)>);

impl Limits {
    pub fn read(
        reader: &Reader,
        config: &Config,
        rows: &HashMap<String, ServiceRow>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut limits = Vec::new();
        for service in &config.services {
            let known = rows.get(&service.name).map_or(&[][..], |r| &r.probes);
            for probe in known {
                for limit in reader.limits(probe.id, now - HORIZON)? {
                    let seen = outlook(&limit.resource, &limit.marks, now);
                    limits.extend(seen.map(|o| (service.name.clone(), probe.name.clone(), o)));
                }
            }
        }
        Ok(Self(limits))
    }

    /// A line for each limit that a person should know of.
    pub fn lines(&self) -> Vec<String> {
        let worth = self.0.iter().filter(|(.., o)| o.is_worth_telling());
        worth
            .map(|(service, probe, outlook)| format!("{service}/{probe}: {outlook}"))
            .collect()
    }

    /// All limits of a service.
    pub fn to_json(&self, service: &str) -> Value {
        let own = self.0.iter().filter(|(s, ..)| s == service);
        let values = own.map(|(_, probe, outlook)| {
            json!({
                "probe": probe,
                "resource": outlook.resource,
                "limit": outlook.lowest.limit,
                "lowest_remaining": outlook.lowest.remaining,
                "lowest_share": outlook.share(),
                "lowest_at": outlook.lowest.at.to_string(),
                "used_up_at": outlook.used_up.map(|at| at.to_string()),
            })
        });
        values.collect()
    }
}
