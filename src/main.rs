//! The binary: hands the command line to [`watchfire::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    watchfire::cli::main()
}
