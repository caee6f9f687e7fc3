//! Made-up alerts, one of each kind: for a preview, and for a test mail.
//!
//! All is reckoned from the moment at which the first one is opened.

mod digest;
mod notes;

use std::sync::Arc;
use std::time::Duration;

use crate::chart::{self, Figure, Period, Run, Span};
use crate::model::common::Common;
use crate::model::life::Theme;
use crate::model::notification::{
    Fellow, LastFailure, Notification, Pace, ProbeTally, Reason, Reminder, Thread,
};
use crate::model::scene::{PageWord, Picture, Scene, Step};
use crate::model::trace::TimeColumn;
use crate::model::{
    Deadline, EventKind, FailureKind, Fault, IncidentEvent, IncidentId, IncidentKind, ProbeId,
    Quantity, Severity, Slow, Standing, Timestamp, Topic, Verdict,
};

pub use digest::digest;
pub use notes::{damaged, folded, late, refused, storage, stored, unrecorded};

/// From the onset to the alarm.
const NOTICED: Duration = Duration::from_secs(187);
const PROBES: [&str; 4] = ["chat", "image", "login", "models"];
/// A run of each probe each so often.
const EVERY: Duration = Duration::from_secs(30);

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

fn verdict(failed: u32, of: u32, window: Duration) -> Verdict {
    Verdict {
        failed,
        of,
        usual: 0.003,
        window_s: window.as_secs_f64(),
        score: 14.2,
        bound: 12.4,
    }
}

fn reason(kind: FailureKind, fault: Fault, status: Option<u16>, count: u32) -> Reason {
    Reason {
        kind,
        fault,
        status,
        count,
    }
}

fn tally(index: usize, failed: u32, of: u32) -> ProbeTally {
    ProbeTally {
        id: u32::try_from(index).ok().map(ProbeId),
        name: PROBES.get(index).copied().unwrap_or_default().to_owned(),
        failed,
        of,
    }
}

fn failure(at: Timestamp) -> LastFailure {
    LastFailure {
        probe: "chat".to_owned(),
        at,
        kind: FailureKind::ServerError,
        status: Some(503),
        text: "HTTP 503, wanted 2xx: {\"error\":{\"message\":\"The server is overloaded or not ready yet.\",\"type\":\"server_error\"}}"
            .to_owned(),
        request_id: Some("req_02226cc070352704".to_owned()),
    }
}

/// It began.
pub fn open(at: Timestamp, location: &str) -> Notification {
    let since = at - NOTICED;
    let steps = vec![step(at, EventKind::Open, Severity::Partial)];
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
            at,
            since,
            verdict: verdict(8, 19, NOTICED),
        },
        opened_at: at,
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
            reason(FailureKind::ServerError, Fault::Provider, Some(503), 6),
            reason(FailureKind::Timeout, Fault::Provider, None, 1),
            reason(FailureKind::Reset, Fault::Network, None, 1),
            reason(FailureKind::RateLimited, Fault::Ours, Some(429), 1),
        ],
        probes: vec![
            tally(0, 5, 6),
            tally(1, 3, 4),
            tally(2, 0, 5),
            tally(3, 0, 4),
        ],
        concerned: Vec::new(),
        rule: None,
        last_failure: Some(failure(at - Duration::from_secs(2))),
        location: location.to_owned(),
        reopen_within: minutes(60),
        pace: Pace::Steps,
        fellows: Vec::new(),
        common: None,
        works: vec![
            "Anthropic (usually 1.2 s)".to_owned(),
            "Our gateway".to_owned(),
        ],
        remarks: Default::default(),
        scene: Scene {
            picture: picture("OpenAI", at, since, &steps, Wrong::Fails),
            steps,
            first: Some(failure(since)),
            request_ids: vec![
                "req_02226cc070352704".to_owned(),
                "req_7f3a0c9be1d24466".to_owned(),
            ],
            pages: vec![PageWord {
                probe: "status".to_owned(),
                standing: Standing::Operational,
                since: at - minutes(60 * 24 * 9),
                read_at: at - Duration::from_secs(20),
                post: None,
            }],
        },
    }
}

/// What a test mail shows: an alert that says in each of its parts that it is none.
pub fn test(at: Timestamp, location: &str) -> Notification {
    let mut n = open(at, location);
    n.title = "TEST (nothing is broken)".to_owned();
    n.service = "test".to_owned();
    n.works = Vec::new();
    n.scene.pages = Vec::new();
    n.scene.request_ids = Vec::new();
    let (at, since) = (n.event.at, n.event.since);
    n.scene.picture = picture(
        "TEST (nothing is broken)",
        at,
        since,
        &n.scene.steps,
        Wrong::Fails,
    );
    n.last_failure = Some(LastFailure {
        text: "This is a test mail of watchfire. Nothing is broken.".to_owned(),
        request_id: None,
        ..failure(at - Duration::from_secs(2))
    });
    n
}

