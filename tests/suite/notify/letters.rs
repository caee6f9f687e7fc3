//! How a mail looks to a person, to a mail program, and to somebody who wants to misuse it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use html5gum::{Token, Tokenizer};
use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders as _};
use proptest::prelude::*;
use watchfire::model::common::Common;
use watchfire::model::digest::{Digest, ServiceDigest};
use watchfire::model::fold::PlainRule;
use watchfire::model::life::Theme;
use watchfire::model::notification::{
    Compose as _, Fellow, LastFailure, Letter, Note, NoteAbout, Notification, Pace, ProbeTally,
    Reason, Reminder, Thread,
};
use watchfire::model::said::{Acked, Lifted, Remarks, Unsent};
use watchfire::model::scene::{PageWord, Picture, Scene, Step};
use watchfire::model::{
    Deadline, EventKind, FailureKind, Fault, IncidentEvent, IncidentId, IncidentKind, ProbeId,
    Quantity, Severity, Slow, Standing, Timestamp, Topic, Verdict,
};
use watchfire::notify::MailComposer;

const TO: &str = "oncall@example.com";
/// Mails above this size are cut by some readers (Gmail: 102 KB).
const LARGEST: usize = 100 * 1024;

fn composer() -> MailComposer {
    MailComposer::new(
        "watchfire <watchfire@example.com>",
        "5c922e16753ddbbd.watchfire",
    )
    .unwrap()
}

fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2023-11-08T{time}Z")).unwrap()
}

fn reason(kind: FailureKind, fault: Fault, status: Option<u16>, count: u32) -> Reason {
    Reason {
        kind,
        fault,
        status,
        count,
    }
}

fn tally(name: &str, failed: u32, of: u32) -> ProbeTally {
    ProbeTally {
        id: Some(ProbeId(name.len() as u32)),
        name: name.to_owned(),
        failed,
        of,
    }
}

/// The alarm of the night to 8 November 2023.
pub(crate) fn open() -> Notification {
    Notification {
        event: IncidentEvent {
            incident: IncidentId(1),
            sequence: 0,
            event: EventKind::Open,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Partial,
            at: at("03:43:42"),
            since: at("03:40:35"),
            verdict: Verdict {
                failed: 7,
                of: 16,
                usual: 0.01,
                window_s: 187.0,
                score: 14.2,
                bound: 12.4,
            },
        },
        opened_at: at("03:43:42"),
        thread: Thread {
            incident: IncidentId(1),
            sequence: 0,
            title: "OpenAI".to_owned(),
            theme: Theme::ERRORS,
            severity: Severity::Partial,
        },
        reopened: 0,
        service: "openai".to_owned(),
        title: "OpenAI".to_owned(),
        reasons: vec![
            reason(FailureKind::ServerError, Fault::Provider, Some(503), 5),
            reason(FailureKind::Timeout, Fault::Provider, None, 1),
            reason(FailureKind::Reset, Fault::Network, None, 1),
            reason(FailureKind::RateLimited, Fault::Ours, Some(429), 1),
        ],
        probes: vec![
            tally("chat", 4, 6),
            tally("image", 3, 4),
            tally("login", 0, 6),
        ],
        concerned: Vec::new(),
        rule: None,
        last_failure: Some(LastFailure {
            probe: "chat".to_owned(),
            at: at("03:43:40"),
            kind: FailureKind::ServerError,
            status: Some(503),
            text: "HTTP 503, wanted 2xx: {\"error\":{\"message\":\"The server is overloaded\"}}"
                .to_owned(),
            request_id: Some("req_02226cc070352704".to_owned()),
        }),
        location: "fra-1".to_owned(),
        reopen_within: Duration::from_secs(3600),
        pace: Pace::Steps,
        fellows: Vec::new(),
        common: None,
        works: Vec::new(),
        remarks: Default::default(),
        scene: Default::default(),
    }
}

fn escalate() -> Notification {
    let mut n = open();
    n.event.sequence = 1;
    n.event.event = EventKind::Escalate;
    n.event.severity = Severity::Major;
    n.event.at = at("03:55:12");
    n.event.since = at("03:52:00");
    n.event.verdict = Verdict {
        failed: 41,
        of: 48,
        usual: 0.01,
        window_s: 192.0,
        score: 88.0,
        bound: 12.4,
    };
    n
}

