//! The error-rate detector of a service: has its failure rate really risen, and has it really come down again?
//!
//! A bank of CUSUM sums for each probe, and one over all of them, weigh each run against the probe's own usual rate
//! and against the blips that networks have. A suspicion asks for re-checks at once. Each run costs the same, however
//! long the history; a success while nothing is suspected costs almost nothing.

use serde::{Deserialize, Serialize};

use super::bank::{Bank, Sizes};
use super::baseline::Baseline;
use super::blips::{Belief, FAILS_IN_BLIP, Lengths, Shared, Streak};
use super::confirm::Rechecks;
use super::recovery::Recovery;
use super::rules::{ProbeRules, ServiceRules};
use super::severity::{Worsening, of_rate};
use super::{is_default, seconds_between};
use crate::model::{Confirm, ProbeId, Severity, Timestamp, Verdict};

/// While a recovered service is watched, so much less evidence reopens its incident, in nats.
const REOPEN_DISCOUNT: f64 = 4.0;
/// What the sums over all probes need on top of that.
const REOPEN_POOLED: f64 = 0.7;
/// So many clean runs in a row, and a recovery is worth a re-check.
const CLEAN_BEFORE_RECHECK: u32 = 2;
/// So many cheap siblings are asked about the failure of a costly probe.
const SIBLINGS_ASKED: usize = 4;

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
    pub known: Timestamp,
    pub failed: bool,
    pub recheck: bool,
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
    /// It has come down.
    Recovered {
        since: Timestamp,
        episode: Episode,
        usual: f64,
    },
}

/// What is kept of one open period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub severity: Severity,
    pub failed: u32,
    pub of: u32,
}

/// Where the service stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    #[default]
    Well,
    Open {
        episode: Episode,
        worsening: Worsening,
    },
    Watched {
        since: Timestamp,
    },
}

/// What is known of one probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProbeState {
    pub id: ProbeId,
    /// Where its rules stood last; a hint, checked at each use.
    #[serde(skip)]
    rule: usize,
    #[serde(default, skip_serializing_if = "is_default")]
    pub latest: Option<Timestamp>,
    pub baseline: Baseline,
    #[serde(default, skip_serializing_if = "is_default")]
    bank: Bank,
    #[serde(default, skip_serializing_if = "is_default")]
    belief: Belief,
    #[serde(default, skip_serializing_if = "is_default")]
    streak: Streak,
    #[serde(default, skip_serializing_if = "is_default")]
    pub rechecks: Rechecks,
    #[serde(default, skip_serializing_if = "is_default")]
    recovery: Recovery,
    #[serde(default, skip_serializing_if = "is_default")]
    affected: bool,
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
        }
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.latest
            .iter_mut()
            .chain(self.bank.moments())
            .chain(self.belief.moments())
            .chain(self.streak.moments())
            .chain(self.rechecks.moments())
            .chain(self.recovery.moments())
    }
}

