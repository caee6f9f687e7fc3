//! Many services at once, through the engine: how many mails, to whom, in which threads, saying what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::MessageParser;
use watchfire::clock::Clock;
use watchfire::engine::{Backups, Engine, Input, Money, Observer, Parts, ServicePlan};
use watchfire::model::fold::{ProbeRules, Recheck, ServiceRules};
use watchfire::model::notification::{DeliveryReport, DeliveryResult};
use watchfire::model::{
    Confirm, Deadline, FailureKind, Fault, Findings, Origin, Outcome, Phases, ProbeId, Sample,
    Severity, Timestamp, Topic,
};
use watchfire::notify::MailComposer;
use watchfire::store::{IncidentFilter, Reader, Retention, Store};

const ALL: &str = "all@example.com";

#[derive(Clone, Default)]
struct Wanted(Arc<Mutex<Vec<Recheck>>>);

impl Observer for Wanted {
    fn recheck(&mut self, recheck: Recheck) {
        self.0.lock().unwrap().push(recheck);
    }
}

/// Services with one chat and one models probe each, and a world in which time passes by the second.
struct World {
    dir: tempfile::TempDir,
    engine: Engine,
    clock: Clock,
    start: Timestamp,
    now: f64,
    /// The probes of each service.
    probes: Vec<[ProbeId; 2]>,
    wanted: Wanted,
    reader: Reader,
    sent: Vec<(String, Mail)>,
}

/// `(name, provider, recipients)` of each service.
type Services<'a> = &'a [(String, &'a str, Vec<&'a str>)];

impl World {
    async fn new(services: Services<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let start = Timestamp::parse("2023-11-08T13:00:00Z").unwrap();
        let clock = Clock::sped(start, 1.0);
        let wanted = Wanted::default();
        let (engine, probes) = engine(dir.path(), &clock, services, &wanted);
        Self {
            reader: Reader::open(dir.path()).unwrap(),
            sent: Vec::new(),
            dir,
            engine,
            clock,
            start,
            now: 0.0,
            probes,
            wanted,
        }
    }

    /// Lets `seconds` pass. Each probe runs every 30 s, spread evenly, and fails when `fails` says so.
    async fn pass(&mut self, seconds: u32, fails: impl Fn(usize, &str, f64) -> Option<Outcome>) {
        let offset = |service: usize, which: usize| (service * 7 + which * 13) % 30;
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            self.now += 1.0;
            let second = self.now as usize;
            let mut samples = Vec::new();
            let mut run = |service: usize, which: usize, origin| {
                let kind = ["chat", "models"][which];
                let outcome = fails(service, kind, self.now).unwrap_or(Outcome::Success);
                let probe = self.probes[service][which];
                samples.push(sample(probe, self.clock.now(), outcome, origin));
            };
            for service in 0..self.probes.len() {
                for which in 0..2 {
                    if second % 30 == offset(service, which) {
                        run(service, which, Origin::Scheduled);
                    }
                }
            }
            let now = self.clock.now();
            let mut wanted = self.wanted.0.lock().unwrap();
            let due: Vec<Recheck> = wanted.extract_if(.., |r| r.at <= now).collect();
            drop(wanted);
            for recheck in due {
                let found = self
                    .probes
                    .iter()
                    .enumerate()
                    .find_map(|(service, probes)| {
                        let which = probes.iter().position(|p| *p == recheck.probe)?;
                        Some((service, which))
                    });
                let (service, which) = found.unwrap();
                run(service, which, Origin::Recheck);
            }
            self.turn(samples);
        }
    }

    /// A turn of the engine, and a mail server that takes everything at once.
    fn turn(&mut self, samples: Vec<Sample>) {
        self.engine.turn(samples, Vec::new());
        let now = self.clock.now();
        let due = self
            .reader
            .due(now + Duration::from_secs(1), 10_000)
            .unwrap();
        let mut reports = Vec::new();
        for pending in due {
            reports.push(Input::Report(DeliveryReport {
                id: pending.id,
                at: now,
                result: DeliveryResult::Sent,
                reached: true,
                reply: "250 taken".to_owned(),
            }));
            let mail = Mail::read(&pending.letter.bytes);
            self.sent.push((pending.letter.recipient, mail));
        }
        if !reports.is_empty() {
            self.engine.turn(Vec::new(), reports);
        }
    }

    /// The mails to a recipient so far.
    fn mails(&self, recipient: &str) -> Vec<&Mail> {
        let to = self.sent.iter().filter(|(to, _)| to == recipient);
        to.map(|(_, mail)| mail).collect()
    }
}

struct Mail {
    id: String,
    parent: Option<String>,
    subject: String,
    text: String,
}

