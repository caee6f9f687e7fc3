//! Looking on: a handle that cannot write, beside a daemon that works or one that is dead.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::files::{self, DATABASE};
use super::rollups::{self, Rollup};
use super::{
    ClaimRow, Course, Days, DeliveryRow, DeliveryState, IncidentFilter, IncidentRow, LimitRow,
    NoticeRow, OpenError, OutboxSummary, Past, RationRow, Result, ServiceRow, Spending, claims,
    connection, courses, incidents, limits, meta, migrations, notices, numbers, outbox, paces,
    samples, services, spending, story, sums,
};
use crate::model::fold::Part;
use crate::model::notification::Pending;
use crate::model::post::Lane;
use crate::model::{IncidentEvent, IncidentId, ProbeId, Sample, ServiceId, Timestamp};

/// Runs of a probe by what they say of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// It answered.
    pub up: u64,
    /// It failed.
    pub down: u64,
    /// Nothing can be said: ours, blocked, inconclusive.
    pub other: u64,
}

/// An incident with its events and its letters.
pub type IncidentStory = (IncidentRow, Vec<IncidentEvent>, Vec<DeliveryRow>);

/// A handle that only reads.
#[derive(Debug)]
pub struct Reader {
    pub(super) conn: Connection,
    /// The file that it reads, wherever that is by now.
    file: Option<(u64, u64)>,
}

impl Reader {
    /// Opens the database of a data directory for reading.
    ///
    /// # Errors
    /// When there is none, or it is of a newer version, or cannot be read.
    pub fn open(data_dir: &Path) -> std::result::Result<Self, OpenError> {
        let path = data_dir.join(DATABASE);
        if !path.exists() {
            return Err(OpenError::Absent(data_dir.to_owned()));
        }
        let opened = connection::reader(&path).and_then(|conn| {
            // Reading the header is what needs the files beside the database.
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(conn)
        });
        let conn = match opened {
            Ok(conn) => conn,
            // Where nobody writes, nothing has to be locked; with a log beside it, part of the data would be missed.
            Err(_) if !files::beside(&path, "-wal").exists() => connection::immutable(&path)?,
            Err(e) => return Err(e.into()),
        };
        migrations::check(&conn)?;
        let file = files::identity(&path);
        Ok(Self { conn, file })
    }

    /// Whether it still reads the database of this data directory: a damaged one is moved aside under its eyes.
    pub fn is_of(&self, data_dir: &Path) -> bool {
        files::identity(&data_dir.join(DATABASE)) == self.file
    }

    /// Unfinished letters that are due, oldest first; of each incident and recipient only the first.
    pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>> {
        outbox::due(&self.conn, None, now, limit)
    }

    /// The same of one lane.
    pub fn due_in(&self, lane: &Lane, now: Timestamp, limit: usize) -> Result<Vec<Pending>> {
        outbox::due(&self.conn, Some(lane), now, limit)
    }

    /// When the next letter is due; `None` when none waits.
    pub fn next_due(&self) -> Result<Option<Timestamp>> {
        outbox::next_due(&self.conn, None)
    }

    /// The same of one lane.
    pub fn next_due_in(&self, lane: &Lane) -> Result<Option<Timestamp>> {
        outbox::next_due(&self.conn, Some(lane))
    }

    /// A letter of the outbox with its bytes, which go some time after it was finished.
    pub fn letter(&self, id: i64) -> Result<Option<(DeliveryRow, Option<Vec<u8>>)>> {
        outbox::one(&self.conn, id)
    }

    /// Letters of the outbox in these states, the latest first, at most `limit`.
    pub fn letters(&self, states: &[DeliveryState], limit: usize) -> Result<Vec<DeliveryRow>> {
        outbox::list(&self.conn, states, limit)
    }

    /// The outbox in short.
    pub fn outbox_summary(&self) -> Result<OutboxSummary> {
        outbox::summary(&self.conn)
    }

    /// Incidents, newest first.
    pub fn incidents(&self, filter: IncidentFilter) -> Result<Vec<IncidentRow>> {
        incidents::list(&self.conn, filter)
    }

    /// One incident with its events and letters.
    pub fn incident(&self, id: IncidentId) -> Result<Option<IncidentStory>> {
        let Some(row) = incidents::one(&self.conn, id)? else {
            return Ok(None);
        };
        Ok(Some((
            row,
            incidents::events(&self.conn, id)?,
            self.deliveries(id)?,
        )))
    }

