//! `watchfire demo`: an outage of the past against the real daemon.
//!
//! `narrate` words what happens as it happens, `letter` shows a mail, `table` sums up who knew what and when: all pure.
//! `play` brings the fake provider, the daemon and the narrator together.

mod letter;
pub(super) mod narrate;
mod play;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::simulate::load;
use super::{Exit, complain, host};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::EventKind;
use crate::simulate::builtin::DEFAULT;
use narrate::{Happening, What};
use play::{Stage, play, speed_to_end};

/// A play takes this long unless a speed is asked for.
const PLAY: Duration = Duration::from_secs(75);

/// What `demo` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire demo --scenario 2023-11-21")]
pub struct DemoArgs {
    /// One of the outages that come with watchfire, or a scenario file
    #[arg(long, value_name = "NAME", default_value = DEFAULT)]
    scenario: String,
    /// How many times as fast as life [default: as fast as it takes to end in 75 s]
    #[arg(long, value_name = "N")]
    speed: Option<f64>,
    /// Fixes which requests fail
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the database and the mails go [default: a new folder for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Plays it. Exit 1 when the outage was not noticed, mailed and closed.
pub fn run(args: DemoArgs) -> Exit {
    let scenario = match load(&args.scenario) {
        Ok(scenario) => scenario,
        Err(e) => {
            e.report();
            return e.exit();
        }
    };
    let dir = args.dir.unwrap_or_else(|| {
        std::env::temp_dir().join(format!("watchfire-demo-{}", std::process::id()))
    });
    if let Err(e) = std::fs::create_dir_all(&dir) {
        complain(format!("failed to create {}: {e}", dir.display()));
        return Exit::Io;
    }
    super::log("error");
    let speed = args
        .speed
        .unwrap_or_else(|| speed_to_end(scenario.start, scenario.end, PLAY));
    let clock = Clock::sped(scenario.start, speed);
    anstream::println!("{}\n\n{}\n", scenario.title, scenario.summary.trim());
    anstream::println!(
        "A fake provider plays it, {speed:.0} times as fast as it was; the real daemon probes it each 30 s of that night. Times are UTC.\n"
    );
    let stage = Stage {
        scenario: scenario.clone(),
        clock,
        seed: args.seed,
        dir: dir.clone(),
    };
    let happenings = match play(stage, |address| configure(address, &dir)) {
        Ok(happenings) => happenings,
        Err(e) => {
            complain(e);
            return Exit::Io;
        }
    };
    let mails = play::files(&dir.join("mail"));
    let columns = letter::columns(textwrap::termwidth());
    for mail in &mails {
        match std::fs::read(mail) {
            Ok(bytes) => anstream::println!("\n{}", letter::show(&bytes, columns)),
            Err(e) => complain(format!("failed to read {}: {e}", mail.display())),
        }
    }
    anstream::println!("\n{}", table::render(&table::rows(&scenario, &happenings)));
    anstream::println!("{} mails in {}", mails.len(), dir.join("mail").display());
    if told_whole(&happenings) {
        Exit::Ok
    } else {
        Exit::No
    }
}

/// An incident was opened and closed, and both were mailed.
fn told_whole(happenings: &[Happening]) -> bool {
    let mailed = |kind| {
        happenings
            .iter()
            .any(|h| matches!(&h.what, What::Mail { event, .. } if *event == kind))
    };
    mailed(EventKind::Open) && mailed(EventKind::Close)
}

/// The daemon's configuration: files as a user would write them, read the usual way.
fn configure(provider: SocketAddr, dir: &std::path::Path) -> Result<Config, String> {
    let probes = format!(
        r#"
[alert]
email = ["oncall@example.com"]

[service.openai]
title = "OpenAI"
base_url = "http://{provider}/v1"

[[probe]]
name = "chat"
service = "openai"
kind = "chat"
model = "gpt-4o-mini"
every = "30s"
timeout = "20s"

[[probe]]
name = "image"
service = "openai"
kind = "image"
model = "gpt-image-1"
every = "30s"
timeout = "25s"

[[probe]]
name = "web"
service = "openai"
kind = "http"
url = "http://{provider}/"
every = "30s"
timeout = "20s"

[[probe]]
name = "login"
service = "openai"
kind = "http"
url = "http://{provider}/login"
every = "30s"
timeout = "20s"
"#
    );
    let settings = format!(
        "data_dir = {:?}\nlocation = \"demo\"\n",
        dir.display().to_string()
    );
    host::own(&probes, &settings)
}