/// The detector of one service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Detector {
    /// By id.
    probes: Vec<ProbeState>,
    #[serde(default, skip_serializing_if = "is_default")]
    pooled: Bank,
    #[serde(default, skip_serializing_if = "is_default")]
    shared: Shared,
    #[serde(default, skip_serializing_if = "is_default")]
    lengths: Lengths,
    #[serde(default, skip_serializing_if = "is_default")]
    phase: Phase,
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
        let before = self.probes.len();
        let wanted = |id: ProbeId| rules.probes.iter().any(|r| r.id == id);
        let usual = self.usual();
        self.probes.retain(|p| wanted(p.id));
        let removed = self.probes.len() < before;
        for rule in &rules.probes {
            if let Err(index) = self.probes.binary_search_by_key(&rule.id, |p| p.id) {
                self.probes.insert(index, ProbeState::new(rule.id));
            }
            if let (Confirm::Off, Some(probe)) = (rule.confirm, self.probe_mut(rule.id)) {
                probe.rechecks.clear();
            }
        }
        match self.phase {
            Phase::Open { episode, .. } if removed && !self.probes.iter().any(|p| p.affected) => {
                self.close(now);
                Some(Change::Recovered {
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

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let phase = match &mut self.phase {
            Phase::Well => None.into_iter().chain(None),
            Phase::Watched { since } => Some(since).into_iter().chain(None),
            Phase::Open { worsening, .. } => None.into_iter().chain(worsening.moments().next()),
        };
        self.probes
            .iter_mut()
            .flat_map(ProbeState::moments)
            .chain(self.pooled.moments())
            .chain(self.shared.moments())
            .chain(phase)
    }

    /// The usual failure rate over all probes; 0 without any.
    pub fn usual(&self) -> f64 {
        let sum: f64 = self.probes.iter().map(|p| p.baseline.usual()).sum();
        sum / self.probes.len().max(1) as f64
    }

    /// Takes one run in. A stranger's run is ignored.
    pub fn take(
        &mut self,
        rules: &ServiceRules,
        id: ProbeId,
        run: Run,
        asked: &mut Vec<Recheck>,
    ) -> Option<Change> {
        let index = self.probes.binary_search_by_key(&id, |p| p.id).ok()?;
        let probe = self.probes.get_mut(index)?;
        let rule = rule_of(rules, probe)?;
        probe.latest = probe.latest.max(Some(run.start));
        if run.recheck {
            probe.rechecks.answered();
        } else {
            probe.baseline.suspend(run.failed);
        }
        let change = if matches!(self.phase, Phase::Open { .. }) {
            self.take_open(rules, rule, index, run, asked)
        } else {
            self.take_well(rules, rule, index, run, asked)
        };
        if run.failed && !rule.is_cheap() && change.is_none() {
            self.ask_siblings(rules, id, run.known, asked);
        }
        change
    }

    /// A run while no incident is open: weigh it, and see whether that is enough.
    fn take_well(
        &mut self,
        rules: &ServiceRules,
        rule: &ProbeRules,
        index: usize,
        run: Run,
        asked: &mut Vec<Recheck>,
    ) -> Option<Change> {
        let probe = self.probes.get_mut(index)?;
        let tau = self.lengths.tau();
        let own = probe.belief.at(run.start, tau);
        let quiet = !run.failed && probe.bank.is_idle() && self.pooled.is_idle();
        let shared = if quiet {
            0.0
        } else {
            self.shared.at(run.start, tau)
        };
        if !quiet {
            let usual = probe.baseline.usual();
            let sizes: Sizes = rules.sizes();
            let noise = |blip: f64| 1.0 - (1.0 - usual) * (1.0 - FAILS_IN_BLIP * blip);
            probe.bank.add(run.failed, noise(own), run.start, &sizes);
            self.pooled
                .add(run.failed, noise(own.max(shared)), run.start, &sizes);
        }
        probe.belief.learn(run.failed, own, run.start);
        if run.failed {
            self.shared.fail(probe.id, shared, run.start);
            probe.streak.fail(run.start, rule.interval_seconds());
            probe.affected = true;
        } else {
            self.shared.pass(run.start);
            probe
                .streak
                .pass(run.start, rule.interval_seconds(), Some(&mut self.lengths));
        }
        let max = match rule.confirm {
            Confirm::Rechecks { max, .. } => max,
            Confirm::Off => 0,
        };
        probe.rechecks.count(run.failed, max);
        if probe.bank.is_idle() {
            probe.rechecks.rest();
            probe.baseline.accept(rule.interval);
            probe.affected = run.failed;
        } else if let Confirm::Rechecks { every, .. } = rule.confirm {
            let at = run.start + every;
            let due = probe.rechecks.ask_to_confirm(run.known, at, every);
            asked.extend(due.map(|at| Recheck {
                probe: probe.id,
                at,
            }));
        }
        if quiet {
            return None;
        }
        let change = self.risen(rules, index, run.known)?;
        // What was wanted to confirm is moot: while open, only a recovery is confirmed.
        asked.clear();
        Some(change)
    }

    /// Opens when the evidence of the probe, or of all together, is enough.
    fn risen(&mut self, rules: &ServiceRules, index: usize, known: Timestamp) -> Option<Change> {
        let again = match self.phase {
            Phase::Watched { since } => {
                seconds_between(since, known) < rules.reopen_within.as_secs_f64()
            }
            _ => false,
        };
        let bound = rules.bound();
        let (own_bound, pooled_bound) = if again {
            let own = (bound - REOPEN_DISCOUNT).max(1.0);
            (own, own + REOPEN_POOLED)
        } else {
            (bound, bound)
        };
        let probe = self.probes.get(index)?;
        let by_own = probe.bank.score() >= own_bound;
        if !by_own && (self.probes.len() < 2 || self.pooled.score() < pooled_bound) {
            return None;
        }
        let (bank, usual, bound) = if by_own {
            (&probe.bank, probe.baseline.usual(), own_bound)
        } else {
            (&self.pooled, self.usual(), pooled_bound)
        };
        let since = bank.onset().unwrap_or(known);
        let verdict = Verdict {
            failed: bank.failed(),
            of: bank.runs(),
            usual,
            window_s: seconds_between(since, known).max(0.0),
            score: bank.score(),
            bound,
        };
        let severity = of_rate(verdict.rate());
        self.open(rules.min_rate(), index, severity, &verdict);
        Some(Change::Risen {
            again,
            severity,
            since,
            verdict,
        })
    }

    fn open(&mut self, min_rate: f64, index: usize, severity: Severity, verdict: &Verdict) {
        let episode = Episode {
            severity,
            failed: verdict.failed,
            of: verdict.of,
        };
        self.phase = Phase::Open {
            episode,
            worsening: Worsening::default(),
        };
        for (i, probe) in self.probes.iter_mut().enumerate() {
            probe.affected |= i == index;
            probe.rechecks.clear();
            probe.recovery.begin(min_rate);
            if probe.affected {
                let (runs, failed) = (probe.bank.runs(), probe.bank.failed());
                probe.recovery.begin_affected(runs, failed, min_rate);
            }
        }
    }

    /// A run while an incident is open: is it over, has it got worse?
    fn take_open(
        &mut self,
        rules: &ServiceRules,
        rule: &ProbeRules,
        index: usize,
        run: Run,
        asked: &mut Vec<Recheck>,
    ) -> Option<Change> {
        let probe = self.probes.get_mut(index)?;
        let usual = probe.baseline.usual();
        if run.failed {
            probe.affected = true;
            self.shared.fail(probe.id, 0.0, run.start);
            probe.streak.fail(run.start, rule.interval_seconds());
            probe.recovery.fail(usual, rules.min_rate());
        } else {
            self.shared.pass(run.start);
            probe.streak.pass(run.start, rule.interval_seconds(), None);
            probe.recovery.pass(usual, run.known);
            let doubtful = probe.affected
                && !probe.recovery.is_complete()
                && probe.recovery.clean() >= CLEAN_BEFORE_RECHECK;
            if let Some(every) = rule.recovery_every().filter(|_| doubtful) {
                let due = probe.rechecks.ask(run.known, run.start + every, every);
                asked.extend(due.map(|at| Recheck {
                    probe: probe.id,
                    at,
                }));
            }
        }
        let counts = probe.affected && !run.recheck;
        let over = self.recovered_since();
        let Phase::Open { episode, worsening } = &mut self.phase else {
            return None;
        };
        episode.of = episode.of.saturating_add(1);
        episode.failed = episode.failed.saturating_add(u32::from(run.failed));
        if let Some(since) = over {
            let episode = *episode;
            self.close(run.known);
            asked.clear();
            return Some(Change::Recovered {
                since,
                episode,
                usual: self.usual(),
            });
        }
        if episode.severity >= Severity::Major || !counts {
            return None;
        }
        worsening.add(run.failed, run.start);
        let (since, verdict) = worsening.major(run.known, usual)?;
        episode.severity = Severity::Major;
        Some(Change::Worse { since, verdict })
    }

    /// When the last of the affected probes came back, if all are back.
    fn recovered_since(&self) -> Option<Timestamp> {
        let mut affected = self.probes.iter().filter(|p| p.affected).peekable();
        affected.peek()?;
        affected
            .map(|p| p.recovery.since().filter(|_| p.recovery.is_complete()))
            .try_fold(None, |latest, since| Some(latest.max(Some(since?))))?
    }

    fn close(&mut self, now: Timestamp) {
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

    /// A costly probe is not re-checked quickly: its cheap siblings are asked whether they see the trouble too.
    fn ask_siblings(
        &mut self,
        rules: &ServiceRules,
        failed: ProbeId,
        now: Timestamp,
        asked: &mut Vec<Recheck>,
    ) {
        let open = matches!(self.phase, Phase::Open { .. });
        if open {
            return;
        }
        for sibling in rules
            .probes
            .iter()
            .filter(|r| r.is_cheap())
            .take(SIBLINGS_ASKED)
        {
            let Confirm::Rechecks { every, .. } = sibling.confirm else {
                continue;
            };
            if let Some(probe) = self.probe_mut(sibling.id).filter(|p| p.id != failed) {
                let due = probe.rechecks.ask(now, now, every);
                asked.extend(due.map(|at| Recheck {
                    probe: sibling.id,
                    at,
                }));
            }
        }
    }
}

/// The rules of a probe, found where they stood last or by a search.
fn rule_of<'r>(rules: &'r ServiceRules, probe: &mut ProbeState) -> Option<&'r ProbeRules> {
    let there = rules.probes.get(probe.rule).filter(|r| r.id == probe.id);
    there.or_else(|| {
        probe.rule = rules.probes.iter().position(|r| r.id == probe.id)?;
        rules.probes.get(probe.rule)
    })
}
