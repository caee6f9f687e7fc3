//! `watchfire status`: what is up and what is open, read from the database, whether the daemon runs or not.

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::config::{Config, Service};
use crate::engine::{fact, open_incident};
use crate::model::incident::IncidentState;
use crate::model::{ProbeId, Sample, Severity, Timestamp};
use crate::store::{Holder, OpenError, Reader, ServiceRow, StoreError};

/// A daemon that works writes a checkpoint each minute; one that has not for this long cannot.
const STUCK_AFTER: Duration = Duration::from_secs(150);
/// Runs of this long are counted beside each probe.
const HOUR: Duration = Duration::from_secs(3600);

/// What `status` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire status --json | jq .prober")]
pub struct StatusArgs {
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Only whether the prober itself is well: exit 1 when it has stopped or cannot store
    #[arg(long)]
    prober: bool,
}

/// Shows it. Exit 1 when a service is down or the prober is not well.
pub fn run(args: &StatusArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let board = match Board::read(&config, Clock::system().now()) {
        Ok(board) => board,
        Err(Trouble::Open(e)) => {
            complain(&e);
            return super::run::open_exit(&e);
        }
        Err(Trouble::Read(e)) => {
            complain(format!("failed to read the database: {e}"));
            return Exit::Io;
        }
    };
    if args.json {
        anstream::println!("{}", board.to_json());
    } else {
        anstream::print!("{}", board.draw());
    }
    let down = board
        .services
        .iter()
        .any(|s| matches!(s.state, "partial" | "major"));
    let sick = board.prober_state() != "ok";
    if (down && !args.prober) || sick {
        Exit::No
    } else {
        Exit::Ok
    }
}

enum Trouble {
    Open(OpenError),
    Read(StoreError),
}

impl From<OpenError> for Trouble {
    fn from(e: OpenError) -> Self {
        Trouble::Open(e)
    }
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Trouble::Read(e)
    }
}

/// What the daemon is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Daemon {
    /// It runs and writes.
    Works,
    /// It runs and has written nothing for long: its number, and when it last did.
    Stuck(Option<u32>, Option<Timestamp>),
    /// None runs; when one last wrote.
    Stopped(Option<Timestamp>),
}

impl Daemon {
    /// From who holds the lock (`None`: this user may not know) and the last checkpoint.
    fn judge(holder: Option<Holder>, wrote: Option<Timestamp>, now: Timestamp) -> Self {
        let lately = wrote.is_some_and(|at| now.since(at) < STUCK_AFTER);
        match holder {
            Some(Holder::Nobody) => Daemon::Stopped(wrote),
            Some(Holder::Process(_)) | None if lately => Daemon::Works,
            Some(Holder::Process(pid)) => Daemon::Stuck(pid, wrote),
            None => Daemon::Stopped(wrote),
        }
    }

    fn note(self) -> Option<String> {
        match self {
            Daemon::Works => None,
            Daemon::Stuck(pid, wrote) => {
                let pid = pid.map_or(String::new(), |pid| format!(" (pid {pid})"));
                let since = wrote.map_or("yet".to_owned(), |at| format!("since {at}"));
                Some(format!(
                    "stuck: the daemon{pid} runs but has written nothing {since}; its log says why"
                ))
            }
            Daemon::Stopped(Some(at)) => {
                Some(format!("no daemon runs; the last one wrote at {at}"))
            }
            Daemon::Stopped(None) => Some("no daemon has worked here yet".to_owned()),
        }
    }
}

/// All that is shown.
struct Board {
    services: Vec<ServiceLine>,
    daemon: Daemon,
    storage: Option<String>,
    missed: u64,
    dropped: u64,
    pending: usize,
    oldest_pending: Option<Duration>,
    dead: usize,
    notes: Vec<String>,
}

struct ServiceLine {
    name: String,
    state: &'static str,
    incident: Option<String>,
    probes: Vec<ProbeLine>,
}

struct ProbeLine {
    name: String,
    last: Option<Sample>,
    up: u64,
    down: u64,
    other: u64,
    missing: Option<String>,
}

