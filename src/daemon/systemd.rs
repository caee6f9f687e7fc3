//! What systemd is told: ready, reloading, stopping, and that the work goes on.
//!
//! The watchdog is fed only when both loops have turned since the last time: a daemon whose schedule or engine stands
//! still is restarted, however alive its other parts are. Without systemd all of this does nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{error, warn};

/// Without a watchdog to feed, the loops are looked at this often anyway, for the log.
const LOOK: Duration = Duration::from_secs(10);

/// Tells systemd, if there is one.
pub(super) fn tell(states: &[NotifyState]) {
    if let Err(e) = sd_notify::notify(states) {
        warn!("systemd could not be told: {e}");
    }
}

/// Feeds the watchdog as long as every counter moves. Never returns.
pub(super) async fn watchdog(loops: &[(&str, &AtomicU64)]) {
    let pause = sd_notify::watchdog_enabled().map_or(LOOK, |limit| limit / 3);
    let mut last = vec![0; loops.len()];
    let mut warned = false;
    loop {
        tokio::time::sleep(pause).await;
        let turns: Vec<u64> = loops
            .iter()
            .map(|(_, turns)| turns.load(Ordering::Relaxed))
            .collect();
        let still = turns
            .iter()
            .zip(&last)
            .position(|(now, before)| now == before);
        match still {
            None => {
                warned = false;
                tell(&[NotifyState::Watchdog]);
            }
            Some(which) if !warned => {
                warned = true;
                error!(
                    "the {} has not moved for {} s",
                    loops[which].0,
                    pause.as_secs()
                );
            }
            Some(_) => {}
        }
        last = turns;
    }
}
