//! `watchfire incidents`: the list, or one with its timeline and what became of its mails.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::pages::{Pages, Said, horizons};
use super::said::{Standing, acks};
use super::words::{moment, span};
use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::incidents;
use crate::model::concerned::{Concerned, Tense};
use crate::model::fold::Part;
use crate::model::incident::IncidentState;
use crate::model::{IncidentEvent, IncidentId, IncidentKind, Slow, Timestamp};
use crate::store::{
    DeliveryRow, DeliveryState, IncidentFilter, IncidentRow, Reader, SaidRow, ServiceRow,
    StoreError,
};

/// What a page said so long before an incident is looked at as well.
const DAY: Duration = Duration::from_secs(86_400);

/// What `incidents` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire incidents 7")]
pub struct IncidentsArgs {
    /// Show this one whole
    id: Option<u64>,
    #[command(flatten)]
    files: Files,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Shows them. Exit 1 when one is open, or when the one asked for does not exist.
pub fn run(args: &IncidentsArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let reader = match Reader::open(&config.data_dir) {
        Ok(reader) => reader,
        Err(e) => {
            complain(&e);
            return super::run::open_exit(&e);
        }
    };
    let shown = match args.id {
        Some(id) => one(&reader, &config, IncidentId(id), args.json),
        None => all(&reader, &config, args.json),
    };
    shown.unwrap_or_else(|e| {
        complain(format!("failed to read the database: {e}"));
        Exit::Io
    })
}

fn all(reader: &Reader, config: &Config, as_json: bool) -> Result<Exit, StoreError> {
    let rows = reader.incidents(IncidentFilter::default())?;
    let open = rows.iter().any(|r| r.state == IncidentState::Open);
    if as_json {
        let first = rows.iter().map(|r| r.since).min();
        let mut said = said(reader, config, first.unwrap_or(Timestamp::EPOCH))?;
        let services = reader.services()?;
        for row in &rows {
            let said = said.remove(&row.id).unwrap_or_default();
            let parts = parts(reader, &services, row)?;
            let (deliveries, acks) = (reader.deliveries(row.id)?, reader.acks(row.id)?);
            anstream::println!("{}", to_json(row, &parts, &deliveries, &said, &acks));
        }
    } else if rows.is_empty() {
        anstream::println!("no incidents");
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "id", "service", "kind", "state", "severity", "since", "closed", "reopened",
        ]);
        for row in &rows {
            let acked = match reader.ack(row.id)? {
                Some(ack) if row.state == IncidentState::Open => format!(", ack by {}", ack.who),
                _ => String::new(),
            };
            table.add_row([
                row.id.to_string(),
                row.service.clone(),
                kind(row),
                format!("{}{acked}", row.state),
                row.severity.to_string(),
                moment(row.since),
                row.closed_at.map_or(String::new(), moment),
                row.reopened.to_string(),
            ]);
        }
        anstream::println!("{table}");
    }
    Ok(if open { Exit::No } else { Exit::Ok })
}

/// What status pages said of each incident from a moment on.
fn said(
    reader: &Reader,
    config: &Config,
    from: Timestamp,
) -> Result<HashMap<IncidentId, Vec<Said>>, StoreError> {
    let now = Clock::system().now();
    let pages = Pages::read(reader, config, from - DAY)?;
    let courses = reader.courses(from, now)?;
    let horizons = horizons(&courses, now);
    let of = courses.iter().zip(horizons);
    Ok(of
        .map(|(c, next)| (c.row.id, pages.said(c, next)))
        .collect())
}

