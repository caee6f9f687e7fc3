//! What the configuration may ask of the host: variables, the files that hold secrets, the host's name.

use std::fmt;
use std::path::Path;

/// The host, as the configuration sees it. The real one is in the command line; tests bring their own.
pub trait Env {
    /// An environment variable; `None` when it is not set or not UTF-8.
    fn var(&self, name: &str) -> Option<String>;

    /// Reads a file that the configuration names. At most `limit` bytes; a regular file only, opened once.
    fn read(&self, path: &Path, limit: usize) -> Result<HostFile, ReadError>;

    /// The host's name; empty when unknown.
    fn host_name(&self) -> String;
}

/// A file as it was found.
#[derive(Clone, PartialEq, Eq)]
pub struct HostFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its permission bits, as in `0o600`.
    pub mode: u32,
}

impl fmt::Debug for HostFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostFile({} bytes, {:o})", self.bytes.len(), self.mode)
    }
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no such file")]
    Absent,
    /// It is a directory, a FIFO, a device or a socket.
    #[error("it is not a regular file")]
    NotRegular,
    /// It is larger than allowed.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// The system refused.
    #[error("{0}")]
    Io(String),
}
