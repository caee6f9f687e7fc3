//! What is kept: samples, hourly sums, detector states, incidents and the outbox, in one SQLite database.
//!
//! One [`Store`] writes (the engine's), any number of [`Reader`]s look on, beside the daemon or after its death. All that
//! belongs together is written in one [`Transaction`], so that a crash leaves all of it or nothing. SQL stands in this
//! room only.

mod backup;
mod claims;
mod connection;
mod courses;
mod error;
mod files;
mod incidents;
mod limits;
mod lock;
mod meta;
mod migrations;
mod notices;
mod numbers;
mod outbox;
mod paces;
mod prune;
mod reader;
mod results;
mod rollups;
mod said;
mod samples;
mod scene;
mod schema;
mod services;
mod slips;
mod spending;
mod story;
mod sums;
mod transaction;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

pub use claims::ClaimRow;
pub use courses::Course;
pub use error::{OpenError, Result, Source, StoreError};
pub use incidents::{IncidentFilter, IncidentRow};
pub use limits::LimitRow;
pub use lock::Holder;
pub use notices::{Hush, NoticeRow, Said};
pub use outbox::{Backlog, DeliveryRow, DeliveryState, Folded, OutboxSummary};
pub use prune::{Pruned, Retention};
pub use reader::{IncidentStory, Reader, Tally};
pub use rollups::Rollup;
pub use said::{SaidRow, What};
pub use services::{ProbeRow, ServiceRow};
pub use slips::{Found, Slips};
pub use spending::{RationRow, Spending};
pub use story::Story;
pub use sums::{Days, Past};
pub use transaction::{About, Transaction};

use crate::model::said::SaidId;
use crate::model::{IncidentId, ProbeId, Sample, ServiceId, Timestamp};
use files::DATABASE;
use lock::Lock;

/// Above this size a database is not read through at the start: it would take longer than people wait.
const CHECKED_BYTES: u64 = 256 << 20;
/// Below this size it is always read through: that takes some milliseconds.
const ALWAYS_CHECKED_BYTES: u64 = 4 << 20;

/// The one handle that writes; holds the lock of the data directory until it is dropped.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    dir: PathBuf,
    instance: String,
    recovered: Option<PathBuf>,
    /// There is no database behind it: one could not be opened again.
    closed: bool,
    results: results::Results,
    /// For each probe the hour that is already noted in `rollup_due`.
    noted: HashMap<ProbeId, i64>,
    notices: notices::Notices,
    pruned_to: prune::Cursor,
    // Last, so that it is given back after the database has been closed.
    lock: Lock,
}

impl Store {
    /// Opens the database in `data_dir`, making both when they are not there (0700 and 0600).
    ///
    /// A damaged database is moved aside and a new one begun: see [`Store::recovered`]. Returns within a fifth of a
    /// second when another process has the directory.
    pub fn open(data_dir: &Path) -> std::result::Result<Self, OpenError> {
        connection::check_library()?;
        files::create_dir(data_dir).map_err(OpenError::io("create", data_dir))?;
        let lock = Lock::take(data_dir)?;
        let (conn, recovered) = open_or_recover(data_dir, lock.unclean)?;
        // The reserve is a help, not a condition: on a full disk there is none.
        let _ = files::restore_ballast(data_dir);
        let mut store = Store {
            conn,
            dir: data_dir.to_owned(),
            instance: String::new(),
            recovered,
            closed: false,
            results: results::Results::default(),
            noted: HashMap::new(),
            notices: notices::Notices::default(),
            pruned_to: prune::Cursor::default(),
            lock,
        };
        store.load()?;
        Ok(store)
    }

    /// Closes and opens the database again, keeping the lock; for the time after an error of kind `Io` or `Corrupt`.
    ///
    /// When `why` is `Corrupt` the database is moved aside and a new one begun ([`Store::recovered`]). After an error here the
    /// store has no database ([`Store::is_closed`]): every use fails with `Other` until a later call succeeds.
    pub fn reopen(&mut self, why: &StoreError) -> std::result::Result<(), OpenError> {
        self.closed = true;
        self.conn = Connection::open_in_memory()?;
        self.forget();
        let path = self.dir.join(DATABASE);
        if matches!(why, StoreError::Corrupt(_)) {
            let (conn, aside) = begin_anew(&self.dir, &path)?;
            self.conn = conn;
            self.recovered = Some(aside);
        } else {
            let (conn, recovered) = open_or_recover(&self.dir, true)?;
            self.conn = conn;
            if recovered.is_some() {
                self.recovered = recovered;
            }
        }
        self.load()?;
        self.closed = false;
        Ok(())
    }

