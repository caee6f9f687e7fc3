//! What can go wrong with the database, sorted by what the caller must do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// The words of SQLite or of the file system.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock file.
    #[error(
        "another watchfire{} uses the data directory {}; stop it, or give this one its own `data_dir`",
        .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default(),
        .dir.display()
    )]
    Locked {
        /// Whose it is, when the file says so.
        pid: Option<u32>,
        /// The data directory.
        dir: PathBuf,
    },
    /// The database was written by a newer version; it has not been touched.
    #[error(
        "the database has version {found}, this watchfire knows versions up to {known}; install the newer watchfire again, or restore a backup from before the upgrade"
    )]
    Newer {
        /// Version of the file.
        found: u32,
        /// Newest version that this program writes.
        known: u32,
    },
    /// There is no database here (only a [`super::Reader`] says so; a [`super::Store`] makes one).
    #[error("there is no watchfire database in {}: has `watchfire run` been started with this `data_dir`?", .0.display())]
    Absent(PathBuf),
    /// The SQLite library has a known fault that can damage a database.
    #[error("SQLite {found} is too old: version 3.51.3 or later is needed")]
    OldSqlite {
        /// Version of the library.
        found: &'static str,
    },
    /// The file system said no.
    #[error("failed to {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// SQLite said no.
    #[error("failed to open the database: {0}")]
    Sqlite(#[source] StoreError),
}

impl OpenError {
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> OpenError {
        let path = path.into();
        move |source| OpenError::Io {
            action,
            path,
            source,
        }
    }

    /// True when the database itself is damaged, rather than its surroundings.
    pub(super) fn is_corrupt(&self) -> bool {
        matches!(self, OpenError::Sqlite(StoreError::Corrupt(_)))
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        OpenError::Sqlite(error.into())
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        OpenError::Sqlite(error)
    }
}

/// Why reading or writing failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room on the disk. Nothing of the transaction was kept; the handle stays usable.
    #[error("the disk is full: {0}")]
    Full(#[source] Source),
    /// The disk or the file system failed. The handle must be reopened before the next write: what a failed
    /// fsync left in the cache is not known ([`super::Store::reopen`]).
    #[error("the disk failed: {0}")]
    Io(#[source] Source),
    /// Another process has kept the database locked for longer than the patience of 5 s. Try again.
    #[error("the database is locked by another process: {0}")]
    Busy(#[source] Source),
    /// The database is damaged: reopening moves it aside and starts anew ([`super::Store::reopen`]).
    #[error("the database is damaged: {0}")]
    Corrupt(#[source] Source),
    /// Anything else; a defect of watchfire, most likely.
    #[error("the database refused: {0}")]
    Other(#[source] Source),
}

impl StoreError {
    pub(super) fn corrupt(what: &'static str) -> Self {
        StoreError::Corrupt(what.into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let source = Box::new(error);
        match code {
            Some(ErrorCode::DiskFull) => StoreError::Full(source),
            Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                StoreError::Io(source)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(source),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt(source)
            }
            _ => StoreError::Other(source),
        }
    }
}

/// The result of most of this room's functions.
pub type Result<T> = std::result::Result<T, StoreError>;
