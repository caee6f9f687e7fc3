//! Days and weeks of a probe, kept up to the latest hour that was summed up: reports over months read these.
//!
//! Each hour is added when it is summed up. One that is summed up again is first taken away as it was.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::rollups::{self, Rollup};
use super::{Result, StoreError};
use crate::model::histogram::Histogram;
use crate::model::span::{Piece, Span, cover};
use crate::model::tallies::Tallies;
use crate::model::{ProbeId, Timestamp};

const HOUR_US: i64 = 3_600_000_000;
const HOUR: Duration = Duration::from_secs(3600);

/// What the runs of a time came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// All runs, by what they came to.
    pub results: Tallies,
    /// Durations of the answers, in microseconds.
    pub durations: Histogram,
    /// Times to the first token, in microseconds.
    pub first_tokens: Histogram,
    /// The results of each day, by its number since 1970 (UTC), in order; empty when they were not asked for.
    pub days: Vec<(i64, Tallies)>,
}

/// Whether the results are wanted by day as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// They are.
    Apart,
    /// Only their sum is.
    Together,
}

/// As the tables have them.
const fn code(span: Span) -> i64 {
    span.hours() / 24
}

/// Puts an hour's sums in the place of those that it had before.
pub(super) fn replace(
    conn: &Connection,
    probe: ProbeId,
    hour: i64,
    before: Option<&Rollup>,
    after: &Rollup,
) -> Result<()> {
    for span in [Span::Day, Span::Week] {
        let key = params![probe.0, code(span), span.of_hour(hour)];
        let kept: Option<(Vec<u8>, Vec<u8>, Vec<u8>)> = conn
            .prepare_cached(
                "SELECT results, hist, tokens FROM tally JOIN spread USING (probe_id, span, start)
                 WHERE probe_id = ?1 AND span = ?2 AND start = ?3",
            )?
            .query_row(key, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        let mut sum = Past::default();
        if let Some((results, hist, tokens)) = kept {
            sum.results.merge_bytes(&results).ok_or_else(unreadable)?;
            sum.durations.merge_bytes(&hist).ok_or_else(unreadable)?;
            sum.first_tokens
                .merge_bytes(&tokens)
                .ok_or_else(unreadable)?;
        }
        if let Some(before) = before {
            sum.results.remove(&before.results);
            sum.durations.remove(&before.durations);
            sum.first_tokens.remove(&before.first_tokens);
        }
        sum.add(after);
        conn.prepare_cached(
            "INSERT OR REPLACE INTO tally(probe_id, span, start, results) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            probe.0,
            code(span),
            span.of_hour(hour),
            sum.results.encode()
        ])?;
        conn.prepare_cached(
            "INSERT OR REPLACE INTO spread(probe_id, span, start, hist, tokens) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            probe.0, code(span), span.of_hour(hour), sum.durations.encode(), sum.first_tokens.encode()
        ])?;
    }
    Ok(())
}

fn unreadable() -> StoreError {
    StoreError::Other("sums of a day were written by a newer version".into())
}

impl Past {
    fn add(&mut self, hour: &Rollup) {
        self.results.merge(&hour.results);
        self.durations.merge(&hour.durations);
        self.first_tokens.merge(&hour.first_tokens);
    }
}

/// What the runs of a time came to, for each probe in the order of `probes`; see [`super::Reader::past`].
pub(super) fn past(
    conn: &Connection,
    probes: &[ProbeId],
    from: Timestamp,
    to: Option<Timestamp>,
    days: Days,
) -> Result<Vec<Past>> {
    // One view of all: an hour that is summed up meanwhile must not be counted twice.
    let view = conn.unchecked_transaction()?;
    let pieces = cover(from, to);
    let mut read = Statements::prepare(&view)?;
    let mut pasts = Vec::with_capacity(probes.len());
    for probe in probes {
        let mut past = Past::default();
        for piece in &pieces {
            read.add(*probe, piece, &mut past)?;
        }
        if days == Days::Apart {
            past.days = read.days(*probe, from, to)?;
        }
        pasts.push(past);
    }
    newest(&view, probes, from, to, days, &mut pasts)?;
    Ok(pasts)
}

