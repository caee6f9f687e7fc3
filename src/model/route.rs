//! Which of the services that can do something is best used now, and why not the others?
//!
//! [`best`] puts them in order: healthy, recovered and watched, slow, in doubt, partly down; behind them those that are
//! not to be used: down, or nobody can tell. A service that was not seen to do it lately is never recommended.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use super::fold::OpenIncident;
use super::incident::IncidentState;
use super::{
    Cause, FailureKind, Fault, IncidentKind, MicroUsd, Outcome, Sample, Severity, Timestamp,
};

/// A run is recent for so many times the interval of its probe.
const RECENT_INTERVALS: u32 = 3;
/// And for at least this long.
const RECENT: Duration = Duration::from_secs(120);
/// The usual latency is that of about so many runs.
const REMEMBERED: f64 = 20.0;
/// Latencies within a step of this factor are alike: the order is not to change with every run.
const ALIKE: f64 = 1.25;

/// What a service can be used for: the kinds of probes that show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// It answers questions.
    Chat,
    /// It makes pictures.
    Image,
    /// It lists its models.
    Models,
    /// It works on jobs: batches, films.
    Job,
    /// An endpoint answers.
    Http,
    /// A page loads.
    Web,
    /// A course of requests can be gone through: a login.
    Flow,
}

impl Ability {
    /// All.
    pub const ALL: &'static [Ability] = &[
        Ability::Chat,
        Ability::Image,
        Ability::Models,
        Ability::Job,
        Ability::Http,
        Ability::Web,
        Ability::Flow,
    ];

    /// The `kind` of the probes that show it.
    pub const fn name(self) -> &'static str {
        match self {
            Ability::Chat => "chat",
            Ability::Image => "image",
            Ability::Models => "models",
            Ability::Job => "job",
            Ability::Http => "http",
            Ability::Web => "web",
            Ability::Flow => "flow",
        }
    }

    /// From the `kind` of a probe; `None` for those that show no ability.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }
}

/// What the latest run of a probe says of using the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    /// It works.
    Well,
    /// It works, slowly.
    Slow,
    /// It failed.
    Failed(FailureKind),
    /// It does not work for us: our key, our quota, a bot check.
    Refused(FailureKind),
}

/// What the runs of a probe have shown lately.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pulse {
    latest: Option<(Timestamp, Health)>,
    /// The latest run that said nothing, and why.
    mute: Option<(Timestamp, Cause)>,
    /// Sum of the logarithms of the latencies, and how many.
    logs: f64,
    runs: f64,
}

impl Pulse {
    /// Takes a run in; runs come in the order of their ends.
    pub fn take(&mut self, sample: &Sample) {
        let health = match sample.outcome {
            Outcome::Success => Health::Well,
            Outcome::Degraded(_) => Health::Slow,
            Outcome::Failure(kind, Fault::Provider | Fault::Network) => Health::Failed(kind),
            Outcome::Failure(kind, Fault::Ours | Fault::Blocked) => Health::Refused(kind),
            Outcome::Inconclusive(cause) => {
                self.mute = Some((sample.at, cause));
                return;
            }
            Outcome::Noted => return,
        };
        if matches!(health, Health::Well | Health::Slow) {
            if self.runs >= REMEMBERED {
                self.logs *= 1.0 - 1.0 / self.runs;
                self.runs -= 1.0;
            }
            self.logs += f64::from(sample.total_us.max(1)).ln();
            self.runs += 1.0;
        }
        self.latest = Some((sample.at, health));
    }

    /// The usual latency of its successes, in the geometric mean; `None` before the first.
    pub fn usual(&self) -> Option<Duration> {
        (self.runs >= 1.0).then(|| Duration::from_micros((self.logs / self.runs).exp() as u64))
    }

    /// Whether its latest run was one in planned maintenance: what came before says nothing of now.
    fn is_maintained(&self) -> bool {
        let latest = self.latest.map(|(at, _)| at);
        matches!(self.mute, Some((at, Cause::Maintenance)) if Some(at) > latest)
    }

