//! From the start of the process until it tells systemd that it is ready, with 10,000 probes.

use std::time::Duration;

use super::process::Process;
use super::spread;
use super::watched::{Plan, Watched};

const PROBES: usize = 10_000;
const FIRST_STARTS: usize = 3;
const LATER_STARTS: usize = 7;
/// Between two starts, so that there are samples and states to load.
const RUN: Duration = Duration::from_secs(2);

/// Prints the table.
pub fn print() {
    let mut server = Process::helper(&["serve"]);
    let address = server.hear();
    let watched = || {
        Watched::new(&Plan {
            probes: PROBES,
            every: "10s",
            url: &format!("http://{address}/w"),
            keys: "kind = \"http\"",
        })
    };
    let first = (0..FIRST_STARTS).map(|_| start(&watched()));
    let first = first.collect();
    let house = watched();
    start(&house);
    let later = (0..LATER_STARTS).map(|_| start(&house)).collect();
    println!("### Start with {PROBES} probes\n");
    println!("| | until ready, ms | least..most | of it processor time, ms | target |");
    println!("|---|--:|--:|--:|--:|");
    row("first start", first, "");
    row("later starts", later, "200");
    println!();
}

fn start(watched: &Watched) -> (f64, f64) {
    let (daemon, ready) = watched.start();
    let cpu = daemon.cpu();
    std::thread::sleep(RUN);
    daemon.stop();
    (ready.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3)
}

fn row(what: &str, starts: Vec<(f64, f64)>, target: &str) {
    let (least, ready, most) = spread(starts.iter().map(|s| s.0).collect());
    let cpu = spread(starts.iter().map(|s| s.1).collect()).1;
    println!("| {what} | **{ready:.0}** | {least:.0}..{most:.0} | {cpu:.0} | {target} |");
}