impl Mail {
    fn read(bytes: &[u8]) -> Self {
        let mail = MessageParser::default().parse(bytes).unwrap();
        Self {
            id: mail.message_id().unwrap().to_owned(),
            parent: mail.in_reply_to().as_text().map(str::to_owned),
            subject: mail.subject().unwrap().to_owned(),
            text: mail.body_text(0).unwrap().into_owned(),
        }
    }

    fn headline(&self) -> &str {
        self.text.lines().next().unwrap()
    }
}

fn engine(
    dir: &Path,
    clock: &Clock,
    services: Services<'_>,
    wanted: &Wanted,
) -> (Engine, Vec<[ProbeId; 2]>) {
    let mut store = Store::open(dir).unwrap();
    let names: Vec<(&str, &str)> = services
        .iter()
        .flat_map(|(name, ..)| ["chat", "models"].map(|probe| (name.as_str(), probe)))
        .collect();
    let numbers = store.register("here", &names).unwrap();
    let mut plans = Vec::new();
    let mut probes = Vec::new();
    for ((name, provider, recipients), numbers) in services.iter().zip(numbers.chunks(2)) {
        let ids = [numbers[0].1, numbers[1].1];
        probes.push(ids);
        plans.push(ServicePlan {
            id: numbers[0].0,
            name: name.clone(),
            title: name.clone(),
            provider: (*provider).to_owned(),
            kinds: vec![(ids[0], "chat"), (ids[1], "models")],
            rules: ServiceRules {
                probes: ids
                    .map(|id| ProbeRules {
                        id,
                        interval: Duration::from_secs(30),
                        confirm: Confirm::CHEAP,
                    })
                    .to_vec(),
                false_pages_per_year: 1.0,
                min_error_rate: 0.1,
                reopen_within: Duration::from_secs(3600),
                judge: Default::default(),
            },
            others: Vec::new(),
            numbers: Vec::new(),
            recipients: recipients
                .iter()
                .map(|r| (*r).to_owned())
                .collect::<Vec<_>>()
                .into(),
            page_at: Severity::Partial,
            money: Money::default(),
            maintenance: Vec::new(),
        });
    }
    let parts = Parts {
        store,
        clock: clock.clone(),
        services: plans,
        compose: Box::new(MailComposer::new("watchfire@example.com", "here").unwrap()),
        location: "here".to_owned(),
        retention: Retention::default(),
        backups: Backups {
            folder: dir.join("backup"),
            keep: 2,
        },
        missed: Box::new(|| 0),
        observer: Box::new(wanted.clone()),
    };
    (Engine::start(parts).unwrap(), probes)
}

