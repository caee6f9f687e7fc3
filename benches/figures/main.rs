//! The figures of docs/performance.md, each measured by running the thing itself. `cargo bench` prints them all as
//! markdown; `cargo bench -- memory` prints one.
//!
//! Nothing here passes or fails: what a figure ought to be stands beside it. Processor time is what the operating
//! system booked to the measured process alone; servers and competitors run in processes of their own.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, waits on the machine's clock, and stops at whatever goes wrong"
)]

mod bare;
mod certificates;
mod cost;
mod detector;
mod lateness;
mod memory;
mod process;
mod report;
mod server;
mod startup;
mod storage;
mod storm;
mod watched;

/// Each figure: its name on the command line, and what prints it.
const FIGURES: &[(&str, fn())] = &[
    ("cost", cost::print),
    ("lateness", lateness::print),
    ("memory", memory::print),
    ("startup", startup::print),
    ("storage", storage::print),
    ("detector", detector::print),
    ("report", report::print),
    ("storm", storm::print),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The bench's own child processes.
        ["serve", files @ ..] => server::run(files),
        ["storm-itself"] => storm::run(),
        ["bare", how, url, rate] => bare::run(how, url, rate.parse().unwrap()),
        wanted => {
            for (name, print) in FIGURES {
                let named = |w: &&&str| !w.starts_with("--");
                if wanted.iter().filter(named).count() == 0 || wanted.contains(name) {
                    print();
                }
            }
        }
    }
}

/// The smallest, the middle and the largest of some measurements.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (
        values[0],
        values[values.len() / 2],
        values[values.len() - 1],
    )
}