pub(crate) fn close() -> Notification {
    let mut n = open();
    n.event.sequence = 2;
    n.event.event = EventKind::Close;
    n.event.severity = Severity::Major;
    n.event.at = at("04:51:18");
    n.event.since = at("04:42:36");
    n.event.verdict = Verdict {
        failed: 228,
        of: 1009,
        usual: 0.01,
        window_s: 4243.0,
        score: 0.0,
        bound: 0.0,
    };
    n
}

fn reopen() -> Notification {
    let mut n = open();
    n.event.sequence = 3;
    n.event.event = EventKind::Reopen;
    n.event.at = at("04:58:20");
    n.event.since = at("04:56:21");
    n.event.verdict.window_s = 119.0;
    n.reopened = 1;
    n
}

#[test]
fn a_trouble_that_keeps_coming_back_is_said_to_and_when_the_next_mail_comes() {
    let mut n = reopen();
    n.pace = Pace::ComesBack;
    n.reopen_within = Duration::from_secs(2 * 3600);
    let told = text(&n);
    assert!(told.contains(
        "It keeps coming back, and not each time is worth a mail. The next one in this thread comes when it is worse \
         than ever, when it stays broken for 1 h, or when it has stayed well for at least 2 h."
    ), "{told}");
    n.event.severity = Severity::Major;
    let told = text(&n);
    assert!(
        told.contains("comes when it stays broken for 1 h, or"),
        "{told}"
    );

    let mut n = close();
    n.pace = Pace::StaysWell;
    n.reopened = 9;
    n.reopen_within = Duration::from_secs(8 * 3600);
    let told = text(&n);
    assert!(told.contains("with 9 lulls"), "{told}");
    assert!(
        told.contains("It has stayed well for 8 h since, and is not watched any more."),
        "{told}"
    );
    assert!(!told.contains("Should it break again"), "{told}");
}

#[test]
fn a_rule_of_the_users_is_told_in_place_of_what_is_usual() {
    let mut n = open();
    n.rule = Some(PlainRule::Rate {
        over: 0.2,
        window: Duration::from_secs(300),
        min_runs: 5,
    });
    let told = text(&n);
    let counted = "7 of 16 runs failed in the last 3 min (44%); \
                   the rule in probes.toml is: more than 20 % of the runs of 5m fail (of at least 5).";
    assert!(
        told.contains(counted) && !told.contains("usually"),
        "{told}"
    );
}

#[test]
fn an_incident_whose_probes_were_removed_has_not_recovered() {
    for pace in [Pace::Steps, Pace::ComesBack] {
        let mut n = close();
        n.event.retired = true;
        n.pace = pace;
        let told = text(&n);
        let head = "NOT WATCHED ANY MORE: OpenAI\n\n\
                    Its probes were removed from probes.toml: nobody can tell whether it goes on.\n\
                    The major outage was seen for 1 h 11 min, from 03:40:35 UTC on.";
        assert!(told.replace("\r\n", "\n").starts_with(head), "{told}");
        for wrong in ["worked again", "stayed well", "break again", "RECOVERED"] {
            assert!(!told.contains(wrong), "{told}");
        }
    }
    let mut n = notice();
    n.event.event = EventKind::Close;
    n.event.retired = true;
    let told = text(&n);
    assert!(
        !told.contains("Good answers") && !told.contains("SETTLED"),
        "{told}"
    );
}

#[test]
fn the_probes_that_an_incident_is_about_are_named_whatever_it_counts() {
    let mut n = slow(Quantity::Total, "chat");
    n.event.slow = None;
    n.concerned = vec!["chat".to_owned(), "chat-stream".to_owned()];
    let told = text(&n);
    assert!(told.contains("Slow are chat and chat-stream."), "{told}");
    let mut n = notice();
    n.concerned = vec!["image".to_owned()];
    let told = text(&n);
    assert!(
        told.contains("as long as it lasts, image sees nothing."),
        "{told}"
    );
}

fn parse(letter: &Letter) -> Message<'_> {
    MessageParser::default().parse(&letter.bytes).unwrap()
}

fn compose(n: &Notification) -> Letter {
    composer().compose(n, TO)
}

