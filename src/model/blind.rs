//! Whether the prober itself can see.
//!
//! A failure that its own network or clock would bring about is not held against a service before it is known whose it
//! is: it waits, for at most [`PATIENCE`], while control URLs are asked. More than half of them without an answer: the
//! prober is blind, and what failed so meanwhile is unknown. They answer: the failure counts. Without control URLs the
//! services are each other's: when most of them fail so in the same moment, it is us.
//! Pure: the caller plays the runs in, asks the controls, and holds what is to wait.

mod incident;
mod moment;
mod sign;

use std::collections::VecDeque;
use std::time::Duration;

use super::{ServiceId, Timestamp};
pub use incident::{OwnIncident, Runs, Telling};
use moment::Moment;
pub use sign::{Lack, Sign};

/// A failure waits for a verdict at most this long, then it counts as it is. The controls have 2 s to answer.
pub const PATIENCE: Duration = Duration::from_millis(2_500);
/// Although the controls answer, a failure waits this long for others like it: the network may be back already.
const GATHER: Duration = Duration::from_secs(1);
/// Services that fail within this time fail in the same moment, when the controls answer.
const GLANCE: Duration = Duration::from_secs(5);
/// The same without controls: long enough to see the re-checks of every service.
const LOOK: Duration = Duration::from_secs(10);
/// Most services may fail in the same moment although the controls answer, and be forgiven, once in this time. A
/// provider of many (of their names, say) that breaks is told by its next failures.
const FORGIVE_AGAIN: Duration = Duration::from_secs(30);
/// The controls are asked at most this often.
const SPACING: Duration = Duration::from_secs(1);
/// After [`MANY`] good answers in a row they are believed for longer, and asked less often: an outage may last hours.
const LONG_SPACING: Duration = Duration::from_secs(5);
const MANY: u32 = 10;
/// The count of good answers in a row begins anew after a pause of this length.
const CALM: Duration = Duration::from_secs(60);
/// While blind, the controls are asked this often.
const BLIND_SPACING: Duration = Duration::from_secs(5);
/// After the end of a blindness the controls are watched this long: a network that comes and goes is seen going.
const WARY: Duration = Duration::from_secs(30);
/// An asking that has brought no answer for so long never will.
const LOST: Duration = Duration::from_secs(6);
/// Blind times that are remembered, for runs that began in them and are still under way.
const MOST_TIMES: usize = 32;
/// Failures that are looked at for the beginning of a blindness; all of one moment, or enough of them.
const MOST_WAITING: usize = 1_024;

/// What does not change from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether there are control URLs.
    pub controls: bool,
    /// Services that are watched.
    pub services: usize,
}

/// A run, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glimpse {
    /// Of which service.
    pub service: ServiceId,
    /// When it began.
    pub at: Timestamp,
    /// When it ended.
    pub known: Timestamp,
    /// How.
    pub sign: Sign,
}

/// What came of asking all control URLs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Those that answered, whatever they said.
    pub answered: u32,
    /// Those that the prober's own network would explain.
    pub network: u32,
    /// Those that the prober's own clock would explain.
    pub clock: u32,
    /// All that were asked.
    pub of: u32,
}

impl Tally {
    /// Adds the sign of one control.
    pub fn add(&mut self, sign: Sign) {
        self.of += 1;
        match sign {
            Sign::Answered => self.answered += 1,
            Sign::Lacks(Lack::Network) => self.network += 1,
            Sign::Lacks(Lack::Clock) => self.clock += 1,
            Sign::Unanswered | Sign::Nothing => {}
        }
    }

    fn lack(self) -> Option<Lack> {
        if self.network * 2 > self.of {
            Some(Lack::Network)
        } else if self.clock * 2 > self.of {
            Some(Lack::Clock)
        } else {
            None
        }
    }
}

/// What is played in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A run has ended.
    Run(Glimpse),
    /// The controls were asked.
    Controls(Tally),
    /// Time has passed. To be played in after the runs of a turn, and a few times a second.
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Ask the controls.
    Ask,
    /// The prober is blind, and has been since.
    Began(Lack, Timestamp),
    /// It sees again.
    Ended(Blind),
    /// Most services failed in one moment, which is over: what failed in it is unknown.
    Forgave(Blind),
}

/// What becomes of a run that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It counts as it is.
    Count,
    /// It is not known yet.
    Wait,
    /// It says nothing about its service: the prober lacked this.
    Unknown(Lack),
}

/// A time in which the prober did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blind {
    /// Start of the first run that failed for it.
    pub from: Timestamp,
    /// When it was seen to be over.
    pub to: Timestamp,
    /// What was lacking.
    pub lack: Lack,
}

