//! The files of the data directory: private from the start, moved aside when damaged, and a reserve for a full disk.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;

/// The database's name within the data directory.
pub(super) const DATABASE: &str = "watchfire.db";
/// The reserve's name within the data directory.
const BALLAST: &str = "ballast";
/// A thousand pages of the write-ahead log: some dozen commits of incidents with their mails.
const BALLAST_BYTES: usize = 4 << 20;
/// A piece of the reserve that is smaller than this holds not one commit.
const LEAST_CLAIM: u64 = 64 << 10;
/// Where backups are looked for when the database is damaged.
const BACKUPS: &str = "backup";

/// Makes the directory for its owner alone; one that exists is left as it is.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// Opens or makes a file that only its owner may read and write, whatever the umask.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// What tells a file from one that has taken its name.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let about = fs::metadata(path).ok()?;
    Some((about.dev(), about.ino()))
}

/// `-wal` and `-shm` beside a database.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Renames a database with its companions to a free name `watchfire.db.corrupt-<stamp>`.
pub(super) fn move_aside(database: &Path, stamp: &str) -> io::Result<PathBuf> {
    let base = beside(database, &format!(".corrupt-{stamp}"));
    let mut aside = base.clone();
    let mut n = 1;
    while aside.exists() {
        n += 1;
        aside = beside(&base, &format!("-{n}"));
    }
    fs::rename(database, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(database, suffix), beside(&aside, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

/// The youngest `backup/*.db`, if there is one.
pub(super) fn newest_backup(dir: &Path) -> Option<PathBuf> {
    fs::read_dir(dir.join(BACKUPS))
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "db"))
        .max_by_key(|path| fs::metadata(path).and_then(|m| m.modified()).ok())
}

/// Writes the reserve, unless it is there in full.
pub(super) fn restore_ballast(dir: &Path) -> io::Result<()> {
    let path = dir.join(BALLAST);
    if fs::metadata(&path).is_ok_and(|m| m.len() == BALLAST_BYTES as u64) {
        return Ok(());
    }
    // Written, not only sized: a hole would take no room.
    let write = || -> io::Result<()> {
        let mut file = open_private(&path)?;
        file.set_len(0)?;
        file.write_all(&vec![0xA5; BALLAST_BYTES])?;
        file.sync_all()
    };
    write().inspect_err(|_| {
        // Half a reserve on a full disk would only be in the way.
        let _ = fs::remove_file(&path);
    })
}

/// Gives the reserve to the write-ahead log. True when there was one.
pub(super) fn release_ballast(dir: &Path) -> io::Result<bool> {
    match fs::remove_file(dir.join(BALLAST)) {
        Ok(()) => {
            claim(&beside(&dir.join(DATABASE), "-wal"));
            Ok(true)
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Takes the room that has just come free for the write-ahead log, before whatever has filled the disk does.
///
/// The blocks lie behind the log's end, where SQLite does not look until it writes there. Opening and closing the log is
/// harmless: SQLite's locks are on the other two files. What a file system refuses here stays free for anybody.
fn claim(wal: &Path) {
    let Ok(file) = OpenOptions::new().write(true).open(wal) else {
        return;
    };
    let end = file.metadata().map_or(0, |m| m.len());
    let mut bytes = BALLAST_BYTES as u64;
    while bytes >= LEAST_CLAIM
        && rustix::fs::fallocate(&file, FallocateFlags::KEEP_SIZE, end, bytes)
            == Err(rustix::io::Errno::NOSPC)
    {
        bytes /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_are_private_from_the_start() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("state/watchfire");
        create_dir(&dir).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        open_private(&dir.join("x")).unwrap();
        assert_eq!(mode(&dir.join("x")), 0o600);
    }

    #[test]
    fn the_ballast_takes_its_room_and_gives_it_back_once() {
        let dir = tempfile::tempdir().unwrap();
        restore_ballast(dir.path()).unwrap();
        assert_eq!(
            fs::metadata(dir.path().join(BALLAST)).unwrap().len(),
            BALLAST_BYTES as u64
        );
        assert!(release_ballast(dir.path()).unwrap());
        assert!(!release_ballast(dir.path()).unwrap());
    }

    #[test]
    fn two_databases_moved_aside_in_one_second_get_two_names() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join(DATABASE);
        fs::write(&db, "one").unwrap();
        fs::write(beside(&db, "-wal"), "wal").unwrap();
        let first = move_aside(&db, "20231108").unwrap();
        fs::write(&db, "two").unwrap();
        let second = move_aside(&db, "20231108").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read_to_string(beside(&first, "-wal")).unwrap(), "wal");
        assert_eq!(fs::read_to_string(second).unwrap(), "two");
    }
}