    /// The wall clock was stepped by so many microseconds.
    pub fn shift(&mut self, micros: i64) {
        let latest = self.latest.as_mut().map(|(at, _)| at);
        let mute = self.mute.as_mut().map(|(at, _)| at);
        for at in latest.into_iter().chain(mute) {
            *at = at.shifted(micros);
        }
    }
}

/// A probe, as far as it tells what its service can be used for.
#[derive(Debug, Clone, PartialEq)]
pub struct Able {
    /// For what.
    pub ability: Ability,
    /// What its runs have shown.
    pub pulse: Pulse,
    /// Its latest run counts for so long: see [`recent`].
    pub recent: Duration,
    /// What a run costs; `None` when unknown.
    pub cost: Option<MicroUsd>,
}

/// How long a run of a probe counts as recent; `thinned` when a budget may leave out up to seven of eight of its runs.
pub fn recent(interval: Duration, thinned: bool) -> Duration {
    let longest = interval.saturating_mul(if thinned { 8 } else { 1 });
    longest.saturating_mul(RECENT_INTERVALS).max(RECENT)
}

/// A service that may be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate {
    /// Its name in probes.toml.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// Its incidents that are open or watched.
    pub incidents: Vec<OpenIncident>,
    /// Its probes.
    pub probes: Vec<Able>,
    /// Abilities that it would have were something not missing: the name of what.
    pub missing: Vec<(Ability, String)>,
}

/// How well a service is to be used; better ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// No incident is open, and its latest runs succeeded.
    Healthy,
    /// The same, but it has recovered only lately.
    Watched,
    /// It answers slowly.
    Degraded,
    /// No incident is open, and its latest run failed.
    Doubtful,
    /// A part of its requests fail.
    Partial,
    /// It is down, or refuses us.
    Down,
    /// It was not seen to do it lately.
    Unknown,
}

impl Rank {
    /// The word users see.
    pub const fn name(self) -> &'static str {
        match self {
            Rank::Healthy => "healthy",
            Rank::Watched => "watched",
            Rank::Degraded => "degraded",
            Rank::Doubtful => "doubtful",
            Rank::Partial => "partial",
            Rank::Down => "down",
            Rank::Unknown => "unknown",
        }
    }

    /// Whether it works now, as far as can be seen.
    pub const fn works(self) -> bool {
        matches!(self, Rank::Healthy | Rank::Watched)
    }

    /// Whether it may be used when there is none better.
    pub const fn is_usable(self) -> bool {
        !matches!(self, Rank::Down | Rank::Unknown)
    }
}

/// A service in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its name in probes.toml.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// For what.
    pub ability: Ability,
    /// How well.
    pub rank: Rank,
    /// Why it stands there, in words.
    pub reason: String,
    /// Its usual latency.
    pub usual: Option<Duration>,
    /// What a run costs there.
    pub cost: Option<MicroUsd>,
    failed: bool,
}

/// `Anthropic (chat, 0.8 s)`: as a mail names it.
impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.title, self.ability.name())?;
        match self.usual.map(|u| u.as_secs_f64()) {
            Some(seconds) if seconds < 0.05 => f.write_str(", under 0.1 s")?,
            Some(seconds) => write!(f, ", {seconds:.1} s")?,
            None => {}
        }
        f.write_str(")")
    }
}

/// The services that can do this, the best first; those that are not to be used come last, with the reason.
///
/// Equals are told apart by their usual latency in steps of 25 %, then by cost, then they stay in the order in which
/// they are given. A service without a probe that shows the ability is left out.
pub fn best(ability: Ability, services: &[Candidate], now: Timestamp) -> Vec<Ranked> {
    let ranked = services.iter().filter_map(|s| s.rank(ability, now));
    let mut ranked: Vec<Ranked> = ranked.collect();
    ranked.sort_by(Ranked::compare);
    ranked
}

impl Ranked {
    fn compare(&self, other: &Self) -> Ordering {
        let key = |r: &Self| {
            let step = r
                .usual
                .map(|u| u.as_secs_f64().max(1e-6).log(ALIKE).round() as i64);
            (r.rank, r.failed, step.unwrap_or(i64::MAX))
        };
        let cost = |r: &Self| r.cost.map_or(u64::MAX, |c| c.0);
        key(self)
            .cmp(&key(other))
            .then_with(|| cost(self).cmp(&cost(other)))
    }
}

