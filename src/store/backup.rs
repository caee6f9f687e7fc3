//! Copies of the database while it is in use, and taking up again what a copy knows.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{OpenError, files};

/// Pages that are copied in one step: 4 MiB, some milliseconds.
const STEP_PAGES: i32 = 1024;

pub(super) fn backup(conn: &Connection, to: &Path) -> Result<(), OpenError> {
    // A bare file name has an empty parent: it stands in the working directory, which is there.
    if let Some(folder) = to.parent().filter(|f| !f.as_os_str().is_empty()) {
        files::create_dir(folder).map_err(OpenError::io("create", folder))?;
    }
    let part = files::beside(to, ".part");
    let copied = copy(conn, &part)
        .and_then(|()| std::fs::rename(&part, to).map_err(OpenError::io("name the backup", to)));
    if copied.is_err() {
        // A part of a copy is of no use; that it stays does no harm.
        let _ = std::fs::remove_file(&part);
    }
    copied
}

fn copy(conn: &Connection, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        std::fs::remove_file(to).map_err(OpenError::io("remove", to))?;
    }
    files::open_private(to).map_err(OpenError::io("create", to))?;
    let mut target = Connection::open(to)?;
    {
        let backup = Backup::new(conn, &mut target)?;
        backup.run_to_completion(STEP_PAGES, Duration::ZERO, None)?;
    }
    // A copy is one file: without a write-ahead log beside it.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    Ok(())
}

/// Takes over services, states, incidents, letters and what was said of a copy of the same version; samples are left behind.
pub(super) fn restore(conn: &Connection, from: &Path) -> Result<(), OpenError> {
    let path = from.to_string_lossy();
    conn.execute("ATTACH DATABASE ?1 AS old", [&path])?;
    let copied = conn.execute_batch(
        "BEGIN;
         INSERT OR REPLACE INTO main.meta SELECT * FROM old.meta;
         INSERT OR IGNORE INTO main.service SELECT * FROM old.service;
         INSERT OR IGNORE INTO main.probe SELECT * FROM old.probe;
         INSERT OR IGNORE INTO main.state SELECT * FROM old.state;
         INSERT OR IGNORE INTO main.incident SELECT * FROM old.incident;
         INSERT OR IGNORE INTO main.event SELECT * FROM old.event;
         INSERT OR IGNORE INTO main.outbox SELECT * FROM old.outbox;
         INSERT OR IGNORE INTO main.rollup SELECT * FROM old.rollup;
         COMMIT;",
    );
    // A copy that is older than these tables is of use without them.
    let copied = copied.and_then(|()| {
        ["claim", "notice", "said"].iter().try_for_each(|table| {
            let there: bool = conn.query_row(
                "SELECT count(*) > 0 FROM old.sqlite_schema WHERE type = 'table' AND name = ?1",
                [table],
                |row| row.get(0),
            )?;
            match there {
                true => conn.execute_batch(&format!(
                    "INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table};"
                )),
                false => Ok(()),
            }
        })
    });
    if copied.is_err() && !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    conn.execute_batch("DETACH DATABASE old")?;
    Ok(copied?)
}
