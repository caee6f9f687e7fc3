//! `watchfire silence`: nothing of a service is mailed for a while; all of it is recorded.

use std::time::Duration;

use chrono_tz::Tz;
use clap::Args;

use super::{Desk, Exit, Files, duration, read_moment, usage, zone};
use crate::model::said::when::Edge;
use crate::model::said::{Anchor, Ask, SpellKind, Wish};

/// What `silence` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire silence openai --for 2h --why 'known, they work on it'\n  watchfire silence 'openai/image*' --until 18:00 --why 'a test'\n  watchfire silence                 what is silent now\n  watchfire silence --end openai    or its number"
)]
pub struct SilenceArgs {
    /// What is silent: a service, or probes of it, with * and ?. Without it, what is silent now is shown
    selector: Option<String>,
    /// For how long, as 30m, 2h or 1d
    #[arg(long = "for", value_parser = duration, value_name = "DURATION")]
    span: Option<Duration>,
    /// Until when, as 18:00, '2026-11-25 18:00' or RFC 3339
    #[arg(long, value_name = "WHEN", conflicts_with = "span")]
    until: Option<String>,
    /// Why, for the others
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Zone of --until [default: the machine's]
    #[arg(long, value_parser = zone, value_name = "ZONE")]
    timezone: Option<Tz>,
    /// End the silence of this number, or all that were said with this selector
    #[arg(long, value_name = "SELECTOR|ID", conflicts_with_all = ["selector", "span", "until", "why", "list"])]
    end: Option<String>,
    /// Show what is silent
    #[arg(long, conflicts_with_all = ["selector", "span", "until", "why"])]
    list: bool,
    #[command(flatten)]
    files: Files,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Says, ends or shows it.
pub fn run(args: &SilenceArgs) -> Exit {
    let desk = match Desk::open(&args.files, args.json) {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    match (&args.end, &args.selector) {
        (Some(end), _) => desk.end(SpellKind::Silence, end),
        (None, None) if args.span.is_some() || args.until.is_some() || args.why.is_some() => {
            usage("say what is to be silent: `watchfire silence openai --for 2h --why '..'`")
        }
        (None, None) => desk.list(SpellKind::Silence),
        (None, Some(selector)) => match wish(args, &desk, selector) {
            Ok(wish) => desk.say(Ask::Begin(wish)),
            Err(exit) => exit,
        },
    }
}

fn wish(args: &SilenceArgs, desk: &Desk, selector: &str) -> Result<Wish, Exit> {
    let from = desk.now;
    let (until, anchor) = match (args.span, &args.until) {
        (Some(span), _) => (from + span, Anchor::Span),
        (None, Some(until)) => {
            let until = read_moment("--until", until, from, args.timezone, Edge::End)?;
            (until, Anchor::Calendar)
        }
        (None, None) => return Err(usage("say for how long: --for 2h, or --until 18:00")),
    };
    let why = args
        .why
        .as_deref()
        .map(str::trim)
        .filter(|why| !why.is_empty());
    let Some(why) = why else {
        return Err(usage(
            "say why, for the others: --why 'known, they work on it'",
        ));
    };
    let wish = Wish {
        kind: SpellKind::Silence,
        selector: desk.selector(selector)?,
        from,
        until,
        anchor,
        why: why.to_owned(),
    };
    wish.check(from).map_err(|why| usage(&why))?;
    Ok(wish)
}
