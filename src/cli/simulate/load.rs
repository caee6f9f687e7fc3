//! A scenario for a command: by its name, or from a file.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::cli::{Exit, complain};
use crate::diagnostic::{Diagnosed, Level, Lines};
use crate::model::Timestamp;
use crate::model::scenario::Scenario;
use crate::simulate::faults::CertificateError;

/// Bytes of a scenario file: a year by the minute is less.
const MOST_BYTES: u64 = 1024 * 1024;

/// Why there is nothing to play.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// Neither a name that comes with watchfire nor a file.
    #[error("no scenario `{name}`: neither a file nor one of {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The file is too large.
    #[error("{path}: more than {MOST_BYTES} bytes; no scenario is that long")]
    TooLarge {
        /// The file.
        path: String,
    },
    /// The file has faults.
    #[error("the scenario has {} faults", .0.len())]
    Faulty(
        /// In order of their place.
        Vec<Diagnosed>,
    ),
    /// `--from` is outside the story.
    #[error("--from {from} is outside the story, which lasts from {start} to {end}")]
    Outside {
        /// What was asked for.
        from: Timestamp,
        /// The story's start.
        start: Timestamp,
        /// The story's end.
        end: Timestamp,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A mode speaks TLS, and there is nothing to show.
    #[error("the mode `{0}` speaks TLS: give it --certificate and --key")]
    NoCertificate(&'static str),
    /// The certificate of the fault server is not usable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl SimulateError {
    /// Tells the person at the terminal, faults of a file where they stand.
    pub(in crate::cli) fn report(&self) {
        if let SimulateError::Faulty(faults) = self {
            for fault in faults {
                anstream::eprintln!("{}", fault.render(true));
            }
        }
        complain(self);
    }

    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            SimulateError::Unknown { .. }
            | SimulateError::Outside { .. }
            | SimulateError::NoCertificate(_) => Exit::Usage,
            SimulateError::Faulty(_) | SimulateError::TooLarge { .. } => Exit::Config,
            SimulateError::Certificate(CertificateError::Refused(_)) => Exit::Config,
            SimulateError::Certificate(CertificateError::File { .. }) => Exit::Io,
            SimulateError::Unreadable { .. } | SimulateError::Listen { .. } => Exit::Io,
        }
    }
}

/// A scenario by name, or else from a file.
pub fn load(name: &str) -> Result<Scenario, SimulateError> {
    let path = Path::new(name);
    let (path, text) = match Scenario::builtin_text(name) {
        Some(text) => (format!("config/scenarios/{name}.toml"), text.to_owned()),
        None if path.exists() => (name.to_owned(), read(path)?),
        None => {
            return Err(SimulateError::Unknown {
                name: name.to_owned(),
                known: Scenario::names().collect::<Vec<_>>().join(", "),
            });
        }
    };
    Scenario::parse(&text).map_err(|problems| {
        let lines = Lines::new(&path, &text);
        let placed = problems.iter().map(|p| lines.diagnose(p, Level::Fault));
        SimulateError::Faulty(placed.collect())
    })
}

fn read(path: &Path) -> Result<String, SimulateError> {
    use io::Read as _;
    let name = || path.display().to_string();
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > MOST_BYTES => Err(SimulateError::TooLarge { path: name() }),
        Ok(_) => Ok(text),
        Err(error) => Err(SimulateError::Unreadable {
            path: name(),
            error,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scenario_is_answered_with_the_known_ones() {
        let error = load("2023-11-09").unwrap_err().to_string();
        assert!(
            error.contains("`2023-11-09`") && error.contains("2023-11-08-major"),
            "{error}"
        );
    }

    #[test]
    fn the_faults_of_a_file_are_shown_where_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("drill.toml");
        std::fs::write(&file, "title = \"t\"\nsumary = \"s\"\nstart = 3\n").unwrap();
        let Err(SimulateError::Faulty(faults)) = load(file.to_str().unwrap()) else {
            panic!("a faulty scenario was taken");
        };
        let shown: String = faults.iter().map(Diagnosed::to_string).collect();
        for part in [
            "drill.toml:2:1: unknown key `sumary`",
            "2 | sumary = \"s\"\n  | ^^^^^^",
            "did you mean `summary`?",
            "drill.toml:3:9: expected a moment, found a number",
        ] {
            assert!(shown.contains(part), "{part} is missing in\n{shown}");
        }
    }
}
