//! The words of a notice: what goes wrong on our side, and what its owner can do about it.

use super::figures::{clock, grouped, span};
use super::{LISTED, NAME_LIMIT, line, name, title};
use crate::model::concerned::listed;
use crate::model::notification::Notification;
use crate::model::{EventKind, FailureKind};

/// What goes wrong, after a colon; short enough for a subject.
pub const fn what(cause: FailureKind) -> &'static str {
    match cause {
        FailureKind::Auth => "the key is refused",
        FailureKind::Quota => "the quota is used up",
        FailureKind::RateLimited => "our rate limit is reached",
        FailureKind::Forbidden => "we may not ask this",
        FailureKind::NotFound => "the address does not exist",
        FailureKind::BadRequest => "our request is wrong",
        FailureKind::ModelRetired => "the model is retired",
        FailureKind::ContentFilter => "our question is filtered",
        FailureKind::Blocked => "a bot check stands in the way",
        FailureKind::CertExpiring => "the certificate is about to expire",
        FailureKind::Proxy => "our proxy fails",
        FailureKind::TlsUntrusted => "the certificate is not trusted here",
        _ => "the trouble is on our side",
    }
}

/// What to do about it.
const fn remedy(cause: FailureKind) -> &'static str {
    match cause {
        FailureKind::Auth => {
            "Put a valid key where `key` in probes.toml points, then run: systemctl reload watchfire"
        }
        FailureKind::Quota => "Top up the balance, or raise the limit, at the provider.",
        FailureKind::RateLimited => {
            "Probe less often (`every`), or ask the provider for a higher limit; perhaps something else uses the same key."
        }
        FailureKind::Forbidden => {
            "Look at the plan, the region and the permissions of the key at the provider."
        }
        FailureKind::NotFound => "Look at `url`, `base_url` and `model` in probes.toml.",
        FailureKind::BadRequest => {
            "Look at the last answer below, and at the probe in probes.toml: `watchfire probe NAME` tries it at once."
        }
        FailureKind::ModelRetired => "Choose another `model` in probes.toml.",
        FailureKind::ContentFilter => "Choose another question (`prompt`) in probes.toml.",
        FailureKind::Blocked => {
            "Have the address of this prober let through, or watch an address that has no bot check."
        }
        FailureKind::CertExpiring => "Renew it.",
        FailureKind::Proxy => "Look at the proxy that probes.toml names.",
        FailureKind::TlsUntrusted => {
            "Give the probe the right `ca`, or renew the roots of this machine."
        }
        _ => "Look at the last answer below.",
    }
}

/// The state and the service.
pub fn headline(n: &Notification, cause: FailureKind) -> String {
    let title = title(n);
    match n.event.event {
        EventKind::Close if n.event.retired => {
            format!("NOT WATCHED ANY MORE: {title}: {}", what(cause))
        }
        EventKind::Close => format!("SETTLED: {title}: no longer {}", settled(cause)),
        _ => format!("NOTICE: {title}: {}", what(cause)),
    }
}

fn settled(cause: FailureKind) -> String {
    format!("\"{}\"", what(cause))
}

/// What is to be known first.
pub fn sentences(n: &Notification, cause: FailureKind) -> Vec<String> {
    let (event, v) = (&n.event, &n.event.verdict);
    if event.event == EventKind::Close {
        let over = match event.retired {
            true => "Its probes were removed from probes.toml.".to_owned(),
            false => format!(
                "Good answers come again since {}.",
                clock(event.since, n.event.at)
            ),
        };
        return vec![
            over,
            format!(
                "It lasted about {}; {} of {} runs were answered so.",
                span(event.since.since(n.opened_at)),
                grouped(v.failed),
                grouped(v.of)
            ),
        ];
    }
    vec![
        remedy(cause).to_owned(),
        format!(
            "{} runs in a row were answered so, from {} on.",
            grouped(v.failed),
            clock(event.since, n.event.at)
        ),
        format!(
            "This is no outage and does not count as one. But as long as it lasts, {}.",
            blind(&n.concerned)
        ),
    ]
}

/// Which probes see nothing.
fn blind(probes: &[String]) -> String {
    match probes {
        [] => "these probes see nothing".to_owned(),
        [probe] => format!("{} sees nothing", name(probe, NAME_LIMIT)),
        probes => format!("{} see nothing", line(&listed(probes), LISTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fault, Outcome};

    #[test]
    fn what_usually_is_ours_has_words_of_its_own() {
        for kind in [
            FailureKind::Auth,
            FailureKind::Quota,
            FailureKind::RateLimited,
            FailureKind::Forbidden,
            FailureKind::BadRequest,
            FailureKind::ModelRetired,
            FailureKind::Blocked,
        ] {
            assert_eq!(Outcome::Failure(kind, Fault::Ours).counts(), None);
            assert_ne!(what(kind), what(FailureKind::Internal), "{kind}");
            assert_ne!(remedy(kind), remedy(FailureKind::Internal), "{kind}");
        }
    }
}
