//! What became of incidents on the providers' status pages, told from what the probes of those pages have read.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::words::{apart, moment, span};
use crate::config::Config;
use crate::model::admission::{Admission, Admitted, Seen, Stand};
use crate::model::response::{PageLag, Spread};
use crate::model::{IncidentKind, Timestamp};
use crate::store::{ClaimRow, Course, Reader, StoreError};

/// Changes of one page that are looked at: as many as are kept of it.
const MOST_CLAIMS: usize = 5_000;

/// How the pages of all services stood in a time.
pub struct Pages {
    services: HashMap<String, Vec<Page>>,
}

struct Page {
    /// Name of the probe that reads it.
    probe: String,
    stands: Vec<Stand>,
}

/// What a page said of an incident.
pub struct Said {
    /// Name of the probe that reads the page.
    pub probe: String,
    pub admission: Admission,
    pub seen: Seen,
}

impl Pages {
    /// From what the configured probes of pages have read from a moment on.
    pub fn read(reader: &Reader, config: &Config, from: Timestamp) -> Result<Self, StoreError> {
        let rows = reader.services()?;
        let mut services = HashMap::new();
        for service in &config.services {
            let row = rows.iter().find(|row| row.name == service.name);
            let Some(row) = row else { continue };
            let mut pages = Vec::new();
            for probe in service.probes.iter().filter(|p| p.kind == "status_page") {
                let mut stands = Vec::new();
                for known in row.probes.iter().filter(|p| p.name == probe.name) {
                    let first = reader.claim_at(known.id, from)?;
                    let later = reader.claims_after(known.id, from, MOST_CLAIMS)?;
                    stands.extend(first.iter().chain(&later).map(stand));
                }
                // From several places, or in the order in which they came when the clock was stepped.
                stands.sort_by_key(|stand| stand.first_at);
                pages.push(Page {
                    probe: probe.name.clone(),
                    stands,
                });
            }
            services.insert(service.name.clone(), pages);
        }
        Ok(Self { services })
    }

    /// What the pages of its service said of an incident; nothing for one that no page could know of.
    ///
    /// `next` is the onset of the service's next incident, or now.
    pub fn said(&self, course: &Course, next: Timestamp) -> Vec<Said> {
        if !matches!(
            course.row.kind,
            IncidentKind::Errors | IncidentKind::Latency
        ) {
            return Vec::new();
        }
        let seen = Seen {
            since: course.row.since,
            noticed: course.row.opened_at,
            recovered: course.recovered,
            horizon: next,
        };
        let pages = self.services.get(&course.row.service);
        let said = |page: &Page| {
            Some(Said {
                probe: page.probe.clone(),
                admission: Admission::of(&page.stands, &seen)?,
                seen,
            })
        };
        pages.into_iter().flatten().filter_map(said).collect()
    }
}

fn stand(row: &ClaimRow) -> Stand {
    Stand {
        standing: row.claim.of_service(),
        first_at: row.first_at,
        last_at: row.last_at,
    }
}

/// For each incident of a list in the order of time: the onset of the next one of the same service and kind, or `now`.
pub fn horizons(courses: &[Course], now: Timestamp) -> Vec<Timestamp> {
    let mut next: HashMap<(&str, IncidentKind), Timestamp> = HashMap::new();
    let mut horizons: Vec<Timestamp> = courses
        .iter()
        .rev()
        .map(|course| {
            let about = (course.row.service.as_str(), course.row.kind);
            let known = next.insert(about, course.row.since);
            known.unwrap_or(now)
        })
        .collect();
    horizons.reverse();
    horizons
}

impl Said {
    /// `openai/status admitted it at .., 18 min after the onset, 16 min after it was noticed here; called it over at ..`.
    pub fn line(&self, service: &str) -> String {
        let seen = &self.seen;
        let mut line = format!("{service}/{} ", self.probe);
        match self.admission.admitted {
            Admitted::Never => line.push_str("never admitted it"),
            Admitted::Before(at) => {
                line.push_str(&format!("admitted trouble already, since {}", moment(at)));
            }
            Admitted::At(at) => line.push_str(&format!(
                "admitted it at {}: {} the onset, {} it was noticed here",
                moment(at),
                apart(seen.since, at),
                apart(seen.noticed, at),
            )),
        }
        match (self.admission.over, seen.recovered) {
            (None, _) => {}
            (Some(over), None) => {
                line.push_str(&format!("; called it over at {}", moment(over)));
            }
            (Some(over), Some(recovered)) => line.push_str(&format!(
                "; called it over at {}, {} the recovery",
                moment(over),
                apart(recovered, over)
            )),
        }
        line
    }

    /// `+18 min`, `-5 min`, `never`, `before`.
    pub fn brief(&self) -> String {
        match (self.admission.admitted, self.admission.lag_s(&self.seen)) {
            (Admitted::Never, _) => "never".to_owned(),
            (_, Some(lag)) => {
                let sign = if lag < 0.0 { '-' } else { '+' };
                let length = Duration::try_from_secs_f64(lag.abs()).unwrap_or_default();
                format!("{sign}{}", span(length))
            }
            (_, None) => "before".to_owned(),
        }
    }

    pub fn to_json(&self) -> Value {
        let (word, at) = match self.admission.admitted {
            Admitted::Never => ("never", None),
            Admitted::Before(at) => ("before", Some(at)),
            Admitted::At(at) => ("admitted", Some(at)),
        };
        json!({
            "probe": self.probe,
            "state": word,
            "admitted_at": at.map(|at| at.to_string()),
            "lag_s": self.admission.lag_s(&self.seen),
            "over_at": self.admission.over.map(|at| at.to_string()),
            "over_lag_s": self.admission.over_lag_s(&self.seen),
        })
    }
}

/// `admitted 3 of 4, on average 18 min after the onset (16 min after it was noticed here); called them over 5 min after`.
pub fn lag_words(lag: &PageLag) -> String {
    let mean = |spread: &Option<Spread>| spread.map(|s| relative(s.mean_s));
    let mut text = format!("admitted {} of {}", lag.admitted, lag.incidents);
    if let (Some(onset), Some(here)) = (mean(&lag.lag), mean(&lag.after_us)) {
        let on_average = if lag.admitted > 1 { "on average " } else { "" };
        text.push_str(&format!(
            ", {on_average}{onset} the onset and {here} it was noticed here"
        ));
    }
    if lag.before > 0 {
        text.push_str(&format!(
            "; {} came when it admitted something already",
            lag.before
        ));
    }
    if let Some(over) = mean(&lag.over) {
        text.push_str(&format!("; called over {over} the recovery"));
    }
    text
}

/// `18 min after`, `5 min before`.
fn relative(seconds: f64) -> String {
    let at = Timestamp::from_seconds(seconds);
    apart(Timestamp::EPOCH, at)
}
