//! How a plain rule judges: run by run, with nothing but counts.

use super::PlainRule;
use crate::model::detect::confirm::Suspicion;
use crate::model::detect::rules::{ProbeRules, ServiceRules};
use crate::model::detect::seconds_between;
use crate::model::detect::severity::{MAJOR, Trend, of_rate};
use crate::model::detect::state::{Change, Detector, Episode, Phase, ProbeState, Recheck, Run};
use crate::model::{Confirm, Severity, Timestamp, Verdict};

/// A share that is computed from a count is exact to this.
const EXACT: f64 = 1e-9;

/// What the rule says after a run.
enum Reading {
    /// Nothing speaks for an outage.
    Quiet,
    /// Something does, and it is not enough.
    Doubt,
    /// It is an outage.
    Down,
}

/// What the detector would call an outage teaches nothing, whether the rule minds it or not: trouble that comes and goes
/// below it, or between two incidents of its, would become usual.
fn weigh(probe: &mut ProbeState, rules: &ServiceRules, run: &Run) {
    let (usual, bound) = (probe.baseline.usual(), rules.bound());
    // Not further than the bound, so that it is paid back soon when things are well.
    let more = run.failed && probe.bank.score() < bound;
    if more || !(run.failed || probe.bank.is_idle()) {
        let sizes = rules.sizes();
        probe.bank.add(run.failed, usual, run.start, &sizes);
    }
    if probe.bank.score() >= bound {
        probe.baseline.reject();
    }
}

impl Detector {
    /// Takes one run of the probe at `index` in, and judges by the rule.
    pub(in crate::model::detect) fn take_plain(
        &mut self,
        rules: &ServiceRules,
        plain: &PlainRule,
        rule: &ProbeRules,
        index: usize,
        run: Run,
        asked: &mut Vec<Recheck>,
    ) -> Option<Change> {
        let open = matches!(self.phase, Phase::Open { .. });
        let before = (self.plain.runs, self.plain.failed);
        self.plain.runs = before.0.saturating_add(1);
        self.plain.failed = before.1.saturating_add(u64::from(run.failed));
        let probe = self.probes.get_mut(index)?;
        probe.failed_last = run.failed;
        probe.tally.add(&run, before);
        if !open && !run.recheck {
            weigh(probe, rules, &run);
        }
        let reading = self.read(plain, index, &run);
        let change = if open {
            self.go_on(plain, index, &run, &reading)
        } else {
            self.stay_well(plain, rule, index, &run, &reading)
        };
        self.look_again(rule, index, &run, &reading, asked);
        if change.is_some() {
            asked.clear();
        }
        change
    }

    fn read(&mut self, plain: &PlainRule, index: usize, run: &Run) -> Reading {
        match *plain {
            PlainRule::Rate {
                over,
                window,
                min_runs,
            } => {
                self.plain.window.add(run.start, run.failed, window);
                let (runs, failed) = self.plain.window.counts();
                let most = over * f64::from(runs) + EXACT;
                match f64::from(failed) {
                    share if runs >= min_runs && share > most => Reading::Down,
                    share if share > most / 2.0 => Reading::Doubt,
                    _ => Reading::Quiet,
                }
            }
            PlainRule::Consecutive { failures, .. } => {
                match self.probes.get(index).map_or(0, |p| p.tally.failed) {
                    0 => Reading::Quiet,
                    n if n >= failures => Reading::Down,
                    _ => Reading::Doubt,
                }
            }
        }
    }

    /// A run while no incident is open.
    fn stay_well(
        &mut self,
        plain: &PlainRule,
        rule: &ProbeRules,
        index: usize,
        run: &Run,
        reading: &Reading,
    ) -> Option<Change> {
        let probe = self.probes.get_mut(index)?;
        if matches!(reading, Reading::Quiet) && probe.bank.is_idle() {
            probe.baseline.accept(rule.interval);
        }
        if !matches!(reading, Reading::Down) {
            return None;
        }
        let again = match self.phase {
            Phase::Watched { since } => seconds_between(since, run.known) < run.watch.as_secs_f64(),
            _ => false,
        };
        let (since, verdict) = self.evidence(plain, index, run)?;
        let severity = of_rate(verdict.rate());
        self.phase = Phase::Open {
            episode: Episode {
                severity,
                failed: verdict.failed,
                of: verdict.of,
            },
            trend: Trend::default(),
        };
        (self.plain.within, self.plain.back) = (0, None);
        let by_rate = matches!(plain, PlainRule::Rate { .. });
        for (i, probe) in self.probes.iter_mut().enumerate() {
            probe.affected = i == index || (by_rate && probe.tally.suspects());
            probe.rechecks.clear();
        }
        Some(Change::Risen {
            again,
            severity,
            since,
            verdict,
        })
    }

