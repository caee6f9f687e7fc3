//! Memory of the daemon at rest, while every probe has run several times and a checkpoint has been written.

use std::time::Duration;

use super::process::Process;
use super::watched::{Plan, Watched};

/// Longer than the time between two checkpoints (60 s).
const RUN: Duration = Duration::from_secs(75);
/// Probes, and the MB that they may take.
const SIZES: [(usize, u64); 3] = [(1_000, 25), (5_000, 40), (10_000, 64)];

/// Prints the table.
pub fn print() {
    let mut server = Process::helper(&["serve"]);
    let address = server.hear();
    let watched = SIZES.map(|(probes, _)| {
        Watched::new(&Plan {
            probes,
            every: "10s",
            url: &format!("http://{address}/w"),
            keys: "kind = \"http\"",
        })
    });
    let daemons = watched.each_ref().map(|w| w.start().0);
    std::thread::sleep(RUN);
    println!("### Memory\n");
    println!("Each probe every 10 s, after {} s.\n", RUN.as_secs());
    println!("| probes | resident, MB | most so far, MB | target |");
    println!("|--:|--:|--:|--:|");
    for (daemon, (probes, target)) in daemons.iter().zip(SIZES) {
        let mb = |what| daemon.kib(what) as f64 * 1024.0 / 1e6;
        println!(
            "| {probes} | **{:.1}** | {:.1} | {target} |",
            mb("VmRSS"),
            mb("VmHWM")
        );
    }
    println!();
}