fn one(
    reader: &Reader,
    config: &Config,
    id: IncidentId,
    as_json: bool,
) -> Result<Exit, StoreError> {
    let Some((row, events, deliveries)) = reader.incident(id)? else {
        complain(format!("there is no incident {id}"));
        return Ok(Exit::No);
    };
    let said = said(reader, config, row.since)?
        .remove(&id)
        .unwrap_or_default();
    let acks = reader.acks(id)?;
    let services = reader.services()?;
    let parts = parts(reader, &services, &row)?;
    if as_json {
        anstream::println!("{}", to_json(&row, &parts, &deliveries, &said, &acks));
    } else {
        let until = watched_until(reader, config, &row)?;
        let name = |slow: Slow| {
            let mut probes = services.iter().flat_map(|s| &s.probes);
            probes.find(|p| p.id == slow.probe).map(|p| p.name.as_str())
        };
        anstream::print!("{}", draw(&row, until, &parts, &events, &name));
        anstream::print!("{}", draw_mails(&row, &deliveries));
        anstream::print!("{}", draw_pages(&row, &said));
        if !acks.is_empty() {
            anstream::println!("\nacknowledged");
        }
        for ack in &acks {
            anstream::println!("  {}", acks::line(ack));
        }
        let standing = Standing::read(reader, config, Clock::system().now())?;
        let of = config.services.iter().find(|s| s.name == row.service);
        let probes = of
            .iter()
            .flat_map(|s| s.probes.iter().map(|p| p.name.as_str()));
        if let Some(words) = standing.of(&row.service, probes) {
            anstream::println!("\n{} is {words}", row.service);
        }
    }
    Ok(if row.state == IncidentState::Open {
        Exit::No
    } else {
        Exit::Ok
    })
}

/// When the watch over a recovered incident ends.
fn watched_until(
    reader: &Reader,
    config: &Config,
    row: &IncidentRow,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(service) = config.services.iter().find(|s| s.name == row.service) else {
        return Ok(None);
    };
    let states = reader.states()?;
    let mut known = states.iter().flat_map(|(_, state, _)| incidents(state));
    let own = known.find(|i| i.id == row.id);
    Ok(own.and_then(|i| i.watched_until(service.alert.reopen_within)))
}

/// The runs of each probe in an incident of errors; none of the others, which count other things.
fn parts(
    reader: &Reader,
    services: &[ServiceRow],
    row: &IncidentRow,
) -> Result<Vec<(String, Part)>, StoreError> {
    let service = services.iter().find(|s| s.name == row.service);
    match service.filter(|_| row.kind == IncidentKind::Errors) {
        Some(service) => {
            let until = row.closed_at.unwrap_or(Clock::system().now());
            reader.parts(service.id, row.since, until)
        }
        None => Ok(Vec::new()),
    }
}

/// What it is about: `errors`, `notice: auth`.
fn kind(row: &IncidentRow) -> String {
    match row.cause {
        Some(cause) => format!("{}: {cause}", row.kind),
        None => row.kind.to_string(),
    }
}

fn to_json(
    row: &IncidentRow,
    parts: &[(String, Part)],
    deliveries: &[DeliveryRow],
    said: &[Said],
    acks: &[SaidRow],
) -> Value {
    let probes = parts.iter().filter_map(|(probe, part)| {
        Some(json!({
            "probe": probe,
            "severity": part.severity()?.name(),
            "failed": part.failed,
            "of": part.of,
        }))
    });
    let deliveries: Vec<Value> = deliveries
        .iter()
        .map(|d| {
            json!({
                "mail": d.id,
                "to": d.recipient,
                "event": d.event.map(|e| e.name()),
                "message_id": d.message_id,
                "state": d.state.name(),
                "attempts": d.attempts,
                "last_reply": d.last_reply,
            })
        })
        .collect();
    json!({
        "incident": row.id,
        "service": row.service,
        "kind": row.kind.name(),
        "cause": row.cause,
        "story": row.story,
        "state": row.state.name(),
        "severity": row.severity.name(),
        "opened_at": row.opened_at.to_string(),
        "closed_at": row.closed_at.map(|at| at.to_string()),
        "since": row.since.to_string(),
        "reopened": row.reopened,
        "probes": probes.collect::<Vec<_>>(),
        "ack": acks::to_json(acks),
        "deliveries": deliveries,
        "status_pages": said.iter().map(Said::to_json).collect::<Vec<_>>(),
    })
}

