//! `watchfire report`: what a time was like: uptime, error budget, incidents, latency, money, and the providers' pages.

mod html;
mod json;
mod rows;
mod text;

use clap::{Args, ValueEnum};

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::model::glob::Glob;
use crate::report::{figures, gather, period};
use crate::store::Reader;
use period::{Period, When};

/// What `report` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire report --since 90d --service openai\n  watchfire report --format html > november.html"
)]
pub struct ReportArgs {
    #[command(flatten)]
    files: Files,
    /// Since when: how long ago, a day or a moment (UTC)
    #[arg(long, default_value = "30d", value_parser = When::parse, value_name = "WHEN")]
    since: When,
    /// Until when, in the same forms [default: now]
    #[arg(long, value_parser = When::parse, value_name = "WHEN")]
    until: Option<When>,
    /// Only services of this name; * and ? stand for anything
    #[arg(long, value_name = "GLOB", value_parser = Glob::compile)]
    service: Option<Glob>,
    /// How it is written
    #[arg(long, default_value = "text")]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// One file for a browser, without scripts and without anything to load
    Html,
    /// One object
    Json,
    /// A row for each probe
    Csv,
}

/// Writes it to stdout.
pub fn run(args: &ReportArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let now = Clock::system().now();
    let Some(period) = Period::of(args.since, args.until, now) else {
        complain("nothing to report: --since is not before --until");
        return Exit::Usage;
    };
    let wanted = |name: &str| args.service.as_ref().is_none_or(|glob| glob.is_match(name));
    if !config.services.iter().any(|s| wanted(&s.name)) {
        complain("no service of the configuration has such a name");
        return Exit::Usage;
    }
    let reader = match Reader::open(&config.data_dir) {
        Ok(reader) => reader,
        Err(e) => {
            complain(&e);
            return super::run::open_exit(&e);
        }
    };
    let report = match gather::gather(&reader, &config, period, now, wanted) {
        Ok(report) => report,
        Err(e) => {
            complain(format!("failed to read the database: {e}"));
            return Exit::Io;
        }
    };
    let format = if args.json { Format::Json } else { args.format };
    let written = match format {
        Format::Text => Ok(text::draw(&report)),
        Format::Html => html::draw(&report, &config.location),
        Format::Json => Ok(format!("{}\n", json::of(&report))),
        Format::Csv => rows::of(&report),
    };
    match written {
        Ok(text) => {
            anstream::print!("{text}");
            Exit::Ok
        }
        Err(e) => {
            complain(format!("the report could not be written: {e}"));
            Exit::Io
        }
    }
}