/// The same night, when others had joined.
fn together() -> Notification {
    let fellow = |title: &str, incident, open, severity, since| Fellow {
        title: title.to_owned(),
        incident: IncidentId(incident),
        open,
        severity,
        since: at(since),
    };
    Notification {
        fellows: vec![
            fellow("ChatGPT", 2, true, Severity::Major, "03:41:02"),
            fellow("DALL-E", 3, true, Severity::Partial, "03:42:10"),
            fellow("OpenAI log-in", 4, false, Severity::Partial, "03:40:50"),
        ],
        common: Some(Common::Provider("OpenAI".to_owned())),
        works: vec!["Anthropic".to_owned(), "Our gateway".to_owned()],
        ..open()
    }
}

/// A key that was revoked.
fn notice() -> Notification {
    let mut n = open();
    n.event.kind = IncidentKind::Notice;
    n.event.cause = Some(FailureKind::Auth);
    n.event.severity = Severity::Degraded;
    n.event.verdict.failed = 2;
    n.event.verdict.of = 2;
    n.thread.theme = Theme::notice(FailureKind::Auth);
    n.reasons = vec![reason(FailureKind::Auth, Fault::Ours, Some(401), 2)];
    n.probes = Vec::new();
    n.last_failure = None;
    n
}

fn reminder() -> Reminder {
    Reminder {
        deadline: Deadline {
            topic: Topic::Certificate,
            subject: "llm.example.com:443".to_owned(),
            at: at("23:00:00") + Duration::from_secs(6 * 86_400),
        },
        days: 7,
        service: "gateway".to_owned(),
        title: "Our gateway".to_owned(),
        location: "fra-1".to_owned(),
        at: at("12:00:00"),
    }
}

fn text(n: &Notification) -> String {
    let letter = compose(n);
    parse(&letter).body_text(0).unwrap().into_owned()
}

fn html(n: &Notification) -> String {
    let letter = compose(n);
    parse(&letter).body_html(0).unwrap().into_owned()
}

#[test]
fn an_alarm_says_what_is_broken_how_badly_and_since_when() {
    insta::assert_snapshot!("open_text", text(&open()));
    insta::assert_snapshot!("open_html", html(&open()));
}

#[test]
fn a_worsening_says_what_it_is_now() {
    insta::assert_snapshot!("escalate_text", text(&escalate()));
    insta::assert_snapshot!("escalate_html", html(&escalate()));
}

#[test]
fn a_recovery_tells_the_whole_story() {
    insta::assert_snapshot!("close_text", text(&close()));
    insta::assert_snapshot!("close_html", html(&close()));
}

/// Answers have become slow.
fn slow(quantity: Quantity, probe: &str) -> Notification {
    let mut n = open();
    n.event.kind = IncidentKind::Latency;
    n.thread.theme = Theme::LATENCY;
    n.event.severity = Severity::Degraded;
    n.event.slow = Some(Slow {
        probe: ProbeId(probe.len() as u32),
        quantity,
        usual_us: 812_000,
        now_us: 2_940_000,
        runs: 12,
    });
    n.reasons.clear();
    n.last_failure = None;
    n
}

#[test]
fn a_slowdown_says_what_is_slow_and_how_slow() {
    let n = slow(Quantity::FirstToken, "chat");
    insta::assert_snapshot!("slow_text", text(&n));
    let subject = parse(&compose(&n)).subject().map(str::to_owned);
    assert_eq!(
        subject.as_deref(),
        Some("[watchfire] #1 OpenAI: slow answers")
    );
}

#[test]
fn the_end_of_a_slowdown_says_that_it_is_fast_again_or_is_what_is_usual_now() {
    let mut n = slow(Quantity::Total, "image");
    n.event.event = EventKind::Close;
    let still = text(&n);
    assert!(still.contains("is what is usual from now on"), "{still}");
    if let Some(slow) = &mut n.event.slow {
        slow.now_us = 800_000;
    }
    insta::assert_snapshot!("fast_again_text", text(&n));
}

#[test]
fn answers_later_than_allowed_are_told_as_such() {
    let mut n = slow(Quantity::Total, "chat");
    n.event.slow = None;
    let text = text(&n);
    assert!(
        text.contains("7 of 16 runs were slower than allowed in the last 3 min (44%)"),
        "{text}"
    );
}

#[test]
fn services_that_fail_together_are_told_of_together() {
    insta::assert_snapshot!("together_text", text(&together()));
    insta::assert_snapshot!("together_html", html(&together()));
}

