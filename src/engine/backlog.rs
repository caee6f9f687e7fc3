//! What has been judged and is not committed yet. Empty after each turn while the database works; while it does not,
//! samples wait here, bounded and counted, and so does all that must not be lost.

use std::collections::VecDeque;

use super::own::OwnLetter;
use crate::model::notification::{DeliveryReport, Letter, NoteAbout};
use crate::model::{IncidentEvent, IncidentId, Sample, ServiceId};
use crate::store::RationRow;

use super::said::Heard;

/// Samples kept in memory while the database cannot be written; beyond that the oldest are dropped and counted.
const MOST_SAMPLES: usize = 100_000;
/// Changes of ration kept in memory: a hundred services that change each ten minutes for a day. 600 KB.
const MOST_RATIONS: usize = 15_000;

/// Digests kept in memory while the database cannot be written. 10 MB.
const MOST_LETTERS: usize = 500;

/// What waits for a commit.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub samples: VecDeque<Sample>,
    pub events: Vec<(ServiceId, IncidentEvent)>,
    pub reports: Vec<DeliveryReport>,
    pub finals: Vec<IncidentId>,
    /// Letters that are about no incident.
    pub letters: Vec<Letter>,
    /// What everybody is to know of the database.
    pub notes: Vec<NoteAbout>,
    /// Letters about the prober itself.
    pub own: Vec<OwnLetter>,
    /// The state of the prober's own incident, when it is to be kept.
    pub own_state: Option<String>,
    /// What the prober lacks to see; empty while it sees.
    pub blind: String,
    /// Changes of ration.
    pub rations: Vec<RationRow>,
    /// What people said.
    pub heard: Heard,
    /// Microseconds by which the wall clock was stepped and the outbox was not yet.
    pub shift: i64,
    /// Samples that were dropped since the start of the daemon.
    pub dropped: u64,
}

impl Backlog {
    /// Adds letters; those for which there is no room are left out.
    pub fn letters(&mut self, letters: Vec<Letter>) {
        let room = MOST_LETTERS.saturating_sub(self.letters.len());
        self.letters.extend(letters.into_iter().take(room));
    }

    /// Adds a folded sample.
    pub fn sample(&mut self, sample: Sample) {
        if self.samples.len() >= MOST_SAMPLES {
            self.samples.pop_front();
            self.dropped += 1;
        }
        self.samples.push_back(sample);
    }

    /// Adds changes of ration. Those that there is no room for are in force, and missing in what is kept.
    pub fn rations(&mut self, rows: Vec<RationRow>) {
        let room = MOST_RATIONS.saturating_sub(self.rations.len());
        self.rations.extend(rows.into_iter().take(room));
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.weighs_nothing()
    }

    /// Nothing waits that must not be lost.
    pub fn weighs_nothing(&self) -> bool {
        self.events.is_empty()
            && self.reports.is_empty()
            && self.finals.is_empty()
            && self.letters.is_empty()
            && self.notes.is_empty()
            && self.own.is_empty()
            && self.rations.is_empty()
            && self.heard.is_empty()
            && self.shift == 0
    }
}
