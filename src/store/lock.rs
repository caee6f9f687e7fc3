//! One daemon a data directory: a lock on a file of its own.
//!
//! Not on the database: closing any descriptor of the database file would drop SQLite's own locks (POSIX locks
//! belong to the process, not to the descriptor).

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::{OpenError, files};

/// Name within the data directory.
const NAME: &str = "watchfire.lock";

/// The lock. Held until dropped, and by the system until the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// The last holder did not say goodbye: it was killed, or the machine stopped.
    pub(super) unclean: bool,
}

impl Lock {
    /// Takes the lock at once, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let mut file = files::open_private(&path).map_err(OpenError::io("open", &path))?;
        let holder = holder(&mut file);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked {
                    pid: holder.and_then(|text| text.parse().ok()),
                    dir: dir.to_owned(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(OpenError::io("lock", &path)(e)),
        }
        let mut lock = Lock {
            file,
            unclean: holder.is_some(),
        };
        lock.say(&std::process::id().to_string())
            .map_err(OpenError::io("write", &path))?;
        Ok(lock)
    }

    fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

/// What the file says; `None` when it is empty or cannot be read.
fn holder(file: &mut File) -> Option<String> {
    /// A pid has at most ten digits.
    const LONGEST: u64 = 32;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file says that the last end was a clean one. Failing to say so costs only a check at the next start.
        let _ = self.say("");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_is_told_the_pid_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        assert!(!first.unclean);
        let Err(OpenError::Locked { pid, .. }) = Lock::take(dir.path()) else {
            panic!("the lock was taken twice");
        };
        assert_eq!(pid, Some(std::process::id()));
        drop(first);
        assert!(!Lock::take(dir.path()).unwrap().unclean);
    }

    #[test]
    fn a_pid_left_behind_tells_of_an_unclean_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "4711").unwrap();
        assert!(Lock::take(dir.path()).unwrap().unclean);
    }
}
