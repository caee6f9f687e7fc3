//! Slow but answering: have the answers of a service become slower than is usual for it, and are they back?
//!
//! Each probe's time to the verdict, and of streams the time to the first token and the longest gap, is judged against
//! its own usual one (`track`, `usual`); runs later than the user's own limit are counted (`limit`). One incident tells
//! of all of them. Only answers that came to the timetable's runs are a series: re-checks come closer together, and at
//! bad times.

use std::time::Duration;

use serde::{Deserialize, Serialize};

mod limit;
mod track;
mod usual;

use self::limit::Limit;
use self::track::{Moment, Step, Track};
use super::rules::{ProbeRules, ServiceRules};
use super::state::{Change, Episode};
use super::{is_default, seconds_between};
use crate::model::{
    FailureKind, Origin, Outcome, ProbeId, Quantity, Sample, Severity, Slow, Timestamp, Verdict,
};

const YEAR_SECONDS: f64 = 365.0 * 86_400.0;
/// The price is that of at least so many runs a year, those of a probe each 30 s: real targets have slow hours, of
/// which a probe that runs once an hour sees a few in a row.
const FEWEST_RUNS_A_YEAR: f64 = YEAR_SECONDS / 30.0;
/// No bound is lower than this, whatever the dials say, in nats: four runs at least.
const LOWEST_BOUND: f64 = 8.0;
/// Within `reopen_within` of a recovery so much less evidence reopens its incident, in nats.
const REOPEN_DISCOUNT: f64 = 4.0;
/// A pause of more than so many intervals, and more than an hour, breaks the series.
const PAUSE_INTERVALS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(3600);
/// What has been slow for as long as this is usual from now on: as long as the error rate's baseline remembers.
const ADOPTED_AFTER: Duration = Duration::from_secs(14 * 86_400);

/// An answer that came to a scheduled run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// When the run began, and when its result was known.
    pub start: Timestamp,
    pub known: Timestamp,
    pub total_us: Option<u32>,
    pub first_token_us: Option<u32>,
    pub longest_gap_us: Option<u32>,
    /// Later than the user's own limit allows.
    pub too_slow: bool,
}

impl Answer {
    /// The answer that a run brought; `None` for a failure, a re-check, and what says nothing about the service.
    pub fn of(sample: &Sample) -> Option<Self> {
        if sample.outcome.counts()? || sample.origin == Origin::Recheck {
            return None;
        }
        Some(Self {
            start: sample.at,
            known: sample.known_at(),
            // No run takes no time: a recorded history does not tell how long this one took.
            total_us: Some(sample.total_us).filter(|us| *us > 0),
            first_token_us: sample.phases.first_token_us,
            longest_gap_us: sample.phases.longest_gap_us,
            too_slow: sample.outcome == Outcome::Degraded(FailureKind::TooSlow),
        })
    }
}

/// How the service stands otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    /// An incident of its errors is open: nothing is learned, and none of latency opens.
    pub in_trouble: bool,
    /// How long a recovery is watched now.
    pub watch: Duration,
}

/// What was found, with the figures of the latency that shows it best.
pub(crate) type Found = (Change, Option<Slow>);

/// What is remembered of the latencies of a service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// By id; begun with a probe's first answer.
    #[serde(default, skip_serializing_if = "is_default")]
    paces: Vec<Pace>,
    #[serde(default, skip_serializing_if = "is_default")]
    phase: Phase,
}

/// Where the service stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    #[default]
    Well,
    Open {
        at: Timestamp,
        runs: u32,
        slow: u32,
        /// Which latency the opening told of; `None` for the user's limit.
        shown_by: Option<(ProbeId, Quantity)>,
    },
    Watched {
        since: Timestamp,
    },
}

/// The latencies of one probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pace {
    id: ProbeId,
    /// Where its rules stood last; a hint, checked at each use.
    #[serde(skip)]
    rule: usize,
    latest: Timestamp,
    /// One for each quantity, in the order of [`QUANTITIES`], as far as seen.
    tracks: Vec<Track>,
    #[serde(default, skip_serializing_if = "is_default")]
    limit: Option<Box<Limit>>,
}