/// The statements that are used for each probe.
struct Statements<'c> {
    hours: CachedStatement<'c>,
    tallies: CachedStatement<'c>,
    spreads: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(conn: &'c Connection) -> Result<Self> {
        Ok(Self {
            hours: conn.prepare_cached(
                "SELECT results, hist, tokens FROM rollup
                 WHERE probe_id = ?1 AND hour >= ?2 AND hour < ?3 AND results IS NOT NULL",
            )?,
            tallies: conn.prepare_cached(
                "SELECT start, results FROM tally WHERE probe_id = ?1 AND span = ?2 AND start >= ?3 AND start < ?4
                 ORDER BY start",
            )?,
            spreads: conn.prepare_cached(
                "SELECT hist, tokens FROM spread WHERE probe_id = ?1 AND span = ?2 AND start >= ?3 AND start < ?4",
            )?,
        })
    }

    fn add(&mut self, probe: ProbeId, piece: &Piece, past: &mut Past) -> Result<()> {
        if piece.span == Span::Hour {
            let mut rows = self.hours.query(params![probe.0, piece.first, piece.end])?;
            while let Some(row) = rows.next()? {
                merge_results(&mut past.results, row, 0)?;
                merge(&mut past.durations, row, 1)?;
                merge(&mut past.first_tokens, row, 2)?;
            }
            return Ok(());
        }
        let key = params![probe.0, code(piece.span), piece.first, piece.end];
        let mut rows = self.tallies.query(key)?;
        while let Some(row) = rows.next()? {
            merge_results(&mut past.results, row, 1)?;
        }
        let mut rows = self.spreads.query(key)?;
        while let Some(row) = rows.next()? {
            merge(&mut past.durations, row, 0)?;
            merge(&mut past.first_tokens, row, 1)?;
        }
        Ok(())
    }

    /// The results of each day of which at least an hour is within the time.
    fn days(
        &mut self,
        probe: ProbeId,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<Vec<(i64, Tallies)>> {
        let end = to.map_or(i64::MAX, |to| day(to) + 1);
        let key = params![probe.0, code(Span::Day), day(from), end];
        let mut rows = self.tallies.query(key)?;
        let mut days = Vec::new();
        while let Some(row) = rows.next()? {
            let mut results = Tallies::default();
            merge_results(&mut results, row, 1)?;
            days.push((row.get(0)?, results));
        }
        Ok(days)
    }
}

fn day(at: Timestamp) -> i64 {
    Span::Day.of_hour(at.as_micros().div_euclid(HOUR_US))
}

fn merge(into: &mut Histogram, row: &Row<'_>, column: usize) -> Result<()> {
    blob(row, column, |bytes| into.merge_bytes(bytes))
}

fn merge_results(into: &mut Tallies, row: &Row<'_>, column: usize) -> Result<()> {
    blob(row, column, |bytes| into.merge_bytes(bytes))
}

/// Has the bytes of a column read where they are, without a copy; nothing where there are none.
fn blob(row: &Row<'_>, column: usize, read: impl FnOnce(&[u8]) -> Option<()>) -> Result<()> {
    let bytes = row.get_ref(column)?.as_blob_or_null();
    let bytes = bytes.map_err(|e| StoreError::Other(e.into()))?;
    bytes.map_or(Some(()), read).ok_or_else(unreadable)
}

/// Adds the hours that are not summed up yet, from their samples.
fn newest(
    conn: &Connection,
    probes: &[ProbeId],
    from: Timestamp,
    to: Option<Timestamp>,
    days: Days,
    pasts: &mut [Past],
) -> Result<()> {
    let places: HashMap<ProbeId, usize> = probes.iter().copied().zip(0..).collect();
    let first = from.as_micros().div_euclid(HOUR_US);
    let end = to.map_or(i64::MAX, |to| to.as_micros().div_euclid(HOUR_US));
    // One that waits to be summed up again is in its day as it was: its late samples can wait as well.
    let mut statement = conn.prepare_cached(
        "SELECT hour, probe_id FROM rollup_due AS due WHERE hour >= ?1 AND hour < ?2
         AND NOT EXISTS (SELECT 1 FROM rollup WHERE rollup.probe_id = due.probe_id AND rollup.hour = due.hour
            AND results IS NOT NULL) ORDER BY hour",
    )?;
    let mut rows = statement.query(params![first, end])?;
    while let Some(row) = rows.next()? {
        let (hour, probe): (i64, u32) = (row.get(0)?, row.get(1)?);
        let place = places.get(&ProbeId(probe));
        let Some(past) = place.and_then(|place| pasts.get_mut(*place)) else {
            continue;
        };
        let start = Timestamp::from_micros(hour.saturating_mul(HOUR_US));
        let sums = rollups::of_samples(conn, ProbeId(probe), start, HOUR)?;
        past.add(&sums);
        if days == Days::Apart {
            let day = Span::Day.of_hour(hour);
            match past.days.binary_search_by_key(&day, |(known, _)| *known) {
                Ok(place) => past.days[place].1.merge(&sums.results),
                Err(place) => past.days.insert(place, (day, sums.results)),
            }
        }
    }
    Ok(())
}

/// Sums that are older than they have to be kept.
pub(super) const PRUNE: [(Span, &str); 4] = [
    (
        Span::Day,
        "DELETE FROM tally WHERE probe_id = ?1 AND span = 1 AND start IN
         (SELECT start FROM tally WHERE probe_id = ?1 AND span = 1 AND start < ?2 ORDER BY start LIMIT ?3)",
    ),
    (
        Span::Day,
        "DELETE FROM spread WHERE probe_id = ?1 AND span = 1 AND start IN
         (SELECT start FROM spread WHERE probe_id = ?1 AND span = 1 AND start < ?2 ORDER BY start LIMIT ?3)",
    ),
    (
        Span::Week,
        "DELETE FROM tally WHERE probe_id = ?1 AND span = 7 AND start IN
         (SELECT start FROM tally WHERE probe_id = ?1 AND span = 7 AND start < ?2 ORDER BY start LIMIT ?3)",
    ),
    (
        Span::Week,
        "DELETE FROM spread WHERE probe_id = ?1 AND span = 7 AND start IN
         (SELECT start FROM spread WHERE probe_id = ?1 AND span = 7 AND start < ?2 ORDER BY start LIMIT ?3)",
    ),
];
