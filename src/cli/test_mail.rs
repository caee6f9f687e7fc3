//! `watchfire test-mail`: a test alert through the real path, and what the server's answer means.

use std::time::Duration;

use clap::Args;

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::notification::{LastFailure, Notification, Pending, ProbeTally, Reason};
use crate::model::{
    EventKind, FailureKind, Fault, IncidentEvent, IncidentId, IncidentKind, Severity, Timestamp,
    Verdict,
};
use crate::notify::{Acceptance, Answer, MailComposer, Step, Transport};

/// What `test-mail` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire test-mail oncall@example.com")]
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
            .flat_map(|s| s.alert.email.iter().cloned())
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
    let composer = MailComposer::new(from, &instance, Duration::from_secs(3600))?;
    let transport = match &config.smtp {
        Some(smtp) => Transport::Smtp(smtp.clone()),
        None => Transport::Files(config.data_dir.join("mail")),
    };
    let channel = transport.open()?;
    anstream::println!("sending through {}", channel.describe());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let mut accepted = true;
    for recipient in recipients {
        let letter = composer.compose_test(&sample(now, &config.location), recipient);
        let pending = Pending {
            id: 0,
            incident: None,
            event: Some(EventKind::Open),
            letter,
            attempts: 0,
            created_at: now,
        };
        let answer = runtime.block_on(channel.deliver(&pending));
        let reply = config.redactor.redact(&answer.reply);
        accepted &= answer.acceptance == Acceptance::Accepted;
        anstream::println!(
            "{recipient}: {}\n  the answer: {reply}",
            words(answer.acceptance)
        );
        if let Some(remedy) = remedy(&answer) {
            anstream::println!("  what to do: {remedy}");
        }
    }
    Ok(accepted)
}

const fn words(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Accepted => "accepted",
        Acceptance::Later => "not accepted now; the daemon would try again",
        Acceptance::Unsure => "perhaps accepted: the connection broke before the confirmation",
        Acceptance::Refused => "refused for good",
    }
}

/// The likely remedy for an answer that is not "accepted".
fn remedy(answer: &Answer) -> Option<&'static str> {
    if answer.acceptance == Acceptance::Accepted {
        return None;
    }
    let reply = answer.reply.to_ascii_lowercase();
    Some(match (answer.step, answer.code) {
        (Step::Resolve, _) => "the host in [smtp] url is not known to DNS; check its spelling",
        (Step::Connect, _) => {
            "nothing answers there: check host and port (587 for smtp://, 465 for smtps://) and firewalls"
        }
        (Step::Tls, _)
            if reply.contains("unknown")
                || reply.contains("issuer")
                || reply.contains("self-signed") =>
        {
            "the server's certificate is from an issuer that is not trusted; name it with `ca = \"FILE\"` in [smtp]"
        }
        (Step::Tls, _) => {
            "the TLS handshake failed: port 465 wants smtps://, port 587 wants smtp://; the host must be named as in its certificate"
        }
        (Step::Greeting, _) => {
            "the server does not greet: a port that wants TLS at once (465) needs smtps://"
        }
        (Step::Starttls, _) => {
            "the server offers no STARTTLS here; use smtps:// on port 465, or another port: mail is never sent in clear"
        }
        (Step::Auth, Some(535 | 534)) => {
            "user or password is wrong; many providers want an app password"
        }
        (Step::Auth, _) => {
            "the log-in did not work; check `user`, `password`, and what log-ins the server allows"
        }
        (Step::Sender, Some(500..)) => {
            "the server does not let this user send as `from`; use an address that belongs to it"
        }
        (Step::Recipient, Some(550 | 551 | 553 | 554)) if reply.contains("relay") => {
            "the server does not relay for us: set `user` and `password` in [smtp]"
        }
        (Step::Recipient, Some(500..)) => "the server refuses this recipient; check the address",
        (_, Some(400..=499)) => {
            "a passing refusal (greylisting or load); the daemon tries again by itself"
        }
        (Step::File, _) => {
            "the file could not be written; check `data_dir` and the room on its disk"
        }
        _ => "see the answer above; it is the server's own word",
    })
}

/// A made-up alert that says that it is one.
fn sample(now: Timestamp, location: &str) -> Notification {
    let since = now - Duration::from_secs(360);
    Notification {
        event: IncidentEvent {
            incident: IncidentId(0),
            sequence: 0,
            event: EventKind::Open,
            kind: IncidentKind::Errors,
            severity: Severity::Partial,
            at: now,
            since,
            verdict: Verdict {
                failed: 8,
                of: 19,
                usual: 0.003,
                window_s: 360.0,
                score: 14.2,
                bound: 12.4,
            },
        },
        opened_at: now,
        thread_root: 0,
        reopened: 0,
        service: "test".to_owned(),
        title: "TEST (nothing is broken)".to_owned(),
        reasons: vec![Reason {
            kind: FailureKind::ServerError,
            fault: Fault::Provider,
            status: Some(503),
            count: 8,
        }],
        probes: vec![ProbeTally {
            name: "chat".to_owned(),
            failed: 8,
            of: 19,
        }],
        last_failure: Some(LastFailure {
            probe: "chat".to_owned(),
            at: now,
            kind: FailureKind::ServerError,
            status: Some(503),
            text: "This is a test mail of watchfire. Nothing is broken.".to_owned(),
            request_id: None,
        }),
        location: location.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(step: Step, code: Option<u16>, reply: &str) -> &'static str {
        remedy(&Answer::new(Acceptance::Later, step, code, reply)).unwrap_or("")
    }

    #[test]
    fn every_refusal_has_its_remedy() {
        for (step, code, reply, word) in [
            (Step::Resolve, None, "no such host", "DNS"),
            (Step::Connect, None, "connection refused", "587"),
            (
                Step::Tls,
                None,
                "invalid peer certificate: UnknownIssuer",
                "`ca =",
            ),
            (Step::Tls, None, "received corrupt message", "smtps://"),
            (
                Step::Starttls,
                None,
                "STARTTLS is not offered",
                "never sent in clear",
            ),
            (
                Step::Auth,
                Some(535),
                "5.7.8 authentication failed",
                "password",
            ),
            (Step::Sender, Some(553), "5.7.1 sender rejected", "`from`"),
            (
                Step::Recipient,
                Some(554),
                "5.7.1 Relay access denied",
                "`user`",
            ),
            (Step::Recipient, Some(550), "5.1.1 user unknown", "address"),
            (Step::Recipient, Some(450), "4.2.0 greylisted", "by itself"),
        ] {
            let said = advice(step, code, reply);
            assert!(said.contains(word), "{step:?} {code:?}: {said}");
        }
    }

    #[test]
    fn a_test_mail_says_first_that_it_is_one() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let composer =
            MailComposer::new("watchfire@example.com", "here", Duration::from_secs(3600)).unwrap();
        let letter = composer.compose_test(&sample(now, "here"), "oncall@example.com");
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

    #[test]
    fn an_accepted_mail_needs_no_remedy() {
        assert_eq!(
            remedy(&Answer::new(
                Acceptance::Accepted,
                Step::Message,
                Some(250),
                "ok"
            )),
            None
        );
    }
}