#[test]
fn a_notice_says_what_to_do_and_that_it_is_no_outage() {
    insta::assert_snapshot!("notice_text", text(&notice()));
    insta::assert_snapshot!("notice_html", html(&notice()));
}

/// With all that a daemon gathers around an alert.
fn surrounded() -> Notification {
    let mut n = escalate();
    n.scene = Scene {
        picture: Some(Arc::new(Picture {
            png: b"\x89PNG".to_vec(),
            size: (360, 300),
            alt: "At most 50 % failed, at 03:44.".to_owned(),
        })),
        steps: vec![step(&open()), step(&n)],
        first: n.last_failure.clone().map(|last| LastFailure {
            at: at("03:40:35"),
            ..last
        }),
        request_ids: vec!["req_02226cc070352704".to_owned(), "req_b".to_owned()],
        pages: vec![PageWord {
            probe: "status".to_owned(),
            standing: Standing::Partial,
            since: at("03:51:00"),
            read_at: at("03:55:00"),
            post: Some("Elevated errors".to_owned()),
        }],
    };
    n
}

#[test]
fn an_alarm_shows_the_last_hours_the_course_of_it_and_what_the_provider_says() {
    let letter = compose(&surrounded());
    assert_eq!(defects(&letter), Vec::<String>::new());
    insta::assert_snapshot!("surrounded_text", text(&surrounded()));
    insta::assert_snapshot!("surrounded_html", html(&surrounded()));
    let mail = parse(&letter);
    let picture = mail
        .parts
        .iter()
        .find(|p| p.content_id().is_some())
        .unwrap();
    let id = "chart.1.1.daa7b60ab4408dbe@5c922e16753ddbbd.watchfire";
    assert_eq!(picture.content_id(), Some(id));
    assert_eq!(picture.contents(), b"\x89PNG");
    assert!(html(&surrounded()).contains(&format!("src=\"cid:{id}\"")));
}

#[test]
fn what_a_page_says_is_told_whatever_it_is() {
    for (standing, words) in [
        (Standing::Unknown, "could not be read since 03:51:00 UTC."),
        (
            Standing::Operational,
            "admits no trouble, as of 03:55:00 UTC.",
        ),
        (Standing::Maintenance, "says planned work, since"),
        (Standing::Degraded, "says degraded performance, since"),
        (Standing::Major, "says a major outage, since"),
    ] {
        let mut n = surrounded();
        n.scene.pages[0].standing = standing;
        assert!(text(&n).contains(words), "{}", text(&n));
    }
}

#[test]
fn an_alarm_says_on_which_side_the_failures_lie() {
    let with = |reasons: Vec<Reason>| text(&Notification { reasons, ..open() });
    let theirs = || reason(FailureKind::ServerError, Fault::Provider, Some(503), 5);
    let between = || reason(FailureKind::Reset, Fault::Network, None, 2);
    assert!(with(vec![theirs()]).contains("It is them: all that failed"));
    assert!(with(vec![between()]).contains("It may be the network between"));
    assert!(
        with(vec![theirs(), between()])
            .contains("5 failures lie on their side, 2 on the way to them.")
    );
}

#[test]
fn a_reminder_says_what_ends_when() {
    let letter = composer().remind(&reminder(), TO);
    let mail = parse(&letter);
    assert_eq!(
        mail.subject(),
        Some("[watchfire] Our gateway: end of the certificate of llm.example.com:443")
    );
    insta::assert_snapshot!("reminder_text", mail.body_text(0).unwrap());
}

