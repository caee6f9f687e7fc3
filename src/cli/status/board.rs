//! All that `status` shows, and how.

use std::time::Duration;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::claims::Page;
use super::daemon::Daemon;
use super::limits::Limits;
use super::lines::{ProbeLine, ServiceLine};
use super::money::Books;
use super::{Known, Trouble};
use crate::cli::said::Standing;
use crate::config::Config;
use crate::engine::fact;
use crate::model::Timestamp;
use crate::model::said::SpellKind;
use crate::store::{Holder, Reader, StoreError};

/// All that is shown.
pub(super) struct Board {
    pub services: Vec<ServiceLine>,
    standing: Standing,
    money: Books,
    limits: Limits,
    daemon: Daemon,
    storage: Option<String>,
    blind: Option<String>,
    missed: u64,
    dropped: u64,
    pending: usize,
    oldest_pending: Option<Duration>,
    dead: usize,
    notes: Vec<String>,
    now: Timestamp,
}

impl Board {
    pub fn read(config: &Config, now: Timestamp) -> Result<Self, Trouble> {
        let reader = Reader::open(&config.data_dir)?;
        let Known { rows, states } = Known::read(&reader)?;
        let notices = reader.notices()?;
        let mut services = Vec::new();
        for service in &config.services {
            let row = rows.get(&service.name);
            let state = row.and_then(|row| states.get(&row.id)).map(String::as_str);
            services.push(ServiceLine::read(
                &reader, service, row, state, &notices, now,
            )?);
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
            standing: Standing::read(&reader, config, now)?,
            money: Books::read(&reader, config, &rows, now)?,
            limits: Limits::read(&reader, config, &rows, now)?,
            daemon: Daemon::judge(holder, wrote, now),
            storage: reader.meta(fact::STORAGE)?.filter(|why| !why.is_empty()),
            blind: reader.meta(fact::BLIND)?.filter(|why| !why.is_empty()),
            missed: number(fact::MISSED)?,
            dropped: number(fact::DROPPED)?,
            pending: outbox.pending,
            oldest_pending: outbox.oldest_pending.map(|at| now.since(at)),
            dead: outbox.dead.len(),
            notes: Vec::new(),
            now,
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

    pub fn note(&mut self, dead: &[String]) {
        // A daemon that has said why it cannot write is not stuck.
        if self.storage.is_none() || matches!(self.daemon, Daemon::Stopped(_)) {
            self.notes.extend(self.daemon.note());
        }
        if let Some(storage) = &self.storage {
            self.notes
                .push(format!("the database cannot take samples: {storage}"));
        }
        if let Some(blind) = &self.blind {
            self.notes.push(format!(
                "blind: {blind}; what fails for it is recorded as unknown, and nobody is mailed for it"
            ));
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

    pub fn prober_state(&self) -> &'static str {
        /// A mail that waits longer than this is a matter for a person.
        const LATE_MAIL: Duration = Duration::from_secs(300);
        if matches!(self.daemon, Daemon::Stopped(_)) {
            "stopped"
        } else if self.storage.is_some() || matches!(self.daemon, Daemon::Stuck(..)) {
            "storage"
        } else if self.blind.is_some() {
            "blind"
        } else if self.dead > 0 || self.oldest_pending.is_some_and(|age| age > LATE_MAIL) {
            "mail"
        } else {
            "ok"
        }
    }

    pub fn to_json(&self) -> Value {
        let services: Vec<Value> = self
            .services
            .iter()
            .map(|s| {
                let probes: Vec<Value> = s.probes.iter().map(ProbeLine::to_json).collect();
                let claims: Vec<Value> = s.pages.iter().map(Page::to_json).collect();
                let ends: Vec<&Value> = s.ends.iter().map(|end| &end.json).collect();
                let notes: Vec<&str> = s.ends.iter().map(|end| end.text.as_str()).collect();
                json!({
                    "service": s.name, "state": s.state, "incident": s.incident, "ack": s.ack, "probes": probes,
                    "notices": s.notices, "claims": claims, "ends": ends, "notes": notes,
                    "money": self.money.to_json(&s.name), "limits": self.limits.to_json(&s.name),
                })
            })
            .collect();
        json!({
            "services": services,
            "silences": self.standing.json_of(SpellKind::Silence),
            "maintenances": self.standing.json_of(SpellKind::Maintenance),
            "prober": {
                "state": self.prober_state(),
                "notes": self.notes,
                "missed_slots": self.missed,
                "outbox_pending": self.pending,
                "oldest_pending_s": self.oldest_pending.map(|age| age.as_secs()),
            },
        })
    }

    pub fn draw(&self) -> String {
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
        let mut text = format!("{table}\n\n");
        let standing = self.standing.lines();
        section(&mut text, "in force:", standing.into_iter());
        let pages = self
            .services
            .iter()
            .flat_map(|s| s.pages.iter().flat_map(|p| p.lines(&s.name, self.now)));
        section(&mut text, "status pages, in their own words:", pages);
        let notices = self.services.iter().flat_map(|s| {
            s.notices
                .iter()
                .map(|notice| format!("{}: {notice}", s.name))
        });
        section(&mut text, "on our side:", notices);
        let ends = self
            .services
            .iter()
            .flat_map(|s| s.ends.iter().map(|end| format!("{}: {}", s.name, end.text)));
        section(&mut text, "ahead:", ends);
        let money = self.money.lines();
        section(&mut text, "money today (UTC):", money.into_iter());
        let limits = self.limits.lines();
        section(&mut text, "limits of providers:", limits.into_iter());
        text.push_str(&format!("prober: {}\n", self.prober_state()));
        for note in &self.notes {
            text.push_str(&format!("  {note}\n"));
        }
        text
    }
}

/// A heading with its lines, and a blank line after them; nothing when there are none.
fn section(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    text.push_str(&format!("{heading}\n"));
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text.push('\n');
}
