//! `ack`, `silence`, `maintenance`, `outbox`: somebody says it on the host, the daemon takes it up and records it with who and why.
//!
//! A command writes nothing but a slip, which the daemon takes within a second; when none runs, it is taken at the next start.

pub mod ack;
pub mod acks;
pub mod maintenance;
pub mod outbox;
pub mod silence;
mod standing;
mod who;

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use chrono_tz::Tz;
use serde_json::json;

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::config::{Config, Service};
use crate::model::Timestamp;
use crate::model::said::when::{Edge, moment};
use crate::model::said::{Ask, Order, SaidId, Selector, SpellKind, Target};
use crate::store::{Holder, Reader, SaidRow, Slips};
pub use standing::Standing;

/// A daemon that works takes a slip within a second; this long is waited for it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is looked meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// What all these commands need.
struct Desk {
    config: Config,
    reader: Reader,
    now: Timestamp,
    json: bool,
}

impl Desk {
    fn open(files: &Files, json: bool) -> Result<Self, Exit> {
        let config = files.load()?;
        // What a closed directory hides looks as if it were not there.
        if let Err(e) = std::fs::read_dir(&config.data_dir)
            && e.kind() == ErrorKind::PermissionDenied
        {
            return Err(not_allowed(&config.data_dir, &e));
        }
        let reader = Reader::open(&config.data_dir).map_err(|e| {
            complain(&e);
            super::run::open_exit(&e)
        })?;
        Ok(Self {
            config,
            reader,
            now: Clock::system().now(),
            json,
        })
    }

    /// A selector that speaks of something.
    fn selector(&self, text: &str) -> Result<Selector, Exit> {
        let selector = Selector::parse(text).map_err(|why| {
            complain(format!("the selector {why}"));
            Exit::Usage
        })?;
        let services = &self.config.services;
        if services.iter().all(|s| s.selected_by(&selector) == 0) {
            let names: Vec<&str> = services
                .iter()
                .map(|s: &Service| s.name.as_str())
                .take(20)
                .collect();
            complain(format!(
                "{selector} fits no probe of probes.toml; its services are: {}",
                names.join(", ")
            ));
            return Err(Exit::No);
        }
        Ok(selector)
    }

    /// Leaves word for the daemon, and tells what comes of it.
    fn say(&self, ask: Ask) -> Exit {
        let order = Order {
            at: self.now,
            who: who::speaks(),
            ask,
        };
        let token = match Slips::leave(&self.config.data_dir, &order) {
            Ok(token) => token,
            Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                return not_allowed(&self.config.data_dir, &e);
            }
            Err(e) => {
                complain(format!(
                    "failed to leave word for the daemon in {}: {e}",
                    self.config.data_dir.display()
                ));
                return Exit::Io;
            }
        };
        if matches!(Holder::of(&self.config.data_dir), Ok(Holder::Nobody)) {
            return self.told(
                "waiting",
                None,
                "no daemon runs: this is taken up when one starts",
            );
        }
        match self.wait(&token) {
            Some(row) => self.told("taken", Some(&row), &row.answer),
            None => self.told(
                "waiting",
                None,
                "the daemon has not taken this up yet; it will when it can (see `watchfire status --prober`)",
            ),
        }
    }

    fn wait(&self, token: &str) -> Option<SaidRow> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .ok()?;
        runtime.block_on(async {
            let until = tokio::time::Instant::now() + PATIENCE;
            loop {
                // While the database cannot be read, nothing is known.
                if let Ok(Some(row)) = self.reader.said_by_slip(token) {
                    return Some(row);
                }
                if tokio::time::Instant::now() >= until {
                    return None;
                }
                tokio::time::sleep(LOOK).await;
            }
        })
    }

    fn told(&self, state: &str, row: Option<&SaidRow>, answer: &str) -> Exit {
        let refused = row.is_some_and(|row| row.refused);
        if self.json {
            let id = row.map(|row| row.id);
            let value = json!({ "state": if refused { "refused" } else { state }, "id": id, "answer": answer });
            anstream::println!("{value}");
        } else if refused {
            complain(answer);
        } else {
            anstream::println!("{answer}");
        }
        if refused { Exit::No } else { Exit::Ok }
    }

    /// What ends: a number, or a selector as it was said.
    fn end(&self, kind: SpellKind, what: &str) -> Exit {
        let target = match what.parse::<u64>() {
            Ok(id) => Target::Id(SaidId(id)),
            Err(_) => match Selector::parse(what) {
                Ok(selector) => Target::Selector(selector),
                Err(why) => {
                    complain(format!("the selector {why}"));
                    return Exit::Usage;
                }
            },
        };
        self.say(Ask::End { kind, target })
    }

    /// Shows what stands of a kind.
    fn list(&self, kind: SpellKind) -> Exit {
        let standing = match Standing::read(&self.reader, &self.config, self.now) {
            Ok(standing) => standing,
            Err(e) => {
                complain(format!("failed to read the database: {e}"));
                return Exit::Io;
            }
        };
        if self.json {
            for value in standing.json_of(kind) {
                anstream::println!("{value}");
            }
            return Exit::Ok;
        }
        let lines = standing.lines_of(kind);
        if lines.is_empty() {
            anstream::println!("no {} is said or planned", kind.name());
        }
        for line in lines {
            anstream::println!("{line}");
        }
        Exit::Ok
    }
}

fn not_allowed(data_dir: &Path, e: &std::io::Error) -> Exit {
    let owner = who::owner(data_dir).map_or(String::new(), |name| format!(" ({name})"));
    complain(format!(
        "failed to leave word for the daemon in {}: {e}; run this as the daemon's user{owner} or with sudo",
        data_dir.display()
    ));
    Exit::Io
}

/// A moment of the command line, in a named zone or the machine's.
fn read_moment(
    option: &str,
    text: &str,
    after: Timestamp,
    zone: Option<Tz>,
    edge: Edge,
) -> Result<Timestamp, Exit> {
    let read = match zone {
        Some(zone) => moment(text, after, &zone, edge),
        None => moment(text, after, &chrono::Local, edge),
    };
    read.map_err(|why| usage(&format!("{option} {why}")))
}

fn usage(what: &str) -> Exit {
    complain(what);
    Exit::Usage
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "write a number with its unit, as 30m, 2h or 1d".to_owned())
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse()
        .map_err(|_| "not a time zone; write one such as Europe/Berlin".to_owned())
}