#[test]
fn a_mail_that_stands_for_others_says_so_and_why() {
    let mut n = close();
    n.remarks.stands_for = Some(Unsent {
        mails: 2,
        since: at("03:40:00"),
        server_away: true,
    });
    let said = text(&n).replace('\n', " ");
    for part in [
        "RECOVERED: ",
        "This stands for 2 mails from 03:40:00 UTC on that did not come to be sent, because the mail server could not be reached.",
        "lasted about",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn mails_about_mails_say_what_was_late_and_who_gets_none() {
    let note = |about| Note {
        about,
        location: "berlin".to_owned(),
        at: at("11:20:00"),
    };
    let late = note(NoteAbout::Late {
        from: at("03:12:00"),
        to: at("11:20:00"),
        waiting: 12,
        folded: 5,
    });
    let refused = note(NoteAbout::Refused {
        recipient: "gone@example.com".to_owned(),
        reply: "550 5.1.1 user\r\nunknown\u{1b}[31m".to_owned(),
        incident: Some(IncidentId(7)),
    });
    let mails = [late, refused].map(|note| {
        let letter = composer().note(&note, TO);
        let mail = parse(&letter);
        format!(
            "{}\n\n{}",
            mail.subject().unwrap(),
            mail.body_text(0).unwrap()
        )
    });
    insta::assert_snapshot!("notes_text", mails.join("\n----\n"));
}

#[test]
fn a_digest_tells_service_by_service_what_was_and_what_is_coming() {
    let digest = Digest {
        from: at("00:00:00") - Duration::from_secs(86_400),
        to: at("00:00:00"),
        zone: chrono_tz::UTC,
        location: "fra-1".to_owned(),
        services: vec![ServiceDigest {
            title: "OpenAI <b>".to_owned(),
            incidents: 1,
            open: 0,
            facts: vec![
                ("up", "98.91 %".to_owned()),
                (
                    "incident",
                    "1, errors (partial): lasted 1 h\r\n2 min".to_owned(),
                ),
            ],
        }],
        coming: vec!["the certificate of a.example.com:443 ends".to_owned()],
    };
    let letter = composer().digest(&digest, TO);
    let mail = parse(&letter);
    assert_eq!(
        mail.subject(),
        Some("[watchfire] Digest of the day to 2023-11-08")
    );
    assert!(mail.message_id().unwrap().starts_with("digest."));
    insta::assert_snapshot!("digest_text", mail.body_text(0).unwrap());
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("OpenAI &#60;b&#62;"), "{html}");
    assert_eq!(letter, composer().digest(&digest, TO));
}

#[test]
fn a_mail_says_who_works_on_it_and_that_it_was_kept_back() {
    let mut n = open();
    n.remarks = Remarks {
        silence: Some(Lifted {
            at: at("05:00:00"),
            who: "ann".to_owned(),
            why: "they\nknow".to_owned(),
        }),
        ack: Some(Acked {
            who: "bob\u{202e}".to_owned(),
            at: at("04:10:00"),
            note: String::new(),
            ends: false,
        }),
        stands_for: None,
        joins: None,
        reminder: 0,
    };
    let said = text(&n).replace('\n', " ");
    let kept = "Its mails were kept back until 05:00:00 UTC by a silence of ann: \"they know\"";
    assert!(said.contains(kept), "{said}");
    assert!(
        said.contains("bob acknowledged it at 04:10:00 UTC."),
        "{said}"
    );
    // It does not come before mails that are older.
    let letter = compose(&n);
    let date = parse(&letter).date().unwrap().to_timestamp();
    assert_eq!(date, at("05:00:00").as_micros() / 1_000_000);
    if let Some(ack) = &mut n.remarks.ack {
        ack.ends = true;
    }
    assert!(text(&n).contains("this is new trouble"), "{}", text(&n));
}

#[test]
fn a_relapse_says_that_it_is_the_same_incident() {
    insta::assert_snapshot!("reopen_text", text(&reopen()));
    insta::assert_snapshot!("reopen_html", html(&reopen()));
}

#[test]
fn a_recovery_after_a_relapse_counts_the_lulls() {
    let mut n = close();
    n.reopened = 1;
    let one = text(&n);
    n.reopened = 3;
    let three = text(&n);
    assert!(
        one.contains("with one lull,") && three.contains("with 3 lulls,"),
        "{three}"
    );
}

fn all() -> [Notification; 4] {
    [open(), escalate(), close(), reopen()]
}

#[test]
fn all_mails_of_an_incident_are_one_thread_of_one_subject() {
    let letters: Vec<Letter> = all().iter().map(compose).collect();
    let root = "1.0.daa7b60ab4408dbe@5c922e16753ddbbd.watchfire";
    for (number, letter) in letters.iter().enumerate() {
        let mail = parse(letter);
        assert_eq!(
            mail.subject(),
            Some("[watchfire] #1 OpenAI: partial outage")
        );
        let id = format!("1.{number}.daa7b60ab4408dbe@5c922e16753ddbbd.watchfire");
        assert_eq!(mail.message_id(), Some(id.as_str()));
        assert_eq!(letter.message_id, format!("<{id}>"));
        let parents = [mail.in_reply_to(), mail.references()].map(HeaderValue::as_text);
        let wanted = (number > 0).then_some(root);
        assert_eq!(parents, [wanted; 2], "event {number}");
    }
}

#[test]
fn when_the_first_event_was_not_mailed_the_first_mailed_one_is_the_root() {
    let mut n = escalate();
    n.thread.sequence = 1;
    let letter = compose(&n);
    assert_eq!(parse(&letter).in_reply_to(), &HeaderValue::Empty);
    let mut n = close();
    n.thread.sequence = 1;
    let letter = compose(&n);
    let root = parse(&letter).in_reply_to().as_text().map(str::to_owned);
    assert!(root.unwrap().starts_with("1.1."));
}

#[test]
fn two_recipients_get_two_letters_with_ids_of_their_own() {
    let [a, b] = ["a@example.com", "b@example.com"].map(|to| composer().compose(&open(), to));
    assert_ne!(a.message_id, b.message_id);
    assert_eq!(
        parse(&a).to().unwrap().first().unwrap().address(),
        Some("a@example.com")
    );
    assert!(!String::from_utf8_lossy(&a.bytes).contains("b@example.com"));
}

#[test]
fn robots_and_filters_find_their_headers() {
    let letter = compose(&escalate());
    let mail = parse(&letter);
    let raw = |name: &'static str| mail.header_raw(name).map(str::trim);
    assert_eq!(raw("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(raw("List-Id"), Some("<openai.5c922e16753ddbbd.watchfire>"));
    assert_eq!(raw("Date"), Some("Wed, 08 Nov 2023 03:55:12 +0000"));
    assert_eq!(raw("X-Watchfire-Event"), Some("escalate"));
    assert_eq!(raw("X-Watchfire-Incident"), Some("1"));
    assert_eq!(raw("From"), Some("watchfire <watchfire@example.com>"));
    assert_eq!(raw("MIME-Version"), Some("1.0"));
}

#[test]
fn a_test_mail_says_so_and_belongs_to_no_thread() {
    let letter = composer().compose_test(&open(), TO);
    let mail = parse(&letter);
    assert_eq!(mail.subject(), Some("[watchfire] Test alert"));
    assert_eq!(mail.in_reply_to(), &HeaderValue::Empty);
    assert!(mail.message_id().unwrap().starts_with("test."));
    let text = mail.body_text(0).unwrap();
    assert!(text.starts_with("TEST: nothing is broken"), "{text}");
}

#[test]
fn a_verdict_on_one_probe_of_several_names_it() {
    let said = |probes: Vec<ProbeTally>| {
        let letter = compose(&Notification { probes, ..open() });
        parse(&letter).body_text(0).unwrap().into_owned()
    };
    let alone = said(vec![tally("web", 7, 16), tally("image", 1, 3)]);
    assert!(alone.contains("7 of 16 runs of web failed"), "{alone}");
    for together in [
        vec![tally("web", 7, 16)],
        vec![tally("web", 7, 16), tally("image", 0, 0)],
        vec![tally("web", 7, 16), tally("image", 7, 16)],
        vec![tally("web", 4, 10), tally("image", 3, 6)],
    ] {
        let text = said(together);
        assert!(text.contains("7 of 16 runs failed"), "{text}");
    }
}

#[test]
fn the_same_notification_gives_the_same_bytes() {
    for n in all() {
        assert_eq!(compose(&n), compose(&n));
    }
}

/// What stands in a mail: nothing that runs or loads.
const TAGS: &[&str] = &[
    "html", "head", "meta", "title", "body", "table", "tr", "td", "h1", "h2", "p", "span", "bdi",
    "pre", "code", "img", "b", "br",
];
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "name",
    "content",
    "style",
    "role",
    "width",
    "cellpadding",
    "cellspacing",
    "align",
    "valign",
    "dir",
    "src",
    "alt",
];

/// All that must hold of every mail, whatever is in it. Returns what does not.
fn defects(letter: &Letter) -> Vec<String> {
    let mut found = Vec::new();
    let mut claim = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    let bytes = &letter.bytes;
    claim(
        bytes.len() <= LARGEST,
        &format!("it has {} bytes", bytes.len()),
    );
    claim(bytes.is_ascii() && !bytes.contains(&0), "it is not 7-bit");
    let whole = String::from_utf8_lossy(bytes);
    let unbroken = whole.replace("\r\n", "");
    claim(
        !unbroken.contains(['\r', '\n']),
        "a line ends otherwise than in CRLF",
    );
    claim(whole.ends_with("\r\n"), "the last line has no end");
    let longest = whole.split("\r\n").map(str::len).max();
    claim(longest <= Some(998), "a line is longer than 998");
    claim(
        whole
            .chars()
            .all(|c| !c.is_control() || "\r\n\t".contains(c)),
        "it holds control characters",
    );
    let Some(mail) = MessageParser::default().parse(bytes) else {
        return vec!["it is no mail".to_owned()];
    };
    let mut names: Vec<&str> = mail.headers().iter().map(|h| h.name()).collect();
    names.sort_unstable();
    let known = [
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "From",
        "In-Reply-To",
        "List-Id",
        "MIME-Version",
        "Message-ID",
        "References",
        "Subject",
        "To",
        "X-Watchfire-Event",
        "X-Watchfire-Incident",
    ];
    let known = known.iter().map(|n| n.to_ascii_lowercase());
    let lower: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
    claim(
        known.collect::<Vec<_>>() == lower,
        &format!("its headers are {names:?}"),
    );
    let recipients: Vec<_> = mail.to().into_iter().flat_map(|to| to.iter()).collect();
    claim(recipients.len() == 1, "it has more than one recipient");
    let kinds: Vec<String> = mail.parts[1..]
        .iter()
        .filter_map(|p| p.content_type())
        .map(|t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or_default()))
        .collect();
    let pictures = kinds.iter().filter(|k| *k == "image/png").count();
    let wanted: &[&str] = match pictures {
        0 => &["text/plain", "text/html"],
        _ => &["text/plain", "multipart/related", "text/html", "image/png"],
    };
    claim(kinds == wanted, &format!("its parts are {kinds:?}"));
    claim(
        mail.content_type().and_then(|t| t.subtype()) == Some("alternative"),
        "its parts are no alternatives",
    );
    let (text, html) = (mail.body_text(0), mail.body_html(0));
    claim(
        text.as_ref().is_some_and(|t| t.lines().count() >= 5),
        "its text is short",
    );
    claim(
        !text.unwrap_or_default().contains('\u{1b}'),
        "its text steers the terminal",
    );
    let mut shown = 0;
    for token in Tokenizer::new(html.unwrap_or_default().as_ref()).flatten() {
        let Token::StartTag(tag) = token else {
            continue;
        };
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        claim(TAGS.contains(&name.as_str()), &format!("it has a <{name}>"));
        for (key, value) in &tag.attributes {
            let (key, value) = (
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value).to_lowercase(),
            );
            claim(
                ATTRIBUTES.contains(&key.as_ref()),
                &format!("its <{name}> has {key}"),
            );
            let loads = match key.as_ref() {
                "src" => !value.starts_with("cid:chart."),
                "style" => value.contains("url(") || value.contains("@import"),
                _ => false,
            };
            claim(!loads, &format!("its <{name}> loads {value}"));
        }
        shown += usize::from(name == "img");
    }
    claim(shown == pictures, "it does not show its picture");
    found
}

