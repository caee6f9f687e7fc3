//! One daemon a data directory: a lock on a file of its own.
//!
//! Not on the database: closing any descriptor of the database file would drop SQLite's own locks (POSIX locks
//! belong to the process, not to the descriptor).

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use super::{OpenError, files};

/// Name within the data directory.
const NAME: &str = "watchfire.lock";
/// Who asks whether the lock is held takes it for an instant; so often, so far apart, is it tried before it counts as held.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// Who has a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// No process: no daemon runs.
    Nobody,
    /// A process; its number when the lock's file tells it.
    Process(Option<u32>),
}

impl Holder {
    /// Asks, and keeps nobody out by asking.
    ///
    /// # Errors
    /// When the lock's file may not be read.
    pub fn of(dir: &Path) -> std::io::Result<Self> {
        let mut file = match File::open(dir.join(NAME)) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Holder::Nobody),
            Err(e) => return Err(e),
        };
        // Shared, so that two who ask at once do not take each other for a daemon. Given back when `file` is closed.
        match file.try_lock_shared() {
            Ok(()) => Ok(Holder::Nobody),
            Err(TryLockError::WouldBlock) => Ok(Holder::Process(pid(&mut file))),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

/// The lock. Held until dropped, and by the system until the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// The last holder did not say goodbye: it was killed, or the machine stopped.
    pub(super) unclean: bool,
}

impl Lock {
    /// Takes the lock, or says within a fifth of a second who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let mut file = files::open_private(&path).map_err(OpenError::io("open", &path))?;
        let mut tries = 1;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < TRIES => {
                    tries += 1;
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "before the runtime has anything to do, and at most a fifth of a second"
                    )]
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::Locked {
                        pid: pid(&mut file),
                        dir: dir.to_owned(),
                    });
                }
                Err(TryLockError::Error(e)) => return Err(OpenError::io("lock", &path)(e)),
            }
        }
        // Read only now: what the last holder has said while it was waited for counts.
        let unclean = said(&mut file).is_some();
        let mut lock = Lock { file, unclean };
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

fn pid(file: &mut File) -> Option<u32> {
    said(file)?.parse().ok()
}

/// What the file says; `None` when it is empty or cannot be read.
fn said(file: &mut File) -> Option<String> {
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
    fn the_holder_is_named_while_there_is_one_and_asking_makes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Holder::of(dir.path()).unwrap(), Holder::Nobody);
        assert!(!dir.path().join(NAME).exists());
        let lock = Lock::take(dir.path()).unwrap();
        let me = Holder::Process(Some(std::process::id()));
        assert_eq!(Holder::of(dir.path()).unwrap(), me);
        drop(lock);
        assert_eq!(Holder::of(dir.path()).unwrap(), Holder::Nobody);
    }

    #[test]
    fn one_who_asks_does_not_keep_a_daemon_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        drop(Lock::take(dir.path()).unwrap());
        let asking = File::open(dir.path().join(NAME)).unwrap();
        asking.try_lock_shared().unwrap();
        let begun = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| {
                begun.wait();
                Lock::take(dir.path()).map(|_| ())
            });
            begun.wait();
            std::thread::yield_now();
            drop(asking);
            taken.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_pid_left_behind_tells_of_an_unclean_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "4711").unwrap();
        assert!(Lock::take(dir.path()).unwrap().unclean);
    }
}
