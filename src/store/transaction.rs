//! Writing: samples, states, incident events and letters that belong together, whole or not at all.

use super::{
    Backlog, Folded, Hush, RationRow, Result, Said, SaidRow, Store, Story, incidents, meta, outbox,
    said, samples, scene, services, spending, story,
};
use crate::model::notification::{DeliveryReport, LastFailure, Letter};
use crate::model::post::Addressed;
use crate::model::said::SaidId;
use crate::model::scene::{PageWord, Recent};
use crate::model::{
    EventKind, FailureKind, IncidentEvent, IncidentId, Sample, ServiceId, Timestamp,
};

/// What a letter tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The incident.
    pub incident: IncidentId,
    /// Number of its event.
    pub sequence: u32,
    /// What happened.
    pub event: EventKind,
}

/// A write that is under way; undone when it is dropped without [`Transaction::commit`].
///
/// After any error the transaction is to be dropped. What it has read it reads with its own writes.
#[derive(Debug)]
pub struct Transaction<'a> {
    store: &'a mut Store,
    committed: bool,
}

impl<'a> Transaction<'a> {
    pub(super) fn begin(store: &'a mut Store) -> Result<Self> {
        store.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self {
            store,
            committed: false,
        })
    }

    /// Adds samples. Two runs of a probe with the same start are kept a microsecond apart.
    ///
    /// Returns the deadlines among their findings that are to be said once this is committed; each only once.
    pub fn samples(&mut self, samples: &[Sample]) -> Result<Vec<Said>> {
        self.samples_but(samples, &Hush::default())
    }

    /// The same, but what `hush` names is not said.
    pub fn samples_but(&mut self, samples: &[Sample], hush: &Hush) -> Result<Vec<Said>> {
        let Store {
            conn,
            results,
            noted,
            notices,
            ..
        } = &mut *self.store;
        samples::insert(conn, results, noted, notices, samples, hush)
    }

    /// What is to be told of a service since a moment, with the samples of this transaction; of a notice, only what is of
    /// its cause.
    pub fn story(
        &self,
        service: ServiceId,
        since: Timestamp,
        cause: Option<FailureKind>,
    ) -> Result<Story> {
        story::tell(&self.store.conn, service, since, cause)
    }

    /// The scheduled runs of a service in a time, as of this transaction; at most about `most`, the latest.
    pub fn recent(
        &self,
        service: ServiceId,
        from: Timestamp,
        to: Timestamp,
        most: usize,
    ) -> Result<Recent> {
        scene::recent(&self.store.conn, service, (from, to), most)
    }

    /// The first failing reply of a service since a moment.
    pub fn first_failure(
        &self,
        service: ServiceId,
        since: Timestamp,
    ) -> Result<Option<LastFailure>> {
        scene::first_failure(&self.store.conn, service, since)
    }

    /// The provider's ids of the latest failed requests of a service since a moment, the latest first.
    pub fn request_ids(
        &self,
        service: ServiceId,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<String>> {
        scene::request_ids(&self.store.conn, service, since, most)
    }

    /// What the pages say that the service's probes read.
    pub fn pages(&self, service: ServiceId, now: Timestamp) -> Result<Vec<PageWord>> {
        scene::pages(&self.store.conn, service, now)
    }

    /// The steps of an incident, in order.
    pub fn events(&self, incident: IncidentId) -> Result<Vec<IncidentEvent>> {
        incidents::events(&self.store.conn, incident)
    }

    /// Adds a step to an incident's life and brings the incident up to it. The same step twice counts once.
    pub fn event(&mut self, service: ServiceId, event: &IncidentEvent) -> Result<()> {
        incidents::add_event(&self.store.conn, service, event)
    }

    /// Replaces a service's state.
    pub fn state(&mut self, service: ServiceId, json: &str, at: Timestamp) -> Result<()> {
        services::save_state(&self.store.conn, service, json, at)
    }

    /// Puts a letter into the outbox, due at once; `about` is `None` for a test mail or another notice. A letter with a
    /// Message-ID that is there already is not added again.
    pub fn letter(&mut self, about: Option<About>, letter: &Letter, at: Timestamp) -> Result<()> {
        outbox::add(&self.store.conn, about, letter, at, at)
    }

    /// The same for a letter that is kept back until `due`.
    pub fn letter_later(
        &mut self,
        about: Option<About>,
        letter: &Letter,
        at: Timestamp,
        due: Timestamp,
    ) -> Result<()> {
        outbox::add(&self.store.conn, about, letter, at, due)
    }

    /// Writes down what came of an attempt to send, and tells to whom it was. A letter that is finished stays as it is, and
    /// gives none.
    pub fn report(&mut self, report: &DeliveryReport) -> Result<Option<Addressed>> {
        outbox::report(&self.store.conn, report)
    }

    /// Gives up what waits of a thread for somebody since before a moment, or is held back, because the letter that comes
    /// next stands for it. What somebody may have already stays.
    pub fn fold(
        &mut self,
        thread: IncidentId,
        recipient: &str,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Folded>> {
        outbox::fold(&self.store.conn, thread, recipient, before, now)
    }

    /// Whether somebody never gets this letter of a thread, as far as is known: it was given up, folded into another or
    /// dropped. False for one of which nothing is kept.
    pub fn is_lost(&self, thread: IncidentId, sequence: u32, recipient: &str) -> Result<bool> {
        outbox::is_lost(&self.store.conn, thread, sequence, recipient)
    }

    /// Who has mails that were written before a moment and leave from `to` on, and how many of his were folded since
    /// `from`.
    pub fn late(&self, from: Timestamp, before: Timestamp, to: Timestamp) -> Result<Vec<Backlog>> {
        outbox::late(&self.store.conn, from, before, to)
    }

    /// These letters are to be sent, again or at once; those that were accepted stay as they are.
    pub fn retry(&mut self, letters: &[i64], now: Timestamp) -> Result<()> {
        outbox::retry(&self.store.conn, letters, now)
    }

    /// These letters are not to be sent any more; those that were accepted stay as they are.
    pub fn discard(&mut self, letters: &[i64], why: &str, now: Timestamp) -> Result<()> {
        outbox::discard(&self.store.conn, letters, why, now)
    }

    /// The incident is told of in the thread of `lead`.
    pub fn told_with(&mut self, incident: IncidentId, lead: IncidentId) -> Result<()> {
        incidents::told_with(&self.store.conn, incident, lead)
    }

    /// The watch after an incident is over.
    pub fn finalize(&mut self, incident: IncidentId) -> Result<()> {
        incidents::finalize(&self.store.conn, incident)
    }

    /// The wall clock was stepped: what waits to be sent waits as long as it would have, and what was said for a time lasts
    /// as long.
    pub fn shift(&mut self, micros: i64) -> Result<()> {
        said::shift(&self.store.conn, micros)?;
        outbox::shift(&self.store.conn, micros)
    }

    /// Keeps a change of ration.
    pub fn ration(&mut self, row: &RationRow) -> Result<()> {
        spending::keep_ration(&self.store.conn, row)
    }

    /// Keeps what somebody said, and what came of it. The same slip twice counts once.
    pub fn said(&mut self, row: &SaidRow) -> Result<()> {
        said::add(&self.store.conn, row)
    }

    /// A silence or maintenance is over; `by` is empty when its time was.
    pub fn end_said(&mut self, id: SaidId, at: Timestamp, by: &str) -> Result<()> {
        said::end(&self.store.conn, id, at, by)
    }

    /// The latest acknowledgement of an incident, whether it stands or not.
    pub fn last_ack(&self, incident: IncidentId) -> Result<Option<SaidRow>> {
        Ok(said::acks(&self.store.conn, incident)?.pop())
    }

    /// The acknowledgement of an incident does not stand any more.
    pub fn end_ack(&mut self, incident: IncidentId, at: Timestamp, by: &str) -> Result<()> {
        said::end_ack(&self.store.conn, incident, at, by)
    }

    /// The latest event of an incident.
    pub fn latest_event(&self, incident: IncidentId) -> Result<Option<IncidentEvent>> {
        Ok(incidents::events(&self.store.conn, incident)?.pop())
    }

    /// Keeps a small fact that readers want to know (`started_at`, `missed_slots`).
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        meta::set(&self.store.conn, key, value)
    }

    /// Makes it last: when this returns, it is on the disk.
    pub fn commit(mut self) -> Result<()> {
        self.store.conn.prepare_cached("COMMIT")?.execute([])?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        if !self.store.conn.is_autocommit() {
            // Only a failed disk refuses this, and then SQLite undoes it at the next opening.
            let _ = self.store.conn.execute_batch("ROLLBACK");
        }
        self.store.forget();
    }
}
