//! Every mode of the fault server: what a probe makes of it, in which phase, and that it ends in time.

mod certificates;
mod connect;
mod memory;
mod paths;
mod server;
mod tls;

use std::time::Duration;

use futures_util::StreamExt;
use watchfire::model::{FailureKind, Outcome};
use watchfire::probe::{Client, Connection, Run};
use watchfire::simulate::faults::{Mode, Seen};

use crate::probe::{LONG, plan};

/// Modes at a time: enough not to wait for each in turn, few enough to end in time on a busy machine.
const AT_A_TIME: usize = 6;
/// For what can only end by the clock: enough to come to the phase in which it does, beside the floods of others.
const SHORT: Duration = Duration::from_secs(2);
/// Nothing takes this long beyond its timeout. How little it is in fact, `tests/faults/wire` measures.
const PATIENCE: Duration = Duration::from_secs(60);
/// Runs on a connection that is to be used again: the second and later ones are of interest.
const RUNS_ON_REUSE: usize = 4;

/// What the streams of the fault server say when they are whole.
const PONG: &str = "expect = { text = \"pong\" }";

/// Runs a probe of `kind` against each mode; on several threads, since some floods keep one busy. Panics with all modes that were not seen for what they are.
async fn each(
    client: &Client,
    kind: &str,
    modes: impl Iterator<Item = &'static Mode>,
    url: impl Fn(&Mode) -> String,
) {
    let asked = modes.map(|mode| {
        let url = url(mode);
        async move { ask(client, kind, mode, &url).await }
    });
    let wrong: Vec<String> = futures_util::stream::iter(asked)
        .buffer_unordered(AT_A_TIME)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is wrong with what the probe made of it.
async fn ask(client: &Client, kind: &str, mode: &'static Mode, url: &str) -> Option<String> {
    let by_the_clock = matches!(
        mode.seen,
        Seen::Failure(FailureKind::Timeout | FailureKind::Dns, ..)
    );
    let timeout = if by_the_clock { SHORT } else { LONG };
    let keys = match kind {
        "chat" => format!(
            "url = {url:?}\nmodel = \"m\"\nauth = \"none\"\n{PONG}\n{}",
            mode.keys
        ),
        _ => format!("url = {url:?}\n{}", mode.keys),
    };
    let mut plan = plan(kind, &keys, None, timeout);
    let mut runs = 1;
    if mode.keys.contains("\"reuse\"") {
        plan.connection = Connection::Reuse;
        runs = RUNS_ON_REUSE;
    }
    for _ in 0..runs {
        let run = client.run(&plan).await;
        if !mode.seen.is(run.outcome, run.failed_in) {
            return Some(format!("{}: {}", mode.name, told(&run)));
        }
        let took = Duration::from_micros(run.total_us.into());
        if took > timeout + PATIENCE {
            return Some(format!(
                "{}: ended {took:?} after its beginning, with {timeout:?} to go",
                mode.name
            ));
        }
    }
    None
}

fn told(run: &Run) -> String {
    let why = run.evidence.as_ref().map_or("", |e| e.text.as_str());
    let why: String = why.chars().take(200).collect();
    match run.outcome {
        Outcome::Failure(kind, fault) => {
            format!("{kind} {} {:?} {why}", fault.name(), run.failed_in)
        }
        other => format!("{other:?}"),
    }
}
