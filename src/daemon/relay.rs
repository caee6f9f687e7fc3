//! Passes on what the engine has decided: re-checks to the schedule, letters to the sender, events to whoever listens.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tracing::{info, warn};

use super::control::Asker;
use super::hook::Hook;
use super::plan::ProbeJob;
use crate::clock::Clock;
use crate::engine::{Observer, Routes};
use crate::model::budget::Ration;
use crate::model::concerned::{Concerned, Role, Tense};
use crate::model::event_line::EventLine;
use crate::model::fold::Recheck;
use crate::model::notification::Letter;
use crate::model::trace::TimeColumn;
use crate::model::{EventKind, IncidentEvent, IncidentKind, ProbeId};
use crate::notify::Direct;
use crate::schedule::Command;

/// Somebody who looks on: the demo.
pub trait Witness: Send {
    /// An event of an incident was committed.
    fn event(&mut self, service: &str, event: &IncidentEvent);
}

/// The engine's observer in the daemon.
pub(super) struct Relay {
    pub commands: UnboundedSender<Command<ProbeJob>>,
    /// The senders, one for each channel.
    pub wake: Vec<Arc<Notify>>,
    pub events: Option<File>,
    pub witness: Option<Box<dyn Witness>>,
    pub controls: Asker,
    pub hook: Option<Hook>,
    /// Letters that stand in no outbox.
    pub direct: Direct,
    pub clock: Clock,
}

impl Relay {
    /// Opens the file of `--events` for appending.
    pub fn open_events(path: &Path) -> std::io::Result<File> {
        File::options().create(true).append(true).open(path)
    }
}

impl Observer for Relay {
    fn recheck(&mut self, recheck: Recheck) {
        // Fails only when the schedule has stopped, and then nobody runs re-checks.
        let _ = self
            .commands
            .send(Command::Recheck(recheck.probe, recheck.at));
    }

    fn rations(&mut self, rations: &[(ProbeId, Ration)]) {
        let _ = self.commands.send(Command::Ration(rations.to_vec()));
    }

    fn has_controls(&self) -> bool {
        self.controls.has_any()
    }

    fn ask_controls(&mut self) {
        self.controls.ask();
    }

    fn event(&mut self, service: &str, event: &IncidentEvent, probes: &[Role<'_>]) {
        let verdict = &event.verdict;
        let what = match event.event {
            EventKind::Open => "opened",
            EventKind::Escalate => "got worse",
            EventKind::Deescalate => "eased",
            EventKind::Close if event.retired => "is not watched any more",
            EventKind::Close => "recovered",
            EventKind::Reopen => "came back",
        };
        let did = match event.kind {
            IncidentKind::Blind => "are unknown",
            _ => "failed",
        };
        let tense = match event.event {
            EventKind::Close => Tense::Past,
            _ => Tense::Present,
        };
        let parts = probes
            .iter()
            .filter_map(|(name, part)| Some((*name, (*part)?)));
        let whose = Concerned::of(parts).sentence(tense);
        let whose = whose.map_or_else(String::new, |whose| format!(". {whose}"));
        info!(
            incident.id = %event.incident, service.name = service, severity = %event.severity,
            "incident {} of {service} {what}: {} of {} runs {did}{whose}", event.incident, verdict.failed, verdict.of
        );
        if let Some(file) = &mut self.events {
            let line = EventLine::new(service, event, TimeColumn::Calendar);
            let mut line = line.with_probes(probes.iter().copied()).text();
            line.push('\n');
            if let Err(e) = file.write_all(line.as_bytes()) {
                warn!("the event could not be appended to the events file: {e}");
            }
        }
        if let Some(witness) = &mut self.witness {
            witness.event(service, event);
        }
        if let Some(hook) = &mut self.hook {
            hook.event(service, event, probes);
        }
    }

    fn wants_routes(&self) -> bool {
        self.hook.is_some()
    }

    fn routes(&mut self, routes: &Routes) {
        if let Some(hook) = &mut self.hook {
            hook.routes(routes);
        }
    }

    fn direct(&mut self, letters: Vec<Letter>) {
        self.direct.put(letters, self.clock.now());
    }

    fn letters(&mut self) {
        self.wake.iter().for_each(|wake| wake.notify_one());
    }
}
