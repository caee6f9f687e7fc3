//! A scenario: what a provider did on a bad day, minute by minute, and what it told the world meanwhile.
//!
//! It answers two questions about any moment: how many of the requests to a part of the service fail, and in which
//! way does this one fail. Pure: the moment and the draw are handed in, so one seed always tells one story.

mod words;

use std::collections::BTreeMap;
use std::time::Duration;

pub use words::{Basis, Component, FailureMode, Impact, PostStatus};

use super::Timestamp;

/// Latency of a component whose scenario gives none.
pub const USUAL_LATENCY: Duration = Duration::from_millis(400);

/// A bad day, complete. Made by `Scenario::parse` or `Scenario::builtin`, which check what the fields promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// One line.
    pub title: String,
    /// A paragraph: what happened.
    pub summary: String,
    /// First moment of the story.
    pub start: Timestamp,
    /// Last moment, later than `start`.
    pub end: Timestamp,
    /// Share of requests that fail on an ordinary day, 0 to 1.
    pub base_error_rate: f64,
    /// What is known of that day, and how.
    pub facts: Vec<Fact>,
    /// When what was really broken: the windows to measure a prober against. By start.
    pub truth: Vec<Truth>,
    /// What the status page told, by first post.
    pub incidents: Vec<Told>,
    /// The parts that have a script of their own.
    pub scripts: BTreeMap<Component, Script>,
}

/// Something known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// How it is known.
    pub basis: Basis,
    /// In a sentence.
    pub text: String,
}

/// A time in which components were broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Onset.
    pub start: Timestamp,
    /// Recovery, later than `start`.
    pub end: Timestamp,
    /// What was broken.
    pub components: Vec<Component>,
    /// So weak that missing it is no fault.
    pub optional: bool,
}

/// An incident as the status page told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its headline.
    pub name: String,
    /// How big the provider said it was.
    pub impact: Impact,
    /// The components it names.
    pub components: Vec<Component>,
    /// At least one, in order of time.
    pub posts: Vec<Post>,
}

/// One post on the status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// When it appeared.
    pub at: Timestamp,
    /// What it says about the incident.
    pub status: PostStatus,
    /// Its words, in ours.
    pub text: String,
}

impl Told {
    /// The posts that have appeared by `at`, in order of time.
    pub fn posted(&self, at: Timestamp) -> &[Post] {
        &self.posts[..self.posts.partition_point(|p| p.at <= at)]
    }
}

/// How one component behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Time to the first byte on an ordinary day.
    pub latency: Duration,
    /// Error rates in order of time: linear between two points, the base rate before the first and after the last.
    pub profile: Vec<(Timestamp, f64)>,
    /// How it fails.
    pub modes: Modes,
    /// Times in which it fails otherwise; the first that holds counts.
    pub phases: Vec<ModePhase>,
}

/// A time in which a component fails in ways of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct ModePhase {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
    /// How the component fails meanwhile.
    pub modes: Modes,
}

/// Failure modes with their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes(Vec<(FailureMode, u32)>);

impl Modes {
    /// `None` when no weight is above 0.
    pub fn new(weights: Vec<(FailureMode, u32)>) -> Option<Self> {
        weights.iter().any(|(_, w)| *w > 0).then_some(Self(weights))
    }

    /// The mode at `draw`, 0 to 1, of the weights laid end to end.
    fn pick(&self, draw: f64) -> FailureMode {
        let total: f64 = self.0.iter().map(|(_, w)| f64::from(*w)).sum();
        let mut left = draw * total;
        for (mode, weight) in &self.0 {
            left -= f64::from(*weight);
            if left < 0.0 {
                return *mode;
            }
        }
        // A draw of 1, or the rounding just below it: the last mode that has any weight.
        let last = self.0.iter().rev().find(|(_, w)| *w > 0);
        last.map_or(FailureMode::ServerError, |(mode, _)| *mode)
    }
}

impl Default for Modes {
    fn default() -> Self {
        Self(vec![(FailureMode::ServerError, 1)])
    }
}

impl Scenario {
    /// Share of requests to `component` that fail at `at`, 0 to 1.
    pub fn rate(&self, component: Component, at: Timestamp) -> f64 {
        let Some(script) = self.script(component) else {
            return self.base_error_rate;
        };
        let profile = &script.profile;
        let after = profile.partition_point(|(t, _)| *t <= at);
        let Some((from, low)) = after.checked_sub(1).map(|i| profile[i]) else {
            return self.base_error_rate;
        };
        match profile.get(after) {
            Some((to, high)) => {
                let span = to.micros_since(from) as f64;
                low + (high - low) * (at.micros_since(from) as f64 / span)
            }
            None if at == from => low,
            None => self.base_error_rate,
        }
    }

    /// How a request to `component` at `at` fails, or `None` when it is answered. `draw` is uniform from 0 to 1.
    pub fn outcome(&self, component: Component, at: Timestamp, draw: f64) -> Option<FailureMode> {
        let rate = self.rate(component, at);
        if draw.is_nan() || draw >= rate {
            return None;
        }
        let within = draw.max(0.0) / rate;
        let Some(script) = self.script(component) else {
            return Some(Modes::default().pick(within));
        };
        let phase = script.phases.iter().find(|p| p.start <= at && at < p.end);
        Some(phase.map_or(&script.modes, |p| &p.modes).pick(within))
    }

