//! Letters as files, for those who have no mail server: `data_dir/mail/*.eml`, one a letter and recipient.
//!
//! Names sort by time. A letter that is written twice (a crash in between) is one file: the name comes from the letter.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::{Acceptance, Answer, Channel, Delivering, Step};
use crate::model::notification::Pending;

/// Longest part of a name that comes from an address; file systems allow 255 bytes.
const ADDRESS_LIMIT: usize = 80;

/// A directory of letters.
#[derive(Debug)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// Makes the directory when it is not there. Errs in words for the operator.
    pub fn open(dir: &Path) -> Result<Self, String> {
        fs::create_dir_all(dir)
            .map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }
}

impl Channel for Files {
    fn deliver<'a>(&'a self, pending: &'a Pending) -> Delivering<'a> {
        Box::pin(async move {
            let path = self.dir.join(name(pending));
            let bytes = pending.letter.bytes.clone();
            let shown = path.display().to_string();
            let written = tokio::task::spawn_blocking(move || write(&path, &bytes)).await;
            match written.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
                Ok(()) => Answer::new(
                    Acceptance::Accepted,
                    Step::File,
                    None,
                    &format!("written to {shown}"),
                ),
                Err(error) => Answer::new(
                    Acceptance::Later,
                    Step::File,
                    None,
                    &format!("cannot write {shown}: {error}"),
                ),
            }
        })
    }

    fn describe(&self) -> String {
        format!("files in {}", self.dir.display())
    }
}

/// `20231108T134402.120Z-7-0-open-oncall@example.com.eml`.
fn name(pending: &Pending) -> String {
    let at = pending.created_at.to_utc().unwrap_or_default();
    let at = at.format("%Y%m%dT%H%M%S%.3fZ");
    let id = pending.letter.message_id.trim_start_matches('<');
    // A Message-ID begins with incident and sequence; a test mail's with other words.
    let mut parts = id.split(['.', '@']);
    let (incident, sequence) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let event = pending.event.map_or("note", |e| e.name());
    let to = address(&pending.letter.recipient);
    format!(
        "{at}-{}-{}-{event}-{to}.eml",
        address(incident),
        address(sequence)
    )
}

/// As the address is, when a file may be called so; otherwise what is harmless of it, and its hash.
fn address(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    if text.len() <= ADDRESS_LIMIT && text.chars().all(harmless) && !text.starts_with('.') {
        return text.to_owned();
    }
    let kept: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(ADDRESS_LIMIT / 2)
        .collect();
    format!("{kept}-{:016x}", xxh3_64(text.as_bytes()))
}

/// All of the file or none of it, also after a power cut.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