/// A notification in which every text is `hostile`.
fn with(hostile: &str) -> Notification {
    let mut n = close();
    for name in [&mut n.service, &mut n.title, &mut n.location] {
        hostile.clone_into(name);
    }
    n.probes = (0..30).map(|_| tally(hostile, 1, 2)).collect();
    if let Some(last) = &mut n.last_failure {
        hostile.clone_into(&mut last.probe);
        hostile.clone_into(&mut last.text);
        last.request_id = Some(hostile.to_owned());
    }
    n.scene = Scene {
        picture: Some(Arc::new(Picture {
            png: vec![0x89, b'P', b'N', b'G', 0, 13, 10, b'.', 13, 10],
            size: (360, 300),
            alt: hostile.to_owned(),
        })),
        steps: vec![step(&open()), step(&escalate()), step(&n)],
        first: n.last_failure.clone(),
        request_ids: vec![hostile.to_owned(); 3],
        pages: vec![PageWord {
            probe: hostile.to_owned(),
            standing: Standing::Major,
            since: n.event.since,
            read_at: n.event.at,
            post: Some(hostile.to_owned()),
        }],
    };
    n
}

fn step(n: &Notification) -> Step {
    Step {
        at: n.event.at,
        event: n.event.event,
        severity: n.event.severity,
    }
}