    /// Gives services and probes the numbers that they have already, in a database that was begun under a working daemon:
    /// service, its name, probe, its name.
    pub fn adopt(
        &mut self,
        location: &str,
        probes: &[(ServiceId, &str, ProbeId, &str)],
    ) -> Result<()> {
        services::adopt(&mut self.conn, location, probes)
    }

    /// Whether there is no database behind it, and it has to be opened again before any use.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Where a damaged database has been moved to, if that happened at [`Store::open`] or [`Store::reopen`].
    pub fn recovered(&self) -> Option<&Path> {
        self.recovered.as_deref()
    }

    /// The same, told once.
    pub fn take_recovered(&mut self) -> Option<PathBuf> {
        self.recovered.take()
    }

    /// True when the previous daemon did not end by itself: killed, or the machine stopped.
    pub fn was_unclean(&self) -> bool {
        self.lock.unclean
    }

    /// A name that no other database has, for the right side of Message-IDs: `4f1c9a2e0b7d5533.watchfire`.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Numbers for these probes of `(service, probe)` at a location, in their order. The same names get the same
    /// numbers for ever; probes of this location that are not listed are no longer shown.
    pub fn register(
        &mut self,
        location: &str,
        probes: &[(&str, &str)],
    ) -> Result<Vec<(ServiceId, ProbeId)>> {
        // Of probes that come back, what was said of them does too.
        self.notices.clear();
        services::register(&mut self.conn, location, probes)
    }

    /// Notes how often these probes are to run from now on, and that no others are to.
    pub fn note_paces(&mut self, now: Timestamp, paces: &[(ProbeId, Duration)]) -> Result<()> {
        paces::note(&mut self.conn, now, paces)
    }

    /// The latest state of every service, as [`Transaction::state`] got it, and when that was.
    pub fn load_states(&self) -> Result<Vec<(ServiceId, String, Timestamp)>> {
        services::load_states(&self.conn)
    }

    /// The number that the next incident gets.
    pub fn next_incident(&self) -> Result<IncidentId> {
        incidents::next(&self.conn)
    }

    /// Up to `limit` samples of a probe that began after `after` (`None`: from the first), in the order of their start.
    pub fn samples_after(
        &self,
        probe: ProbeId,
        after: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Sample>> {
        samples::after(&self.conn, probe, after, limit)
    }

    /// What all probes have cost lately, by probe and day: enough to tell what a run costs.
    pub fn spending(&self, now: Timestamp) -> Result<Vec<Spending>> {
        spending::since(&self.conn, now - spending::LEARNED_FROM)
    }

    /// The latest ration of every probe that ever had another than its own.
    pub fn rations(&self) -> Result<Vec<RationRow>> {
        spending::rations(&self.conn)
    }

    /// The folder in which commands leave word for the daemon.
    pub fn slips(&self) -> Slips {
        Slips::of(&self.dir)
    }

    /// The number that the next thing gets which somebody says.
    pub fn next_said(&self) -> Result<SaidId> {
        said::next(&self.conn)
    }

    /// Whether what a slip brought is known already.
    pub fn knows_slip(&self, token: &str) -> Result<bool> {
        Ok(said::of_token(&self.conn, token)?.is_some())
    }

    /// Silences and maintenances that are not over.
    pub fn standing(&self) -> Result<Vec<SaidRow>> {
        said::standing(&self.conn)
    }

    /// A fact kept by [`Transaction::set_meta`].
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        meta::get(&self.conn, key)
    }

    /// A letter of the outbox, and whether its bytes are still there.
    pub fn letter(&self, id: i64) -> Result<Option<(DeliveryRow, bool)>> {
        let found = outbox::one(&self.conn, id)?;
        Ok(found.map(|(row, bytes)| (row, bytes.is_some())))
    }

    /// Letters of the outbox in these states, the latest first, at most `limit`.
    pub fn letters(&self, states: &[DeliveryState], limit: usize) -> Result<Vec<DeliveryRow>> {
        outbox::list(&self.conn, states, limit)
    }