impl Candidate {
    fn rank(&self, ability: Ability, now: Timestamp) -> Option<Ranked> {
        let own = || self.probes.iter().filter(move |p| p.ability == ability);
        if own().next().is_none() {
            let (_, missing) = self.missing.iter().find(|(a, _)| *a == ability)?;
            return Some(self.place(
                ability,
                Rank::Unknown,
                format!("{missing} is not set"),
                false,
            ));
        }
        let healths = own().filter_map(|p| {
            let (at, health) = p.pulse.latest?;
            (now.since(at) <= p.recent && !p.pulse.is_maintained()).then_some(health)
        });
        let worst = healths.max_by_key(|health| match health {
            Health::Well => 0,
            Health::Slow => 1,
            Health::Failed(_) => 2,
            Health::Refused(_) => 3,
        });
        let failed = matches!(worst, Some(Health::Failed(_)));
        let (rank, reason) = self.judge(worst, own(), now);
        let mut place = self.place(ability, rank, reason, failed);
        place.usual = own().filter_map(|p| p.pulse.usual()).min();
        place.cost = own().filter_map(|p| p.cost).min();
        Some(place)
    }

    fn judge<'p>(
        &self,
        worst: Option<Health>,
        own: impl Iterator<Item = &'p Able>,
        now: Timestamp,
    ) -> (Rank, String) {
        let open = self.worst(IncidentState::Open);
        let told =
            |i: &OpenIncident, word: &str| format!("incident {}: {word} since {}", i.id, i.since);
        match (worst, &open) {
            (Some(Health::Refused(kind)), _) => (Rank::Down, format!("it refuses us: {kind}")),
            (_, Some(i)) if i.severity == Severity::Major => (Rank::Down, told(i, "major")),
            (None, _) => (Rank::Unknown, unseen(own, now)),
            (_, Some(i)) if i.severity == Severity::Partial => (Rank::Partial, told(i, "partial")),
            (Some(Health::Failed(kind)), _) => {
                (Rank::Doubtful, format!("its latest run failed: {kind}"))
            }
            (_, Some(i)) => (Rank::Degraded, told(i, "slow")),
            (Some(Health::Slow), None) => (Rank::Degraded, "its latest answer was slow".to_owned()),
            (Some(Health::Well), None) => match self.worst(IncidentState::Recovered) {
                Some(i) => {
                    let at = i.closed_at.unwrap_or(i.since);
                    (Rank::Watched, format!("it recovered at {at}"))
                }
                None => (Rank::Healthy, "it works".to_owned()),
            },
        }
    }

    /// Its worst incident in a state; troubles of ours are seen by the runs themselves.
    fn worst(&self, state: IncidentState) -> Option<OpenIncident> {
        let about = |i: &&OpenIncident| {
            i.state == state && matches!(i.theme.kind, IncidentKind::Errors | IncidentKind::Latency)
        };
        let own = self.incidents.iter().filter(about);
        own.max_by_key(|i| i.severity).copied()
    }

    fn place(&self, ability: Ability, rank: Rank, reason: String, failed: bool) -> Ranked {
        Ranked {
            name: self.name.clone(),
            title: self.title.clone(),
            ability,
            rank,
            reason,
            usual: None,
            cost: None,
            failed,
        }
    }
}

/// Why nothing recent is known.
fn unseen<'p>(probes: impl Iterator<Item = &'p Able>, now: Timestamp) -> String {
    let mut latest = None;
    for probe in probes {
        if let Some((at, cause)) = probe.pulse.mute
            && now.since(at) <= probe.recent
        {
            return format!("its runs say nothing: {}", cause.name());
        }
        latest = latest.max(probe.pulse.latest.map(|(at, _)| at));
    }
    match latest {
        Some(at) => format!("its latest run was at {at}"),
        None => "it has not run yet".to_owned(),
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
