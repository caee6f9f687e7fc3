//! A service with a rule of the user's: what the rule costs, beside the detector with the same probes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RATES, rough};
use crate::config::Service;
use crate::model::fold::{Judge, PlainRule};
use crate::model::forecast::Watch;
use crate::model::forecast_plain::PlainForecast;

/// Usual failure rates that false pages are forecast for.
const USUAL: [f64; 4] = [0.001, 0.005, 0.01, 0.02];
/// Those that are told to people: of a good service, of most, and of a flaky one.
const TOLD: [f64; 3] = [0.001, 0.005, 0.02];

/// How soon whoever judges the service notices an outage of each of [`RATES`].
pub(super) fn times(service: &Service, watch: &Watch) -> [Option<Duration>; 4] {
    RATES.map(|rate| match &service.alert.judge {
        Judge::Detector => watch.time_to_detect(rate),
        Judge::Plain(rule) => PlainForecast::new(rule, watch).time_to_detect(rate),
    })
}

/// The times by their rates, in seconds.
pub(super) fn seconds(times: [Option<Duration>; 4]) -> Value {
    let named = RATES.iter().zip(times).map(|(rate, time)| {
        let seconds = time.map(|t| t.as_secs_f64().round());
        (format!("{:.0}%", rate * 100.0), json!(seconds))
    });
    Value::Object(named.collect())
}

/// A rule beside the detector.
pub(super) struct Compared<'s> {
    service: &'s str,
    rule: &'s PlainRule,
    watch: Watch,
}

impl<'s> Compared<'s> {
    /// `None` for a service that the detector judges.
    pub fn of(service: &'s Service, watch: Watch) -> Option<Self> {
        let Judge::Plain(rule) = &service.alert.judge else {
            return None;
        };
        let service = &service.name;
        Some(Self {
            service,
            rule,
            watch,
        })
    }

    fn false_pages(&self, usual: f64) -> Option<f64> {
        let watch = Watch {
            usual,
            ..self.watch.clone()
        };
        PlainForecast::new(self.rule, &watch).false_pages_per_year()
    }

    fn detector(&self) -> [Option<Duration>; 4] {
        RATES.map(|rate| self.watch.time_to_detect(rate))
    }

    pub fn to_json(&self) -> Value {
        let rule = match self.rule {
            PlainRule::Rate {
                over,
                window,
                min_runs,
            } => json!({
                "error_rate_over": over, "window_s": window.as_secs_f64(), "min_runs": min_runs,
            }),
            PlainRule::Consecutive {
                failures,
                recover_after,
            } => json!({ "consecutive_failures": failures, "recover_after": recover_after }),
        };
        let pages = USUAL.iter().map(|usual| {
            let pages = self.false_pages(*usual);
            let pages = pages.map(|p| (p * 1e3).round() / 1e3);
            (format!("{}%", usual * 100.0), json!(pages))
        });
        json!({
            "rule": rule,
            "false_pages_per_year_by_usual_rate": pages.collect::<serde_json::Map<_, _>>(),
            "detector": {
                "false_pages_per_year": self.watch.false_pages_per_year,
                "time_to_detect_s": seconds(self.detector()),
            },
        })
    }

    /// What is said below the table.
    pub fn lines(&self) -> [String; 2] {
        let pages = TOLD.map(|usual| self.false_pages(usual).map_or("?".to_owned(), count));
        let named = RATES.iter().zip(self.detector()).map(|(rate, time)| {
            let time = time.map_or("never".to_owned(), rough);
            format!("{:.0} % in {time}", rate * 100.0)
        });
        let named: Vec<String> = named.collect();
        let [good, most, flaky] = pages;
        [
            format!(
                "{} is judged by a rule, {}: false pages a year {good}, {most} or {flaky}, where its runs usually fail once in 1000, 200 or 50",
                self.service, self.rule
            ),
            format!(
                "  the detector with the same probes: at most {}, at any of these rates; noticed: {}",
                count(self.watch.false_pages_per_year),
                named.join(", ")
            ),
        ]
    }
}

/// `4.4`, `220`: as exact as a forecast is.
fn count(pages: f64) -> String {
    match pages {
        p if p < 0.05 => "0".to_owned(),
        p if p < 10.0 => format!("{}", (p * 10.0).round() / 10.0),
        p => format!("{p:.0}"),
    }
}
