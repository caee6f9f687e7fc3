//! `watchfire mail`: how the mails look, without an outage.

mod sample;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use mail_parser::{MessageParser, MimeHeaders as _};

use super::{Exit, complain};
use crate::model::Timestamp;
use crate::model::notification::{Compose as _, Letter};
use crate::notify::MailComposer;

pub use sample::test;

/// When all that is shown has happened: the night of 8 November 2023.
const AT: &str = "2023-11-08T03:43:42Z";
const LOCATION: &str = "fra-1";
const FROM: &str = "watchfire@example.com";
const TO: &str = "oncall@example.com";

/// What `mail` takes.
#[derive(Debug, Args)]
pub struct MailArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a mail with made-up content as .eml, .html and .txt
    Preview(PreviewArgs),
}

/// What `mail preview` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire mail preview open\n  watchfire mail preview all --to /tmp/mails"
)]
struct PreviewArgs {
    /// Which mail
    #[arg(value_enum)]
    kind: Wanted,
    /// Where to: the directory is made when it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
}

/// One kind, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// Every kind
    All,
    /// It began
    Open,
    /// It got worse
    Escalated,
    /// It stays open, and nobody has taken it up
    StillOpen,
    /// It got better, and goes on
    Better,
    /// It had recovered, and broke again
    Reopened,
    /// It keeps coming back
    ComesBack,
    /// It works again
    Recovered,
    /// It has stayed well for the whole watch
    Final,
    /// Answers are slow
    Degraded,
    /// Several services at once
    Storm,
    /// Some of several services work again
    Partly,
    /// Trouble on our side: a key, a quota
    Notice,
    /// The prober could not see
    Blind,
    /// Something ends on a day
    Reminder,
    /// How a day was
    Digest,
    /// The mail server was away, and mails waited
    Late,
    /// More was to be told than mails an hour are sent
    Folded,
    /// Somebody else does not get the mails
    Refused,
    /// The disk is full
    Storage,
    /// Nothing can be written: what happened, past the outbox
    Unrecorded,
    /// The database can be written again
    Stored,
    /// The database was damaged
    Damaged,
    /// What `test-mail` sends
    Test,
    /// Names and replies full of markup and other scripts: what a mail program makes of it
    Hostile,
}

