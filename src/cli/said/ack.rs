//! `watchfire ack`: somebody works on an incident.

use clap::Args;

use super::{Desk, Exit, Files};
use crate::model::IncidentId;
use crate::model::said::Ask;

/// What `ack` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire ack 7 --note 'I have opened a ticket with them'")]
pub struct AckArgs {
    /// Number of the incident, as in its mails and in `watchfire incidents`
    id: u64,
    /// What the others should know
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TEXT"
    )]
    note: String,
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Says it. Exit 1 when there is no such incident, or it is over.
pub fn run(args: &AckArgs) -> Exit {
    let desk = match Desk::open(&args.files, args.json) {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    let incident = IncidentId(args.id);
    // A daemon that is down could not say so until it starts.
    if let Ok(None) = desk.reader.incident(incident) {
        super::complain(format!("there is no incident {incident}"));
        return Exit::No;
    }
    desk.say(Ask::Ack {
        incident,
        note: args.note.clone(),
    })
}
