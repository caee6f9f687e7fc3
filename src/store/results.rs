//! What runs can come to, numbered: an outcome, a status and a phase become one small integer in a sample's row.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{Result, StoreError};
use crate::model::tallies::RECHECK;
use crate::model::{Origin, Outcome, Phase, Sample};

/// The kind of a result; 0 stands for no status and no phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    code: u16,
    status: u16,
    failed_in: u16,
}

/// The numbers that are known; a few dozen.
#[derive(Debug, Default)]
pub(super) struct Results(HashMap<Key, i64>);

impl Results {
    pub fn load(&mut self, conn: &Connection) -> Result<()> {
        let mut statement = conn.prepare("SELECT id, code, status, failed_in FROM result")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = Key {
                code: row.get(1)?,
                status: row.get(2)?,
                failed_in: row.get(3)?,
            };
            self.0.insert(key, row.get(0)?);
        }
        Ok(())
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of a sample's result; given out when there is none yet.
    pub fn number(&mut self, conn: &Connection, sample: &Sample) -> Result<i64> {
        let recheck = if sample.origin == Origin::Recheck {
            RECHECK
        } else {
            0
        };
        let key = Key {
            code: sample.outcome.code() + recheck,
            status: sample.status.unwrap_or(0),
            failed_in: sample.failed_in.map_or(0, |p| p as u16),
        };
        if let Some(id) = self.0.get(&key) {
            return Ok(*id);
        }
        // An update that changes nothing, so that RETURNING also answers for a row that is there.
        let id = conn
            .prepare_cached(
                "INSERT INTO result(code, status, failed_in) VALUES (?1, ?2, ?3)
                 ON CONFLICT(code, status, failed_in) DO UPDATE SET code = code RETURNING id",
            )?
            .query_row(params![key.code, key.status, key.failed_in], |r| r.get(0))?;
        self.0.insert(key, id);
        Ok(id)
    }
}

/// Outcome, origin, status and phase back from the columns of a result.
pub(super) fn decode(
    code: u16,
    status: u16,
    failed_in: u16,
) -> Result<(Outcome, Origin, Option<u16>, Option<Phase>)> {
    let (code, origin) = if code >= RECHECK {
        (code - RECHECK, Origin::Recheck)
    } else {
        (code, Origin::Scheduled)
    };
    let outcome = Outcome::from_code(code)
        .ok_or_else(|| StoreError::Other(format!("outcome {code} is of a newer version").into()))?;
    Ok((
        outcome,
        origin,
        (status != 0).then_some(status),
        Phase::from_code(failed_in),
    ))
}
