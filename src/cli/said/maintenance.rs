//! `watchfire maintenance`: the runs of some probes are not judged for a while.

use std::time::Duration;

use chrono_tz::Tz;
use clap::Args;

use super::{Desk, Exit, Files, duration, read_moment, usage, zone};
use crate::model::said::when::Edge;
use crate::model::said::{Anchor, Ask, SpellKind, Wish};

/// What `maintenance` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire maintenance gateway --from 22:00 --to 02:00 --why 'new release'\n  watchfire maintenance 'gateway/chat*' --for 30m\n  watchfire maintenance                  what is said and planned\n  watchfire maintenance --end gateway    or its number\n\nWhat comes again and again is better written into probes.toml, as [[maintenance]]."
)]
pub struct MaintenanceArgs {
    /// What is worked on: a service, or probes of it, with * and ?. Without it, what is said and planned is shown
    selector: Option<String>,
    /// From when, as 22:00, '2026-11-25 22:00' or RFC 3339 [default: now]
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Until when, in the same forms
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// For how long, in place of --to
    #[arg(long = "for", value_parser = duration, value_name = "DURATION", conflicts_with = "to")]
    span: Option<Duration>,
    /// Why, for the others
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TEXT"
    )]
    why: String,
    /// Zone of --from and --to [default: the machine's]
    #[arg(long, value_parser = zone, value_name = "ZONE")]
    timezone: Option<Tz>,
    /// End the maintenance of this number, or all that were said with this selector
    #[arg(long, value_name = "SELECTOR|ID", conflicts_with_all = ["selector", "from", "to", "span", "list"])]
    end: Option<String>,
    /// Show what is said and planned
    #[arg(long, conflicts_with_all = ["selector", "from", "to", "span"])]
    list: bool,
    #[command(flatten)]
    files: Files,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Says, ends or shows it.
pub fn run(args: &MaintenanceArgs) -> Exit {
    let desk = match Desk::open(&args.files, args.json) {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    let timed = args.from.is_some() || args.to.is_some() || args.span.is_some();
    match (&args.end, &args.selector) {
        (Some(end), _) => desk.end(SpellKind::Maintenance, end),
        (None, None) if timed => {
            usage("say what is worked on: `watchfire maintenance gateway --from 22:00 --to 02:00`")
        }
        (None, None) => desk.list(SpellKind::Maintenance),
        (None, Some(selector)) => match wish(args, &desk, selector) {
            Ok(wish) => desk.say(Ask::Begin(wish)),
            Err(exit) => exit,
        },
    }
}

fn wish(args: &MaintenanceArgs, desk: &Desk, selector: &str) -> Result<Wish, Exit> {
    let named = args.from.as_deref().filter(|from| *from != "now");
    let from = match named {
        None => desk.now,
        Some(from) => read_moment("--from", from, desk.now, args.timezone, Edge::Begin)?,
    };
    let until = match (&args.to, args.span) {
        (Some(to), _) => read_moment("--to", to, from, args.timezone, Edge::End)?,
        (None, Some(span)) => from + span,
        (None, None) => return Err(usage("say until when: --to 02:00, or --for 2h")),
    };
    let by_clock = named.is_some() || args.to.is_some();
    let wish = Wish {
        kind: SpellKind::Maintenance,
        selector: desk.selector(selector)?,
        from,
        until,
        anchor: if by_clock {
            Anchor::Calendar
        } else {
            Anchor::Span
        },
        why: args.why.clone(),
    };
    wish.check(desk.now).map_err(|why| usage(&why))?;
    Ok(wish)
}
