//! The error-rate detector of a service: has its failure rate really risen, and has it really come down again?
//!
//! A bank of CUSUM sums for each probe, and one over all of them, weigh each run against the probe's own usual rate
//! and against the blips that networks have. A suspicion asks for re-checks at once. Each run costs the same, however
//! long the history; a success while nothing is suspected costs almost nothing.

use std::time::Duration;

use super::bank::Sizes;
use super::blips::FAILS_IN_BLIP;
use super::confirm::Suspicion;
use super::persistence::Next;
use super::rules::{Judge, ProbeRules, ServiceRules};
use super::seconds_between;
use super::severity::{Trend, of_window};
use super::state::{Change, Detector, Episode, Part, Phase, ProbeState, Recheck, Run};
use crate::model::{Confirm, ProbeId, Severity, Timestamp, Verdict};

/// Within `reopen_within` of a recovery so much less evidence reopens its incident, in nats. A watch that relapses have made
/// longer than that is one of ordinary hours, in which it would cost false alarms.
const REOPEN_DISCOUNT: f64 = 4.0;
/// What the sums over all probes need on top of that.
const REOPEN_POOLED: f64 = 0.7;
/// More evidence than a lone failure leaves when its re-checks are used up, in nats.
const STRONG_EVIDENCE: f64 = 2.0;
/// So many clean runs in a row, and a recovery is worth a re-check.
const CLEAN_BEFORE_RECHECK: u32 = 2;
/// A probe that runs at least this often shows a cluster of failures for what it is.
const DENSE: Duration = Duration::from_secs(60);
/// So many cheap siblings are asked about the failure of a costly probe.
const SIBLINGS_ASKED: usize = 4;

impl Detector {
    /// Takes one run in. A stranger's run is ignored.
    pub fn take(
        &mut self,
        rules: &ServiceRules,
        id: ProbeId,
        run: Run,
        asked: &mut Vec<Recheck>,
    ) -> Option<Change> {
        let open = matches!(self.phase, Phase::Open { .. });
        if let Some(probe) = self.probe_mut(id).filter(|_| open) {
            probe.part.add(run.failed);
        }
        let change = self.judge(rules, id, run, asked);
        if matches!(change, Some(Change::Risen { .. })) {
            for probe in &mut self.probes {
                probe.part = Part {
                    failed: probe.bank.failed(),
                    of: probe.bank.runs(),
                };
            }
        }
        change
    }