#[test]
fn no_text_from_elsewhere_becomes_a_header_a_command_or_a_tag() {
    let long = "Subject: x ".repeat(1000);
    let emoji = "👩‍🚒🔥".repeat(2000);
    let nested = "</td></tr></table>".repeat(500);
    for hostile in [
        "",
        " ",
        "plain",
        "a\r\nBcc: thief@example.com\r\n\r\nbody",
        "a\nBcc: thief@example.com",
        "a\rBcc: thief@example.com",
        "\r\n.\r\nQUIT\r\n",
        ".",
        "..\r\n.",
        "From the start",
        "NUL \0 and \u{1b}[2J\u{1b}]0;gone\u{7}",
        "=?utf-8?q?=0D=0ABcc:_thief@example.com?=",
        "--=_watchfire_0000000000000000--",
        "grün 火の番 👩‍🚒",
        "\u{202e}txt.exe\u{202c} \u{2028}\u{feff}",
        "\u{fffd}\u{fffd} was not UTF-8",
        "<script>alert(1)</script>",
        "<img src=http://evil.example/x.png onerror=alert(1)>",
        "\"><style>@import url(http://evil.example)</style>",
        "'><a href='javascript:alert(1)'>x</a>",
        "&lt;script&gt; &#60;script&#62;",
        "{{7*7}} ${7*7} <%= 7*7 %> {% include \"/etc/passwd\" %}",
        "cid:secret url(http://evil.example) src=http://evil.example",
        long.as_str(),
        emoji.as_str(),
        nested.as_str(),
    ] {
        let letter = compose(&with(hostile));
        let shown: String = hostile.chars().take(60).collect();
        assert_eq!(defects(&letter), Vec::<String>::new(), "{shown:?}");
    }
}

