//! `watchfire replay --history`: one's own recorded samples under the rules as they are and under changed ones.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets};

use super::stream::Stream;
use super::{Confirming, ReplayArgs};
use crate::cli::{Exit, Files, complain};
use crate::clock::Clock;
use crate::config::{Config, Service};
use crate::model::event_line::EventLine;
use crate::model::fold::{Judge, ServiceRules, ServiceState, fold};
use crate::model::glob::Glob;
use crate::model::trace::TimeColumn;
use crate::model::tuning::{Difference, Pair, Telling, Told, compare};
use crate::model::{
    Confirm, IncidentEvent, IncidentId, Origin, ProbeId, Sample, Severity, Timestamp,
};
use crate::report::period::When;
use crate::report::words::{moment, span};
use crate::store::{Reader, ServiceRow, StoreError};

/// Samples from so long before are folded as well, so that the detector knows what is usual when it begins to count.
const WARM_UP: Duration = Duration::from_secs(3 * 86_400);

/// What `replay` takes for the daemon's own history.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "History")]
pub struct HistoryArgs {
    /// Replay what the daemon has recorded
    #[arg(long, conflicts_with_all = ["files", "interval", "figure"])]
    pub history: bool,
    /// Since when: how long ago, a day or a moment (UTC)
    #[arg(long, default_value = "30d", value_parser = When::parse, value_name = "WHEN")]
    since: When,
    /// The changed rules [default: as they are, but for the dials that are given]
    #[arg(long, value_name = "FILE")]
    probes: Option<PathBuf>,
    /// The rules as they are [default: ./probes.toml, else /etc/watchfire/probes.toml]
    #[arg(long, value_name = "FILE")]
    present: Option<PathBuf>,
    /// The daemon's settings [default: ./config/watchfire.toml, else /etc/watchfire/watchfire.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl HistoryArgs {
    /// Whether something was given that has no effect without a history.
    pub fn is_turned(&self) -> bool {
        self.probes.is_some() || self.present.is_some() || self.config.is_some()
    }
}

/// Runs it.
pub fn run(args: &ReplayArgs) -> Exit {
    match tell(args) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn tell(args: &ReplayArgs) -> Result<(), Exit> {
    let load = |probes: &Option<PathBuf>| {
        let (probes, config) = (probes.clone(), args.history.config.clone());
        Files { probes, config }.load()
    };
    let present = load(&args.history.present)?;
    let changed = match &args.history.probes {
        Some(_) => Some(load(&args.history.probes)?),
        None => None,
    };
    let wanted = match args.service.as_deref().map(Glob::compile).transpose() {
        Ok(glob) => move |name: &str| glob.as_ref().is_none_or(|glob| glob.is_match(name)),
        Err(why) => {
            complain(format!("--service {why}"));
            return Err(Exit::Usage);
        }
    };
    let reader = Reader::open(&present.data_dir).map_err(|e| {
        complain(&e);
        crate::cli::run::open_exit(&e)
    })?;
    let since = args.history.since.resolve(Clock::system().now());
    let mut out = Output {
        json: args.json,
        ..Output::default()
    };
    let mut played = 0;
    for service in present.services.iter().filter(|s| wanted(&s.name)) {
        let history = History {
            reader: &reader,
            since,
        };
        let told = history.service(args, service, changed.as_ref(), &mut out);
        let runs = told.map_err(|e| {
            complain(format!("failed to read the database: {e}"));
            Exit::Io
        })?;
        played += runs;
    }
    if played == 0 {
        complain("no samples of such a service were recorded in this time");
        return Err(Exit::No);
    }
    out.end(since)
}

/// Both sets of rules of a service.
struct Side {
    rules: ServiceRules,
    state: ServiceState,
    telling: Telling,
    next: IncidentId,
    asked: u64,
    used: u64,
}

impl Side {
    fn new(rules: ServiceRules, page_at: Severity) -> Self {
        Self {
            state: ServiceState::new(&rules),
            rules,
            telling: Telling::new(page_at),
            next: IncidentId(1),
            asked: 0,
            used: 0,
        }
    }

    /// Folds a run in, unless it is a re-check that nobody has asked for.
    fn take(&mut self, sample: &Sample) -> Vec<IncidentEvent> {
        if sample.origin == Origin::Recheck {
            if !self.state.wants(sample.probe, sample.known_at()) {
                return Vec::new();
            }
            self.used += 1;
        }
        while self.state.settle(&self.rules, sample.known_at()).is_some() {}
        let folded = fold(&mut self.state, &self.rules, sample, &mut self.next);
        self.asked += folded.rechecks.len() as u64;
        folded
            .events
            .iter()
            .for_each(|event| self.telling.take(event));
        folded.events
    }
}

struct History<'r> {
    reader: &'r Reader,
    since: Timestamp,
}

