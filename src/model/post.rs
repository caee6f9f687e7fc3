//! What the reports of the sender add up to: that a way out was closed for long, that somebody cannot be reached.
//!
//! Pure. Kept with what was told, so that a restart in the middle of an outage still knows when it began.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::is_default;
use super::notification::{DeliveryReport, DeliveryResult};
use super::{IncidentId, Timestamp};

/// What waited for less than this is not late: a restart of the server, a greylisting.
pub const LATE: Duration = Duration::from_secs(300);
/// That a recipient is refused is told of again after so long: somebody who has left stays in no list for ever.
const AGAIN: Duration = Duration::from_secs(7 * 86_400);
/// Recipients that are remembered as refused; more than any list has.
const MOST: usize = 1_000;

/// By which way a letter leaves: all mail by one, each webhook by its own.
///
/// The recipient of a letter to a webhook is `webhook:NAME`, which no address is.
pub fn lane(recipient: &str) -> &str {
    match recipient.strip_prefix(WEBHOOK) {
        Some(_) => recipient,
        None => "mail",
    }
}

/// What of the outbox goes by one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lane {
    /// All mail.
    Mail,
    /// The letters to this recipient.
    Webhook(String),
    /// The letters to webhooks that are none of these.
    Others(Vec<String>),
}

impl Lane {
    /// Whether a letter to this recipient goes this way.
    pub fn takes(&self, recipient: &str) -> bool {
        let is_hook = recipient.starts_with(WEBHOOK);
        match self {
            Lane::Mail => !is_hook,
            Lane::Webhook(name) => name == recipient,
            Lane::Others(known) => is_hook && !known.iter().any(|name| name == recipient),
        }
    }
}

/// What the recipient of a letter to a webhook begins with.
pub const WEBHOOK: &str = "webhook:";

/// To whom a letter was, and what about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// The recipient.
    pub recipient: String,
    /// The incident in whose thread it stands.
    pub incident: Option<IncidentId>,
}

/// Something that people are to be told about the mails themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostNews {
    /// A way out is open again that was closed for long.
    Reopened {
        /// Which one: see [`lane`].
        lane: String,
        /// When it was first found closed.
        from: Timestamp,
        /// When it was open again.
        to: Timestamp,
    },
    /// Somebody does not get a mail, and never will.
    Refused {
        /// Whom it was for.
        to: Addressed,
        /// The server's last words.
        reply: String,
    },
}

/// How the ways out are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Post {
    /// Since when which way is closed.
    #[serde(default, skip_serializing_if = "is_default")]
    closed: BTreeMap<String, Timestamp>,
    /// Since when it is known that these refuse our mails.
    #[serde(default, skip_serializing_if = "is_default")]
    refused: BTreeMap<String, Timestamp>,
}

impl Post {
    /// Takes in what came of an attempt, and what follows of it.
    pub fn take(&mut self, report: &DeliveryReport, to: &Addressed) -> Vec<PostNews> {
        let lane = lane(&to.recipient);
        let mut news = Vec::new();
        if !report.reached {
            self.closed.entry(lane.to_owned()).or_insert(report.at);
        } else if let Some(from) = self.closed.remove(lane)
            && report.at.since(from) >= LATE
        {
            news.push(PostNews::Reopened {
                lane: lane.to_owned(),
                from,
                to: report.at,
            });
        }
        match report.result {
            DeliveryResult::Sent => {
                self.refused.remove(&to.recipient);
            }
            DeliveryResult::Dead if self.is_news(&to.recipient, report.at) => {
                self.refused.insert(to.recipient.clone(), report.at);
                news.push(PostNews::Refused {
                    to: to.clone(),
                    reply: report.reply.clone(),
                });
            }
            _ => {}
        }
        news
    }

    /// Since when the way to a recipient is closed.
    pub fn closed_since(&self, recipient: &str) -> Option<Timestamp> {
        self.closed.get(lane(recipient)).copied()
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        let all = self.closed.values_mut().chain(self.refused.values_mut());
        all.for_each(|at| *at = at.shifted(micros));
    }

    fn is_news(&self, recipient: &str, now: Timestamp) -> bool {
        match self.refused.get(recipient) {
            Some(at) => now.since(*at) >= AGAIN,
            None => self.refused.len() < MOST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2026-11-08T03:00:00Z";

    fn at(seconds: u64) -> Timestamp {
        Timestamp::parse(START).unwrap() + Duration::from_secs(seconds)
    }

    fn report(seconds: u64, reached: bool, result: DeliveryResult) -> DeliveryReport {
        DeliveryReport {
            id: 1,
            at: at(seconds),
            result,
            reached,
            reply: "550 gone".to_owned(),
        }
    }

    fn to(recipient: &str) -> Addressed {
        Addressed {
            recipient: recipient.to_owned(),
            incident: Some(IncidentId(7)),
        }
    }

    #[test]
    fn a_way_that_was_closed_for_long_is_news_when_it_opens_and_a_hiccup_is_not() {
        let mut post = Post::default();
        let (a, b, hook) = (to("a@b.c"), to("d@e.f"), to("webhook:ops"));
        let later = DeliveryResult::Deferred(at(0));
        assert_eq!(post.take(&report(0, false, later), &a), []);
        assert_eq!(post.take(&report(200, false, later), &b), []);
        assert_eq!(post.closed_since("d@e.f"), Some(at(0)));
        assert_eq!(post.closed_since("webhook:ops"), None);
        assert_eq!(
            post.take(&report(250, true, DeliveryResult::Sent), &hook),
            []
        );
        let opened = PostNews::Reopened {
            lane: "mail".to_owned(),
            from: at(0),
            to: at(301),
        };
        assert_eq!(post.take(&report(301, true, later), &b), [opened]);
        assert_eq!(post.take(&report(400, false, later), &a), []);
        assert_eq!(post.take(&report(410, true, DeliveryResult::Sent), &a), []);
    }

    #[test]
    fn that_somebody_is_refused_is_told_once_until_a_mail_gets_through_or_a_week_is_over() {
        let mut post = Post::default();
        let gone = to("gone@b.c");
        let told = |post: &mut Post, seconds, result| {
            post.take(&report(seconds, true, result), &gone).len()
        };
        assert_eq!(told(&mut post, 0, DeliveryResult::Dead), 1);
        assert_eq!(told(&mut post, 60, DeliveryResult::Dead), 0);
        assert_eq!(told(&mut post, 120, DeliveryResult::Sent), 0);
        assert_eq!(told(&mut post, 180, DeliveryResult::Dead), 1);
        assert_eq!(told(&mut post, 180 + 7 * 86_400, DeliveryResult::Dead), 1);
    }

    #[test]
    fn it_comes_back_from_what_was_written() {
        let mut post = Post::default();
        assert_eq!(serde_json::to_string(&post).unwrap(), "{}");
        post.take(&report(0, false, DeliveryResult::Dead), &to("a@b.c"));
        let written = serde_json::to_string(&post).unwrap();
        assert_eq!(serde_json::from_str::<Post>(&written).unwrap(), post);
    }
}