fn step(at: Timestamp, event: EventKind, severity: Severity) -> Step {
    Step {
        at,
        event,
        severity,
    }
}

/// A later step of the same incident.
fn later(
    opened: Timestamp,
    location: &str,
    (event, severity): (EventKind, Severity),
    (at, since): (Timestamp, Timestamp),
    verdict: Verdict,
    before: &[Step],
) -> Notification {
    let mut n = open(opened, location);
    let onset = n.event.since;
    n.event.event = event;
    n.event.severity = severity;
    n.event.at = at;
    n.event.since = since;
    n.event.verdict = verdict;
    n.event.sequence = before.len().try_into().unwrap_or(u32::MAX);
    n.scene.steps = [before, &[step(at, event, severity)]].concat();
    let over = match event {
        EventKind::Close => since,
        _ => at,
    };
    n.scene.picture = picture("OpenAI", at, onset, &n.scene.steps, Wrong::Fails);
    n.last_failure = Some(failure(over - Duration::from_secs(8)));
    n.scene.pages = vec![PageWord {
        probe: "status".to_owned(),
        standing: Standing::Partial,
        since: opened + minutes(8),
        read_at: at,
        post: Some("Elevated errors across ChatGPT and the API".to_owned()),
    }];
    n
}

/// It got worse.
pub fn escalated(opened: Timestamp, location: &str) -> Notification {
    let at = opened + Duration::from_secs(690);
    let before = [step(opened, EventKind::Open, Severity::Partial)];
    let what = (EventKind::Escalate, Severity::Major);
    let since = at - Duration::from_secs(192);
    let mut n = later(
        opened,
        location,
        what,
        (at, since),
        verdict(41, 48, minutes(3)),
        &before,
    );
    n.probes = vec![
        tally(0, 12, 12),
        tally(1, 12, 12),
        tally(2, 9, 12),
        tally(3, 8, 12),
    ];
    n
}

/// It stays open, and nobody has taken it up.
pub fn still_open(opened: Timestamp, location: &str) -> Notification {
    let mut n = open(opened, location);
    let since = n.event.since;
    n.event.at = opened + minutes(240);
    n.event.verdict = verdict(812, 1940, n.event.at.since(since));
    n.remarks.reminder = 1;
    n.probes = vec![
        tally(0, 364, 485),
        tally(1, 361, 485),
        tally(2, 46, 485),
        tally(3, 41, 485),
    ];
    n.reasons = vec![
        reason(FailureKind::ServerError, Fault::Provider, Some(503), 640),
        reason(FailureKind::Timeout, Fault::Provider, None, 172),
    ];
    n.scene.picture = picture("OpenAI", n.event.at, since, &n.scene.steps, Wrong::Fails);
    n.last_failure = Some(failure(n.event.at - Duration::from_secs(8)));
    n
}

/// It got better, and goes on.
pub fn better(opened: Timestamp, location: &str) -> Notification {
    let worse = escalated(opened, location);
    let at = opened + minutes(40);
    let what = (EventKind::Deescalate, Severity::Partial);
    later(
        opened,
        location,
        what,
        (at, at - minutes(5)),
        verdict(9, 40, minutes(5)),
        &worse.scene.steps,
    )
}

/// It works again.
pub fn recovered(opened: Timestamp, location: &str) -> Notification {
    let worse = escalated(opened, location);
    let at = opened + minutes(68);
    let what = (EventKind::Close, Severity::Major);
    let whole = at.since(opened) + NOTICED;
    let mut n = later(
        opened,
        location,
        what,
        (at, at - RECOVERED),
        verdict(228, 1009, whole),
        &worse.scene.steps,
    );
    n.reasons = vec![
        reason(FailureKind::ServerError, Fault::Provider, Some(503), 171),
        reason(FailureKind::Timeout, Fault::Provider, None, 40),
        reason(FailureKind::Reset, Fault::Network, None, 17),
        reason(FailureKind::RateLimited, Fault::Ours, Some(429), 3),
    ];
    n.probes = vec![
        tally(0, 101, 252),
        tally(1, 96, 252),
        tally(2, 19, 253),
        tally(3, 12, 252),
    ];
    n.works = Vec::new();
    n
}

/// It had recovered, and broke again.
pub fn reopened(opened: Timestamp, location: &str) -> Notification {
    let before = recovered(opened, location);
    let at = before.event.at + minutes(7);
    let what = (EventKind::Reopen, Severity::Partial);
    let since = at - RELAPSED;
    let mut n = later(
        opened,
        location,
        what,
        (at, since),
        verdict(7, 16, RELAPSED),
        &before.scene.steps,
    );
    n.reopened = 1;
    n
}

