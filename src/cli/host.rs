//! The host, as the configuration sees it: files, variables, its name. Reads the files that a command was given.

use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{Exit, Files, complain};
use crate::config::{self, Config, Env, HostFile, ReadError, Source};
use crate::diagnostic::Diagnosed;
use crate::probe::Roots;

/// Opening a FIFO for reading would wait for a writer without this.
const NON_BLOCKING: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// This machine.
struct Host;

impl Env for Host {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path, limit: usize) -> Result<HostFile, ReadError> {
        let opened = std::fs::File::options()
            .read(true)
            .custom_flags(NON_BLOCKING)
            .open(path);
        let file = opened.map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => ReadError::Absent,
            _ => ReadError::Io(e.to_string()),
        })?;
        let about = file.metadata().map_err(|e| ReadError::Io(e.to_string()))?;
        if !about.is_file() {
            return Err(ReadError::NotRegular);
        }
        let mut bytes = Vec::new();
        let read = file.take(limit as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|e| ReadError::Io(e.to_string()))?;
        if bytes.len() > limit {
            return Err(ReadError::TooLarge(limit));
        }
        Ok(HostFile {
            bytes,
            mode: about.mode() & 0o777,
        })
    }

    fn host_name(&self) -> String {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned()
    }
}

/// Reads both files as they are now, with every fault of both.
pub(super) fn diagnose(files: &Files) -> Result<Config, Vec<Diagnosed>> {
    let read = |path: &Path| {
        let name = path.display().to_string();
        match Host.read(path, config::LARGEST_BYTES) {
            Ok(file) => Ok(Source {
                name,
                bytes: file.bytes,
            }),
            Err(e) => Err(vec![Diagnosed::of_file(&name, e.to_string())]),
        }
    };
    let probes = read(&files.probes());
    let settings = files.config().map(|path| read(&path)).transpose();
    let (probes, settings) = match (probes, settings) {
        (Ok(probes), Ok(settings)) => (probes, settings),
        (probes, settings) => {
            let faults = probes.err().into_iter().chain(settings.err()).flatten();
            return Err(faults.collect());
        }
    };
    config::load(&probes, settings.as_ref(), &Host, Roots::system())
}

/// The configuration, or the exit code of one that cannot be used; faults and warnings go to stderr.
pub(super) fn load(files: &Files) -> Result<Config, Exit> {
    match diagnose(files) {
        Ok(config) => {
            for warning in &config.warnings {
                anstream::eprint!("{}", warning.render(true));
            }
            Ok(config)
        }
        Err(faults) => {
            for fault in &faults {
                anstream::eprintln!("{}", fault.render(true));
            }
            complain(format!("the configuration has {} faults", faults.len()));
            Err(Exit::Config)
        }
    }
}

/// The files once more, for a reload; the faults as one text.
pub(super) fn reread(files: &Files) -> Result<Config, String> {
    diagnose(files).map_err(|faults| {
        faults
            .iter()
            .map(Diagnosed::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// A configuration of the program's own, for the demo.
pub(super) fn own(probes: &str, settings: &str) -> Result<Config, String> {
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let (probes, settings) = (
        source("probes.toml", probes),
        source("watchfire.toml", settings),
    );
    config::load(&probes, Some(&settings), &Host, Roots::system()).map_err(|faults| {
        faults
            .iter()
            .map(Diagnosed::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}
