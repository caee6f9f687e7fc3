//! Whether a daemon works on the data: the lock says whether one runs, its last checkpoint whether it gets on.

use std::time::Duration;

use crate::model::Timestamp;
use crate::store::Holder;

/// A daemon that works writes a checkpoint each minute; one that has not for this long cannot.
const STUCK_AFTER: Duration = Duration::from_secs(150);

/// What the daemon is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Daemon {
    /// It runs and writes.
    Works,
    /// It runs and has written nothing for long: its number, and when it last did.
    Stuck(Option<u32>, Option<Timestamp>),
    /// None runs; when one last wrote.
    Stopped(Option<Timestamp>),
}

impl Daemon {
    /// From who holds the lock (`None`: this user may not know) and the last checkpoint.
    pub fn judge(holder: Option<Holder>, wrote: Option<Timestamp>, now: Timestamp) -> Self {
        let lately = wrote.is_some_and(|at| now.since(at) < STUCK_AFTER);
        match holder {
            Some(Holder::Nobody) => Daemon::Stopped(wrote),
            Some(Holder::Process(_)) | None if lately => Daemon::Works,
            Some(Holder::Process(pid)) => Daemon::Stuck(pid, wrote),
            None => Daemon::Stopped(wrote),
        }
    }

    pub fn note(self) -> Option<String> {
        match self {
            Daemon::Works => None,
            Daemon::Stuck(pid, wrote) => {
                let pid = pid.map_or(String::new(), |pid| format!(" (pid {pid})"));
                let since = wrote.map_or("yet".to_owned(), |at| format!("since {at}"));
                Some(format!(
                    "stuck: the daemon{pid} runs but has written nothing {since}; its log says why"
                ))
            }
            Daemon::Stopped(Some(at)) => {
                Some(format!("no daemon runs; the last one wrote at {at}"))
            }
            Daemon::Stopped(None) => Some("no daemon has worked here yet".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_decides_whether_a_daemon_runs_and_the_checkpoint_whether_it_works() {
        let now = Timestamp::parse("2026-11-08T13:42:00Z").unwrap();
        let (fresh, old) = (now - Duration::from_secs(70), now - STUCK_AFTER);
        let held = Some(Holder::Process(Some(7)));
        let judge = |holder, wrote| Daemon::judge(holder, Some(wrote), now);
        assert_eq!(judge(held, fresh), Daemon::Works);
        assert_eq!(judge(held, old), Daemon::Stuck(Some(7), Some(old)));
        assert_eq!(
            judge(Some(Holder::Nobody), fresh),
            Daemon::Stopped(Some(fresh))
        );
        assert_eq!(judge(None, fresh), Daemon::Works);
        assert_eq!(judge(None, old), Daemon::Stopped(Some(old)));
    }

    #[test]
    fn a_stuck_daemon_is_named_in_a_note() {
        let at = Timestamp::parse("2026-11-08T13:42:00Z");
        let note = Daemon::Stuck(Some(7), at).note().unwrap();
        assert!(note.starts_with("stuck: the daemon (pid 7)"), "{note}");
        assert_eq!(Daemon::Works.note(), None);
    }
}