    /// A run while an incident is open.
    fn go_on(
        &mut self,
        plain: &PlainRule,
        index: usize,
        run: &Run,
        reading: &Reading,
    ) -> Option<Change> {
        let by_rate = matches!(plain, PlainRule::Rate { .. });
        let down = matches!(reading, Reading::Down);
        let probe = self.probes.get_mut(index)?;
        let newly = down && run.failed && !probe.affected;
        probe.affected |= newly;
        let over = match *plain {
            PlainRule::Rate { min_runs, .. } => self.share_is_down(run, down, min_runs),
            PlainRule::Consecutive { recover_after, .. } => self.all_are_back(recover_after),
        };
        let Phase::Open { episode, .. } = &mut self.phase else {
            return None;
        };
        episode.of = episode.of.saturating_add(1);
        episode.failed = episode.failed.saturating_add(u32::from(run.failed));
        let episode = *episode;
        if let Some(since) = over {
            self.close(run.known);
            return Some(Change::Recovered {
                since,
                episode,
                usual: self.usual(),
            });
        }
        if episode.severity >= Severity::Major || !(newly || by_rate && down) {
            return None;
        }
        let (since, verdict) = self.evidence(plain, index, run)?;
        if verdict.rate() < MAJOR {
            return None;
        }
        if let Phase::Open { episode, .. } = &mut self.phase {
            episode.severity = Severity::Major;
        }
        Some(Change::Worse { since, verdict })
    }

    /// When the share came down, once it has stayed down for long enough.
    fn share_is_down(&mut self, run: &Run, down: bool, min_runs: u32) -> Option<Timestamp> {
        let plain = &mut self.plain;
        if down {
            plain.within = 0;
            plain.back = if run.failed {
                None
            } else {
                plain.back.or(Some(run.known))
            };
            return None;
        }
        // With too few runs in the window nobody can tell.
        if plain.window.counts().0 < min_runs {
            return None;
        }
        plain.within = plain.within.saturating_add(1);
        let since = *plain.back.get_or_insert(run.known);
        (plain.within >= min_runs).then_some(since)
    }

    /// When the last of the probes that were down came back, if all are back.
    fn all_are_back(&self, recover_after: u32) -> Option<Timestamp> {
        let mut affected = self.probes.iter().filter(|p| p.affected).peekable();
        affected.peek()?;
        affected
            .map(|p| p.tally.back.filter(|_| p.tally.passed >= recover_after))
            .try_fold(None, |latest, back| Some(latest.max(Some(back?))))?
    }

    /// The estimated onset, and the numbers that meet the rule.
    fn evidence(&self, plain: &PlainRule, index: usize, run: &Run) -> Option<(Timestamp, Verdict)> {
        let (since, begin, of, failed) = match plain {
            PlainRule::Rate { .. } => {
                let window = &self.plain.window;
                let (runs, failed) = window.counts();
                let since = window.first_failure().unwrap_or(run.start);
                (since, window.begin().unwrap_or(since), runs, failed)
            }
            PlainRule::Consecutive { .. } => {
                let onset = self.probes.get(index)?.tally.onset?;
                let runs = self.plain.runs.saturating_sub(onset.runs);
                let failed = self.plain.failed.saturating_sub(onset.failed);
                let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
                (onset.start, onset.start, count(runs), count(failed))
            }
        };
        let verdict = Verdict {
            failed,
            of,
            usual: self.usual(),
            window_s: seconds_between(begin, run.known).max(0.0),
            score: 0.0,
            bound: 0.0,
        };
        Some((since, verdict))
    }

    /// Re-checks, where the user has asked for them: after a failure until an incident opens, and after the first
    /// success of a probe that was down.
    fn look_again(
        &mut self,
        rule: &ProbeRules,
        index: usize,
        run: &Run,
        reading: &Reading,
        asked: &mut Vec<Recheck>,
    ) {
        let Confirm::Rechecks { every, max } = rule.confirm else {
            return;
        };
        let open = matches!(self.phase, Phase::Open { .. });
        let Some(probe) = self.probes.get_mut(index) else {
            return;
        };
        let due = if open {
            let every = rule.recovery_every().unwrap_or(every);
            let back = probe.affected && !run.failed;
            back.then(|| probe.rechecks.ask(run.known, run.start + every, every))
        } else {
            probe.rechecks.count(run.failed, max);
            if matches!(reading, Reading::Quiet) && !probe.tally.suspects() {
                probe.rechecks.rest();
                return;
            }
            let (now, weak) = (run.known, Suspicion::Weak);
            Some(
                probe
                    .rechecks
                    .ask_to_confirm(now, run.start, rule.confirm, weak),
            )
        };
        asked.extend(due.flatten().map(|at| Recheck {
            probe: probe.id,
            at,
        }));
    }
}
