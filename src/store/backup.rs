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

/// What is taken over of a copy, in this order; samples are left behind.
const TABLES: &[&str] = &[
    "service", "probe", "state", "incident", "event", "outbox", "rollup", "claim", "notice", "said",
];

/// Takes over services, states, incidents, letters and what was said of a copy of this version or an older one. Tables and
/// columns that the copy does not have yet stay as they are in an empty database.
pub(super) fn restore(conn: &Connection, from: &Path) -> Result<(), OpenError> {
    let path = from.to_string_lossy();
    conn.execute("ATTACH DATABASE ?1 AS old", [&path])?;
    let copied = take_over(conn);
    if copied.is_err() && !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    conn.execute_batch("DETACH DATABASE old")?;
    Ok(copied?)
}

fn take_over(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN; INSERT OR REPLACE INTO main.meta SELECT * FROM old.meta;")?;
    for table in TABLES {
        let columns: Option<String> = conn.query_row(
            "SELECT group_concat(name, ', ') FROM pragma_table_info(?1, 'old')",
            [table],
            |row| row.get(0),
        )?;
        if let Some(columns) = columns {
            conn.execute_batch(&format!(
                "INSERT OR IGNORE INTO main.{table}({columns}) SELECT {columns} FROM old.{table};"
            ))?;
        }
    }
    conn.execute_batch("COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::MIGRATIONS;

    fn database(file: &Path, version: usize) -> Connection {
        let conn = Connection::open(file).unwrap();
        for step in &MIGRATIONS[..version] {
            conn.execute_batch(step).unwrap();
        }
        conn
    }

    #[test]
    fn a_copy_of_every_version_gives_back_its_incidents() {
        let dir = tempfile::tempdir().unwrap();
        for version in 1..=MIGRATIONS.len() {
            let file = dir.path().join(format!("{version}.db"));
            let old = database(&file, version);
            old.execute_batch(
                "INSERT INTO meta VALUES ('instance', 'here');
                 INSERT INTO service(id, name) VALUES (7, 'openai');
                 INSERT INTO incident(id, service_id, kind, state, severity, opened_at, since, reopened)
                 VALUES (3, 7, 1, 1, 2, 10, 5, 0);",
            )
            .unwrap();
            drop(old);
            let new = database(&dir.path().join("new.db"), MIGRATIONS.len());
            restore(&new, &file).unwrap();
            let found: (String, i64) = new
                .query_row(
                    "SELECT service.name, incident.id FROM incident JOIN service ON service.id = service_id",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
            assert_eq!(found, ("openai".to_owned(), 3), "version {version}");
            drop(new);
            std::fs::remove_file(dir.path().join("new.db")).unwrap();
        }
    }
}
