//! The numbers of a service's probes: each compared with what is usual, as a second opinion beside the runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::count::{CountRules, CountState, Level};
use super::{Evidence, FailureKind, Fault, Outcome, ProbeId, Sample};

/// A probe that brings numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberRules {
    /// Which one.
    pub probe: ProbeId,
    /// Time between two scheduled runs.
    pub interval: Duration,
    /// How its numbers are judged.
    pub rules: CountRules,
}

/// What the numbers of each probe have shown so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<ProbeId, CountState>);

impl Counts {
    /// Takes the number of a sample, if it has one. When the number is to alert, the sample's outcome becomes that of the
    /// comparison: a success, or a failure of kind `count_raised` for as long as the number is raised.
    ///
    /// `false_rises`: rises by mere chance that are accepted a year.
    pub fn take(&mut self, numbers: &[NumberRules], false_rises: f64, sample: &mut Sample) {
        let Some(of) = numbers.iter().find(|n| n.probe == sample.probe) else {
            return;
        };
        let Some(number) = sample.found.as_ref().and_then(|found| found.count) else {
            return;
        };
        let state = self.0.entry(sample.probe).or_default();
        let interval = of.interval.as_secs_f64();
        let level = state.take(&of.rules, interval, false_rises, sample.at, number);
        let Some(level) = level.filter(|_| of.rules.alert) else {
            return;
        };
        match level.raised_since {
            None => sample.outcome = Outcome::Success,
            Some(since) => {
                sample.outcome = Outcome::Failure(FailureKind::CountRaised, Fault::Provider);
                sample.evidence = Some(Box::new(Evidence {
                    text: format!("{}; higher than chance allows since {since}", level.words()),
                    request_id: None,
                }));
            }
        }
    }

    /// The latest level of each probe of which a number was read.
    pub fn levels(&self) -> impl Iterator<Item = (ProbeId, Level)> + '_ {
        let latest = |(probe, state): (&ProbeId, &CountState)| Some((*probe, state.latest()?));
        self.0.iter().filter_map(latest)
    }

    /// Forgets probes that bring no numbers any more.
    pub fn retain(&mut self, numbers: &[NumberRules]) {
        self.0
            .retain(|probe, _| numbers.iter().any(|n| n.probe == *probe));
    }

    /// The wall clock was stepped by so many microseconds.
    pub fn shift(&mut self, micros: i64) {
        self.0.values_mut().for_each(|state| state.shift(micros));
    }
}

impl Level {
    /// `45, usually 3`.
    pub fn words(&self) -> String {
        let now = rounded(self.now);
        match self.usual {
            Some(usual) => format!("{now}, usually {}", rounded(usual)),
            None => format!("{now}; what is usual is not known yet"),
        }
    }
}

/// One decimal where it says something.
fn rounded(number: f64) -> String {
    if number < 10.0 && number.fract() != 0.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Findings, Origin, Phases, Timestamp};

    fn sample(minute: u64, number: Option<f64>) -> Sample {
        Sample {
            probe: ProbeId(1),
            at: Timestamp::EPOCH + Duration::from_secs(60 * minute),
            outcome: Outcome::Noted,
            origin: Origin::Scheduled,
            status: Some(200),
            failed_in: None,
            phases: Phases::default(),
            total_us: 1000,
            bytes: 10,
            evidence: None,
            found: number.map(|n| {
                Box::new(Findings {
                    count: Some(n),
                    ..Findings::default()
                })
            }),
        }
    }

    fn rules(alert: bool) -> Vec<NumberRules> {
        vec![NumberRules {
            probe: ProbeId(1),
            interval: Duration::from_secs(60),
            rules: CountRules {
                cumulative: false,
                rise: CountRules::RISE,
                alert,
            },
        }]
    }

    fn outcomes(alert: bool) -> Vec<Outcome> {
        let (mut counts, rules) = (Counts::default(), rules(alert));
        let mut outcome = |minute, number| {
            let mut sample = sample(minute, number);
            counts.take(&rules, 1.0, &mut sample);
            sample.outcome
        };
        for minute in 1..=200 {
            outcome(minute, Some(2.0));
        }
        vec![
            outcome(201, Some(2.0)),
            outcome(202, Some(60.0)),
            outcome(203, None),
        ]
    }

    #[test]
    fn a_raised_number_fails_only_where_it_is_to_alert() {
        let raised = Outcome::Failure(FailureKind::CountRaised, Fault::Provider);
        assert_eq!(outcomes(true), [Outcome::Success, raised, Outcome::Noted]);
        assert_eq!(outcomes(false), [Outcome::Noted; 3]);
    }

    #[test]
    fn a_probe_without_numbers_is_left_alone_and_one_that_is_gone_forgotten() {
        let mut counts = Counts::default();
        let mut other = sample(1, Some(5.0));
        other.probe = ProbeId(2);
        counts.take(&rules(true), 1.0, &mut other);
        assert_eq!(counts.levels().count(), 0);
        counts.take(&rules(true), 1.0, &mut sample(1, Some(5.0)));
        assert_eq!(counts.levels().count(), 1);
        counts.retain(&[]);
        assert_eq!(counts.levels().count(), 0);
    }

    #[test]
    fn levels_read_as_people_say_them() {
        let words = |now, usual| {
            Level {
                now,
                usual,
                raised_since: None,
            }
            .words()
        };
        assert_eq!(words(45.0, Some(3.0)), "45, usually 3");
        assert_eq!(words(4.5, Some(0.23)), "4.5, usually 0.2");
        assert_eq!(words(7.0, None), "7; what is usual is not known yet");
    }
}