#[test]
fn a_template_in_a_name_stays_as_it_is() {
    let text = text(&with("{{7*7}}"));
    assert!(text.contains("{{7*7}}") && !text.contains("49"), "{text}");
}

#[test]
fn a_recipient_that_is_no_address_adds_no_header() {
    for bad in [
        "a@b.c\r\nBcc: thief@example.com",
        "",
        "a@b.c, thief@example.com",
        "x\0@y",
    ] {
        let letter = composer().compose(&close(), bad);
        let whole = String::from_utf8_lossy(&letter.bytes);
        assert!(!whole.contains("thief"), "{whole}");
        assert!(!letter.message_id.contains(['\r', '\n', '\0']));
    }
}

/// For other parsers to look at: into the folder that WATCHFIRE_HOSTILE names, if it does.
fn keep(letter: &Letter) {
    if let Some(folder) = std::env::var_os("WATCHFIRE_HOSTILE") {
        let number = KEPT.fetch_add(1, Ordering::Relaxed);
        let file = Path::new(&folder).join(format!("{number}.eml"));
        std::fs::write(file, &letter.bytes).unwrap();
    }
}

static KEPT: AtomicUsize = AtomicUsize::new(0);

fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("\nBcc: thief@example.com".to_owned()),
        Just("<script>".to_owned()),
        Just("<img src=http://evil.example/x.png onerror=\"new Image().src='http://evil.example/ran'\">".to_owned()),
        Just("<script>new Image().src='http://evil.example/ran'</script>".to_owned()),
        Just("\"'></td></table><style>@import url(http://evil.example/x.css)</style>".to_owned()),
        Just("مراقبة 火の番 👩\u{200d}🚒 \u{fffd}".to_owned()),
        Just("\0\u{1b}[2J".to_owned()),
        Just("long ".repeat(2048)),
        Just("\u{202e}".to_owned()),
        Just("=?utf-8?b?".to_owned()),
        Just("--=_watchfire_".to_owned()),
        any::<char>().prop_map(String::from),
        "[ -~]{0,40}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_it_is_told_a_mail_is_well_formed(
        title in hostile_text(),
        evidence in hostile_text(),
        probe in hostile_text(),
    ) {
        let mut n = with(&evidence);
        n.title = title;
        n.probes[0].name = probe;
        let letter = compose(&n);
        keep(&letter);
        prop_assert_eq!(defects(&letter), Vec::<String>::new());
        prop_assert_eq!(letter, compose(&n));
    }
}
