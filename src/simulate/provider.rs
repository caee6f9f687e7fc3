//! What a request meets: the story's moment, the component it belongs to, and the draw that decides its fate.
//!
//! The n-th request to a component draws the same number for the same seed, whatever the other components do.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::clock::Clock;
use crate::model::scenario::{Component, FailureMode, Scenario};
use crate::model::{Secret, Timestamp};

/// A provider that lives through a scenario. Shared by all connections.
#[derive(Debug)]
pub struct Provider {
    scenario: Scenario,
    clock: Clock,
    seed: u64,
    key: Option<Secret>,
    repeats: bool,
    counters: Vec<Counter>,
    /// Drawn once per size: encoding is the most expensive thing done here.
    pub(super) pictures: Mutex<BTreeMap<(u32, u32), Bytes>>,
}

#[derive(Debug, Default)]
struct Counter {
    requests: AtomicU64,
    failures: AtomicU64,
}

/// What a component has served so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Which component.
    pub component: Component,
    /// Requests, failed ones included.
    pub requests: u64,
    /// Requests that were made to fail.
    pub failures: u64,
}

/// What one request meets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    /// The moment of the story.
    pub(super) at: Timestamp,
    /// How it fails; `None` when it is answered.
    pub(super) failure: Option<FailureMode>,
    /// Time to the first byte, in the story's time.
    pub(super) latency: Duration,
    /// 64 bits of its own, for ids.
    pub(super) mark: u64,
}

impl Provider {
    /// A provider whose story runs on `clock`; `seed` fixes every draw. It asks for no key.
    pub fn new(scenario: Scenario, clock: Clock, seed: u64) -> Self {
        let counters = Component::ALL.iter().map(|_| Counter::default()).collect();
        Self {
            scenario,
            clock,
            seed,
            key: None,
            repeats: false,
            counters,
            pictures: Mutex::default(),
        }
    }

    /// Refuses requests to the API that do not carry this key.
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// Begins the story again when it is over.
    pub fn repeating(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// The story that is played.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The clock that the story runs on.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The moment of the story: the clock's, brought back between start and end when the story repeats.
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let length = self.scenario.length().as_micros();
        let past = now.since(self.scenario.start).as_micros();
        if !self.repeats || length == 0 || past < length {
            return now;
        }
        let within = u64::try_from(past % length).unwrap_or(0);
        self.scenario.start + Duration::from_micros(within)
    }

    /// What each component has served so far, in the order of [`Component::ALL`].
    pub fn tallies(&self) -> Vec<Tally> {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Component::ALL
            .iter()
            .zip(&self.counters)
            .map(|(component, counter)| Tally {
                component: *component,
                requests: read(&counter.requests),
                failures: read(&counter.failures),
            })
            .collect()
    }

    /// Decides about the next request to `component`, and counts it.
    pub(super) fn fate(&self, component: Component) -> Fate {
        let counter = &self.counters[component as usize];
        let number = counter.requests.fetch_add(1, Ordering::Relaxed);
        let bits = |purpose: u8| {
            let mut of = [component as u8, purpose, 0, 0, 0, 0, 0, 0, 0, 0];
            of[2..].copy_from_slice(&number.to_le_bytes());
            xxh3_64_with_seed(&of, self.seed)
        };
        let share = |purpose| (bits(purpose) >> 11) as f64 / (1u64 << 53) as f64;
        let at = self.now();
        let failure = self.scenario.outcome(component, at, share(0));
        if failure.is_some() {
            counter.failures.fetch_add(1, Ordering::Relaxed);
        }
        Fate {
            at,
            failure,
            latency: self.scenario.latency(component, share(1)),
            mark: bits(2),
        }
    }

    /// A token for a form. It needs no memory: what was issued for the same seed is known by its second half.
    pub(super) fn token(&self, mark: u64) -> String {
        let proof = xxh3_64_with_seed(&mark.to_le_bytes(), self.seed);
        format!("{mark:016x}{proof:016x}")
    }

    /// Whether [`Provider::token`] made it.
    pub(super) fn issued(&self, token: &str) -> bool {
        let mark = token.get(..16).map(|mark| u64::from_str_radix(mark, 16));
        matches!(mark, Some(Ok(mark)) if self.token(mark) == token)
    }

    /// Whether a key opens the API.
    pub(super) fn admits(&self, given: Option<&str>) -> bool {
        let Some(key) = &self.key else { return true };
        given.is_some_and(|given| given.trim() == key.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(seed: u64) -> Provider {
        let scenario = Scenario::builtin("2023-11-08").unwrap().unwrap();
        let peak = Timestamp::parse("2023-11-08T03:56:00Z").unwrap();
        Provider::new(scenario, Clock::sped(peak, 0.001), seed)
    }

    #[tokio::test(start_paused = true)]
    async fn two_thousand_draws_fail_as_often_as_the_scenario_says() {
        let provider = provider(7);
        for _ in 0..2_000 {
            provider.fate(Component::ApiChatCompletions);
            provider.fate(Component::Login);
        }
        for (component, rate) in [
            (Component::ApiChatCompletions, 0.495),
            (Component::Login, 0.33),
        ] {
            let tally = provider.tallies()[component as usize];
            assert_eq!((tally.component, tally.requests), (component, 2_000));
            let found = tally.failures as f64 / 2_000.0;
            // Four standard errors: 0.045 at the most.
            assert!((found - rate).abs() < 0.045, "{component}: {found}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_seed_tells_one_story_and_another_seed_another() {
        let story = |seed, disturbed: bool| -> Vec<_> {
            let provider = provider(seed);
            let next = |_| {
                if disturbed {
                    provider.fate(Component::Login);
                }
                provider.fate(Component::ApiChatCompletions).failure
            };
            (0..200).map(next).collect()
        };
        assert_eq!(story(1, false), story(1, true));
        assert_ne!(story(1, false), story(2, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeating_story_begins_again() {
        let scenario = Scenario::builtin("2023-11-08").unwrap().unwrap();
        let clock = Clock::sped(scenario.end + Duration::from_secs(60), 1.0);
        let once = Provider::new(scenario.clone(), clock.clone(), 0);
        assert_eq!(once.now(), scenario.end + Duration::from_secs(60));
        let again = Provider::new(scenario.clone(), clock, 0).repeating();
        assert_eq!(again.now(), scenario.start + Duration::from_secs(60));
    }
}
