//! Slips that are good, and whatever else may lie in their folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::model::IncidentId;
use crate::model::Timestamp;
use crate::model::said::Ask;

fn order(second: i64) -> Order {
    Order {
        at: Timestamp::from_micros(1_800_000_000_000_000 + second * 1_000_000),
        who: "ann".to_owned(),
        ask: Ask::Ack {
            incident: IncidentId(7),
            note: String::new(),
        },
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn slips_are_private_taken_once_in_order_and_gone_when_done() {
    let dir = tempfile::tempdir().unwrap();
    let later = Slips::leave(dir.path(), &order(60)).unwrap();
    let sooner = Slips::leave(dir.path(), &order(0)).unwrap();
    let folder = dir.path().join(FOLDER);
    assert_eq!(mode(&folder), 0o700);
    let file = folder.join(format!("{later}.json"));
    assert_eq!(mode(&file), 0o600);
    let mut slips = Slips::of(dir.path());
    let taken = slips.collect().unwrap().orders;
    assert_eq!(
        taken,
        [(sooner.clone(), order(0)), (later.clone(), order(60))]
    );
    assert!(slips.collect().unwrap().orders.is_empty());
    slips.done(&later).unwrap();
    assert!(!file.exists());
    // What was taken and not done is there for the next daemon.
    assert_eq!(Slips::of(dir.path()).collect().unwrap().orders[0].0, sooner);
}

#[test]
fn what_is_no_slip_is_moved_aside_with_the_reason_and_hurts_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let good = Slips::leave(dir.path(), &order(0)).unwrap();
    let folder = dir.path().join(FOLDER);
    let secret = dir.path().join("secret");
    fs::write(&secret, order(0).write()).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    put("01-a.json", &vec![b'x'; 1 << 20]);
    put("02-a.json", b"not json");
    put("03-a.json", b"");
    put("04-a.json", &[0xff, 0xfe, 0]);
    put("05 a.json", &order(0).write());
    put("06-a.txt", &order(0).write());
    put(".07-a", b"somebody is still writing this");
    symlink(&secret, folder.join("08-a.json")).unwrap();
    symlink("nowhere", folder.join("09-a.json")).unwrap();
    fs::create_dir(folder.join("10-a.json")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(folder.join("11-a.json"))
        .status();
    assert!(fifo.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("12-a.json")).unwrap();

    let mut slips = Slips::of(dir.path());
    let found = slips.collect().unwrap();
    assert_eq!(found.orders.len(), 1);
    assert_eq!(found.orders[0].0, good);
    let why = |name: &str| {
        let refused = found.refused.iter().find(|(of, _)| of == name);
        refused
            .unwrap_or_else(|| panic!("{name} was not refused"))
            .1
            .clone()
    };
    assert_eq!(why("01-a.json"), "it is larger than 16384 bytes");
    assert!(why("02-a.json").starts_with("expected ident"));
    assert!(why("03-a.json").starts_with("EOF"));
    assert_eq!(why("08-a.json"), "it is a link");
    assert_eq!(why("09-a.json"), "it is a link");
    assert_eq!(why("10-a.json"), "it is not a regular file");
    assert_eq!(why("11-a.json"), "it is not a regular file");
    why("12-a.json");
    assert_eq!(found.refused.len(), 11);
    assert!(slips.collect().unwrap().refused.is_empty());
    assert!(folder.join("refused/01-a.json").exists());
    assert!(folder.join(".07-a").exists());
    assert_eq!(fs::read(&secret).unwrap(), order(0).write());
}

#[test]
fn what_cannot_be_moved_aside_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut slips = Slips::of(dir.path());
    slips.collect().unwrap();
    let folder = dir.path().join(FOLDER);
    fs::write(folder.join(REFUSED), "in the way").unwrap();
    fs::write(folder.join("01.json"), "no").unwrap();
    let found = slips.collect().unwrap();
    assert!(
        found.refused[0].1.contains("could not be moved aside"),
        "{found:?}"
    );
    assert!(slips.collect().unwrap().refused.is_empty());
}

#[test]
fn a_folder_that_is_no_folder_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), dir.path().join(FOLDER)).unwrap();
    assert!(Slips::leave(dir.path(), &order(0)).is_err());
    assert!(Slips::of(dir.path()).collect().is_err());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_was_removed_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut slips = Slips::of(dir.path());
    assert!(slips.collect().unwrap().orders.is_empty());
    fs::remove_dir_all(dir.path().join(FOLDER)).unwrap();
    let token = Slips::leave(dir.path(), &order(0)).unwrap();
    let found = slips.collect().unwrap();
    assert_eq!(found.orders[0].0, token);
}

#[test]
fn a_crowd_is_taken_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..(MOST as i64 + 5) {
        Slips::leave(dir.path(), &order(n)).unwrap();
    }
    let mut slips = Slips::of(dir.path());
    assert_eq!(slips.collect().unwrap().orders.len(), MOST);
    assert_eq!(slips.collect().unwrap().orders.len(), 5);
}
