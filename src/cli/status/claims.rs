//! What the status pages of a service claim, and what of it ends soon.

use std::time::Duration;

use serde_json::Value;

use crate::cli::claim;
use crate::config::Service;
use crate::model::{Claim, ServiceId, Standing, Timestamp};
use crate::report::words::{moment, span};
use crate::store::{NoticeRow, Reader, ServiceRow, StoreError};

/// A claim that was not read for so many intervals is told with its age.
const STALE_INTERVALS: u32 = 3;

/// Columns of a claim: those of the table above it, or nearly.
const WIDTH: usize = 96;

/// What one page claims.
pub(super) struct Page {
    /// Name of the probe that reads it.
    probe: String,
    claim: Claim,
    since: Timestamp,
    read_at: Timestamp,
    stale: bool,
}

/// The latest claims of a service's pages.
pub(super) fn pages(
    reader: &Reader,
    service: &Service,
    row: Option<&ServiceRow>,
    now: Timestamp,
) -> Result<Vec<Page>, StoreError> {
    let mut pages = Vec::new();
    for probe in service.probes.iter().filter(|p| p.kind == "status_page") {
        let id = row.and_then(|row| row.probes.iter().find(|p| p.name == probe.name));
        let Some(id) = id.map(|row| row.id) else {
            continue;
        };
        // Whatever the clocks say: the latest is wanted.
        let latest = reader.claim_at(id, Timestamp::from_micros(i64::MAX))?;
        let (Some(latest), Some(since)) = (latest, reader.standing_since(id)?) else {
            continue;
        };
        let patience = probe.cadence.interval().saturating_mul(STALE_INTERVALS);
        pages.push(Page {
            probe: probe.name.clone(),
            claim: latest.claim,
            since,
            read_at: latest.last_at,
            stale: now.since(latest.last_at) > patience.max(Duration::from_secs(60)),
        });
    }
    Ok(pages)
}

/// What is claimed of a probe, by the page that says the worst of it.
pub(super) fn of_probe(pages: &[Page], probe: &str) -> Option<Standing> {
    pages.iter().filter_map(|p| p.claim.of_probe(probe)).max()
}

impl Page {
    /// Whether it is the page that this probe reads.
    pub fn is_of(&self, probe: &str) -> bool {
        self.probe == probe
    }

    /// What it claims of all.
    pub fn overall(&self) -> Standing {
        self.claim.overall
    }

    pub fn lines(&self, service: &str, now: Timestamp) -> Vec<String> {
        let read = match self.stale {
            true => format!(", last read {} ago", span(now.since(self.read_at))),
            false => String::new(),
        };
        let head = format!(
            "{service}/{} claims {} since {}{read}",
            self.probe,
            self.claim.overall,
            moment(self.since)
        );
        let inner = claim::lines(&self.claim, now, WIDTH);
        let indented = inner.into_iter().map(|line| format!("  {line}"));
        std::iter::once(head).chain(indented).collect()
    }

    pub fn to_json(&self) -> Value {
        let mut json = self.claim.to_json();
        json["probe"] = self.probe.as_str().into();
        json["since"] = self.since.to_string().into();
        json["read_at"] = self.read_at.to_string().into();
        json
    }
}

/// What of a service ends soon, each once; the nearest first.
pub(super) fn ends(rows: &[NoticeRow], service: ServiceId, now: Timestamp) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    for row in rows.iter().filter(|row| row.service == service) {
        let end = End {
            text: row.deadline.tell(now),
            json: row.deadline.to_json(),
        };
        if !ends.iter().any(|known| known.text == end.text) {
            ends.push(end);
        }
    }
    ends
}

/// Something that ends soon.
pub(super) struct End {
    /// In a sentence.
    pub text: String,
    /// For scripts.
    pub json: Value,
}
