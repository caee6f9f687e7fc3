//! Who is at the terminal.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Uid, User};

/// The login name of whoever runs this command; behind `sudo`, of the one who called it.
pub(super) fn speaks() -> String {
    let uid = Uid::current();
    let sudo = std::env::var("SUDO_USER").ok();
    // Only root can have come by sudo; anybody can set a variable.
    let sudo = sudo.filter(|name| uid.is_root() && !name.is_empty());
    sudo.unwrap_or_else(|| name(uid))
}

/// To whom a file or folder belongs; `None` when it cannot be asked.
pub(super) fn owner(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    Some(name(Uid::from_raw(about.uid())))
}

fn name(uid: Uid) -> String {
    let user = User::from_uid(uid).ok().flatten();
    user.map_or_else(|| format!("uid {uid}"), |user| user.name)
}
