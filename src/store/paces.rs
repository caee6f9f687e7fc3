//! How often probes were to run, and since when: without it nobody could tell a probe that rests from one that is missing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::Result;
use crate::model::{ProbeId, Timestamp};

/// Notes the paces that have changed, and that all other probes have none any more.
pub(super) fn note(
    conn: &mut Connection,
    now: Timestamp,
    paces: &[(ProbeId, Duration)],
) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut known: HashMap<ProbeId, i64> = HashMap::new();
        // With max(at) alone, the other column is of that row.
        let mut statement =
            tx.prepare_cached("SELECT probe_id, every_us, max(at) FROM pace GROUP BY probe_id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            known.insert(ProbeId(row.get(0)?), row.get(1)?);
        }
        let mut add = tx.prepare_cached(
            "INSERT INTO pace(probe_id, at, every_us) VALUES (?1, ?2, ?3)
             ON CONFLICT(probe_id, at) DO UPDATE SET every_us = excluded.every_us",
        )?;
        for (probe, every) in paces {
            let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
            if known.get(probe) != Some(&every) {
                add.execute(params![probe.0, now.as_micros(), every])?;
            }
        }
        let wanted: HashSet<ProbeId> = paces.iter().map(|(probe, _)| *probe).collect();
        let gone = |(probe, every): &(&ProbeId, &i64)| **every > 0 && !wanted.contains(*probe);
        for (probe, _) in known.iter().filter(gone) {
            add.execute(params![probe.0, now.as_micros(), 0])?;
        }
    }
    tx.commit()?;
    Ok(())
}

/// All that is known, by probe and in order.
pub(super) fn all(conn: &Connection) -> Result<HashMap<ProbeId, Vec<(Timestamp, Duration)>>> {
    let mut statement =
        conn.prepare_cached("SELECT probe_id, at, every_us FROM pace ORDER BY probe_id, at")?;
    let mut rows = statement.query([])?;
    let mut paces: HashMap<ProbeId, Vec<(Timestamp, Duration)>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let every = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        paces.entry(ProbeId(row.get(0)?)).or_default().push((
            Timestamp::from_micros(row.get(1)?),
            Duration::from_micros(every),
        ));
    }
    Ok(paces)
}

/// Paces that ended before they have to be known; the latest always stays.
pub(super) const PRUNE: &str = "DELETE FROM pace WHERE probe_id = ?1 AND at IN
    (SELECT at FROM pace WHERE probe_id = ?1
        AND at < (SELECT max(at) FROM pace WHERE probe_id = ?1 AND at < ?2) ORDER BY at LIMIT ?3)";
