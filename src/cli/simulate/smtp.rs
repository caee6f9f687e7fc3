//! `watchfire simulate smtp`: the mail server that breaks the rules, and the list of the ways in which it does.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anstream::println;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::SimulateError;
use crate::simulate::faults::plain_acceptor;
use crate::simulate::smtp::{Host, MODES, Mode, Shield, Taken, mode, serve};

/// Breaks the rules of mail, one way at a port.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example:\n  watchfire simulate smtp --list\n  watchfire simulate smtp greylist --listen 127.0.0.1:2525\n\n\
                  In a watchfire.toml of your own:\n  [smtp]\n  url = \"smtp-plain://127.0.0.1:2525\"\n  from = \"watchfire@example.com\""
)]
pub struct SmtpArgs {
    /// The way in which to misbehave [default: all, each at a port of its own]
    #[arg(value_parser = known)]
    mode: Option<&'static Mode>,
    /// Where to listen: the first of the ports; with port 0 all are free ones
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2525")]
    listen: SocketAddr,
    /// The certificate to show, for the modes with TLS
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// Append one JSON object for each message that came whole
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// List all modes, with what a sender must make of each, and end
    #[arg(long)]
    list: bool,
    /// One JSON object a mode
    #[arg(long)]
    json: bool,
}

fn known(name: &str) -> Result<&'static Mode, String> {
    let names = || {
        let names: Vec<&str> = MODES.iter().map(|m| m.name).collect();
        format!("expected one of {}", names.join(", "))
    };
    mode(name).ok_or_else(names)
}

/// Serves until the caller drops the future.
pub async fn run(args: &SmtpArgs) -> Result<(), SimulateError> {
    let chosen: Vec<&'static Mode> = match args.mode {
        Some(mode) => vec![mode],
        None => MODES.iter().collect(),
    };
    if args.list {
        for mode in chosen {
            show(args, mode, None);
        }
        return Ok(());
    }
    let tls = match (&args.certificate, &args.key) {
        (Some(certificate), Some(key)) => Some(plain_acceptor(certificate, key)?),
        _ => None,
    };
    if let (Some(mode), None) = (args.mode.filter(|m| m.is_shielded()), &tls) {
        return Err(SimulateError::NoCertificate(mode.name));
    }
    let mut serving = JoinSet::new();
    let mut port = args.listen.port();
    for mode in chosen {
        if mode.is_shielded() && tls.is_none() {
            continue;
        }
        let address = SocketAddr::new(args.listen.ip(), port);
        port = if port == 0 { 0 } else { port.saturating_add(1) };
        let failed = |error| SimulateError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        show(args, mode, Some(address));
        let journal = args.journal.as_deref().map(open).transpose()?;
        let host = Host::telling(mode.conduct, tls.clone(), move |taken| {
            tell(mode, taken, journal.as_ref());
        });
        serving.spawn(serve(listener, host, CancellationToken::new()));
    }
    while serving.join_next().await.is_some() {}
    Ok(())
}

fn open(path: &Path) -> Result<Mutex<File>, SimulateError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened
        .map(Mutex::new)
        .map_err(|error| SimulateError::Unreadable {
            path: path.display().to_string(),
            error,
        })
}

/// One line for a message; the journal has it whole.
fn tell(mode: &Mode, taken: &Taken, journal: Option<&Mutex<File>>) {
    let fate = if taken.kept { "taken" } else { "refused" };
    println!("{}  {fate} {} for {}", mode.name, taken.id(), taken.to);
    if let Some(journal) = journal {
        note(mode, taken, journal);
    }
}

fn note(mode: &Mode, taken: &Taken, journal: &Mutex<File>) {
    let line = json!({
        "mode": mode.name,
        "to": taken.to,
        "message_id": taken.id(),
        "kept": taken.kept,
        "message": String::from_utf8_lossy(&taken.message),
    });
    // In one piece: the other modes append to the same file. A drill whose disk is full goes on; the line above was printed.
    if let Ok(mut file) = journal.lock() {
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

fn show(args: &SmtpArgs, mode: &Mode, at: Option<SocketAddr>) {
    let scheme = match mode.conduct.shield {
        Shield::None => "smtp-plain",
        Shield::Starttls => "smtp",
        Shield::AtOnce => "smtps",
    };
    let url = at.map(|at| format!("{scheme}://{at}"));
    let (name, does) = (mode.name, mode.does);
    let means = mode.means.name();
    if args.json {
        println!(
            "{}",
            json!({ "mode": name, "does": does, "means": means, "at": url })
        );
        return;
    }
    match url {
        Some(url) => println!("{name:16} {url:34} {does}"),
        None => println!("{name:16} {means:10} {does}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_modes_that_take_mails_at_once_leave_whole_lines_in_one_journal() {
        const MAILS: usize = 300;
        let path = tempfile::NamedTempFile::new().unwrap();
        let taken = Taken {
            to: "oncall@example.com".to_owned(),
            message: b"Message-ID: <1@a>\r\n\r\n\"x\"\r\n".repeat(50),
            kept: true,
        };
        std::thread::scope(|scope| {
            for mode in ["ok", "slow"].map(|name| mode(name).unwrap()) {
                let (journal, taken) = (open(path.path()).unwrap(), &taken);
                scope.spawn(move || {
                    for _ in 0..MAILS {
                        note(mode, taken, &journal);
                    }
                });
            }
        });
        let text = std::fs::read_to_string(path.path()).unwrap();
        let whole = text
            .lines()
            .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
        assert_eq!(whole.count(), 2 * MAILS);
    }
}
