//! `watchfire outbox`: what waits to be sent, what was refused, and what is to become of it.

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::{Desk, Exit, Files, complain};
use crate::cli::words::{moment, span};
use crate::model::Timestamp;
use crate::model::said::Ask;
use crate::store::{DeliveryRow, DeliveryState, StoreError};

/// Mails that are listed.
const SHOWN: usize = 1_000;
/// Longest reply in the list, in characters.
const REPLY_LIMIT: usize = 60;

/// What `outbox` takes.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  watchfire outbox\n  watchfire outbox show 12\n  watchfire outbox retry --all"
)]
pub struct OutboxArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the mails that wait or were refused
    List(ListArgs),
    /// Show one, with its text
    Show(ShowArgs),
    /// Have one sent that was refused or given up, or waits; or all that were refused
    Retry(RetryArgs),
    /// Have one not sent any more
    Drop(DropArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Those that were sent, folded into later ones or dropped as well; the latest thousand
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    files: Files,
    /// One JSON object a mail
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Its number, as in the list
    id: i64,
    /// The whole message as it is sent
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RetryArgs {
    /// Its number
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<i64>,
    /// All that were refused or given up
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DropArgs {
    /// Its number
    id: i64,
    /// Why; recorded with who said it
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl OutboxArgs {
    fn files(&self) -> (&Files, bool) {
        match &self.what {
            None => (&self.list.files, self.list.json),
            Some(What::List(a)) => (&a.files, a.json),
            Some(What::Show(a)) => (&a.files, a.json),
            Some(What::Retry(a)) => (&a.files, a.json),
            Some(What::Drop(a)) => (&a.files, a.json),
        }
    }
}

/// Shows it, or says it. Exit 1 when there is no such mail, or it cannot be done.
pub fn run(args: &OutboxArgs) -> Exit {
    let (files, json) = args.files();
    let desk = match Desk::open(files, json) {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    let shown = match &args.what {
        None => list(&desk, args.list.all),
        Some(What::List(a)) => list(&desk, a.all),
        Some(What::Show(a)) => show(&desk, a.id, a.raw),
        Some(What::Retry(a)) => return desk.say(Ask::Retry { letter: a.id }),
        Some(What::Drop(a)) => {
            return desk.say(Ask::Drop {
                letter: a.id,
                why: a.why.clone(),
            });
        }
    };
    shown.unwrap_or_else(|e| {
        complain(format!("failed to read the database: {e}"));
        Exit::Io
    })
}

fn list(desk: &Desk, all: bool) -> Result<Exit, StoreError> {
    use DeliveryState::{Ambiguous, Dead, Dropped, Folded, Pending, Sent};
    let states: &[DeliveryState] = if all {
        &[Pending, Ambiguous, Sent, Dead, Folded, Dropped]
    } else {
        &[Pending, Ambiguous, Dead]
    };
    let mut rows = desk.reader.letters(states, SHOWN)?;
    rows.reverse();
    if desk.json {
        for row in &rows {
            anstream::println!("{}", to_json(row));
        }
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        anstream::println!("no mail waits, and none was refused");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["mail", "to", "about", "written", "state", "last reply"]);
    for row in &rows {
        let reply: String = row.last_reply.as_deref().unwrap_or_default().into();
        table.add_row([
            row.id.to_string(),
            row.recipient.clone(),
            about(row),
            moment(row.created_at),
            state(row, desk.now),
            short(&reply),
        ]);
    }
    anstream::println!("{table}");
    Ok(Exit::Ok)
}

fn show(desk: &Desk, id: i64, raw: bool) -> Result<Exit, StoreError> {
    let Some((row, bytes)) = desk.reader.letter(id)? else {
        complain(format!("there is no mail {id} in the outbox"));
        return Ok(Exit::No);
    };
    if raw {
        let Some(bytes) = bytes else {
            complain(format!("the text of mail {id} is not kept any more"));
            return Ok(Exit::No);
        };
        anstream::print!("{}", String::from_utf8_lossy(&bytes));
        return Ok(Exit::Ok);
    }
    let text = bytes.as_deref().map(text);
    if desk.json {
        let mut value = to_json(&row);
        if let (Some(object), Some(text)) = (value.as_object_mut(), text) {
            object.insert("text".to_owned(), Value::String(text));
        }
        anstream::println!("{value}");
        return Ok(Exit::Ok);
    }
    anstream::println!(
        "mail {} to {}: {}",
        row.id,
        row.recipient,
        state(&row, desk.now)
    );
    anstream::println!("about       {}", about(&row));
    anstream::println!("written     {}", moment(row.created_at));
    anstream::println!("attempts    {}", row.attempts);
    if let Some(reply) = &row.last_reply {
        anstream::println!("last reply  {reply}");
    }
    anstream::println!("message id  {}", row.message_id);
    match text {
        Some(text) => anstream::println!("\n{}", text.trim_end()),
        None => anstream::println!("\nits text is not kept any more"),
    }
    Ok(Exit::Ok)
}

/// Subject and plain text of a mail; what is no mail, as it is.
fn text(bytes: &[u8]) -> String {
    let parsed = MessageParser::default().parse(bytes);
    match parsed
        .as_ref()
        .and_then(|m| Some((m.subject()?, m.body_text(0)?)))
    {
        Some((subject, body)) => format!("{subject}\n\n{body}"),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn about(row: &DeliveryRow) -> String {
    match (row.incident, row.event) {
        (Some(incident), Some(event)) => format!("incident {incident}, {event}"),
        _ => "a note".to_owned(),
    }
}

/// `waits, next try in 40 s`, `sent 2026-11-08 03:12:05`.
fn state(row: &DeliveryRow, now: Timestamp) -> String {
    let tries = match row.attempts {
        0 => String::new(),
        1 => " after 1 attempt".to_owned(),
        n => format!(" after {n} attempts"),
    };
    let next = || match row.next_at {
        at if at > now => format!("next try in {}", span(at.since(now))),
        _ => "next try soon".to_owned(),
    };
    let at = row
        .finished_at
        .map_or_else(String::new, |at| format!(" {}", moment(at)));
    match row.state {
        DeliveryState::Pending => format!("waits{tries}, {}", next()),
        DeliveryState::Ambiguous => format!("perhaps accepted{tries}, {}", next()),
        DeliveryState::Sent => format!("sent{at}"),
        DeliveryState::Dead => format!("given up{tries}{at}"),
        DeliveryState::Folded => format!("folded into a later one{at}"),
        DeliveryState::Dropped => format!("dropped{at}"),
    }
}

fn short(reply: &str) -> String {
    if reply.chars().count() <= REPLY_LIMIT {
        return reply.to_owned();
    }
    reply.chars().take(REPLY_LIMIT - 1).chain(['…']).collect()
}

fn to_json(row: &DeliveryRow) -> Value {
    let waits = matches!(row.state, DeliveryState::Pending | DeliveryState::Ambiguous);
    json!({
        "mail": row.id,
        "to": row.recipient,
        "incident": row.incident,
        "event": row.event.map(|e| e.name()),
        "message_id": row.message_id,
        "state": row.state.name(),
        "attempts": row.attempts,
        "written_at": row.created_at.to_string(),
        "next_at": waits.then(|| row.next_at.to_string()),
        "finished_at": row.finished_at.map(|at| at.to_string()),
        "last_reply": row.last_reply,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_mail_is_its_subject_and_its_plain_part() {
        let mail = b"Subject: =?utf-8?q?caf=C3=A9?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello.\r\n";
        assert_eq!(text(mail), "caf\u{e9}\n\nHello.\r\n");
        assert_eq!(text(b"{\"a\":1}"), "{\"a\":1}");
    }

    #[test]
    fn a_long_reply_is_cut_at_a_character() {
        let long = "\u{e9}".repeat(100);
        assert_eq!(short(&long).chars().count(), REPLY_LIMIT);
        assert_eq!(short("250 ok"), "250 ok");
    }
}