const QUANTITIES: [Quantity; 3] = [Quantity::Total, Quantity::FirstToken, Quantity::LongestGap];

impl Latency {
    /// Takes an answer in. A stranger's is ignored.
    pub fn take(
        &mut self,
        rules: &ServiceRules,
        id: ProbeId,
        answer: &Answer,
        around: Around,
    ) -> Option<Found> {
        let index = self.index_of(rules, id, answer.start)?;
        let open = self.is_open();
        let pace = self.paces.get_mut(index)?;
        let interval = pace.rule(rules)?.interval;
        let at = Moment {
            start: answer.start,
            known: answer.known,
            interval_s: interval.as_secs_f64().max(0.1),
            teaches: !open && !around.in_trouble,
        };
        if answer.start.since(pace.latest) > PAUSE.max(interval * PAUSE_INTERVALS) {
            pace.interrupt();
        }
        pace.latest = pace.latest.max(answer.start);
        let (is_slow, is_suspect) = pace.take(answer, &at, rules);
        if let Phase::Open { runs, slow, .. } = &mut self.phase {
            *runs = runs.saturating_add(1);
            *slow = slow.saturating_add(u32::from(is_slow));
        }
        if is_suspect && !around.in_trouble {
            let found = self.risen(rules, index, answer.known, around.watch);
            if found.is_some() {
                return found;
            }
        }
        if open { self.over(answer.known) } else { None }
    }

    /// Where the probe stands; it is begun when it is new. `None` for a stranger.
    fn index_of(&mut self, rules: &ServiceRules, id: ProbeId, at: Timestamp) -> Option<usize> {
        match self.paces.binary_search_by_key(&id, |pace| pace.id) {
            Ok(index) => Some(index),
            Err(index) => {
                let rule = rules.probes.iter().position(|rule| rule.id == id)?;
                let pace = Pace {
                    id,
                    rule,
                    latest: at,
                    tracks: Vec::new(),
                    limit: None,
                };
                self.paces.insert(index, pace);
                Some(index)
            }
        }
    }

    /// Opens when the evidence of the probe is enough; while open, takes it among what the incident is about.
    fn risen(
        &mut self,
        rules: &ServiceRules,
        index: usize,
        known: Timestamp,
        watch: Duration,
    ) -> Option<Found> {
        let recovered = match self.phase {
            Phase::Watched { since } => Some(seconds_between(since, known)),
            _ => None,
        };
        let within = |span: Duration| recovered.is_some_and(|ago| ago < span.as_secs_f64());
        let again = within(watch);
        let discount = if within(watch.min(rules.reopen_within)) {
            REOPEN_DISCOUNT
        } else {
            0.0
        };
        let open = self.is_open();
        let pace = self.paces.get_mut(index)?;
        let bound = bound(rules, pace.tracks.len()) - discount;
        let first = pace.affect(rules.min_rate(), bound)?;
        if open {
            return None;
        }
        let ((runs, slow, usual), onset, score) = match first {
            Some(track) => {
                let track = pace.tracks.get(track)?;
                (track.counts(), track.onset(), track.score())
            }
            None => {
                let limit = pace.limit.as_ref()?;
                (limit.counts(), limit.onset(), limit.score())
            }
        };
        let since = onset.unwrap_or(known);
        let verdict = Verdict {
            failed: slow,
            of: runs,
            usual,
            window_s: seconds_between(since, known).max(0.0),
            score,
            bound,
        };
        let shown_by = first.and_then(|track| Some((pace.id, *QUANTITIES.get(track)?)));
        self.phase = Phase::Open {
            at: known,
            runs,
            slow,
            shown_by,
        };
        let change = Change::Risen {
            again,
            severity: Severity::Degraded,
            since,
            verdict,
        };
        Some((change, self.figures(shown_by)))
    }