/// What is known of the prober's sight.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    blind: Option<(Lack, Timestamp)>,
    /// Blind times that are over.
    times: VecDeque<Blind>,
    moment: Moment,
    /// Start and arrival of the latest failures.
    waiting: VecDeque<(Timestamp, Timestamp)>,
    forgave: Option<Timestamp>,
    /// When the controls were last asked.
    asked: Option<Timestamp>,
    /// Their answer is still to come.
    asking: bool,
    /// When they are to be asked next.
    due: Option<Timestamp>,
    /// When the latest asking began, if they answered it well.
    good: Option<Timestamp>,
    /// Good answers in a row.
    row: u32,
    wary_until: Option<Timestamp>,
}

impl Sight {
    /// That of a daemon that starts: the controls are asked at once, so that it is known from the first run on.
    pub fn starting(now: Timestamp) -> Self {
        Self {
            due: Some(now),
            ..Self::default()
        }
    }

    /// Takes up a blindness that an earlier daemon has seen the beginning of.
    pub fn resumed(lack: Lack, since: Timestamp, now: Timestamp) -> Self {
        Self {
            blind: Some((lack, since)),
            due: Some(now),
            ..Self::default()
        }
    }

    /// What is lacking, and since when; `None` while the prober sees.
    pub fn blind(&self) -> Option<(Lack, Timestamp)> {
        self.blind
    }

    /// Takes one input.
    pub fn step(&mut self, rules: Rules, input: Input, now: Timestamp) -> Vec<Action> {
        match input {
            Input::Run(run) => {
                self.run(rules, run, now);
                Vec::new()
            }
            Input::Controls(tally) => self.controls(tally, now).into_iter().collect(),
            Input::Tick => self.tick(rules, now),
        }
    }

    /// What becomes of a run that failed and came at `arrived`. To be asked again while the answer is [`Fate::Wait`].
    pub fn fate(&self, rules: Rules, run: &Glimpse, arrived: Timestamp, now: Timestamp) -> Fate {
        let explained = |lack: Lack, from: Timestamp, to: Timestamp| {
            run.sign.is_explained_by(lack) && run.at <= to && run.known >= from
        };
        if let Some((lack, since)) = self.blind
            && explained(lack, since, now.max(run.at))
        {
            return Fate::Unknown(lack);
        }
        let past = self.times.iter().find(|b| explained(b.lack, b.from, b.to));
        if let Some(blind) = past {
            return Fate::Unknown(blind.lack);
        }
        let waited = now.since(arrived);
        let company = matches!(run.sign, Sign::Lacks(_)) && rules.services >= moment::FEWEST;
        let patience = match rules.controls {
            true if self.answered_well(run.known) => {
                if company {
                    GATHER
                } else {
                    Duration::ZERO
                }
            }
            true => PATIENCE,
            false if company => PATIENCE,
            false => Duration::ZERO,
        };
        match waited < patience {
            true => Fate::Wait,
            false => Fate::Count,
        }
    }

    /// Services that are no longer watched say nothing any more.
    pub fn retain(&mut self, keep: impl Fn(ServiceId) -> bool) {
        self.moment.retain(keep);
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        let one = self.blind.iter_mut().map(|(_, since)| since);
        let times = self.times.iter_mut().flat_map(|b| [&mut b.from, &mut b.to]);
        let waiting = self.waiting.iter_mut().flat_map(|(a, b)| [a, b]);
        let asked = [
            &mut self.forgave,
            &mut self.asked,
            &mut self.due,
            &mut self.good,
            &mut self.wary_until,
        ];
        let asked = asked.into_iter().flatten();
        for moment in one.chain(times).chain(waiting).chain(asked) {
            *moment = moment.shifted(micros);
        }
        self.moment.shift(micros);
    }

    /// Whether the latest asking of the controls, answered well, is near enough to a run that ended at `known`.
    fn answered_well(&self, known: Timestamp) -> bool {
        self.good.is_some_and(|at| at + self.spacing() >= known)
    }

    fn spacing(&self) -> Duration {
        match self.row >= MANY {
            true => LONG_SPACING,
            false => SPACING,
        }
    }

