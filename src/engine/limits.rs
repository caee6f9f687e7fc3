//! Warns when little is left of a provider's rate limit: once for each threshold.

use std::collections::HashMap;

use tracing::warn;

use crate::model::headroom::Alarm;
use crate::model::{Headroom, ProbeId, Sample};

/// Limits that are watched of one probe; what a server names beyond that is not.
const MOST: usize = 12;

/// What has been told of each limit.
#[derive(Debug, Default)]
pub(super) struct Alarms(HashMap<ProbeId, Vec<(String, Alarm)>>);

impl Alarms {
    /// Takes what a reply said; `name` is `service/probe`.
    pub fn take(&mut self, sample: &Sample, limits: &[Headroom], name: impl Fn() -> String) {
        for limit in limits {
            let Some(share) = limit.share() else { continue };
            let known = self.0.entry(sample.probe).or_default();
            let index = known.iter().position(|(r, _)| *r == limit.resource);
            let index = index.unwrap_or_else(|| {
                if known.len() < MOST {
                    known.push((limit.resource.clone(), Alarm::default()));
                }
                known.len() - 1
            });
            let Some((resource, alarm)) = known.get_mut(index) else {
                continue;
            };
            if *resource != limit.resource {
                continue;
            }
            if let Some(percent) = alarm.take(share, sample.known_at()) {
                let name = name();
                warn!(
                    probe.name = %name,
                    "the replies to {name} say that less than {percent} % of its limit of {resource} is left: {} of {}",
                    limit.remaining, limit.limit.unwrap_or_default()
                );
            }
        }
    }
}
