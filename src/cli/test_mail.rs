//! `watchfire test-mail`: a test alert through the real path, and what the server's answer means.

mod words;

use clap::Args;

use super::{Exit, Files, complain, mail};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::notification::{Compose as _, Pending};
use crate::model::post::WEBHOOK;
use crate::notify::{Acceptance, Channel, Composers, MailComposer, Transport, Webhook};

/// What `test-mail` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  watchfire test-mail oncall@example.com\n  watchfire test-mail webhook:ops"
)]
pub struct TestMailArgs {
    /// Where to [default: every address of probes.toml]
    addresses: Vec<String>,
    #[command(flatten)]
    files: Files,
}

/// Sends it. Exit 1 when one address was not accepted.
pub fn run(args: &TestMailArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let recipients = recipients(&config, &args.addresses);
    if recipients.is_empty() {
        complain("nobody to send to: name an address, or set `email` in [alert] of probes.toml");
        return Exit::Usage;
    }
    match send(&config, &recipients) {
        Ok(true) => Exit::Ok,
        Ok(false) => Exit::No,
        Err(why) => {
            complain(why);
            Exit::Config
        }
    }
}

fn recipients(config: &Config, named: &[String]) -> Vec<String> {
    let mut all = named.to_vec();
    if all.is_empty() {
        all = config
            .services
            .iter()
            .flat_map(|s| s.alert.addresses())
            .collect();
        all.sort();
        all.dedup();
    }
    if all.is_empty() && config.smtp.is_none() {
        all.push("operator@localhost".to_owned());
    }
    all
}

fn send(config: &Config, recipients: &[String]) -> Result<bool, String> {
    let now = Clock::system().now();
    let from = config
        .smtp
        .as_ref()
        .map_or("watchfire@localhost", |smtp| smtp.from.as_str());
    let instance = format!("test-{}.watchfire", now.as_micros());
    let composer = MailComposer::new(from, &instance)?.linking(config.page.clone());
    let composers = Composers::new(composer.clone(), &config.webhooks);
    let composers = composers.signing(config.dkim.as_ref())?;
    let transport = match &config.smtp {
        Some(smtp) => Transport::Smtp(smtp.clone()),
        None => Transport::Files(config.data_dir.join("mail")),
    };
    let channel = transport.open()?;
    match &config.smtp {
        Some(_) => anstream::println!("sending through {}", channel.describe()),
        None => anstream::println!(
            "no [smtp] is configured: mails become {}",
            channel.describe()
        ),
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let mut accepted = true;
    for recipient in recipients {
        let sample = mail::test(now, &config.location);
        let webhook = match recipient.strip_prefix(WEBHOOK) {
            Some(name) => Some(webhook(config, name)?),
            None => None,
        };
        let letter = match webhook {
            Some(_) => composers.compose(&sample, recipient),
            None => composers.sign(composer.compose_test(&sample, recipient), now),
        };
        let pending = Pending {
            id: 0,
            incident: None,
            event: None,
            letter,
            attempts: 0,
            created_at: now,
        };
        let channel: &dyn Channel = match &webhook {
            Some(webhook) => webhook,
            None => channel.as_ref(),
        };
        let answer = runtime.block_on(channel.deliver(&pending));
        accepted &= answer.acceptance == Acceptance::Accepted;
        let reply = config.redactor.redact(&answer.reply);
        let told = match &webhook {
            Some(_) => words::of_webhook(recipient, &answer, &reply),
            None => words::told(recipient, &answer, &reply),
        };
        anstream::println!("{told}");
    }
    Ok(accepted)
}

fn webhook(config: &Config, name: &str) -> Result<Webhook, String> {
    let found = config.webhooks.iter().find(|w| w.name == name);
    let found = found.ok_or_else(|| format!("no [webhook.{name}] is configured"))?;
    Webhook::new(found, Clock::system(), &config.roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_test_mail_says_first_that_it_is_one() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let composer = MailComposer::new("watchfire@example.com", "here").unwrap();
        let letter = composer.compose_test(&mail::test(now, "here"), "oncall@example.com");
        let text = String::from_utf8(letter.bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Subject: [watchfire] Test alert"), "{head}");
        for header in ["In-Reply-To", "References", "X-Watchfire-Incident"] {
            assert!(!head.contains(header), "{head}");
        }
        let plain = body.split("\r\n\r\n").nth(1).unwrap();
        assert!(plain.starts_with("TEST: "), "{plain}");
        assert!(body.contains("Nothing is broken."), "{body}");
        // There is no such incident to look at.
        assert!(!body.contains("watchfire incidents"), "{body}");
        assert!(!body.contains("OUTAGE"), "{body}");
    }
}
