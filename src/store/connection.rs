//! How connections are set up, the same for every opening.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::schema::APPLICATION_ID;
use super::{OpenError, StoreError};

/// How long a lock of another process (a `sqlite3` shell) is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// 3.51.3 mends a race between checkpoint and write that could damage a database in WAL mode.
const OLDEST_SQLITE: i32 = 3_051_003;
/// What is left of the write-ahead log after a checkpoint.
const JOURNAL_BYTES: i64 = 16 << 20;
/// Pages that the writer keeps in memory, in KiB. Each probe writes to a page of its own, so that more of them help only
/// when all fit, and then hardly: the system has the file in its own cache.
const WRITER_CACHE_KIB: i64 = 1024;
/// The same of a reader: one outbox worker, one status command.
const READER_CACHE_KIB: i64 = 1024;
/// Distinct statements of this room, with room to spare.
const STATEMENTS: usize = 96;

pub(super) fn check_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite {
            found: rusqlite::version(),
        });
    }
    Ok(())
}

/// The writer's connection: write-ahead log, each commit on the disk before it returns.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    harden(&conn)?;
    // Before the first table, or it has no effect.
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |r| r.get(0))?;
    if mode != "wal" {
        return Err(OpenError::Sqlite(StoreError::Other(
            format!("{} cannot be used with a write-ahead log (got {mode}): is it on a network file system?", path.display()).into(),
        )));
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "journal_size_limit", JOURNAL_BYTES)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    read_only(Connection::open_with_flags(path, flags)?)
}

/// A connection to a file that nobody writes: without locks and without companions. For a database of a dead daemon
/// in a directory that this user may not write.
pub(super) fn immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let Ok(mut uri) = url::Url::from_file_path(absolute) else {
        return Err(rusqlite::Error::InvalidPath(path.to_owned()));
    };
    uri.set_query(Some("immutable=1"));
    read_only(Connection::open_with_flags(uri.as_str(), flags)?)
}

fn read_only(conn: Connection) -> Result<Connection, rusqlite::Error> {
    harden(&conn)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    // The first look at the file itself: whether it can be read shows here, not later.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| {
        r.get::<_, i64>(0)
    })?;
    Ok(conn)
}

/// A damaged or hostile file may say wrong things, but not do things.
fn harden(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Without it a kept statement is compiled anew whenever a number it looks for changes: 15 times the work.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    // Rows are never deleted in a way that could break a reference, and checking each insert costs.
    conn.pragma_update(None, "foreign_keys", false)
}

/// `user_version` and `application_id`.
pub(super) fn identity(conn: &Connection) -> Result<(i64, i32), rusqlite::Error> {
    let version = conn.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    let application = conn.query_row("PRAGMA application_id", [], |r| r.get(0))?;
    Ok((version, application))
}

/// True for a file that this program has made.
pub(super) fn is_ours(application: i32) -> bool {
    application == APPLICATION_ID
}
