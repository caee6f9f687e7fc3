//! `watchfire replay`: recorded samples through the detector, with the clock of the samples.

mod figure;
mod history;
mod stream;

use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::model::event_line::{EventLine, mail_line};
use crate::model::fold::{Judge, PlainRule};
use crate::model::replay::{Dials, Step, Tally, replay};
use crate::model::trace::Trace;
use crate::model::{Confirm, IncidentId};
use figure::{FigureArgs, Played};

/// The input is not what was asked for.
const EXIT_USAGE: u8 = 64;
/// A file could not be read, or the output not be written.
const EXIT_IO: u8 = 74;

/// Fold recorded samples through the detector and print what would have been mailed.
///
/// Reads CSV with a header: t_seconds (or time_utc_iso / time), probe (or target), ok; optional latency_ms, status,
/// service and kind (r = an available re-check, used only when the detector asks for one). Prints one JSON object a
/// line for each incident event.
///
/// With --history it reads the samples of the daemon's own database instead, judges them by the rules as they are and as
/// they would be changed, and sets beside each other what would have been mailed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire replay history.csv --interval 30s --service openai\n  watchfire replay --history --since 14d --min-error-rate 20%\n  watchfire replay --history --probes changed.toml"
)]
pub struct ReplayArgs {
    /// CSV files; - is standard input. Each is a history of its own
    #[arg(required_unless_present = "history", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    history: history::HistoryArgs,
    /// Time between two scheduled runs of a probe [default: the median spacing of its rows]
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    interval: Option<Duration>,
    /// Service of rows that name none [default: the file's name without its ending]; with --history: which services, * and ?
    /// stand for anything
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Accepted false pages a year for each service [default: 1; with --history as configured]
    #[arg(long, value_parser = pages, value_name = "N")]
    false_pages_per_year: Option<f64>,
    /// Error rate below which a rise is never paged, such as 0.1 [default: 10%; with --history as configured]
    #[arg(long, value_parser = rate, value_name = "RATE")]
    min_error_rate: Option<f64>,
    /// How long a recovered service is watched [default: 1h; with --history as configured]
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    reopen_within: Option<Duration>,
    /// Judge by a plain rule instead: error_rate_over=20%,window=5m,min_runs=5 or consecutive_failures=3
    #[arg(long, value_parser = super::rule::parse, value_name = "RULE")]
    rule: Option<PlainRule>,
    /// Whether re-checks may be asked for [default: on; with --rule off]
    #[arg(long)]
    confirm: Option<Confirming>,
    /// Print the mails that would have been sent, and when, instead of the events
    #[arg(long)]
    mails: bool,
    #[command(flatten)]
    drawn: FigureArgs,
    /// Print JSON lines (they are the only output there is)
    #[arg(long)]
    json: bool,
    /// Say on standard error how many rows were used (always said on a terminal)
    #[arg(long)]
    summary: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Confirming {
    On,
    Off,
}

/// Runs the command.
pub fn run(args: &ReplayArgs) -> ExitCode {
    if args.history.history {
        return history::run(args).into();
    }
    if args.history.is_turned() {
        super::complain("--probes, --present and --config go with --history");
        return ExitCode::from(EXIT_USAGE);
    }
    let usual = Dials::default();
    let dials = Dials {
        interval: args.interval,
        confirm: match (args.confirm, args.rule) {
            (Some(Confirming::On), _) | (None, None) => Confirm::CHEAP,
            (Some(Confirming::Off), _) | (None, Some(_)) => Confirm::Off,
        },
        false_pages_per_year: args
            .false_pages_per_year
            .unwrap_or(usual.false_pages_per_year),
        min_error_rate: args.min_error_rate.unwrap_or(usual.min_error_rate),
        reopen_within: args.reopen_within.unwrap_or(usual.reopen_within),
        judge: args.rule.map_or(Judge::Detector, Judge::Plain),
    };
    let mut next_incident = IncidentId(1);
    for file in &args.files {
        let service = args.service.clone().unwrap_or_else(|| name_of(file));
        match replay_file(file, &service, &dials, &mut next_incident, args) {
            Ok(summary) if args.summary || io::stderr().is_terminal() => {
                anstream::eprintln!("{summary}");
            }
            Ok(_) => {}
            Err((message, code)) => {
                anstream::eprintln!("error: {message}");
                return ExitCode::from(code);
            }
        }
    }
    ExitCode::SUCCESS
}

fn replay_file(
    file: &Path,
    service: &str,
    dials: &Dials,
    next_incident: &mut IncidentId,
    ReplayArgs { mails, drawn, .. }: &ReplayArgs,
) -> Result<String, (String, u8)> {
    let name = file.display().to_string();
    let text = read(file).map_err(|e| (format!("cannot read {name}: {e}"), EXIT_IO))?;
    let trace = Trace::parse(&name, &text, service).map_err(|e| (e.to_string(), EXIT_USAGE))?;
    if trace.out_of_order > 0 {
        anstream::eprintln!(
            "warning: {name}: time goes back {} times; its rows were sorted",
            trace.out_of_order
        );
    }
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    let mut written = Ok(());
    let mut played = vec![Played::default(); trace.services.len()];
    let tally = replay(&trace, dials, next_incident, |index, step| {
        let Some(service) = trace.services.get(index) else {
            return;
        };
        if let Some(played) = played.get_mut(index) {
            played.note(&step);
        }
        let line = match (&step, mails) {
            (Step::Event { event, probes, .. }, false) => {
                let named = probes.iter().filter_map(|(id, part)| {
                    let name = service.probes.get(id.0 as usize)?;
                    Some((name.as_str(), *part))
                });
                let line = EventLine::new(&service.name, event, trace.time);
                line.with_probes(named).text()
            }
            (Step::Mail { event, at }, true) => mail_line(&service.name, event, *at, trace.time),
            _ => return,
        };
        if written.is_ok() {
            written = writeln!(out, "{line}");
        }
    });
    if let Some(file) = &drawn.figure {
        drawn
            .draw(file, &trace, &played)
            .map_err(|e| (e.to_string(), e.code()))?;
    }
    match written.and_then(|()| out.flush()) {
        // After a broken pipe whoever reads has seen enough (`| head`).
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err((format!("cannot write the events: {e}"), EXIT_IO))
        }
        _ => Ok(summary(&name, &tally)),
    }
}

