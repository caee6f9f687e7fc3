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
    println!("### Memory\n");
    println!(
        "1,000 runs a second, each daemon by itself, after {} s.\n",
        RUN.as_secs()
    );
    println!("| probes | every | resident, MB | of it of its own, MB | most so far, MB | target |");
    println!("|---|--:|--:|--:|--:|--:|");
    for case in &CASES {
        let Case {
            probes,
            what,
            keys,
            every,
            target,
        } = case;
        let watched = Watched::new(&Plan {
            probes: *probes,
            every,
            url: &format!("http://{address}/w"),
            keys,
        });
        let (daemon, _) = watched.start();
        std::thread::sleep(RUN);
        let mb = |what| daemon.kib(what) as f64 * 1024.0 / 1e6;
        let (now, own, most) = (mb("VmRSS"), mb("RssAnon"), mb("VmHWM"));
        println!("| {probes}, {what} | {every} | **{now:.1}** | {own:.1} | {most:.1} | {target} |");
    }
    println!();
}
