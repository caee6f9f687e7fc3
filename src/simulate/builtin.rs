//! The outages that come with watchfire.

use crate::diagnostic::Problem;
use crate::model::scenario::Scenario;

/// Played when none is named: just under three hours, with a relapse after a lull of ten minutes.
pub const DEFAULT: &str = "2023-11-08";

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../config/scenarios/", $name, ".toml"))),)*]
    };
}

const BUILTIN: &[(&str, &str)] = builtin![
    "2023-11-06",
    "2023-11-08",
    "2023-11-08-major",
    "2023-11-08-ddos",
    "2023-11-21",
    "2024-06-04",
    "2024-12-11",
];

impl Scenario {
    /// The names of the scenarios in the binary, in order of their days.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The text of a scenario in the binary; `None` when there is none of that name.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILTIN
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, text)| *text)
    }

    /// A scenario in the binary; `None` when there is none of that name. The shipped ones have no faults.
    pub fn builtin(name: &str) -> Option<Result<Scenario, Vec<Problem>>> {
        Self::builtin_text(name).map(Scenario::parse)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Timestamp;
    use crate::model::scenario::Component::{self, *};

    fn played(name: &str) -> Scenario {
        Scenario::builtin(name)
            .unwrap()
            .unwrap_or_else(|p| panic!("{name}: {p:#?}"))
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}:00Z")).unwrap()
    }

    #[test]
    fn every_shipped_scenario_is_whole_and_begins_and_ends_in_peace() {
        for name in Scenario::names() {
            let s = played(name);
            assert!(s.facts.len() > 2 && !s.truth.is_empty(), "{name}");
            for truth in &s.truth {
                assert!(
                    s.start < truth.start && truth.end < s.end,
                    "{name}: {truth:?}"
                );
            }
            for component in Component::ALL {
                for edge in [s.start, s.end] {
                    assert_eq!(
                        s.rate(*component, edge),
                        s.base_error_rate,
                        "{name} {component}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_default_scenario_fits_a_demo() {
        assert!(played(DEFAULT).length() < Duration::from_secs(3 * 3600));
    }

    #[test]
    fn the_rates_are_those_of_the_reports() {
        for (name, component, moment, rate) in [
            ("2023-11-06", ImageGeneration, "2023-11-06T08:55", 0.4),
            ("2023-11-06", ApiChatCompletions, "2023-11-06T08:55", 0.003),
            ("2023-11-08", ChatWeb, "2023-11-08T03:56", 0.55),
            ("2023-11-08", ApiChatCompletions, "2023-11-08T03:56", 0.495),
            ("2023-11-08", Login, "2023-11-08T03:56", 0.33),
            ("2023-11-08", ApiChatCompletions, "2023-11-08T04:50", 0.003),
            ("2023-11-08", ApiChatCompletions, "2023-11-08T05:25", 0.45),
            (
                "2023-11-08-major",
                ApiChatCompletions,
                "2023-11-08T14:50",
                0.95,
            ),
            ("2023-11-08-major", Login, "2023-11-08T14:50", 0.76),
            ("2023-11-08-major", ChatWeb, "2023-11-08T15:16", 0.06),
            ("2023-11-08-ddos", ChatWeb, "2023-11-08T20:30", 0.75),
            (
                "2023-11-08-ddos",
                ApiChatCompletions,
                "2023-11-08T20:30",
                0.6,
            ),
            (
                "2023-11-08-ddos",
                ApiChatCompletions,
                "2023-11-09T08:00",
                0.003,
            ),
            ("2023-11-21", ChatWeb, "2023-11-21T22:40", 0.75),
            ("2023-11-21", ApiChatCompletions, "2023-11-21T22:40", 0.06),
            ("2024-06-04", ChatWeb, "2024-06-04T16:10", 1.0),
            ("2024-06-04", Login, "2024-06-04T16:10", 0.7),
            ("2024-06-04", ApiChatCompletions, "2024-06-04T16:10", 0.003),
            ("2024-06-04", ImageGeneration, "2024-06-04T16:10", 0.003),
            ("2024-12-11", ApiChatCompletions, "2024-12-11T23:26", 0.45),
            ("2024-12-11", ImageGeneration, "2024-12-11T23:40", 0.97),
            ("2024-12-11", Video, "2024-12-12T01:10", 0.97),
        ] {
            let found = played(name).rate(component, at(moment));
            assert!(
                (found - rate).abs() < 1e-9,
                "{name} {component} {moment}: {found}"
            );
        }
    }

    #[test]
    fn the_status_page_is_as_late_as_it_was() {
        let lags = |name: &str| -> Vec<Option<u64>> {
            let s = played(name);
            let next = |i: usize| s.truth.get(i + 1).map_or(s.end, |t| t.start);
            let lag = |(i, t)| Some(s.told_of(t, next(i))?.since(t.start).as_secs() / 60);
            s.truth.iter().enumerate().map(lag).collect()
        };
        assert_eq!(lags("2023-11-08"), [Some(12), Some(4)]);
        assert_eq!(lags("2023-11-08-major"), [Some(12)]);
        assert_eq!(lags("2024-06-04"), [Some(32), Some(19)]);
        assert_eq!(lags("2024-12-11"), [None, None]);
    }
}