    /// Begins to write. What is not committed is undone when the transaction is dropped.
    pub fn begin(&mut self) -> Result<Transaction<'_>> {
        Transaction::begin(self)
    }

    /// What is to be told of a service since a moment.
    pub fn story(&self, service: ServiceId, since: Timestamp) -> Result<Story> {
        story::tell(&self.conn, service, since, None)
    }

    /// Sums up to `at_most` hours of probes that are over; returns how many, 0 when none is left to do.
    ///
    /// An hour is summed some minutes after its end ([`Rollup::GRACE`]); a sample that comes later has it summed again.
    /// One transaction a call, and about a millisecond for each three hours of probes: call it with 20 or so between commits.
    pub fn roll_up(&mut self, now: Timestamp, at_most: usize) -> Result<usize> {
        let done = rollups::roll_up(&mut self.conn, now, at_most);
        if !matches!(done, Ok(0)) {
            self.noted.clear();
        }
        done
    }

    /// Deletes up to `at_most_rows` that are older than they have to be kept, in one transaction, and gives room back to
    /// the file system. A small piece of the work: call it until it says that there is no more.
    pub fn prune(
        &mut self,
        now: Timestamp,
        retention: &Retention,
        at_most_rows: usize,
    ) -> Result<Pruned> {
        prune::prune(
            &mut self.conn,
            &mut self.pruned_to,
            now,
            retention,
            at_most_rows,
        )
    }

    /// Copies the database to a file (0600) while it is in use. The file appears whole or not at all.
    pub fn backup(&mut self, to: &Path) -> std::result::Result<(), OpenError> {
        backup::backup(&self.conn, to)
    }

    /// Gives the reserve on the disk to the database, so that incidents and mails can still be kept. True when there was
    /// one.
    pub fn release_ballast(&self) -> std::io::Result<bool> {
        files::release_ballast(&self.dir)
    }

    /// Lays in the reserve; one look when it is there.
    ///
    /// # Errors
    /// `Full` while the disk is; `Io` when the file system refuses for another reason, which says nothing of the database.
    pub fn restore_ballast(&self) -> Result<()> {
        files::restore_ballast(&self.dir).map_err(|e| match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(e.into()),
            _ => StoreError::Io(e.into()),
        })
    }

    fn load(&mut self) -> Result<()> {
        self.instance = meta::instance(&self.conn)?;
        self.results.load(&self.conn)
    }

    /// Drops what is remembered of the database's content: it may have been undone.
    fn forget(&mut self) {
        self.results.clear();
        self.noted.clear();
        self.notices.clear();
    }
}

fn open_or_recover(
    dir: &Path,
    unclean: bool,
) -> std::result::Result<(Connection, Option<PathBuf>), OpenError> {
    let path = dir.join(DATABASE);
    match open_checked(&path, unclean) {
        Err(e) if e.is_corrupt() => {
            let (conn, aside) = begin_anew(dir, &path)?;
            Ok((conn, Some(aside)))
        }
        other => Ok((other?, None)),
    }
}

fn open_checked(path: &Path, unclean: bool) -> std::result::Result<Connection, OpenError> {
    let size = std::fs::metadata(path).map_or(0, |m| m.len());
    if size > 0 {
        // A newer database must not be written to, and opening for writing already writes. A reader that cannot
        // open it has a reason that the writer will meet again.
        if let Ok(conn) = connection::reader(path) {
            migrations::check(&conn)?;
        }
    } else {
        files::open_private(path).map_err(OpenError::io("create", path))?;
    }
    let mut conn = connection::writer(path)?;
    if size < ALWAYS_CHECKED_BYTES || (unclean && size < CHECKED_BYTES) {
        check_pages(&conn)?;
    }
    migrations::migrate(&mut conn)?;
    Ok(conn)
}

fn check_pages(conn: &Connection) -> std::result::Result<(), OpenError> {
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(OpenError::Sqlite(StoreError::Corrupt(verdict.into())))
}

/// Moves a damaged database aside and begins a new one with what the newest backup knows.
fn begin_anew(dir: &Path, path: &Path) -> std::result::Result<(Connection, PathBuf), OpenError> {
    let now = crate::clock::Clock::system().now();
    let stamp = now
        .to_utc()
        .map_or_else(String::new, |t| t.format("%Y%m%dT%H%M%SZ").to_string());
    let aside = files::move_aside(path, &stamp).map_err(OpenError::io("move the damaged", path))?;
    let conn = open_checked(path, false)?;
    if let Some(backup) = files::newest_backup(dir) {
        // A backup that is of no use leaves the new database empty, which is what it would be without one.
        let _ = backup::restore(&conn, &backup);
    }
    Ok((conn, aside))
}