impl Wanted {
    fn kinds(self) -> Vec<Wanted> {
        match self {
            Wanted::All => Wanted::value_variants()
                .iter()
                .copied()
                .filter(|kind| *kind != Wanted::All)
                .collect(),
            one => vec![one],
        }
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn letter(self, composer: &MailComposer, at: Timestamp) -> Letter {
        let told = match self {
            Wanted::Reminder => return composer.remind(&sample::reminder(at, LOCATION), TO),
            Wanted::Late => return composer.note(&sample::late(at, LOCATION), TO),
            Wanted::Folded => return composer.note(&sample::folded(at, LOCATION), TO),
            Wanted::Refused => return composer.note(&sample::refused(at, LOCATION), TO),
            Wanted::Storage => return composer.note(&sample::storage(at, LOCATION), TO),
            Wanted::Unrecorded => return composer.note(&sample::unrecorded(at, LOCATION), TO),
            Wanted::Stored => return composer.note(&sample::stored(at, LOCATION), TO),
            Wanted::Damaged => return composer.note(&sample::damaged(at, LOCATION), TO),
            Wanted::Digest => return composer.digest(&sample::digest(at, LOCATION), TO),
            Wanted::Test => return composer.compose_test(&sample::test(at, LOCATION), TO),
            Wanted::All | Wanted::Open => sample::open(at, LOCATION),
            Wanted::Escalated => sample::escalated(at, LOCATION),
            Wanted::StillOpen => sample::still_open(at, LOCATION),
            Wanted::Better => sample::better(at, LOCATION),
            Wanted::Reopened => sample::reopened(at, LOCATION),
            Wanted::ComesBack => sample::comes_back(at, LOCATION),
            Wanted::Recovered => sample::recovered(at, LOCATION),
            Wanted::Final => sample::stays_well(at, LOCATION),
            Wanted::Degraded => sample::slow(at, LOCATION),
            Wanted::Storm => sample::storm(at, LOCATION),
            Wanted::Partly => sample::partly(at, LOCATION),
            Wanted::Notice => sample::notice(at, LOCATION),
            Wanted::Hostile => sample::hostile(at, LOCATION),
            Wanted::Blind => sample::blind(at, LOCATION),
        };
        composer.compose(&told, TO)
    }
}

/// Writes what was asked for.
pub fn run(args: &MailArgs) -> Exit {
    let Command::Preview(args) = &args.command;
    match preview(args.kind, &args.to) {
        Ok(()) => Exit::Ok,
        Err(e) => {
            complain(format!("cannot write into {}: {e}", args.to.display()));
            Exit::Io
        }
    }
}

fn preview(wanted: Wanted, dir: &Path) -> io::Result<()> {
    let composer = MailComposer::new(FROM, "preview.watchfire").map_err(io::Error::other)?;
    let at = Timestamp::parse(AT).unwrap_or(Timestamp::EPOCH);
    fs::create_dir_all(dir)?;
    for kind in wanted.kinds() {
        let letter = kind.letter(&composer, at);
        let (html, text) = bodies(&letter.bytes);
        for (ending, bytes) in [
            ("eml", letter.bytes.as_slice()),
            ("html", html.as_bytes()),
            ("txt", text.as_bytes()),
        ] {
            let file = dir.join(format!("{}.{ending}", kind.name()));
            fs::write(&file, bytes)?;
            anstream::println!("{}", file.display());
        }
    }
    Ok(())
}

/// The mail's HTML, with its pictures inside so that a browser shows them, and its text.
fn bodies(bytes: &[u8]) -> (String, String) {
    let Some(mail) = MessageParser::default().parse(bytes) else {
        return Default::default();
    };
    let text = mail.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    let mut html = mail.body_html(0).unwrap_or_default().replace("\r\n", "\n");
    for part in &mail.parts {
        if let Some(id) = part.content_id() {
            let data = format!("data:image/png;base64,{}", STANDARD.encode(part.contents()));
            html = html.replace(&format!("cid:{id}"), &data);
        }
    }
    (html, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_a_mail_of_at_most_100_kb_with_a_text_that_is_complete_and_a_page_that_loads_nothing()
     {
        let dir = tempfile::tempdir().unwrap();
        preview(Wanted::All, dir.path()).unwrap();
        for kind in Wanted::All.kinds() {
            let read = |ending: &str| {
                fs::read_to_string(dir.path().join(format!("{}.{ending}", kind.name()))).unwrap()
            };
            let name = kind.name();
            assert!(read("eml").len() <= 100 * 1024, "{name}");
            assert!(read("txt").lines().count() > 5, "{name}");
            let html = read("html");
            assert!(
                !html.contains("cid:") && !html.contains("=\"http"),
                "{name}: {html}"
            );
        }
    }

    #[test]
    fn the_texts_in_the_documentation_are_those_of_the_mails() {
        let composer = MailComposer::new(FROM, "preview.watchfire").unwrap();
        let at = Timestamp::parse(AT).unwrap();
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mail");
        for kind in Wanted::All.kinds() {
            let (_, text) = bodies(&kind.letter(&composer, at).bytes);
            let file = docs.join(format!("{}.txt", kind.name()));
            let kept = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                text == kept,
                "{} is of another time: run tests/mail/screenshots --write",
                file.display()
            );
        }
    }

    #[test]
    fn a_preview_is_the_same_each_time() {
        let composer = MailComposer::new(FROM, "preview.watchfire").unwrap();
        let at = Timestamp::parse(AT).unwrap();
        for kind in Wanted::All.kinds() {
            assert_eq!(
                kind.letter(&composer, at),
                kind.letter(&composer, at),
                "{kind:?}"
            );
        }
    }
}
