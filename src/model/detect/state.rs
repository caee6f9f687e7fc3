//! What the error-rate detector remembers of a service between two runs, and how that follows the rules.

use std::collections::HashSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bank::Bank;
use super::baseline::Baseline;
use super::blips::{Belief, Shared};
use super::confirm::Rechecks;
use super::is_default;
use super::persistence::{Persistence, Streak};
use super::plain::{Plain, Tally};
use super::recovery::Recovery;
use super::rules::ServiceRules;
use super::severity::{Trend, of_probe};
use crate::model::life::Turn;
use crate::model::{Confirm, ProbeId, Severity, Timestamp, Verdict};

/// A re-check that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recheck {
    /// Of which probe.
    pub probe: ProbeId,
    /// Not before this moment.
    pub at: Timestamp,
}

/// One run, as the detector is told of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub start: Timestamp,
    /// The start in seconds since the epoch.
    pub start_s: f64,
    pub known: Timestamp,
    pub failed: bool,
    pub recheck: bool,
    /// How long a recovered service is watched now.
    pub watch: Duration,
}

/// What the detector has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    /// The rate has risen; `again` when the last incident is still watched.
    Risen {
        again: bool,
        severity: Severity,
        since: Timestamp,
        verdict: Verdict,
    },
    /// It has become major while open.
    Worse { since: Timestamp, verdict: Verdict },
    /// It is not major any more, and goes on.
    Better { since: Timestamp, verdict: Verdict },
    /// It has come down.
    Recovered {
        since: Timestamp,
        episode: Episode,
        usual: f64,
    },
    /// None of the probes that saw it is left: nobody can tell whether it goes on.
    Retired {
        since: Timestamp,
        episode: Episode,
        usual: f64,
    },
}

impl Change {
    /// What it means for an incident.
    pub fn turn(self) -> Turn {
        match self {
            Change::Risen { .. } => Turn::Rise,
            Change::Worse { .. } => Turn::Worsen,
            Change::Better { .. } => Turn::Improve,
            Change::Recovered { .. } => Turn::Recover,
            Change::Retired { .. } => Turn::Retire,
        }
    }
}

/// What is kept of one open period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub severity: Severity,
    pub failed: u32,
    pub of: u32,
}

/// The runs of one probe from the onset it saw to the end of the open period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// Failed ones.
    pub failed: u32,
    /// All.
    pub of: u32,
}

impl Part {
    pub(super) fn add(&mut self, failed: bool) {
        self.of = self.of.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(failed));
    }

    /// How bad it is for this probe; `None` when it works nearly as usual.
    pub fn severity(&self) -> Option<Severity> {
        of_probe(self.failed, self.of)
    }
}

/// Where the service stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    #[default]
    Well,
    Open {
        episode: Episode,
        #[serde(rename = "worsening")]
        trend: Trend,
    },
    Watched {
        since: Timestamp,
    },
}

/// What is known of one probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProbeState {
    /// Which one.
    pub id: ProbeId,
    /// Where its rules stood last; a hint, checked at each use.
    #[serde(skip)]
    pub rule: usize,
    #[serde(default, skip_serializing_if = "is_default")]
    pub latest: Option<Timestamp>,
    pub baseline: Baseline,
    #[serde(default, skip_serializing_if = "is_default")]
    pub bank: Bank,
    #[serde(default, skip_serializing_if = "is_default")]
    pub belief: Belief,
    #[serde(default, skip_serializing_if = "is_default")]
    pub streak: Streak,
    #[serde(default, skip_serializing_if = "is_default")]
    pub rechecks: Rechecks,
    #[serde(default, skip_serializing_if = "is_default")]
    pub recovery: Recovery,
    #[serde(default, skip_serializing_if = "is_default")]
    pub affected: bool,
    /// Whether its latest folded run failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failed_last: bool,
    /// Its part in the latest open period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub part: Part,
    /// What a plain rule counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tally: Tally,
}

impl ProbeState {
    fn new(id: ProbeId) -> Self {
        Self {
            id,
            rule: 0,
            latest: None,
            baseline: Baseline::default(),
            bank: Bank::default(),
            belief: Belief::default(),
            streak: Streak::default(),
            rechecks: Rechecks::default(),
            recovery: Recovery::default(),
            affected: false,
            failed_last: false,
            part: Part::default(),
            tally: Tally::default(),
        }
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.latest
            .iter_mut()
            .chain(self.bank.moments())
            .chain(self.recovery.moments())
            .chain(self.tally.moments())
    }
}

/// The detector of one service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Detector {
    /// By id.
    pub(super) probes: Vec<ProbeState>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) pooled: Bank,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) shared: Shared,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) persistence: Persistence,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) phase: Phase,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) plain: Plain,
}