    /// The runs of each configured probe of a service from a moment until before another, as far as they are kept.
    pub fn parts(
        &self,
        service: ServiceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(String, Part)>> {
        story::parts(&self.conn, service, (from, until))
    }

    /// Incidents that went on at some moment from `from` until before `to`, oldest first, with the moments that a report
    /// counts from.
    pub fn courses(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Course>> {
        courses::between(&self.conn, from, to)
    }

    /// The same of one incident.
    pub fn course(&self, id: IncidentId) -> Result<Option<Course>> {
        courses::one(&self.conn, id)
    }

    /// The letters of an incident.
    pub fn deliveries(&self, id: IncidentId) -> Result<Vec<DeliveryRow>> {
        outbox::of_incident(&self.conn, id)
    }

    /// All services that have a configured probe, by name.
    pub fn services(&self) -> Result<Vec<ServiceRow>> {
        services::list(&self.conn)
    }

    /// The latest committed state of every service.
    pub fn states(&self) -> Result<Vec<(ServiceId, String, Timestamp)>> {
        services::load_states(&self.conn)
    }

    /// A probe's latest run.
    pub fn last_sample(&self, probe: ProbeId) -> Result<Option<Sample>> {
        samples::last(&self.conn, probe)
    }

    /// Up to `limit` samples of a probe that began after `after`, in order.
    pub fn samples_after(
        &self,
        probe: ProbeId,
        after: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Sample>> {
        samples::after(&self.conn, probe, after, limit)
    }

    /// A probe's runs since a moment, from the samples.
    pub fn tally(&self, probe: ProbeId, since: Timestamp) -> Result<Tally> {
        /// Nothing began later than this after the epoch's moment that is asked for.
        const EVER: Duration = Duration::from_secs(100 * 365 * 86_400);
        let sums = rollups::of_samples(&self.conn, probe, since, EVER)?;
        let other = sums.ours + sums.inconclusive;
        Ok(Tally {
            up: u64::from(sums.n - sums.failed - other),
            down: u64::from(sums.failed),
            other: u64::from(other),
        })
    }

    /// The numbers that a probe has read since a moment, in order.
    pub fn numbers(&self, probe: ProbeId, since: Timestamp) -> Result<Vec<(Timestamp, f64)>> {
        numbers::since(&self.conn, probe, since)
    }

    /// What the page of a probe claimed at a moment: the latest that was first read by then. Its `last_at` tells until
    /// when it was seen to say so.
    pub fn claim_at(&self, probe: ProbeId, moment: Timestamp) -> Result<Option<ClaimRow>> {
        claims::at(&self.conn, probe, moment)
    }

    /// Up to `limit` claims of a probe's page that were first read after a moment, in order: its changes since.
    pub fn claims_after(
        &self,
        probe: ProbeId,
        moment: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimRow>> {
        claims::after(&self.conn, probe, moment, limit)
    }

    /// Since when the overall standing of a probe's page is what it is now; `None` when it was never read.
    pub fn standing_since(&self, probe: ProbeId) -> Result<Option<Timestamp>> {
        claims::standing_since(&self.conn, probe)
    }

    /// What ends soon, as the configured probes last saw it; the nearest first.
    pub fn notices(&self) -> Result<Vec<NoticeRow>> {
        notices::list(&self.conn)
    }

    /// The sums of a probe's hour; `None` while it is not over.
    pub fn rollup(&self, probe: ProbeId, hour: Timestamp) -> Result<Option<Rollup>> {
        rollups::hour_of(&self.conn, probe, hour)
    }

    /// What the runs of a time came to, for each of these probes in their order: from the sums of the hours from that of
    /// `from` until that before `to` (`None`: and all later ones), and from the samples of hours that are not summed up yet.
    pub fn past(
        &self,
        probes: &[ProbeId],
        from: Timestamp,
        to: Option<Timestamp>,
        days: Days,
    ) -> Result<Vec<Past>> {
        sums::past(&self.conn, probes, from, to, days)
    }

    /// Since when each probe was to run how often, in order; by probe.
    pub fn paces(&self) -> Result<HashMap<ProbeId, Vec<(Timestamp, Duration)>>> {
        paces::all(&self.conn)
    }

    /// What all probes have cost since the day of a moment, by probe and day.
    pub fn spending(&self, since: Timestamp) -> Result<Vec<Spending>> {
        spending::since(&self.conn, since)
    }

    /// The latest ration of every probe that ever had another than its own.
    pub fn rations(&self) -> Result<Vec<RationRow>> {
        spending::rations(&self.conn)
    }

    /// Every change of ration that is kept, by probe and time.
    pub fn all_rations(&self) -> Result<Vec<RationRow>> {
        spending::all_rations(&self.conn)
    }

    /// What the replies to a probe said of rate limits since a moment.
    pub fn limits(&self, probe: ProbeId, since: Timestamp) -> Result<Vec<LimitRow>> {
        limits::of(&self.conn, probe, since)
    }

    /// A fact of the daemon, by name.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        meta::get(&self.conn, key)
    }
}
