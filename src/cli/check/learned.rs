//! How often each service usually fails: as the daemon has learned it, where it has, and else as it is assumed.

use std::collections::HashMap;

use crate::config::{Config, Service};
use crate::engine;
use crate::model::ProbeId;
use crate::model::forecast::Watch;
use crate::store::{Reader, ServiceRow, StoreError};

/// What is known of all services.
#[derive(Debug, Default)]
pub(super) struct Learned(HashMap<String, f64>);

/// How often a service usually fails, as a share of its runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Usual {
    /// As it was seen to.
    Learned(f64),
    /// As most do.
    Assumed,
}

impl Learned {
    /// From the database of the configuration. Where there is none, or it cannot be read, nothing is known: a check is of
    /// use before the first start, too.
    pub fn read(config: &Config) -> Self {
        let reader = Reader::open(&config.data_dir).ok();
        let rates = reader.and_then(|reader| rates(&reader, config).ok());
        Self(rates.unwrap_or_default())
    }

    /// How often a service usually fails.
    pub fn of(&self, service: &Service) -> Usual {
        let known = self.0.get(&service.name);
        known.map_or(Usual::Assumed, |rate| Usual::Learned(*rate))
    }
}

fn rates(reader: &Reader, config: &Config) -> Result<HashMap<String, f64>, StoreError> {
    let states: HashMap<_, _> = reader
        .states()?
        .into_iter()
        .map(|(id, json, _)| (id, json))
        .collect();
    let mut rates = HashMap::new();
    for row in reader.services()? {
        let configured = config.services.iter().find(|s| s.name == row.name);
        let (Some(service), Some(state)) = (configured, states.get(&row.id)) else {
            continue;
        };
        let rate = engine::learned(state, &judged(service, &row));
        rates.extend(rate.map(|rate| (row.name, rate)));
    }
    Ok(rates)
}

/// The numbers of its probes that are judged.
fn judged(service: &Service, row: &ServiceRow) -> Vec<ProbeId> {
    let known = row.probes.iter().filter(|known| {
        let probe = service.probes.iter().find(|p| p.name == known.name);
        probe.is_some_and(|p| p.plan.check.judged().counts())
    });
    known.map(|known| known.id).collect()
}

impl Usual {
    /// 0 to 1.
    pub fn rate(self) -> f64 {
        match self {
            Usual::Learned(rate) => rate,
            Usual::Assumed => Watch::USUAL,
        }
    }

    /// Whether it was seen.
    pub fn is_learned(self) -> bool {
        matches!(self, Usual::Learned(_))
    }

    /// `learned 0.42 %`, `assumed 0.5 %`.
    pub fn words(self) -> String {
        let percent = format!("{:.2}", self.rate() * 100.0);
        let percent = percent.trim_end_matches('0').trim_end_matches('.');
        let word = if self.is_learned() {
            "learned"
        } else {
            "assumed"
        };
        format!("{word} {percent} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_where_a_rate_is_from() {
        assert_eq!(Usual::Assumed.words(), "assumed 0.5 %");
        assert_eq!(Usual::Learned(0.0042).words(), "learned 0.42 %");
        assert_eq!(Usual::Learned(0.05).words(), "learned 5 %");
    }
}