impl History<'_> {
    /// Plays one service; returns how many runs there were.
    fn service(
        &self,
        args: &ReplayArgs,
        service: &Service,
        changed: Option<&Config>,
        out: &mut Output,
    ) -> Result<u64, StoreError> {
        let rows = self.reader.services()?;
        let Some(row) = rows.iter().find(|row| row.name == service.name) else {
            return Ok(0);
        };
        let number = |name: &str| number(row, name);
        let before = Side::new(service.rules(number), service.alert.page_at);
        let other = match changed {
            None => Some(service),
            Some(config) => config.services.iter().find(|s| s.name == service.name),
        };
        // A service that the changed rules do not know is judged no more: nothing is mailed of it.
        let mut rules = other.map_or_else(|| nobody(&before.rules), |other| other.rules(number));
        // What was recorded came at the pace at which it was recorded.
        for probe in &mut rules.probes {
            let recorded = before.rules.probes.iter().find(|p| p.id == probe.id);
            if let Some(recorded) = recorded.filter(|r| r.interval != probe.interval) {
                probe.interval = recorded.interval;
                out.paces += 1;
            }
        }
        turn(args, &mut rules);
        let page_at = other.unwrap_or(service).alert.page_at;
        let after = Side::new(rules, page_at);
        self.play(row, before, after, out)
    }

    fn play(
        &self,
        service: &ServiceRow,
        mut before: Side,
        mut after: Side,
        out: &mut Output,
    ) -> Result<u64, StoreError> {
        let mut probes: Vec<ProbeId> = before.rules.probes.iter().map(|p| p.id).collect();
        probes.extend(after.rules.probes.iter().map(|p| p.id));
        probes.sort_unstable();
        probes.dedup();
        let mut stream = Stream::of(self.reader, &probes, self.since - WARM_UP)?;
        let (mut runs, mut first) = (0, None);
        while let Some(sample) = stream.next()? {
            let counts = sample.at >= self.since;
            runs += u64::from(counts);
            first.get_or_insert(sample.at);
            before.take(&sample);
            for event in after.take(&sample) {
                if counts {
                    out.event(service, &event, &after.state);
                }
            }
        }
        out.first = out.first.into_iter().chain(first).min();
        out.runs += runs;
        out.asked += after.asked;
        out.used += after.used;
        let told = |side: Side| side.telling.since(self.since);
        for pair in compare(&told(before), &told(after)) {
            out.pairs.push((service.name.clone(), pair));
        }
        Ok(runs)
    }
}

/// The dials that were given, over the rules.
fn turn(args: &ReplayArgs, rules: &mut ServiceRules) {
    if let Some(pages) = args.false_pages_per_year {
        rules.false_pages_per_year = pages;
    }
    if let Some(rate) = args.min_error_rate {
        rules.min_error_rate = rate;
    }
    if let Some(within) = args.reopen_within {
        rules.reopen_within = within;
    }
    if let Some(rule) = args.rule {
        rules.judge = Judge::Plain(rule);
    }
    let confirm = match (args.confirm, args.rule) {
        (Some(Confirming::Off), _) | (None, Some(_)) => Some(Confirm::Off),
        (Some(Confirming::On), _) => Some(Confirm::CHEAP),
        (None, None) => None,
    };
    for probe in &mut rules.probes {
        probe.confirm = confirm.unwrap_or(probe.confirm);
    }
}

fn nobody(rules: &ServiceRules) -> ServiceRules {
    ServiceRules {
        probes: Vec::new(),
        ..rules.clone()
    }
}

fn number(row: &ServiceRow, name: &str) -> Option<ProbeId> {
    // The newest of them: a machine may have been renamed.
    let known = row.probes.iter().filter(|p| p.name == name);
    known.map(|p| p.id).max()
}

/// What is printed in the end.
#[derive(Default)]
struct Output {
    json: bool,
    lines: Vec<String>,
    pairs: Vec<(String, Pair)>,
    /// Begin of the first run that was folded.
    first: Option<Timestamp>,
    runs: u64,
    /// Re-checks that the changed rules asked for, and those of them that had been recorded.
    asked: u64,
    used: u64,
    /// Probes whose pace differs.
    paces: usize,
}

