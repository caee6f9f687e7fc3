//! The lines of a service and of its probes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::words::moment;
use crate::config::Service;
use crate::engine::{levels, open_incident};
use crate::model::detect::count::Level;
use crate::model::incident::IncidentState;
use crate::model::{ProbeId, Sample, Severity, Timestamp};
use crate::store::{Reader, ServiceRow, StoreError};

/// Runs of this long are counted beside each probe.
const HOUR: Duration = Duration::from_secs(3600);

pub(super) struct ServiceLine {
    pub name: String,
    pub state: &'static str,
    pub incident: Option<String>,
    pub probes: Vec<ProbeLine>,
}

pub(super) struct ProbeLine {
    name: String,
    last: Option<Sample>,
    up: u64,
    down: u64,
    other: u64,
    missing: Option<String>,
    level: Option<Level>,
}

impl ServiceLine {
    pub fn read(
        reader: &Reader,
        service: &Service,
        row: Option<&ServiceRow>,
        state: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let levels = state.map(levels).unwrap_or_default();
        let mut probes = Vec::new();
        for probe in &service.probes {
            let id = row
                .and_then(|row| row.probes.iter().find(|p| p.name == probe.name))
                .map(|p| p.id);
            let mut line = ProbeLine::read(reader, &probe.name, id, now)?;
            let of = levels.iter().find(|(probe, _)| Some(*probe) == id);
            line.level = of.map(|(_, level)| *level);
            probes.push(line);
        }
        probes.extend(
            service
                .not_configured
                .iter()
                .map(|n| ProbeLine::missing(&n.probe, &n.missing)),
        );
        let incident = state.and_then(open_incident);
        let watched = incident.map(|i| {
            format!(
                "incident {} {} since {}",
                i.id,
                i.state.name(),
                moment(i.since)
            )
        });
        let open = incident.filter(|i| i.state == IncidentState::Open);
        let state = match open.map(|i| i.severity) {
            Some(Severity::Major) => "major",
            Some(Severity::Partial) => "partial",
            Some(Severity::Degraded) => "degraded",
            None if service.probes.is_empty() => "not_configured",
            None if probes.iter().all(|p| p.last.is_none()) => "unknown",
            None => "up",
        };
        Ok(Self {
            name: service.name.clone(),
            state,
            incident: watched,
            probes,
        })
    }
}

impl ProbeLine {
    pub fn read(
        reader: &Reader,
        name: &str,
        id: Option<ProbeId>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut line = Self {
            name: name.to_owned(),
            last: None,
            up: 0,
            down: 0,
            other: 0,
            missing: None,
            level: None,
        };
        if let Some(id) = id {
            line.last = reader.last_sample(id)?;
            let tally = reader.tally(id, now - HOUR)?;
            (line.up, line.down, line.other) = (tally.up, tally.down, tally.other);
        }
        Ok(line)
    }

    pub fn missing(name: &str, missing: &str) -> Self {
        Self {
            name: name.to_owned(),
            last: None,
            up: 0,
            down: 0,
            other: 0,
            missing: Some(missing.to_owned()),
            level: None,
        }
    }

    pub fn word(&self) -> String {
        match (&self.missing, &self.last) {
            (Some(missing), _) => format!("not configured: {missing} is not set"),
            (None, None) => "not run yet".to_owned(),
            (None, Some(last)) => {
                let kind = last
                    .outcome
                    .kind()
                    .map_or(String::new(), |k| format!(" ({k})"));
                let level = self
                    .level
                    .map_or(String::new(), |l| format!(": {}", words(&l)));
                format!("{}{kind}{level}", last.outcome.name())
            }
        }
    }

    pub fn cells(&self) -> [String; 6] {
        let at = self.last.as_ref().map_or(String::new(), |l| moment(l.at));
        let took = self.last.as_ref().map_or(String::new(), |l| {
            format!("{:.0} ms", f64::from(l.total_us) / 1e3)
        });
        let counts = if self.missing.is_some() {
            String::new()
        } else {
            format!("{} / {} / {}", self.up, self.down, self.other)
        };
        [
            String::new(),
            self.name.clone(),
            self.word(),
            at,
            took,
            counts,
        ]
    }

    pub fn to_json(&self) -> Value {
        let last = self.last.as_ref();
        json!({
            "probe": self.name,
            "state": self.word(),
            "last_run": last.map(|l| l.at.to_string()),
            "total_ms": last.map(|l| f64::from(l.total_us) / 1e3),
            "evidence": last.and_then(|l| l.evidence.as_ref()).map(|e| e.text.clone()),
            "level": self.level.map(|l| json!({
                "now": l.now,
                "usual": l.usual,
                "raised_since": l.raised_since.map(|at| at.to_string()),
            })),
            "hour": { "up": self.up, "down": self.down, "unknown": self.other },
        })
    }
}

/// `45, usually 3, raised since 14:02`.
fn words(level: &Level) -> String {
    match level.raised_since {
        Some(since) => format!("{}, raised since {}", level.words(), moment(since)),
        None => level.words(),
    }
}