    /// Time to the first byte of an answer: the component's latency, a quarter less to a quarter more by `draw`, 0 to 1.
    pub fn latency(&self, component: Component, draw: f64) -> Duration {
        let usual = self.script(component).map_or(USUAL_LATENCY, |s| s.latency);
        usual.mul_f64(0.75 + 0.5 * draw.clamp(0.0, 1.0))
    }

    /// When the status page first told of anything; `None` when it never did.
    pub fn first_post(&self) -> Option<Timestamp> {
        self.posts().map(|(_, post)| post.at).min()
    }

    /// Every post, with its incident.
    pub fn posts(&self) -> impl Iterator<Item = (&Told, &Post)> {
        self.incidents
            .iter()
            .flat_map(|told| told.posts.iter().map(move |post| (told, post)))
    }

    /// The first post about an outage: of the incidents that name one of its components, the first post between its onset and `until`.
    pub fn told_of(&self, truth: &Truth, until: Timestamp) -> Option<Timestamp> {
        self.posts()
            .filter(|(told, _)| told.components.iter().any(|c| truth.components.contains(c)))
            .map(|(_, post)| post.at)
            .filter(|at| (truth.start..until).contains(at))
            .min()
    }

    /// What changes, in order of time: outages beginning and ending, and posts.
    pub fn turns(&self) -> Vec<(Timestamp, Turn<'_>)> {
        let mut turns: Vec<_> = self
            .truth
            .iter()
            .flat_map(|t| [(t.start, Turn::Onset(t)), (t.end, Turn::Recovery(t))])
            .chain(self.posts().map(|(told, p)| (p.at, Turn::Post(told, p))))
            .collect();
        turns.sort_by_key(|(at, _)| *at);
        turns
    }

    /// How long the story lasts.
    pub fn length(&self) -> Duration {
        self.end.since(self.start)
    }

    fn script(&self, component: Component) -> Option<&Script> {
        let own = self.scripts.get(&component);
        own.or_else(|| match component {
            Component::Models => self.scripts.get(&Component::ApiChatCompletions),
            Component::Video => self.scripts.get(&Component::ImageGeneration),
            _ => None,
        })
    }
}

/// A turn of the story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn<'a> {
    /// An outage begins.
    Onset(&'a Truth),
    /// An outage is over.
    Recovery(&'a Truth),
    /// The status page says something.
    Post(&'a Told, &'a Post),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(60 * minute)
    }

    fn scenario() -> Scenario {
        let modes = |mode| Modes::new(vec![(mode, 3), (FailureMode::Stall, 1)]).unwrap();
        let script = Script {
            latency: Duration::from_millis(200),
            profile: vec![(at(10), 0.1), (at(20), 0.5), (at(30), 0.5)],
            modes: modes(FailureMode::BadGateway),
            phases: vec![ModePhase {
                start: at(25),
                end: at(26),
                modes: modes(FailureMode::Empty),
            }],
        };
        Scenario {
            title: String::new(),
            summary: String::new(),
            start: at(0),
            end: at(60),
            base_error_rate: 0.01,
            facts: vec![],
            truth: vec![],
            incidents: vec![],
            scripts: BTreeMap::from([(Component::ApiChatCompletions, script)]),
        }
    }

    #[test]
    fn the_rate_is_linear_between_points_and_the_base_rate_outside() {
        let s = scenario();
        let rate = |minute| s.rate(Component::ApiChatCompletions, at(minute));
        assert_eq!(rate(9), 0.01);
        assert_eq!(rate(10), 0.1);
        assert!((rate(15) - 0.3).abs() < 1e-12);
        assert_eq!(rate(30), 0.5);
        assert_eq!(rate(31), 0.01);
        assert_eq!(s.rate(Component::Login, at(25)), 0.01);
        assert_eq!(s.rate(Component::Models, at(25)), 0.5);
    }

    #[test]
    fn films_fail_like_pictures_where_they_have_no_script_of_their_own() {
        let mut s = scenario();
        let script = s.scripts.remove(&Component::ApiChatCompletions);
        s.scripts
            .extend(script.map(|script| (Component::ImageGeneration, script)));
        assert_eq!(s.rate(Component::Video, at(25)), 0.5);
        s.scripts.insert(
            Component::Video,
            Script {
                profile: Vec::new(),
                ..s.scripts[&Component::ImageGeneration].clone()
            },
        );
        assert_eq!(s.rate(Component::Video, at(25)), 0.01);
    }

    #[test]
    fn a_draw_below_the_rate_fails_in_proportion_to_the_weights_of_the_moment() {
        let s = scenario();
        let outcome = |minute, draw| s.outcome(Component::ApiChatCompletions, at(minute), draw);
        assert_eq!(outcome(22, 0.0), Some(FailureMode::BadGateway));
        assert_eq!(outcome(22, 0.374), Some(FailureMode::BadGateway));
        assert_eq!(outcome(22, 0.376), Some(FailureMode::Stall));
        assert_eq!(outcome(22, 0.5), None);
        assert_eq!(outcome(25, 0.2), Some(FailureMode::Empty));
        assert_eq!(outcome(26, 0.2), Some(FailureMode::BadGateway));
        assert_eq!(outcome(22, f64::NAN), None);
    }

    #[test]
    fn latency_stays_within_a_quarter_of_the_usual() {
        let s = scenario();
        let ms = |draw| s.latency(Component::ApiChatCompletions, draw).as_millis();
        assert_eq!((ms(0.0), ms(0.5), ms(1.0)), (150, 200, 250));
        assert_eq!(s.latency(Component::Login, 0.5), USUAL_LATENCY);
    }
}