impl Board {
    fn read(config: &Config, now: Timestamp) -> Result<Self, Trouble> {
        let reader = Reader::open(&config.data_dir)?;
        let rows: HashMap<String, ServiceRow> = reader
            .services()?
            .into_iter()
            .map(|row| (row.name.clone(), row))
            .collect();
        let states: HashMap<_, _> = reader
            .states()?
            .into_iter()
            .map(|(id, json, _)| (id, json))
            .collect();
        let mut services = Vec::new();
        for service in &config.services {
            let row = rows.get(&service.name);
            let state = row.and_then(|row| states.get(&row.id)).map(String::as_str);
            services.push(ServiceLine::read(&reader, service, row, state, now)?);
        }
        let wrote = reader
            .meta(fact::ALIVE_AT)?
            .and_then(|at| Timestamp::parse(&at));
        let holder = Holder::of(&config.data_dir).ok();
        let number = |key| -> Result<u64, StoreError> {
            Ok(reader.meta(key)?.and_then(|n| n.parse().ok()).unwrap_or(0))
        };
        let outbox = reader.outbox_summary()?;
        let mut board = Self {
            services,
            daemon: Daemon::judge(holder, wrote, now),
            storage: reader.meta(fact::STORAGE)?.filter(|why| !why.is_empty()),
            missed: number(fact::MISSED)?,
            dropped: number(fact::DROPPED)?,
            pending: outbox.pending,
            oldest_pending: outbox.oldest_pending.map(|at| now.since(at)),
            dead: outbox.dead.len(),
            notes: Vec::new(),
        };
        board.note(
            &outbox
                .dead
                .iter()
                .map(|d| {
                    format!(
                        "{}: {}",
                        d.recipient,
                        d.last_reply.clone().unwrap_or_default()
                    )
                })
                .collect::<Vec<_>>(),
        );
        Ok(board)
    }

    fn note(&mut self, dead: &[String]) {
        // A daemon that has said why it cannot write is not stuck.
        if self.storage.is_none() || matches!(self.daemon, Daemon::Stopped(_)) {
            self.notes.extend(self.daemon.note());
        }
        if let Some(storage) = &self.storage {
            self.notes
                .push(format!("the database cannot take samples: {storage}"));
        }
        if self.dropped > 0 {
            self.notes.push(format!(
                "{} samples were dropped since the start",
                self.dropped
            ));
        }
        if self.missed > 0 {
            self.notes.push(format!(
                "{} slots were left out since the start because they came too late",
                self.missed
            ));
        }
        if let Some(oldest) = self.oldest_pending {
            self.notes.push(format!(
                "{} mails wait, the oldest for {} s",
                self.pending,
                oldest.as_secs()
            ));
        }
        self.notes.extend(
            dead.iter()
                .map(|d| format!("a mail was refused for good: {d}")),
        );
    }

    fn prober_state(&self) -> &'static str {
        /// A mail that waits longer than this is a matter for a person.
        const LATE_MAIL: Duration = Duration::from_secs(300);
        if matches!(self.daemon, Daemon::Stopped(_)) {
            "stopped"
        } else if self.storage.is_some() || matches!(self.daemon, Daemon::Stuck(..)) {
            "storage"
        } else if self.dead > 0 || self.oldest_pending.is_some_and(|age| age > LATE_MAIL) {
            "mail"
        } else {
            "ok"
        }
    }

    fn to_json(&self) -> Value {
        let services: Vec<Value> = self
            .services
            .iter()
            .map(|s| {
                let probes: Vec<Value> = s.probes.iter().map(ProbeLine::to_json).collect();
                json!({ "service": s.name, "state": s.state, "incident": s.incident, "probes": probes })
            })
            .collect();
        json!({
            "services": services,
            "prober": {
                "state": self.prober_state(),
                "notes": self.notes,
                "missed_slots": self.missed,
                "outbox_pending": self.pending,
                "oldest_pending_s": self.oldest_pending.map(|age| age.as_secs()),
            },
        })
    }

    fn draw(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "service",
            "probe",
            "now",
            "last run",
            "took",
            "last hour: ok / failed / unknown",
        ]);
        for service in &self.services {
            let incident = service.incident.as_deref().unwrap_or("");
            table.add_row([&service.name, "", service.state, incident, "", ""]);
            for probe in &service.probes {
                table.add_row(probe.cells());
            }
        }
        let mut text = format!("{table}\n\nprober: {}\n", self.prober_state());
        for note in &self.notes {
            text.push_str(&format!("  {note}\n"));
        }
        text
    }
}

