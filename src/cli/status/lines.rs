//! The lines of a service and of its probes.

use std::time::Duration;

use serde_json::{Value, json};

use super::claims::{self, End, Page};
use crate::cli::said::acks;
use crate::config::Service;
use crate::engine::{incidents, levels};
use crate::model::detect::count::Level;
use crate::model::incident::IncidentState;
use crate::model::life::OpenIncident;
use crate::model::{IncidentKind, Outcome, ProbeId, Sample, Severity, Standing, Timestamp};
use crate::report::words::moment;
use crate::store::{NoticeRow, Reader, SaidRow, ServiceRow, StoreError};

/// Runs of this long are counted beside each probe.
const HOUR: Duration = Duration::from_secs(3600);

pub(super) struct ServiceLine {
    pub name: String,
    pub state: &'static str,
    pub incident: Option<String>,
    /// Troubles on our side.
    pub notices: Vec<String>,
    /// Who acknowledged it, as an object; null when nobody did.
    pub ack: Value,
    pub probes: Vec<ProbeLine>,
    /// What its status pages claim.
    pub pages: Vec<Page>,
    /// What of it ends soon.
    pub ends: Vec<End>,
}

pub(super) struct ProbeLine {
    name: String,
    last: Option<Sample>,
    up: u64,
    down: u64,
    other: u64,
    missing: Option<String>,
    level: Option<Level>,
    /// What is claimed of it; of a probe that reads a page, what that claims of all.
    claimed: Option<Standing>,
    /// Whether its runs say something of the service.
    judged: bool,
}

impl ServiceLine {
    pub fn read(
        reader: &Reader,
        service: &Service,
        row: Option<&ServiceRow>,
        state: Option<&str>,
        notices: &[NoticeRow],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let pages = claims::pages(reader, service, row, now)?;
        let ends = row.map_or_else(Vec::new, |row| claims::ends(notices, row.id, now));
        let levels = state.map(levels).unwrap_or_default();
        let mut probes = Vec::new();
        for probe in &service.probes {
            let id = row
                .and_then(|row| row.probes.iter().find(|p| p.name == probe.name))
                .map(|p| p.id);
            let mut line = ProbeLine::read(reader, &probe.name, id, now)?;
            let of = levels.iter().find(|(probe, _)| Some(*probe) == id);
            line.level = of.map(|(_, level)| *level);
            let own = pages.iter().find(|page| page.is_of(&probe.name));
            line.claimed = own.map_or_else(
                || claims::of_probe(&pages, &probe.name),
                |p| Some(p.overall()),
            );
            line.judged = probe.plan.check.judged().counts();
            probes.push(line);
        }
        probes.extend(
            service
                .not_configured
                .iter()
                .map(|n| ProbeLine::missing(&n.probe, &n.missing)),
        );
        let incidents = state.map(incidents).unwrap_or_default();
        let (ours, theirs): (Vec<&OpenIncident>, Vec<&OpenIncident>) = incidents
            .iter()
            .partition(|i| i.theme.kind == IncidentKind::Notice);
        // That which the state comes from, before one that is only watched.
        let shown = theirs
            .iter()
            .max_by_key(|i| (i.state == IncidentState::Open, i.severity));
        let ack = match shown {
            Some(incident) => reader.ack(incident.id)?,
            None => None,
        };
        let acked = |ack: &SaidRow| format!(", ack by {}", ack.who);
        let acked = ack.as_ref().map_or(String::new(), acked);
        let open = |i: &&&OpenIncident| i.state == IncidentState::Open;
        let state = match theirs.iter().filter(open).map(|i| i.severity).max() {
            Some(Severity::Major) => "major",
            Some(Severity::Partial) => "partial",
            Some(Severity::Degraded) => "degraded",
            None if service.probes.is_empty() => "not_configured",
            None if probes.iter().all(ProbeLine::sees_nothing) => "unknown",
            None => "up",
        };
        Ok(Self {
            name: service.name.clone(),
            state,
            incident: shown
                .map(|i| words_of(i) + &watch_of(i, service.alert.reopen_within) + &acked),
            ack: acks::to_json(ack.as_slice()),
            notices: ours
                .into_iter()
                .filter(|i| open(&i))
                .map(words_of)
                .collect(),
            probes,
            pages,
            ends,
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
            claimed: None,
            judged: true,
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
            claimed: None,
            judged: true,
        }
    }

    /// Whether it says nothing of the service: it is not judged, has not run, or hears only of a trouble on our side.
    fn sees_nothing(&self) -> bool {
        let counts = |last: &Sample| last.outcome.counts().is_some();
        !self.judged || !self.last.as_ref().is_some_and(counts)
    }

    pub fn word(&self) -> String {
        match (&self.missing, &self.last) {
            (Some(missing), _) => format!("not configured: {missing} is not set"),
            (None, None) => "not run yet".to_owned(),
            (None, Some(last)) => {
                let kind = match last.outcome {
                    Outcome::Inconclusive(cause) => format!(" ({})", cause.name()),
                    outcome => outcome.kind().map_or(String::new(), |k| format!(" ({k})")),
                };
                let level = self
                    .level
                    .map_or(String::new(), |l| format!(": {}", words(&l)));
                let claimed = match self.claimed {
                    Some(standing) if last.outcome == Outcome::Noted => format!(": {standing}"),
                    Some(standing) if standing.admits() => format!(", page says {standing}"),
                    _ => String::new(),
                };
                format!("{}{kind}{level}{claimed}", last.outcome.name())
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
            "claimed": self.claimed.map(Standing::name),
            "hour": { "up": self.up, "down": self.down, "unknown": self.other },
        })
    }
}

/// `incident 7 open since 14:02`, `incident 8 (auth) open since 14:02`.
fn words_of(incident: &OpenIncident) -> String {
    let cause = incident
        .theme
        .cause
        .map_or_else(String::new, |cause| format!(" ({cause})"));
    format!(
        "incident {}{cause} {} since {}",
        incident.id,
        incident.state,
        moment(incident.since)
    )
}

/// `, watched until 15:02` of a recovered incident.
fn watch_of(incident: &OpenIncident, reopen_within: Duration) -> String {
    let until = incident.watched_until(reopen_within);
    until.map_or_else(String::new, |at| format!(", watched until {}", moment(at)))
}

/// `45, usually 3, raised since 14:02`.
fn words(level: &Level) -> String {
    match level.raised_since {
        Some(since) => format!("{}, raised since {}", level.words(), moment(since)),
        None => level.words(),
    }
}
