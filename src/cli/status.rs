//! `watchfire status`: what is up and what is open, read from the database, whether the daemon runs or not.

mod board;
mod claims;
mod daemon;
mod limits;
mod lines;
mod money;

use clap::Args;

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::store::{OpenError, StoreError};
use board::Board;

/// What `status` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire status --json | jq .prober")]
pub struct StatusArgs {
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Only whether the prober itself is well: exit 1 when it has stopped, cannot store or cannot see
    #[arg(long)]
    prober: bool,
}

/// Shows it. Exit 1 when a service is down or the prober is not well.
pub fn run(args: &StatusArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let board = match Board::read(&config, Clock::system().now()) {
        Ok(board) => board,
        Err(Trouble::Open(e)) => {
            complain(&e);
            return super::run::open_exit(&e);
        }
        Err(Trouble::Read(e)) => {
            complain(format!("failed to read the database: {e}"));
            return Exit::Io;
        }
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

enum Trouble {
    Open(OpenError),
    Read(StoreError),
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
