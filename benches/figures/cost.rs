//! Processor time of a probe: the whole daemon (schedule, probe, judge, store) against a bare reqwest loop that sends
//! the same requests to the same server at the same pace and at the same time.

use std::path::PathBuf;
use std::time::Duration;

use super::certificates::Certificates;
use super::process::Process;
use super::spread;
use super::watched::{Plan, Watched};

/// What runs before the first round: connections are opened, files made, caches filled.
const WARM_UP: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_secs(5);
const ROUNDS: usize = 5;

struct Case {
    what: &'static str,
    /// What the bare loop is told; `None` for the authority's file.
    how: Option<&'static str>,
    keys: &'static str,
    rate: usize,
    target: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        what: "http, a fresh connection each",
        how: Some("fresh"),
        keys: "kind = \"http\"",
        rate: 1000,
        target: "1.5",
    },
    Case {
        what: "http, reused connections",
        how: Some("reuse"),
        keys: "kind = \"http\"\nconnection = \"reuse\"",
        rate: 1000,
        target: "1.5",
    },
    Case {
        what: "https, a fresh connection and full handshake each",
        how: None,
        keys: "kind = \"http\"",
        rate: 300,
        target: "1.5",
    },
    Case {
        what: "chat, 100 tokens streamed over a fresh http connection",
        how: Some("chat"),
        keys: "kind = \"chat\"\nmodel = \"m\"\nauth = \"none\"\nexpect = { text = \"pong\" }",
        rate: 1000,
        target: "2",
    },
];

/// Prints the table.
pub fn print() {
    println!("### Processor time of a probe\n");
    println!(
        "| request | a second | watchfire, µs | bare loop, µs | ratio | least..most | target |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let certificates = Certificates::make();
    for case in &CASES {
        let (watchfire, bare, (least, ratio, most)) = measure(case, &certificates);
        println!(
            "| {} | {} | {watchfire:.0} | {bare:.0} | **{ratio:.2}** | {least:.2}..{most:.2} | {} |",
            case.what, case.rate, case.target
        );
    }
    println!();
}

type Spread = (f64, f64, f64);

fn measure(case: &Case, certificates: &Certificates) -> (f64, f64, Spread) {
    let file = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (leaf, key) = (file(certificates.leaf()), file(certificates.key()));
    let authority = file(certificates.authority());
    let (mut server, scheme, how) = match case.how {
        Some(how) => (Process::helper(&["serve"]), "http", how),
        None => (
            Process::helper(&["serve", &leaf, &key]),
            "https",
            authority.as_str(),
        ),
    };
    let address = server.hear();
    let watched = Watched::new(&Plan {
        probes: case.rate,
        every: "1s",
        url: &format!("{scheme}://{address}/w"),
        keys: case.keys,
    })
    .trusting(&certificates.authority());
    let (daemon, _) = watched.start();
    let bare = Process::helper(&[
        "bare",
        how,
        &format!("{scheme}://{address}/b"),
        &case.rate.to_string(),
    ]);
    std::thread::sleep(WARM_UP);
    let mut look = || {
        let answered = server.ask();
        let (watchfire, bare_loop) = answered.split_once(' ').unwrap();
        [
            (daemon.cpu(), watchfire.parse::<u32>().unwrap()),
            (bare.cpu(), bare_loop.parse::<u32>().unwrap()),
        ]
    };
    let mut rounds = Vec::with_capacity(ROUNDS);
    let mut before = look();
    for _ in 0..ROUNDS {
        std::thread::sleep(ROUND);
        let now = look();
        let each = |i: usize| {
            let (cpu, answered) = (now[i].0 - before[i].0, now[i].1 - before[i].1);
            cpu.as_secs_f64() * 1e6 / f64::from(answered)
        };
        rounds.push([each(0), each(1)]);
        before = now;
    }
    let middle = |i: usize| spread(rounds.iter().map(|r| r[i]).collect()).1;
    let ratios = spread(rounds.iter().map(|r| r[0] / r[1]).collect());
    (middle(0), middle(1), ratios)
}