/// What the counted runs did.
fn did(event: &IncidentEvent) -> &'static str {
    match (event.kind, event.slow) {
        (IncidentKind::Latency, Some(_)) => "were slow",
        (IncidentKind::Latency, None) => "were slower than allowed",
        _ => "failed",
    }
}

/// `; chat total usually 820 ms, now 2940 ms`.
fn slowness(slow: Slow, probe: Option<&str>) -> String {
    let probe = probe.map_or_else(String::new, |name| format!("{name} "));
    let ms = |us: u32| f64::from(us) / 1e3;
    let what = slow.quantity.name().replace('_', " ");
    let (usual, now) = (ms(slow.usual_us), ms(slow.now_us));
    format!("; {probe}{what} usually {usual:.0} ms, now {now:.0} ms")
}

/// What an event is held against: what is usual, or the user's own rule.
fn against(event: &IncidentEvent) -> String {
    if event.is_by_rule() {
        return "more than the rule in probes.toml allows".to_owned();
    }
    format!("usually {:.2} %", event.verdict.usual * 100.0)
}

/// What it is, and its steps.
fn draw<'n>(
    row: &IncidentRow,
    watched_until: Option<Timestamp>,
    parts: &[(String, Part)],
    events: &[IncidentEvent],
    name: &impl Fn(Slow) -> Option<&'n str>,
) -> String {
    let until = watched_until.map_or(String::new(), |at| {
        format!(", watched until {}", moment(at))
    });
    let mut text = format!(
        "incident {}: {}, {}, {} ({}){until}\n",
        row.id,
        row.service,
        kind(row),
        row.state,
        row.severity
    );
    let tense = match row.state {
        IncidentState::Open => Tense::Present,
        _ => Tense::Past,
    };
    let parts = parts.iter().map(|(name, part)| (name.as_str(), *part));
    if let Some(sentence) = Concerned::of(parts).sentence(tense) {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{sentence}");
    }
    text.push('\n');
    for event in events {
        let v = &event.verdict;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "  {}  {:<10}  {:<8}  since {}: {} of {} runs {} in {}, {}{}{}",
            moment(event.at),
            event.event,
            event.severity,
            moment(event.since),
            v.failed,
            v.of,
            did(event),
            span(Duration::try_from_secs_f64(v.window_s).unwrap_or_default()),
            against(event),
            event
                .slow
                .map_or_else(String::new, |s| slowness(s, name(s))),
            if event.retired {
                "; its probes were removed from probes.toml"
            } else {
                ""
            },
        );
    }
    text
}

/// What became of its mails.
fn draw_mails(row: &IncidentRow, deliveries: &[DeliveryRow]) -> String {
    let mut text = String::new();
    let alone = [None, Some(row.id)].contains(&row.story);
    if let Some(lead) = row.story.filter(|_| !alone) {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "\ntold together with incident {lead}: see its mails");
    }
    if !deliveries.is_empty() {
        text.push_str("\nmails\n");
    }
    for d in deliveries {
        let event = d.event.map_or("", |e| e.name());
        let tries = match d.attempts {
            0 | 1 => String::new(),
            n => format!(" at attempt {n}"),
        };
        let reply = d
            .last_reply
            .as_deref()
            .map_or(String::new(), |r| format!(", {r}"));
        let number = match d.state {
            DeliveryState::Sent => String::new(),
            _ => format!(" (mail {})", d.id),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "  {event:<9} to {}: {}{tries}{reply}{number}",
            d.recipient,
            d.state.name(),
        );
    }
    text
}

/// What status pages said of it.
fn draw_pages(row: &IncidentRow, said: &[Said]) -> String {
    let mut text = String::new();
    if !said.is_empty() {
        text.push_str("\nstatus page\n");
    }
    for said in said {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {}", said.line(&row.service));
    }
    text
}