/// It keeps coming back.
pub fn comes_back(opened: Timestamp, location: &str) -> Notification {
    let mut n = reopened(opened, location);
    n.pace = Pace::ComesBack;
    n.reopened = 3;
    n.reopen_within = minutes(120);
    n
}

/// It has stayed well for the whole watch.
pub fn stays_well(opened: Timestamp, location: &str) -> Notification {
    let mut n = recovered(opened, location);
    n.pace = Pace::StaysWell;
    n.reopened = 3;
    n.reopen_within = minutes(480);
    n
}

/// Answers are slow.
pub fn slow(opened: Timestamp, location: &str) -> Notification {
    let mut n = open(opened, location);
    n.event.kind = IncidentKind::Latency;
    n.event.severity = Severity::Degraded;
    n.thread.theme = Theme::LATENCY;
    n.event.slow = Some(Slow {
        probe: ProbeId(0),
        quantity: Quantity::FirstToken,
        usual_us: 812_000,
        now_us: 2_940_000,
        runs: 12,
    });
    n.reasons = Vec::new();
    n.last_failure = None;
    n.scene.first = None;
    n.scene.request_ids = Vec::new();
    let (at, since) = (n.event.at, n.event.since);
    n.scene.picture = picture("OpenAI", at, since, &n.scene.steps, Wrong::IsSlow);
    n
}

fn fellow(title: &str, incident: u64, open: bool, severity: Severity, since: Timestamp) -> Fellow {
    Fellow {
        title: title.to_owned(),
        incident: IncidentId(incident),
        open,
        severity,
        since,
    }
}

/// Several services at once.
pub fn storm(opened: Timestamp, location: &str) -> Notification {
    let mut n = open(opened, location);
    let titles = [
        "ChatGPT",
        "DALL-E",
        "OpenAI log-in",
        "OpenAI batch",
        "OpenAI video",
        "Assistants",
        "Whisper",
    ];
    let begun = n.event.since;
    n.fellows = titles
        .iter()
        .zip(2..)
        .map(|(title, id)| {
            let severity = if id % 3 == 0 {
                Severity::Partial
            } else {
                Severity::Major
            };
            fellow(
                title,
                id,
                true,
                severity,
                begun + Duration::from_secs(id * 7),
            )
        })
        .collect();
    n.common = Some(Common::Provider("OpenAI".to_owned()));
    n
}

/// Some of several services work again.
pub fn partly(opened: Timestamp, location: &str) -> Notification {
    let mut n = recovered(opened, location);
    let begun = opened - NOTICED;
    n.fellows = vec![
        fellow("ChatGPT", 2, true, Severity::Major, begun + minutes(1)),
        fellow("DALL-E", 3, false, Severity::Partial, begun + minutes(2)),
    ];
    n
}

/// A key that is refused.
pub fn notice(opened: Timestamp, location: &str) -> Notification {
    let mut n = open(opened, location);
    n.event.kind = IncidentKind::Notice;
    n.event.cause = Some(FailureKind::Auth);
    n.event.severity = Severity::Degraded;
    n.event.verdict = verdict(2, 2, NOTICED);
    n.thread.theme = Theme::notice(FailureKind::Auth);
    n.reasons = vec![reason(FailureKind::Auth, Fault::Ours, Some(401), 2)];
    n.probes = Vec::new();
    n.works = Vec::new();
    n.last_failure = Some(LastFailure {
        kind: FailureKind::Auth,
        status: Some(401),
        text: "{\"error\":{\"message\":\"Incorrect API key provided: [redacted].\",\"code\":\"invalid_api_key\"}}"
            .to_owned(),
        ..failure(opened)
    });
    n.scene = Scene::default();
    n
}

/// The prober could not see.
pub fn blind(opened: Timestamp, location: &str) -> Notification {
    let mut n = open(opened, location);
    n.event.kind = IncidentKind::Blind;
    n.event.event = EventKind::Close;
    n.event.severity = Severity::Degraded;
    n.event.verdict = verdict(61, 64, minutes(9));
    n.event.since = opened - minutes(1);
    n.thread.theme = Theme {
        kind: IncidentKind::Blind,
        cause: None,
    };
    n.title = format!("watchfire at {location}");
    n.thread.title.clone_from(&n.title);
    n.reasons = vec![reason(FailureKind::Unreachable, Fault::Network, None, 61)];
    n.probes = ["OpenAI", "Anthropic", "Our gateway"]
        .iter()
        .zip([(31, 32), (20, 21), (10, 11)])
        .map(|(name, (failed, of))| ProbeTally {
            id: None,
            name: (*name).to_owned(),
            failed,
            of,
        })
        .collect();
    n.works = Vec::new();
    n.last_failure = None;
    n.scene = Scene::default();
    n
}