    /// Closes when all that is slow has come back, or has been so for so long that it is usual.
    fn over(&mut self, known: Timestamp) -> Option<Found> {
        let Phase::Open {
            at,
            runs,
            slow,
            shown_by,
        } = self.phase
        else {
            return None;
        };
        let figures = self.figures(shown_by);
        if known.since(at) > ADOPTED_AFTER {
            let tracks = self.paces.iter_mut().flat_map(|pace| &mut pace.tracks);
            tracks.filter(|t| t.is_affected()).for_each(Track::forget);
        }
        let back = |pace: &Pace| {
            let tracks = pace.tracks.iter().filter(|track| track.is_affected());
            let limit = pace.limit.iter().filter(|limit| limit.is_affected());
            let mut all = tracks
                .map(Track::back_since)
                .chain(limit.map(|limit| limit.back_since()));
            all.try_fold(None, |latest, since| Some(latest.max(Some(since?))))
        };
        let latest = |latest: Option<Timestamp>, pace| Some(latest.max(back(pace)?));
        let since = self.paces.iter().try_fold(None, latest)?.unwrap_or(known);
        let usual = self.usual_share(shown_by);
        self.close(known);
        let change = Change::Recovered {
            since,
            episode: episode(runs, slow),
            usual,
        };
        Some((change, figures))
    }

    fn close(&mut self, known: Timestamp) {
        self.phase = Phase::Watched { since: known };
        for pace in &mut self.paces {
            pace.tracks.iter_mut().for_each(Track::close);
            pace.limit.iter_mut().for_each(|limit| limit.close());
        }
    }

    /// Takes the probes of the rules in. `Some` when that ends an open incident: none of what it is about is left.
    pub fn reconcile(&mut self, rules: &ServiceRules, now: Timestamp) -> Option<Found> {
        let before = self.paces.len();
        let wanted = |pace: &Pace| rules.probes.iter().any(|rule| rule.id == pace.id);
        self.paces.retain(wanted);
        let left = self.paces.iter().any(Pace::is_affected);
        let Phase::Open { runs, slow, .. } = self.phase else {
            return None;
        };
        if self.paces.len() == before || left {
            return None;
        }
        self.close(now);
        let change = Change::Retired {
            since: now,
            episode: episode(runs, slow),
            usual: 0.0,
        };
        Some((change, None))
    }

    /// The watch over a recovered service ends: the next rise is a new incident.
    pub fn end_watch(&mut self) {
        if matches!(self.phase, Phase::Watched { .. }) {
            self.phase = Phase::Well;
        }
    }

    /// The probes that an open incident is about.
    pub fn affected(&self) -> impl Iterator<Item = ProbeId> + '_ {
        let affected = self.paces.iter().filter(|pace| pace.is_affected());
        affected.map(|pace| pace.id)
    }

    /// Whether an incident is open.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// All moments that are kept, for a step of the clock.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let phase = match &mut self.phase {
            Phase::Well => None,
            Phase::Open { at, .. } => Some(at),
            Phase::Watched { since } => Some(since),
        };
        self.paces.iter_mut().flat_map(Pace::moments).chain(phase)
    }

    fn pace(&self, id: ProbeId) -> Option<&Pace> {
        let index = self.paces.binary_search_by_key(&id, |p| p.id).ok()?;
        self.paces.get(index)
    }

    fn figures(&self, shown_by: Option<(ProbeId, Quantity)>) -> Option<Slow> {
        let (probe, quantity) = shown_by?;
        self.pace(probe)?.track(quantity)?.figures(probe, quantity)
    }

    fn usual_share(&self, shown_by: Option<(ProbeId, Quantity)>) -> f64 {
        let share = |(probe, quantity)| {
            let (_, _, usual) = self.pace(probe)?.track(quantity)?.counts();
            Some(usual)
        };
        shown_by.and_then(share).unwrap_or(0.0)
    }
}