impl ServiceLine {
    fn read(
        reader: &Reader,
        service: &Service,
        row: Option<&ServiceRow>,
        state: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut probes = Vec::new();
        for probe in &service.probes {
            let id = row
                .and_then(|row| row.probes.iter().find(|p| p.name == probe.name))
                .map(|p| p.id);
            probes.push(ProbeLine::read(reader, &probe.name, id, now)?);
        }
        probes.extend(
            service
                .not_configured
                .iter()
                .map(|n| ProbeLine::missing(&n.probe, &n.missing)),
        );
        let incident = state.and_then(open_incident);
        let watched =
            incident.map(|i| format!("incident {} {} since {}", i.id, i.state.name(), i.since));
        let open = incident.filter(|i| i.state == IncidentState::Open);
        let state = match open.map(|i| i.severity) {
            Some(Severity::Major) => "major",
            Some(Severity::Partial) => "partial",
            Some(Severity::Degraded) => "degraded",
            None if service.probes.is_empty() => "not_configured",
            None if probes.iter().all(|p| p.last.is_none()) => "unknown",
            None => "up",
        };
        Ok(Self {
            name: service.name.clone(),
            state,
            incident: watched,
            probes,
        })
    }
}

impl ProbeLine {
    fn read(
        reader: &Reader,
        name: &str,
        id: Option<ProbeId>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut line = Self {
            name: name.to_owned(),
            last: None,
            up: 0,
            down: 0,
            other: 0,
            missing: None,
        };
        if let Some(id) = id {
            line.last = reader.last_sample(id)?;
            let tally = reader.tally(id, now - HOUR)?;
            (line.up, line.down, line.other) = (tally.up, tally.down, tally.other);
        }
        Ok(line)
    }

    fn missing(name: &str, missing: &str) -> Self {
        Self {
            name: name.to_owned(),
            last: None,
            up: 0,
            down: 0,
            other: 0,
            missing: Some(missing.to_owned()),
        }
    }

    fn word(&self) -> String {
        match (&self.missing, &self.last) {
            (Some(missing), _) => format!("not configured: {missing} is not set"),
            (None, None) => "not run yet".to_owned(),
            (None, Some(last)) => {
                let kind = last
                    .outcome
                    .kind()
                    .map_or(String::new(), |k| format!(" ({k})"));
                format!("{}{kind}", last.outcome.name())
            }
        }
    }

    fn cells(&self) -> [String; 6] {
        let at = self
            .last
            .as_ref()
            .map_or(String::new(), |l| l.at.to_string());
        let took = self.last.as_ref().map_or(String::new(), |l| {
            format!("{:.0} ms", f64::from(l.total_us) / 1e3)
        });
        let counts = if self.missing.is_some() {
            String::new()
        } else {
            format!("{} / {} / {}", self.up, self.down, self.other)
        };
        [
            String::new(),
            self.name.clone(),
            self.word(),
            at,
            took,
            counts,
        ]
    }

    fn to_json(&self) -> Value {
        let last = self.last.as_ref();
        json!({
            "probe": self.name,
            "state": self.word(),
            "last_run": last.map(|l| l.at.to_string()),
            "total_ms": last.map(|l| f64::from(l.total_us) / 1e3),
            "evidence": last.and_then(|l| l.evidence.as_ref()).map(|e| e.text.clone()),
            "hour": { "up": self.up, "down": self.down, "unknown": self.other },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_decides_whether_a_daemon_runs_and_the_checkpoint_whether_it_works() {
        let now = Timestamp::parse("2026-11-08T13:42:00Z").unwrap();
        let (fresh, old) = (now - Duration::from_secs(70), now - STUCK_AFTER);
        let held = Some(Holder::Process(Some(7)));
        let judge = |holder, wrote| Daemon::judge(holder, Some(wrote), now);
        assert_eq!(judge(held, fresh), Daemon::Works);
        assert_eq!(judge(held, old), Daemon::Stuck(Some(7), Some(old)));
        assert_eq!(
            judge(Some(Holder::Nobody), fresh),
            Daemon::Stopped(Some(fresh))
        );
        assert_eq!(judge(None, fresh), Daemon::Works);
        assert_eq!(judge(None, old), Daemon::Stopped(Some(old)));
    }

    #[test]
    fn a_stuck_daemon_is_named_in_a_note() {
        let at = Timestamp::parse("2026-11-08T13:42:00Z");
        let note = Daemon::Stuck(Some(7), at).note().unwrap();
        assert!(note.starts_with("stuck: the daemon (pid 7)"), "{note}");
        assert_eq!(Daemon::Works.note(), None);
    }
}