    fn judge(
        &mut self,
        rules: &ServiceRules,
        id: ProbeId,
        run: Run,
        asked: &mut Vec<Recheck>,
    ) -> Option<Change> {
        self.adopt(rules);
        let index = self.probes.binary_search_by_key(&id, |p| p.id).ok()?;
        let probe = self.probes.get_mut(index)?;
        let rule = rule_of(rules, probe)?;
        probe.latest = probe.latest.max(Some(run.start));
        if run.recheck {
            probe.rechecks.answered();
        } else {
            probe.baseline.suspend(run.failed);
        }
        if let Judge::Plain(plain) = &rules.judge {
            return self.take_plain(rules, plain, rule, index, run, asked);
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
        let in_a_row = run.failed && probe.failed_last;
        probe.failed_last = run.failed;
        let next = rule.next();
        let tau = match next {
            Next::Recheck(_) => self.persistence.tau(probe.streak.age()),
            Next::Scheduled(_) => rule.interval_seconds(),
        };
        let own = probe.belief.at(run.start_s, tau);
        let quiet = !run.failed && probe.bank.is_idle() && self.pooled.is_idle();
        let shared = if quiet {
            0.0
        } else {
            self.shared.at(run.start_s, self.persistence.tau(0.0))
        };
        if !quiet {
            let usual = probe.baseline.usual();
            let sizes: Sizes = rules.sizes();
            let noise = |blip: f64| 1.0 - (1.0 - usual) * (1.0 - FAILS_IN_BLIP * blip);
            probe.bank.add(run.failed, noise(own), run.start, &sizes);
            self.pooled
                .add(run.failed, noise(own.max(shared)), run.start, &sizes);
        }
        if run.failed {
            self.shared.fail(probe.id, shared, run.start_s);
            probe.streak.fail(run.start_s, next);
            probe.affected = true;
        } else {
            self.shared.pass(run.start_s);
            probe.streak.pass(run.start_s, next);
        }
        let after_failure = match next {
            Next::Scheduled(_) => self.persistence.after_unconfirmed(probe.baseline.usual()),
            Next::Recheck(_) if probe.streak.is_confirmed() => FAILS_IN_BLIP,
            Next::Recheck(_) => self.persistence.after_lone(),
        };
        probe
            .belief
            .learn(run.failed, own, run.start_s, after_failure);
        let max = match rule.confirm {
            Confirm::Rechecks { max, .. } => max,
            Confirm::Off => 0,
        };
        probe.rechecks.count(run.failed, max);
        if probe.bank.is_idle() {
            probe.rechecks.rest();
            probe.baseline.accept(rule.interval);
            probe.affected = run.failed;
            if !quiet {
                self.persistence.learn(&mut probe.streak);
            }
        } else {
            let evidence = probe.bank.score().max(self.pooled.score());
            let suspicion = if rule.is_cheap() && evidence >= STRONG_EVIDENCE {
                Suspicion::Strong
            } else {
                Suspicion::Weak
            };
            let due = probe
                .rechecks
                .ask_to_confirm(run.known, run.start, rule.confirm, suspicion);
            asked.extend(due.map(|at| Recheck {
                probe: probe.id,
                at,
            }));
        }
        if quiet {
            return None;
        }
        if !self.is_credible(rule, index, in_a_row) {
            return None;
        }
        let change = self.risen(rules, index, run)?;
        // What was wanted to confirm is moot: while open, only a recovery is confirmed.
        asked.clear();
        Some(change)
    }

    /// Whether the evidence of a rarely run probe is more than a few lone failures in a day.
    ///
    /// Those of real targets come in clusters of hours and days, which its usual rate does not show: one of its
    /// failures must follow another directly, or a second probe must see the trouble too.
    fn is_credible(&self, rule: &ProbeRules, index: usize, in_a_row: bool) -> bool {
        let others = self.probes.iter().enumerate();
        rule.interval <= DENSE
            || in_a_row
            || others.filter(|(i, _)| *i != index).any(|(_, p)| p.affected)
    }

    /// Opens when the evidence of the probe, or of all together, is enough.
    fn risen(&mut self, rules: &ServiceRules, index: usize, run: Run) -> Option<Change> {
        let known = run.known;
        let recovered = match self.phase {
            Phase::Watched { since } => Some(seconds_between(since, known)),
            _ => None,
        };
        let within = |span: Duration| recovered.is_some_and(|ago| ago < span.as_secs_f64());
        let again = within(run.watch);
        let bound = rules.bound();
        let (own_bound, pooled_bound) = if within(run.watch.min(rules.reopen_within)) {
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
        let severity = of_window(verdict.failed, verdict.of);
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
            trend: Trend::default(),
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
        probe.failed_last = run.failed;
        if run.failed {
            probe.affected = true;
            self.shared.fail(probe.id, 0.0, run.start_s);
            probe.streak.fail(run.start_s, rule.next());
            probe.recovery.fail(usual, rules.min_rate());
        } else {
            self.shared.pass(run.start_s);
            probe.streak.pass(run.start_s, rule.next());
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
        let Phase::Open { episode, trend } = &mut self.phase else {
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
        if !counts {
            return None;
        }
        trend.add(run.failed, run.start, episode.severity);
        let change = if episode.severity == Severity::Major {
            let (since, verdict) = trend.partial(run.known, usual)?;
            episode.severity = Severity::Partial;
            Change::Better { since, verdict }
        } else {
            let (since, verdict) = trend.major(run.known, usual)?;
            episode.severity = Severity::Major;
            Change::Worse { since, verdict }
        };
        *trend = Trend::default();
        Some(change)
    }

    /// When the last of the affected probes came back, if all are back.
    fn recovered_since(&self) -> Option<Timestamp> {
        let mut affected = self.probes.iter().filter(|p| p.affected).peekable();
        affected.peek()?;
        affected
            .map(|p| p.recovery.since().filter(|_| p.recovery.is_complete()))
            .try_fold(None, |latest, since| Some(latest.max(Some(since?))))?
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
