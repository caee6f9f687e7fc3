//! The direction of imports: a room uses only rooms on floors below its own, and each third-party crate with a door of
//! its own is met in one room. A breach is named with its file, line and the rule.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests fails as loudly as a test"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. Rooms of one floor do not see each other.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["diagnostic", "clock"],
    &["store", "probe", "simulate", "chart"],
    &["schedule", "notify", "web", "engine"],
    &["config"],
    &["report"],
    &["daemon"],
    &["cli"],
];

/// Words that may stand only in these rooms.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("lettre::", &["notify"]),
    ("reqwest::", &["probe"]),
    ("h2::", &["probe"]),
    ("axum::", &["web"]),
    ("tokio::spawn", &["daemon"]),
    ("tokio_cron_scheduler::", &["daemon"]),
    ("sd_notify", &["daemon"]),
    ("clap::", &["cli"]),
    ("plotters::", &["chart"]),
    ("resvg::", &["chart"]),
    ("png::", &["chart"]),
    ("comfy_table", &["cli"]),
    ("mail_parser::", &["cli"]),
    ("textwrap::", &["cli"]),
    ("html5gum::", &["probe"]),
    ("cookie_store::", &["probe"]),
    ("hyper::", &["simulate", "probe", "web"]),
    ("SystemTime::now", &["clock"]),
];

/// What the deciding room never does: no I/O, no runtime, no clock.
const NOT_IN_MODEL: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "Instant",
];

struct Line {
    file: PathBuf,
    number: usize,
    text: String,
    room: String,
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every line of code of the library outside its tests and comments.
fn lines() -> Vec<Line> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    let mut lines = Vec::new();
    for path in found {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.iter().next().unwrap().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&room.as_str()) || inside.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("#[cfg(test)]") {
                break;
            }
            let code = line.split("//").next().unwrap_or("");
            let file = Path::new("src").join(inside);
            lines.push(Line {
                file,
                number: number + 1,
                text: code.to_owned(),
                room: room.clone(),
            });
        }
    }
    assert!(
        lines.len() > 1000,
        "found only {} lines: is src/ where it was?",
        lines.len()
    );
    lines
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Rooms that a line names as `crate::room` or `crate::{room, ..}`.
fn named(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let list = rest
            .strip_prefix('{')
            .and_then(|r| r.split('}').next())
            .unwrap_or(rest);
        for item in list
            .split(',')
            .take(if rest.starts_with('{') { usize::MAX } else { 1 })
        {
            let word = |c: char| c.is_ascii_lowercase() || c == '_';
            rooms.push(item.trim().chars().take_while(|c| word(*c)).collect());
        }
    }
    rooms
}

#[test]
fn every_room_stands_on_a_floor() {
    for line in lines() {
        assert!(
            floor(&line.room).is_some(),
            "{}: room `{}` has no floor",
            line.file.display(),
            line.room
        );
    }
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut breaches = Vec::new();
    for line in lines() {
        for used in named(&line.text) {
            let (Some(own), Some(other)) = (floor(&line.room), floor(&used)) else {
                continue;
            };
            if used != line.room && other >= own {
                let at = format!("{}:{}", line.file.display(), line.number);
                breaches.push(format!(
                    "{at}: `{}` may not use `{used}`: it stands on floor {other}, not below {own}",
                    line.room
                ));
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn crates_with_a_door_are_met_only_behind_it() {
    let mut breaches = Vec::new();
    for line in lines() {
        for (word, rooms) in DOORS {
            if line.text.contains(word) && !rooms.contains(&line.room.as_str()) {
                let at = format!("{}:{}", line.file.display(), line.number);
                breaches.push(format!(
                    "{at}: `{word}` belongs into {rooms:?}, not into `{}`",
                    line.room
                ));
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn the_deciding_room_does_no_io_and_asks_no_clock() {
    let mut breaches = Vec::new();
    for line in lines().into_iter().filter(|l| l.room == "model") {
        for word in NOT_IN_MODEL {
            if line.text.contains(word) {
                let at = format!("{}:{}", line.file.display(), line.number);
                breaches.push(format!("{at}: the model is pure, and `{word}` is not"));
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_single_and_braced_ones() {
    assert_eq!(named("use crate::model::{Outcome, Phase};"), ["model"]);
    assert_eq!(
        named("use crate::{clock::Clock, store};"),
        ["clock", "store"]
    );
    assert!(named("let x = 1;").is_empty());
}