impl Pace {
    /// Takes an answer in; whether it was slow, and whether it adds to a suspicion of which no incident tells yet.
    fn take(&mut self, answer: &Answer, at: &Moment, rules: &ServiceRules) -> (bool, bool) {
        let (mut slow, mut suspect) = (false, false);
        let seen = [
            answer.total_us,
            answer.first_token_us,
            answer.longest_gap_us,
        ];
        for (index, us) in seen.into_iter().enumerate() {
            let Some(us) = us else { continue };
            if self.tracks.len() <= index {
                // Exactly: most probes have one, and there may be thousands.
                self.tracks.reserve_exact(index + 1 - self.tracks.len());
                self.tracks.resize_with(index + 1, Track::default);
            }
            let Some(track) = self.tracks.get_mut(index) else {
                continue;
            };
            if let Step::Taken {
                is_slow,
                is_suspect,
            } = track.take(us, at)
            {
                slow |= is_slow;
                // Below the lowest bound there is nothing to ask.
                let least = LOWEST_BOUND - REOPEN_DISCOUNT;
                suspect |= is_suspect && track.score() >= least;
            }
        }
        if answer.too_slow {
            self.limit.get_or_insert_default();
        }
        if let Some(limit) = &mut self.limit {
            limit.take(answer.too_slow, at, &rules.sizes());
            slow |= answer.too_slow;
            suspect |= answer.too_slow && !limit.is_affected();
        }
        (slow, suspect)
    }

    /// Takes all that has risen among what the incident is about; the first of them, `Some(None)` for the limit.
    fn affect(&mut self, min_rate: f64, bound: f64) -> Option<Option<usize>> {
        let mut first = None;
        for (index, track) in self.tracks.iter_mut().enumerate() {
            if !track.is_affected() && track.is_risen(bound) {
                track.affect();
                first.get_or_insert(Some(index));
            }
        }
        if let Some(limit) = self.limit.as_mut().filter(|limit| limit.score() >= bound) {
            limit.affect(min_rate);
            first.get_or_insert(None);
        }
        first
    }

    fn interrupt(&mut self) {
        self.tracks.iter_mut().for_each(Track::interrupt);
        self.limit.iter_mut().for_each(|limit| limit.interrupt());
    }

    fn is_affected(&self) -> bool {
        let by_limit = self.limit.iter().any(|limit| limit.is_affected());
        by_limit || self.tracks.iter().any(Track::is_affected)
    }

    fn track(&self, quantity: Quantity) -> Option<&Track> {
        let index = QUANTITIES.iter().position(|q| *q == quantity)?;
        self.tracks.get(index)
    }

    /// Its rules, found where they stood last or by a search.
    fn rule<'r>(&mut self, rules: &'r ServiceRules) -> Option<&'r ProbeRules> {
        let there = rules.probes.get(self.rule).filter(|r| r.id == self.id);
        there.or_else(|| {
            self.rule = rules.probes.iter().position(|r| r.id == self.id)?;
            rules.probes.get(self.rule)
        })
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let limit = self.limit.iter_mut().flat_map(|limit| limit.moments());
        let tracks = self.tracks.iter_mut().flat_map(Track::moments);
        std::iter::once(&mut self.latest).chain(tracks).chain(limit)
    }
}

/// What is kept of an open period.
const fn episode(runs: u32, slow: u32) -> Episode {
    Episode {
        severity: Severity::Degraded,
        failed: slow,
        of: runs,
    }
}

/// Evidence that opens an incident, in nats: the price of the accepted false ones, for a probe with so many latencies.
fn bound(rules: &ServiceRules, quantities: usize) -> f64 {
    let a_year = |rule: &ProbeRules| YEAR_SECONDS / rule.interval.as_secs_f64().max(0.1);
    let runs: f64 = rules.probes.iter().map(a_year).sum();
    let accepted = rules.false_pages_per_year.clamp(1e-6, 1e6);
    let price = (runs.max(FEWEST_RUNS_A_YEAR) * quantities.max(1) as f64 / accepted).ln();
    price.max(LOWEST_BOUND)
}

#[cfg(test)]
#[path = "latency/tests.rs"]
mod tests;