impl Output {
    fn event(&mut self, service: &ServiceRow, event: &IncidentEvent, state: &ServiceState) {
        if self.json {
            let probes = state.concerned(event).into_iter().filter_map(|(id, part)| {
                let probe = service.probes.iter().find(|p| p.id == id)?;
                Some((probe.name.as_str(), part))
            });
            let line = EventLine::new(&service.name, event, TimeColumn::Calendar);
            self.lines.push(line.with_probes(probes).text());
        }
    }

    fn end(self, since: Timestamp) -> Result<(), Exit> {
        let text = match self.json {
            true => self.lines.iter().map(|line| format!("{line}\n")).collect(),
            false => self.draw(since),
        };
        match anstream::stdout().lock().write_all(text.as_bytes()) {
            Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                complain(format!("cannot write: {e}"));
                Err(Exit::Io)
            }
            _ => Ok(()),
        }
    }

    fn draw(&self, since: Timestamp) -> String {
        let mut text = String::new();
        let shown: Vec<&(String, Pair)> = self
            .pairs
            .iter()
            .filter(|(_, pair)| pair.difference() != Difference::Unmailed)
            .collect();
        if !shown.is_empty() {
            let mut table = Table::new();
            table.load_style(presets::NOTHING);
            table.set_header(["service", "", "since", "mailed as it is", "as changed", ""]);
            for (service, pair) in &shown {
                table.add_row(cells(service, pair));
            }
            let lines = table.to_string();
            for line in lines.lines() {
                // Writing into a string cannot fail.
                let _ = writeln!(text, "{}", line.trim_end());
            }
            text.push('\n');
        }
        let count = |wanted: fn(Difference) -> bool| {
            self.pairs
                .iter()
                .filter(|(_, p)| wanted(p.difference()))
                .count()
        };
        let mailed = |side: fn(&Pair) -> Option<Told>| {
            let told = self.pairs.iter().filter_map(|(_, p)| side(p));
            told.filter(|t| t.mailed.is_some()).count()
        };
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "mailed as it is: {} incidents; as changed: {}: {} more, {} less, {} earlier, {} later",
            mailed(|p| p.before),
            mailed(|p| p.after),
            count(|d| d == Difference::More),
            count(|d| d == Difference::Less),
            count(|d| matches!(d, Difference::Earlier(_))),
            count(|d| matches!(d, Difference::Later(_))),
        );
        let begun = self.first.map_or(since, |first| first.max(since));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{} runs since {} UTC", self.runs, moment(begun));
        if self.asked > 0 {
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "{} of the {} re-checks that the changed rules ask for were recorded; without the others they are slower here than they would be",
                self.used, self.asked
            );
        }
        if self.paces > 0 {
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "{} probes are to run at another pace: of that a recorded history tells nothing",
                self.paces
            );
        }
        text
    }
}

/// `+2 min 6 s`, `-1 min`: from the onset to a moment.
fn since_onset(since: Timestamp, at: Timestamp) -> String {
    match at >= since {
        true => format!("+{}", span(at.since(since))),
        false => format!("-{}", span(since.since(at))),
    }
}

fn cells(service: &str, pair: &Pair) -> [String; 6] {
    let Some(told) = pair.either() else {
        return Default::default();
    };
    let worst = [pair.before, pair.after]
        .into_iter()
        .flatten()
        .map(|t| t.severity)
        .max();
    let what = match (told.cause, worst) {
        (Some(cause), _) => format!("{} ({cause})", told.kind),
        (None, Some(worst)) => format!("{} ({worst})", told.kind),
        (None, None) => told.kind.to_string(),
    };
    // Both are counted from the same moment, or they could not be compared.
    let mailed = |side: Option<Told>| match side.and_then(|t| t.mailed) {
        Some(at) => since_onset(told.since, at),
        None => "no".to_owned(),
    };
    let difference = match pair.difference() {
        Difference::More => "more".to_owned(),
        Difference::Less => "less".to_owned(),
        Difference::Earlier(by) => format!("{} earlier", span(by)),
        Difference::Later(by) => format!("{} later", span(by)),
        Difference::Same | Difference::Unmailed => "same".to_owned(),
    };
    [
        service.to_owned(),
        what,
        moment(told.since),
        mailed(pair.before),
        mailed(pair.after),
        difference,
    ]
}