fn sample(probe: ProbeId, at: Timestamp, outcome: Outcome, origin: Origin) -> Sample {
    Sample {
        probe,
        at,
        outcome,
        origin,
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: 0,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

fn down() -> Option<Outcome> {
    Some(Outcome::Failure(FailureKind::ServerError, Fault::Provider))
}

fn three<'a>() -> Vec<(String, &'a str, Vec<&'a str>)> {
    vec![
        ("chat".to_owned(), "OpenAI", vec![ALL, "chat@example.com"]),
        ("images".to_owned(), "OpenAI", vec![ALL]),
        ("claude".to_owned(), "Anthropic", vec![ALL]),
    ]
}

#[tokio::test(start_paused = true)]
async fn five_hundred_services_that_fail_in_one_second_are_one_mail_to_each_recipient() {
    let services: Vec<(String, &str, Vec<&str>)> = (0..500)
        .map(|n| {
            (
                format!("service-{n}"),
                "gateway.example",
                vec![ALL, "b@example.com"],
            )
        })
        .collect();
    let mut world = World::new(&services).await;
    world.pass(60, |_, _, _| None).await;
    world.pass(240, |_, _, _| down()).await;
    for recipient in [ALL, "b@example.com"] {
        let mails = world.mails(recipient);
        let heads: Vec<&str> = mails.iter().map(|m| m.headline()).collect();
        assert_eq!(heads.len(), 1, "{heads:?}");
        assert!(heads[0].starts_with("MAJOR OUTAGE: "), "{heads:?}");
        assert!(heads[0].ends_with(" and 499 other services"), "{heads:?}");
        assert!(
            mails[0].text.contains("All of it is at gateway.example."),
            "{}",
            mails[0].text
        );
    }
    let reader = Reader::open(world.dir.path()).unwrap();
    let filter = IncidentFilter {
        limit: 1000,
        ..IncidentFilter::default()
    };
    let incidents = reader.incidents(filter).unwrap();
    let leads: BTreeSet<_> = incidents.iter().map(|i| i.story).collect();
    assert_eq!((incidents.len(), leads.len()), (500, 1));
}

#[tokio::test(start_paused = true)]
async fn two_services_of_a_provider_are_one_thread_from_the_first_mail_to_the_last() {
    let mut world = World::new(&three()).await;
    world.pass(600, |_, _, _| None).await;
    // The second one follows after a minute; ten minutes later both come back.
    world
        .pass(720, |service, _, now| match service {
            0 => down(),
            1 if now > 660.0 => down(),
            _ => None,
        })
        .await;
    world.pass(900, |_, _, _| None).await;
    let mails = world.mails(ALL);
    let heads: Vec<&str> = mails.iter().map(|m| m.headline()).collect();
    assert_eq!(
        heads,
        [
            "MAJOR OUTAGE: chat",
            "MAJOR OUTAGE: images and 1 other service",
            "RECOVERED: chat and all others"
        ]
    );
    assert!(
        mails[1].text.contains("All of it is at OpenAI."),
        "{}",
        mails[1].text
    );
    assert!(
        mails[1]
            .text
            .contains("No trouble is seen at: claude (chat, under 0.1 s)."),
        "{}",
        mails[1].text
    );
    for mail in &mails[1..] {
        assert_eq!(mail.parent.as_ref(), Some(&mails[0].id));
        assert_eq!(mail.subject, mails[0].subject);
    }
    // When all is over, nobody needs to know what else works.
    let over = &mails[2].text;
    assert!(!over.contains("No trouble is seen at"), "{over}");
    // Who has only one of them is told of that one only.
    let alone = world.mails("chat@example.com");
    let heads: Vec<&str> = alone.iter().map(|m| m.headline()).collect();
    assert_eq!(heads, ["MAJOR OUTAGE: chat", "RECOVERED: chat"]);
}

#[tokio::test(start_paused = true)]
async fn when_chat_fails_everywhere_the_mail_says_that_only_chat_does() {
    let mut world = World::new(&three()).await;
    world.pass(600, |_, _, _| None).await;
    world
        .pass(600, |service, kind, _| {
            if service != 1 && kind == "chat" {
                down()
            } else {
                None
            }
        })
        .await;
    let mails = world.mails(ALL);
    let last = &mails.last().unwrap().text;
    assert!(
        last.contains("Only chat fails, at Anthropic and OpenAI; other endpoints there work."),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_one_notice_and_its_end_another_mail_of_the_same_thread() {
    let refused = Some(Outcome::Failure(FailureKind::Auth, Fault::Ours));
    let mut world = World::new(&three()).await;
    world.pass(300, |_, _, _| None).await;
    for _ in 0..3 {
        world
            .pass(
                900,
                |service, _, _| if service == 2 { refused } else { None },
            )
            .await;
        world.pass(300, |_, _, _| None).await;
    }
    let mails = world.mails(ALL);
    let heads: Vec<&str> = mails.iter().map(|m| m.headline()).collect();
    assert_eq!(
        heads,
        [
            "NOTICE: claude: the key is refused",
            "SETTLED: claude: no longer \"the key is refused\""
        ]
    );
    assert_eq!(
        mails[0].subject,
        "[watchfire] #1 claude: the key is refused"
    );
    assert_eq!(mails[1].parent.as_ref(), Some(&mails[0].id));
}

#[tokio::test(start_paused = true)]
async fn what_ends_on_a_day_is_mailed_once_a_threshold_in_one_thread() {
    let mut world = World::new(&three()).await;
    let ends = Deadline {
        topic: Topic::Model,
        subject: "gpt-4".to_owned(),
        at: world.start + Duration::from_secs(31 * 86_400),
    };
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..40 {
        tokio::time::advance(Duration::from_secs(86_400)).await;
        let mut seen = sample(
            world.probes[0][1],
            world.clock.now(),
            Outcome::Success,
            Origin::Scheduled,
        );
        seen.found = Some(Box::new(Findings {
            deadlines: vec![ends.clone()],
            ..Findings::default()
        }));
        world.turn(vec![seen]);
    }
    let mails = world.mails(ALL);
    let heads: Vec<&str> = mails.iter().map(|m| m.headline()).collect();
    assert_eq!(
        heads,
        [
            "NOTICE: chat: the model gpt-4 is switched off on 2023-12-09, in 30 days",
            "SOON: chat: the model gpt-4 is switched off on 2023-12-09, in 7 days",
            "SOON: chat: the model gpt-4 was to be switched off on 2023-12-09"
        ]
    );
    for mail in &mails {
        *said.entry(format!("{:?}", mail.parent)).or_default() += 1;
        assert_eq!(mail.subject, "[watchfire] chat: end of the model gpt-4");
    }
    assert_eq!(said.len(), 1, "one thread: {said:?}");
}
