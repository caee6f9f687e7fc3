//! What commands leave for the daemon: one small file each in `data_dir/said/`, which the engine takes and removes.
//!
//! A slip appears whole, by a rename, and is taken once: its token is committed with what came of it. The folder belongs
//! to the daemon's user alone. Nothing in it is followed, waited for, or read beyond a bound; what cannot be understood is
//! moved to `said/refused/`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::fchown;
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

use crate::model::said::Order;

/// The folder's name within the data directory.
const FOLDER: &str = "said";
/// Where that goes which cannot be understood.
const REFUSED: &str = "refused";
/// The ending of a slip.
const ENDING: &str = ".json";
/// A slip holds two names, two moments and a reason of 500 characters.
const LARGEST_BYTES: u64 = 16 << 10;
/// Slips that are taken in one go; the rest waits a second.
const MOST: usize = 100;
/// Names that are looked at in one go.
const MOST_LOOKED_AT: usize = 1_000;
/// Longest token.
const TOKEN_LIMIT: usize = 64;

/// The folder, as the engine sees it.
#[derive(Debug)]
pub struct Slips {
    data_dir: PathBuf,
    /// Those that were taken: not committed yet, or not to be removed.
    taken: HashSet<String>,
}

/// What was found in the folder.
#[derive(Debug, Default)]
pub struct Found {
    /// What people want, with the token of each, in the order in which it was said.
    pub orders: Vec<(String, Order)>,
    /// Names of files that cannot be understood, and why. They have been moved aside.
    pub refused: Vec<(String, String)>,
}

impl Slips {
    /// Of a data directory. The folder is made when it is first looked into.
    pub fn of(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            taken: HashSet::new(),
        }
    }

    /// Leaves an order for the daemon, and returns its token. It lasts when this returns.
    ///
    /// Of root, it is given to whom the data directory belongs.
    ///
    /// # Errors
    /// When this user may not write there, or the disk is full.
    pub fn leave(data_dir: &Path, order: &Order) -> io::Result<String> {
        let folder = folder(data_dir)?;
        let micros = order.at.as_micros().max(0);
        let token = format!("{micros:020}-{:08x}", fastrand::u32(..));
        let (part, name) = (format!(".{token}"), format!("{token}{ENDING}"));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = File::from(sys::openat(&folder, &part, flags, mode)?);
        let left = fill(file, folder.as_fd(), order)
            .and_then(|()| Ok(sys::renameat(&folder, &part, &folder, &name)?))
            .and_then(|()| Ok(sys::fsync(&folder)?));
        if left.is_err() {
            // Half a slip is never read; that it stays does no harm.
            let _ = sys::unlinkat(&folder, &part, AtFlags::empty());
        }
        left.map(|()| token)
    }

    /// Takes what is there and was not taken before. Returns at once.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn collect(&mut self) -> io::Result<Found> {
        // Opened anew each time: somebody may have removed it.
        let folder = folder(&self.data_dir)?;
        let mut found = Found::default();
        for name in names(&folder)? {
            let token = name.strip_suffix(ENDING).unwrap_or_default().to_owned();
            if self.taken.contains(&token) || self.taken.contains(&name) {
                continue;
            }
            match read(&folder, &name, &token) {
                Ok(order) => {
                    self.taken.insert(token.clone());
                    found.orders.push((token, order));
                }
                // Taken away meanwhile: nothing to say.
                Err(None) => {}
                Err(Some(mut why)) => {
                    if let Err(e) = set_aside(&folder, &name) {
                        why = format!("{why}; it could not be moved aside: {e}");
                        // Said once, not each second.
                        self.taken.insert(name.clone());
                    }
                    found.refused.push((name, why));
                }
            }
            if found.orders.len() + found.refused.len() >= MOST {
                break;
            }
        }
        Ok(found)
    }

    /// An order and what came of it are committed: its slip goes.
    ///
    /// # Errors
    /// When it cannot be removed. It is not taken again by this daemon, and the next knows its token.
    pub fn done(&mut self, token: &str) -> io::Result<()> {
        let folder = folder(&self.data_dir)?;
        match sys::unlinkat(&folder, format!("{token}{ENDING}"), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {
                self.taken.remove(token);
                Ok(())
            }
            Err(e) => Err(e.into()),
        }
    }
}

/// Writes an order into its file.
fn fill(mut file: File, folder: BorrowedFd<'_>, order: &Order) -> io::Result<()> {
    give(file.as_fd(), folder)?;
    file.write_all(&order.write())?;
    file.sync_all()
}

/// The names of slips and of what is no slip, in order; not those that somebody is still writing.
fn names(folder: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)?.take(MOST_LOOKED_AT) {
        let entry = entry?;
        // No slip of ours has a name that is not UTF-8, and what has one is in nobody's way.
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if !name.starts_with('.') && name != REFUSED {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// One slip. Errs with the reason why it is none, and with none when it is gone.
fn read(folder: &OwnedFd, name: &str, token: &str) -> Result<Order, Option<String>> {
    let of_token = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c) || c == '-';
    if token.is_empty() || token.len() > TOKEN_LIMIT || !token.chars().all(of_token) {
        return Err(Some("its name is not that of a slip".to_owned()));
    }
    let words = |e: io::Error| Some(e.to_string());
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match sys::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Err(None),
        Err(Errno::LOOP) => return Err(Some("it is a link".to_owned())),
        Err(e) => return Err(words(e.into())),
    };
    let about = file.metadata().map_err(words)?;
    if !about.is_file() {
        return Err(Some("it is not a regular file".to_owned()));
    }
    if about.len() > LARGEST_BYTES {
        return Err(Some(format!("it is larger than {LARGEST_BYTES} bytes")));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(words)?;
    Order::read(&bytes).map_err(Some)
}

/// Moves what cannot be understood out of the way, over what was moved there under the same name before.
fn set_aside(folder: &OwnedFd, name: &str) -> io::Result<()> {
    let aside = make(folder.as_fd(), REFUSED)?;
    Ok(sys::renameat(folder, name, &aside, name)?)
}

/// The folder of a data directory, made for the directory's owner when it is not there.
fn folder(data_dir: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let data = sys::open(data_dir, flags, Mode::empty())?;
    make(data.as_fd(), FOLDER)
}

fn make(within: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    // Root must not be led elsewhere by a link.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match sys::openat(within, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return Ok(opened?),
    }
    match sys::mkdirat(within, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(e.into()),
    }
    let made = sys::openat(within, name, flags, Mode::empty())?;
    give(made.as_fd(), within)?;
    Ok(made)
}

/// Gives a file of root's to the owner of the folder that it is in.
fn give(file: BorrowedFd<'_>, folder: BorrowedFd<'_>) -> io::Result<()> {
    let owner = sys::fstat(folder)?;
    if sys::fstat(file)?.st_uid != owner.st_uid {
        fchown(file, Some(owner.st_uid), Some(owner.st_gid))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "slips_tests.rs"]
mod tests;