impl Detector {
    /// The state of a probe; `None` for a stranger.
    pub fn probe(&self, id: ProbeId) -> Option<&ProbeState> {
        let index = self.probes.binary_search_by_key(&id, |p| p.id).ok()?;
        self.probes.get(index)
    }

    /// The same, to be changed.
    pub fn probe_mut(&mut self, id: ProbeId) -> Option<&mut ProbeState> {
        let index = self.probes.binary_search_by_key(&id, |p| p.id).ok()?;
        self.probes.get_mut(index)
    }

    /// The probes that an open incident is about.
    pub fn affected(&self) -> impl Iterator<Item = ProbeId> + '_ {
        let open = matches!(self.phase, Phase::Open { .. });
        let affected = self.probes.iter().filter(move |p| open && p.affected);
        affected.map(|p| p.id)
    }

    /// All probes, by id.
    pub fn probes(&self) -> &[ProbeState] {
        &self.probes
    }

    /// The watch over a recovered service ends: the next rise is a new incident.
    pub fn end_watch(&mut self) {
        if matches!(self.phase, Phase::Watched { .. }) {
            self.phase = Phase::Well;
        }
    }

    /// Takes the probes of the rules in. `Some` when that ends an open incident: none of its affected probes is left.
    pub fn reconcile(&mut self, rules: &ServiceRules, now: Timestamp) -> Option<Change> {
        self.adopt(rules);
        let usual = self.usual();
        let wanted: HashSet<ProbeId> = rules.probes.iter().map(|r| r.id).collect();
        let before = self.probes.len();
        self.probes.retain(|p| wanted.contains(&p.id));
        let removed = self.probes.len() < before;
        let known: HashSet<ProbeId> = self.probes.iter().map(|p| p.id).collect();
        let new = wanted.difference(&known);
        self.probes
            .reserve_exact(wanted.len().saturating_sub(known.len()));
        self.probes.extend(new.map(|id| ProbeState::new(*id)));
        self.probes.sort_unstable_by_key(|p| p.id);
        for rule in rules.probes.iter().filter(|r| r.confirm == Confirm::Off) {
            if let Some(probe) = self.probe_mut(rule.id) {
                probe.rechecks.clear();
            }
        }
        match self.phase {
            Phase::Open { episode, .. } if removed && !self.probes.iter().any(|p| p.affected) => {
                self.close(now);
                Some(Change::Retired {
                    since: now,
                    episode,
                    usual,
                })
            }
            Phase::Open { .. } => None,
            // The evidence over all probes cannot be parted into what the removed ones gave and the rest.
            _ => {
                if removed {
                    self.pooled = Bank::default();
                }
                None
            }
        }
    }

    /// When the pending re-checks are due, by probe.
    pub fn dues(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.probes.iter_mut().flat_map(|p| p.rechecks.due_mut())
    }

    /// All other moments that are kept.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let phase = match &mut self.phase {
            Phase::Well => None.into_iter().chain(None),
            Phase::Watched { since } => Some(since).into_iter().chain(None),
            Phase::Open { trend, .. } => None.into_iter().chain(trend.moments().next()),
        };
        self.probes
            .iter_mut()
            .flat_map(ProbeState::moments)
            .chain(self.pooled.moments())
            .chain(phase)
            .chain(self.plain.moments())
    }

    /// The moments that are kept in seconds.
    pub fn seconds(&mut self) -> impl Iterator<Item = &mut f64> {
        self.probes
            .iter_mut()
            .flat_map(|p| p.belief.moments().chain(p.streak.moments()))
            .chain(self.shared.moments())
    }

    /// Whether an incident is open, or some evidence speaks for one: from the first failure until it is paid back.
    pub fn suspects(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
            || !self.pooled.is_idle()
            || self.plain.suspects()
            || self
                .probes
                .iter()
                .any(|p| !(p.bank.is_idle() || self.plain.judges()) || p.tally.suspects())
    }

    /// The usual failure rate over all probes; 0 without any.
    pub fn usual(&self) -> f64 {
        let sum: f64 = self.probes.iter().map(|p| p.baseline.usual()).sum();
        sum / self.probes.len().max(1) as f64
    }

    /// An incident ends: what was suspected in it is forgotten, and teaches nothing.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.phase = Phase::Watched { since: now };
        self.pooled = Bank::default();
        self.shared.clear();
        for probe in &mut self.probes {
            probe.affected = false;
            probe.rechecks.clear();
            probe.baseline.reject();
            probe.streak.clear();
            probe.belief.clear();
            probe.bank = Bank::default();
        }
    }
}