/// Text from elsewhere at its worst, and in other scripts.
pub fn hostile(opened: Timestamp, location: &str) -> Notification {
    let mut n = escalated(opened, location);
    n.title = "مراقبة <b>火の番</b> 👩\u{200d}🚒\r\nBcc: thief@example.com".to_owned();
    n.thread.title.clone_from(&n.title);
    let names = [
        "<img src=http://elsewhere.example/1.png>",
        "خدمة الدردشة (2)",
        "画像生成サービス",
        "\u{202e}gnp.exe\u{202c}",
    ];
    for (probe, name) in n.probes.iter_mut().zip(names) {
        name.clone_into(&mut probe.name);
    }
    n.works = vec![
        "שירות גיבוי 3".to_owned(),
        "<a href=http://elsewhere.example>click</a>".to_owned(),
    ];
    if let Some(last) = &mut n.last_failure {
        last.text = format!(
            "الخادم مشغول (503). حاول مرة أخرى بعد 30 ثانية.\nサーバーが混み合っています。\n<script src=http://elsewhere.example/2.js></script><style>@import url(http://elsewhere.example/3.css)</style>\n.\r\n.\r\nQUIT\r\n\0\u{1b}[2J\u{fffd} {}",
            "long ".repeat(20)
        );
        last.request_id = Some("\"><iframe src=http://elsewhere.example/4>".to_owned());
    }
    for page in &mut n.scene.pages {
        page.post = Some("</td></tr></table><svg onload=alert(1)> ".repeat(3));
    }
    n
}

/// A certificate that ends.
pub fn reminder(at: Timestamp, location: &str) -> Reminder {
    Reminder {
        deadline: Deadline {
            topic: Topic::Certificate,
            subject: "llm.example.com:443".to_owned(),
            at: at + minutes(60 * 24 * 6 + 60 * 11),
        },
        days: 7,
        service: "gateway".to_owned(),
        title: "Our gateway".to_owned(),
        location: location.to_owned(),
        at,
    }
}

/// From a recovery to the moment at which it is told, and from a relapse.
const RECOVERED: Duration = minutes(9);
const RELAPSED: Duration = Duration::from_secs(119);

/// When a step's change came, which is before it was decided.
fn changed(step: &Step, onset: Timestamp) -> Timestamp {
    match step.event {
        EventKind::Open => onset,
        EventKind::Close => step.at - RECOVERED,
        EventKind::Reopen => step.at - RELAPSED,
        EventKind::Escalate | EventKind::Deescalate => step.at,
    }
}

/// What goes wrong in a picture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Fails,
    IsSlow,
}

/// An hour without trouble, and then what the steps tell.
fn picture(
    title: &str,
    at: Timestamp,
    onset: Timestamp,
    steps: &[Step],
    wrong: Wrong,
) -> Option<Arc<Picture>> {
    let from = onset - minutes(60);
    let ends = steps.iter().skip(1).map(|s| changed(s, onset)).chain([at]);
    let periods: Vec<Period> = steps
        .iter()
        .zip(ends)
        .map(|(step, to)| Period {
            incident: IncidentId(1),
            span: Span {
                from: changed(step, onset),
                to,
            },
            severity: (step.event != EventKind::Close).then_some(step.severity),
        })
        .collect();
    let bad = |at: Timestamp| {
        periods
            .iter()
            .any(|p| p.severity.is_some() && p.span.holds(at))
    };
    let rounds = at.since(from).as_secs() / EVERY.as_secs();
    let mut runs = Vec::new();
    for round in 0..rounds {
        let at = from + EVERY * u32::try_from(round).unwrap_or(u32::MAX);
        for probe in 0..PROBES.len() {
            // As good as chance, and always the same.
            let dice = (round * 7919 + probe as u64 * 104_729) % 100;
            let share = match (wrong, probe) {
                (Wrong::IsSlow, _) => 0,
                (Wrong::Fails, 0 | 1) => 75,
                (Wrong::Fails, _) => 10,
            };
            let failed = match bad(at) {
                true => dice < share,
                false => round == 31 && probe == 2,
            };
            let slower = if bad(at) { 3 } else { 1 };
            runs.push(Run {
                at,
                probe,
                failed,
                latency_us: (700_000 + dice as u32 * 9_000) * slower,
            });
        }
    }
    let over = periods.iter().rfind(|p| p.severity.is_some());
    let figure = Figure {
        title: title.to_owned(),
        span: Span { from, to: at },
        time: TimeColumn::Calendar,
        probes: PROBES.map(str::to_owned).to_vec(),
        runs,
        focus: over.map(|p| Span {
            from: onset,
            to: p.span.to,
        }),
        periods,
        mails: None,
        marks: Vec::new(),
        latency: true,
        threshold: (wrong == Wrong::Fails).then_some(0.1),
    };
    chart::picture(&figure).ok().map(Arc::new)
}
