//! The `watchfire` command.

use std::process::ExitCode;

use clap::Parser;
use watchfire::cli::replay::{ReplayArgs, run};

#[derive(Parser)]
#[command(version, about)]
enum Command {
    /// Fold recorded samples through the detector and print what would have been mailed
    Replay(ReplayArgs),
}

fn main() -> ExitCode {
    match Command::try_parse() {
        Ok(Command::Replay(args)) => run(&args),
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}
