//! `watchfire status`: what is up and what is open, read from the database, whether the daemon runs or not.

mod best;
mod board;
mod claims;
mod daemon;
mod limits;
mod lines;
mod money;

use std::collections::HashMap;

use clap::Args;

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::model::ServiceId;
use crate::model::route::Ability;
use crate::store::{OpenError, Reader, ServiceRow, StoreError};
use board::Board;

/// What `status` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire status --json | jq .prober\n  watchfire status --best chat | head -1"
)]
pub struct StatusArgs {
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout; with --best a list
    #[arg(long)]
    json: bool,
    /// Only whether the prober itself is well: exit 1 when it has stopped, cannot store or cannot see
    #[arg(long)]
    prober: bool,
    /// Only the services that can do this now, the best first, a name a line: exit 1 when none is healthy
    #[arg(long, value_name = "ABILITY", value_parser = best::ability, conflicts_with = "prober")]
    best: Option<Ability>,
}

/// Shows it. Exit 1 when a service is down or the prober is not well.
pub fn run(args: &StatusArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let now = Clock::system().now();
    if let Some(ability) = args.best {
        return match best::read(&config, ability, now) {
            Ok(ranked) => best::show(&ranked, args.json),
            Err(trouble) => trouble.refuse(),
        };
    }
    let board = match Board::read(&config, now) {
        Ok(board) => board,
        Err(trouble) => return trouble.refuse(),
    };
    if args.json {
        anstream::println!("{}", board.to_json());
    } else {
        anstream::print!("{}", board.draw());
    }
    let down = board
        .services
        .iter()
        .any(|s| matches!(s.state, "partial" | "major"));
    let sick = board.prober_state() != "ok";
    if (down && !args.prober) || sick {
        Exit::No
    } else {
        Exit::Ok
    }
}

/// What the database has of every service.
struct Known {
    /// By name.
    rows: HashMap<String, ServiceRow>,
    /// By number.
    states: HashMap<ServiceId, String>,
}

impl Known {
    fn read(reader: &Reader) -> Result<Self, StoreError> {
        let rows = reader.services()?.into_iter();
        let states = reader.states()?.into_iter();
        Ok(Self {
            rows: rows.map(|row| (row.name.clone(), row)).collect(),
            states: states.map(|(id, json, _)| (id, json)).collect(),
        })
    }
}

enum Trouble {
    Open(OpenError),
    Read(StoreError),
}

impl Trouble {
    fn refuse(&self) -> Exit {
        match self {
            Trouble::Open(e) => {
                complain(e);
                super::run::open_exit(e)
            }
            Trouble::Read(e) => {
                complain(format!("failed to read the database: {e}"));
                Exit::Io
            }
        }
    }
}

impl From<OpenError> for Trouble {
    fn from(e: OpenError) -> Self {
        Trouble::Open(e)
    }
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Trouble::Read(e)
    }
}
