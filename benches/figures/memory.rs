//! Memory of the daemon at rest, while every probe has run several times and a checkpoint has been written.

use std::time::Duration;

use super::process::Process;
use super::watched::{Plan, Watched};

/// Longer than the time between two checkpoints (60 s).
const RUN: Duration = Duration::from_secs(75);
const HTTP: &str = "kind = \"http\"";
const CHAT: &str = "kind = \"chat\"\nmodel = \"m\"\nauth = \"none\"";

struct Case {
    probes: usize,
    what: &'static str,
    keys: &'static str,
    every: &'static str,
    target: &'static str,
}

/// 1,000 runs a second each.
const CASES: [Case; 4] = [
    Case {
        probes: 1_000,
        what: "http",
        keys: HTTP,
        every: "1s",
        target: "25",
    },
    Case {
        probes: 5_000,
        what: "http",
        keys: HTTP,
        every: "5s",
        target: "40",
    },
    Case {
        probes: 10_000,
        what: "http",
        keys: HTTP,
        every: "10s",
        target: "64",
    },
    Case {
        probes: 10_000,
        what: "chat, streamed",
        keys: CHAT,
        every: "10s",
        target: "64",
    },
];

/// Prints the table.
pub fn print() {
    let mut server = Process::helper(&["serve"]);
    let address = server.hear();
    let watched = CASES.each_ref().map(|case| {
        Watched::new(&Plan {
            probes: case.probes,
            every: case.every,
            url: &format!("http://{address}/w"),
            keys: case.keys,
        })
    });
    let daemons = watched.each_ref().map(|w| w.start().0);
    std::thread::sleep(RUN);
    println!("### Memory\n");
    println!("1,000 runs a second, after {} s.\n", RUN.as_secs());
    println!("| probes | every | resident, MB | most so far, MB | target |");
    println!("|---|--:|--:|--:|--:|");
    for (daemon, case) in daemons.iter().zip(&CASES) {
        let mb = |what| daemon.kib(what) as f64 * 1024.0 / 1e6;
        let (now, most) = (mb("VmRSS"), mb("VmHWM"));
        let Case {
            probes,
            what,
            every,
            target,
            ..
        } = case;
        println!("| {probes}, {what} | {every} | **{now:.1}** | {most:.1} | {target} |");
    }
    println!();
}