    fn run(&mut self, rules: Rules, run: Glimpse, now: Timestamp) {
        let failed_before = self.moment.failed_since(run.service);
        self.moment.take(run);
        let asks = match run.sign {
            Sign::Nothing => false,
            // One that failed in this blindness and answers: it may be over.
            Sign::Answered => match (self.blind, failed_before) {
                (Some((_, since)), Some(failed)) => failed >= since,
                _ => false,
            },
            Sign::Lacks(_) | Sign::Unanswered => {
                let start = match run.sign {
                    Sign::Lacks(_) => run.at,
                    _ => run.known,
                };
                if self.waiting.len() < MOST_WAITING {
                    self.waiting.push_back((start, now));
                }
                !self.answered_well(run.known)
            }
        };
        if asks && rules.controls {
            self.ask_by(now);
        }
    }

    /// Has the controls asked at `at`, or as soon after it as they may be.
    fn ask_by(&mut self, at: Timestamp) {
        let spacing = match self.blind {
            Some(_) => SPACING,
            None => self.spacing(),
        };
        let at = self.asked.map_or(at, |asked| at.max(asked + spacing));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn tick(&mut self, rules: Rules, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        while self
            .waiting
            .front()
            .is_some_and(|(_, a)| now.since(*a) > PATIENCE)
        {
            self.waiting.pop_front();
        }
        if self.asking && self.asked.is_none_or(|at| now.since(at) > LOST) {
            self.asking = false;
            self.due = Some(now);
        }
        if rules.controls && !self.asking && self.due.is_some_and(|due| due <= now) {
            if self.asked.is_none_or(|at| now.since(at) > CALM) {
                self.row = 0;
            }
            (self.asking, self.asked, self.due) = (true, Some(now), None);
            actions.push(Action::Ask);
        }
        // With controls it is first waited for what they say.
        let looks = !rules.controls || (!self.asking && self.answered_well(now));
        if looks && self.moment.is_new() {
            actions.extend(match (self.blind, rules.controls) {
                (None, controls) => self.look_around(controls, now),
                (Some((_, since)), false) if self.moment.most_answer_since(since) => self.end(now),
                _ => None,
            });
        }
        actions
    }

    /// Do most services fail in this moment?
    fn look_around(&mut self, controls: bool, now: Timestamp) -> Option<Action> {
        let window = if controls { GLANCE } else { LOOK };
        let (lack, first) = self.moment.most_fail(now - window)?;
        if !controls {
            let from = self.waiting.iter().map(|(start, _)| *start).min();
            return Some(self.begin(lack, from.map_or(first, |from| from.min(first))));
        }
        if self.forgave.is_some_and(|at| now.since(at) < FORGIVE_AGAIN) {
            return None;
        }
        self.forgave = Some(now);
        let blind = Blind {
            from: first,
            to: now,
            lack,
        };
        self.remember(blind);
        Some(Action::Forgave(blind))
    }

    fn controls(&mut self, tally: Tally, now: Timestamp) -> Option<Action> {
        // One that was given up says nothing of now.
        let asked = self.asked.filter(|_| self.asking && tally.of > 0)?;
        self.asking = false;
        match (tally.lack(), self.blind) {
            (Some(lack), blind) => {
                let good = self.good.take();
                self.row = 0;
                self.due = Some(now + BLIND_SPACING);
                if let Some((_, since)) = blind {
                    self.blind = Some((lack, since));
                    return None;
                }
                let starts = self.waiting.iter().map(|(start, _)| *start);
                let from = starts.chain([asked]).min().unwrap_or(asked);
                // When the controls answered, the network was there.
                Some(self.begin(lack, good.map_or(from, |good| from.max(good))))
            }
            (None, Some(_)) if tally.answered * 2 < tally.of => {
                self.due = Some(now + BLIND_SPACING);
                None
            }
            (None, blind) => {
                self.good = Some(asked);
                self.row = self.row.saturating_add(1);
                if blind.is_some() {
                    self.wary_until = Some(now + WARY);
                }
                if self.wary_until.is_some_and(|until| now < until) {
                    self.due = Some(now + SPACING);
                }
                blind.and_then(|_| self.end(now))
            }
        }
    }

    fn begin(&mut self, lack: Lack, since: Timestamp) -> Action {
        self.blind = Some((lack, since));
        Action::Began(lack, since)
    }

    fn end(&mut self, now: Timestamp) -> Option<Action> {
        let (lack, from) = self.blind.take()?;
        // What failed until now is explained.
        self.moment.is_new();
        let blind = Blind {
            from,
            to: now,
            lack,
        };
        self.remember(blind);
        Some(Action::Ended(blind))
    }

    fn remember(&mut self, blind: Blind) {
        if self.times.len() >= MOST_TIMES {
            self.times.pop_front();
        }
        self.times.push_back(blind);
    }
}

#[cfg(test)]
mod tests;