fn summary(name: &str, tally: &Tally) -> String {
    let Tally {
        scheduled,
        rechecks,
        skipped,
    } = tally;
    format!(
        "{name}: {scheduled} scheduled runs and {rechecks} re-checks, {skipped} re-checks nobody asked for"
    )
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(file)
}

fn name_of(file: &Path) -> String {
    match file.file_stem() {
        Some(stem) if file != Path::new("-") => stem.to_string_lossy().into_owned(),
        _ => "service".to_owned(),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let span = seconds
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .or_else(|| humantime::parse_duration(text).ok());
    span.filter(|d| *d >= Duration::from_secs(1))
        .ok_or_else(|| "wanted a duration of at least 1 s, such as 30s, 5m or 1h".to_owned())
}

fn pages(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|n| (0.001..=1e6).contains(n))
        .ok_or_else(|| "wanted a number from 0.001 to 1000000".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|p: f64| p / 100.0),
        None => text.parse(),
    };
    let rate = number.ok().filter(|r| (0.01..=0.9).contains(r));
    rate.ok_or_else(|| "wanted a rate from 1% to 90%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_percent_or_share_and_durations_with_or_without_a_unit() {
        assert_eq!(rate("10%"), Ok(0.1));
        assert_eq!(rate("0.25"), Ok(0.25));
        assert!(rate("0").is_err() && rate("95%").is_err());
        assert_eq!(duration("30"), duration("30s"));
        assert!(duration("-3s").is_err() && duration("soon").is_err());
    }
}
