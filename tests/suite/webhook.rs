//! Webhooks: what a receiver is sent in each form, what its answers mean, and that nothing secret is kept or told.

use std::time::Duration;

use serde_json::{Value, json};
use watchfire::clock::Clock;
use watchfire::model::notification::{Compose, Letter, Note, NoteAbout, Pending};
use watchfire::model::post::Lane;
use watchfire::model::{EventKind, IncidentId, Secret, Timestamp};
use watchfire::notify::{
    Acceptance, Answer, Channel as _, Composers, Form, MailComposer, Step, Webhook, WebhookConfig,
};
use watchfire::store::{Reader, Store};

use crate::notify::letters::{close, open};
use crate::probe::roots;
use crate::probe::server::{Server, reply};

const SECRET: &str = "canary-hunter2-7f3a";

fn config(form: Form, url: &str) -> WebhookConfig {
    WebhookConfig {
        name: "ops".to_owned(),
        url: Secret::new(url.to_owned()),
        form,
        secret: Some(Secret::new(SECRET.to_owned())),
    }
}

fn composers(form: Form) -> Composers {
    let mail = MailComposer::new("watchfire@example.com", "5c92.watchfire").unwrap();
    Composers::new(mail, &[config(form, "https://example.com/")])
}

fn pending(letter: Letter) -> Pending {
    Pending {
        id: 1,
        incident: Some(IncidentId(1)),
        event: Some(EventKind::Open),
        letter,
        attempts: 0,
        created_at: Timestamp::EPOCH,
    }
}

/// What comes of an alarm in this form, and the request that the receiver has seen.
async fn send(form: Form, path: &str, answer: Vec<u8>) -> (Answer, Vec<String>) {
    let server = Server::saying(answer).await;
    let letter = composers(form).compose(&open(), "webhook:ops");
    let config = config(form, &server.url(path));
    let webhook = Webhook::new(&config, Clock::system(), &roots()).unwrap();
    let answer = webhook.deliver(&pending(letter)).await;
    (answer, server.requests())
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let lines = request.lines().take_while(|line| !line.is_empty());
    let mut values = lines.filter_map(|l| l.split_once(": ").filter(|(n, _)| *n == name));
    values.next().map(|(_, value)| value)
}

#[tokio::test]
async fn a_receiver_of_ones_own_gets_all_there_is_signed() {
    let ok = reply("200 OK", "text/plain", "thanks");
    let (answer, requests) = send(Form::Watchfire, "/hook", ok).await;
    assert_eq!(answer.acceptance, Acceptance::Accepted, "{answer:?}");
    let request = &requests[0];
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(request, "content-type"), Some("application/json"));
    let id = header(request, "webhook-id").unwrap();
    assert!(
        id.starts_with("1.0.") && id.ends_with("@5c92.watchfire"),
        "{id}"
    );
    let at: i64 = header(request, "webhook-timestamp")
        .unwrap()
        .parse()
        .unwrap();
    let now = Clock::system().now().as_micros() / 1_000_000;
    assert!((now - at).abs() < 600);
    assert!(
        header(request, "webhook-signature")
            .unwrap()
            .starts_with("v1,")
    );
    assert!(!request.contains(SECRET));
    let mut told = body(request);
    assert_eq!(told["id"], id);
    told["id"] = json!("ID");
    insta::assert_snapshot!(
        "webhook_watchfire",
        serde_json::to_string_pretty(&told).unwrap()
    );
}

#[tokio::test]
async fn slack_gets_a_text_without_markup_of_others() {
    let ok = reply("200 OK", "text/plain", "ok");
    let (answer, requests) = send(Form::Slack, "/services/T0/B0/x", ok).await;
    assert_eq!(answer.acceptance, Acceptance::Accepted);
    let told = body(&requests[0]);
    assert_eq!(told.as_object().unwrap().len(), 1);
    insta::assert_snapshot!("webhook_slack", told["text"].as_str().unwrap());
    let mut odd = open();
    odd.title = "<!channel> & <https://x|y>".to_owned();
    let letter = composers(Form::Slack).compose(&odd, "webhook:ops");
    let text = String::from_utf8(letter.bytes).unwrap();
    assert!(
        text.contains("&lt;!channel&gt; &amp; &lt;https://x|y&gt;"),
        "{text}"
    );
}

#[tokio::test]
async fn pagerduty_gets_an_alert_that_resolves_and_its_key_stands_in_no_outbox() {
    let ok = reply(
        "202 Accepted",
        "application/json",
        r#"{"status":"success"}"#,
    );
    let (answer, requests) = send(Form::PagerDuty, "/v2/enqueue", ok).await;
    assert_eq!(answer.acceptance, Acceptance::Accepted);
    let told = body(&requests[0]);
    assert_eq!(told["routing_key"], SECRET);
    assert_eq!(told["event_action"], "trigger");
    assert_eq!(told["dedup_key"], "watchfire-5c92.watchfire-1");
    assert_eq!(told["payload"]["severity"], "error");
    let composers = composers(Form::PagerDuty);
    let kept = |n| {
        let letter = composers.compose(n, "webhook:ops");
        let text = String::from_utf8(letter.bytes).unwrap();
        assert!(!text.contains("routing_key") && !text.contains(SECRET));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let (opened, closed) = (kept(&open()), kept(&close()));
    assert_eq!(closed["event_action"], "resolve");
    assert_eq!(closed["dedup_key"], opened["dedup_key"]);
    for field in [
        "summary",
        "source",
        "severity",
        "timestamp",
        "component",
        "class",
    ] {
        assert!(opened["payload"][field].is_string(), "{field}: {opened}");
    }
}

#[tokio::test]
async fn what_an_answer_means_is_said_without_the_secret_and_no_redirect_is_followed() {
    use Acceptance::{Later, Refused};
    let away = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    for (answer, acceptance, step, code, says) in [
        (
            reply("503 Busy", "text/plain", "busy"),
            Later,
            Step::Service,
            503,
            "busy",
        ),
        (
            reply("429 Slow", "text/plain", "slow down"),
            Later,
            Step::Service,
            429,
            "slow down",
        ),
        (
            reply(
                "403 No",
                "text/plain",
                format!("{SECRET} is wrong at /hook/T0"),
            ),
            Later,
            Step::Auth,
            403,
            "[secret] is wrong at [secret]",
        ),
        (
            reply("400 Bad", "text/plain", "no such field"),
            Refused,
            Step::Message,
            400,
            "no such field",
        ),
        (away.as_bytes().to_vec(), Later, Step::Auth, 302, "302"),
    ] {
        let (got, requests) = send(Form::Watchfire, "/hook/T0", answer).await;
        let seen = (got.acceptance, got.step, got.code);
        assert_eq!(seen, (acceptance, step, Some(code)), "{got:?}");
        assert!(
            got.reply.contains(says) && !got.reply.contains(SECRET),
            "{got:?}"
        );
        assert_eq!(requests.len(), 1);
    }
    let nobody = config(Form::Watchfire, "http://127.0.0.1:1/");
    let webhook = Webhook::new(&nobody, Clock::system(), &roots()).unwrap();
    let letter = composers(Form::Watchfire).compose(&open(), "webhook:ops");
    let got = webhook.deliver(&pending(letter)).await;
    assert_eq!((got.acceptance, got.reached()), (Later, false), "{got:?}");
    // It went out whole, and nobody said that it came.
    let (got, _) = send(Form::Watchfire, "/", Vec::new()).await;
    assert_eq!(
        (got.acceptance, got.reached()),
        (Acceptance::Unsure, true),
        "{got:?}"
    );
}

#[tokio::test]
async fn each_way_has_its_own_letters_and_what_nobody_is_configured_for_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let now = Clock::system().now();
    let note = Note {
        about: NoteAbout::Late {
            from: now,
            to: now,
            waiting: 1,
            folded: 0,
        },
        location: "here".to_owned(),
        at: now,
    };
    let composers = composers(Form::Watchfire);
    let mut tx = store.begin().unwrap();
    for to in ["a@example.com", "webhook:ops", "webhook:old"] {
        tx.letter(None, &composers.note(&note, to), now).unwrap();
    }
    tx.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let ops = "webhook:ops".to_owned();
    for (lane, who) in [
        (Lane::Mail, "a@example.com"),
        (Lane::Webhook(ops.clone()), "webhook:ops"),
        (Lane::Others(vec![ops]), "webhook:old"),
    ] {
        let due = reader.due_in(&lane, now, 10).unwrap();
        let to: Vec<&str> = due.iter().map(|p| p.letter.recipient.as_str()).collect();
        assert_eq!(to, [who], "{lane:?}");
        assert_eq!(reader.next_due_in(&lane).unwrap(), Some(now));
    }
    assert_eq!(
        reader
            .due_in(&Lane::Others(Vec::new()), now, 10)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn for_pagerduty_trouble_of_the_database_is_one_alert_that_resolves_and_a_refused_colleague_one_alert()
 {
    let since = Timestamp::parse("2026-11-26T03:00:00Z").unwrap();
    let told = |minutes: u64, about: NoteAbout| -> (Value, Value) {
        let note = Note {
            about,
            location: "here".to_owned(),
            at: since + Duration::from_secs(60 * minutes),
        };
        let letter = composers(Form::PagerDuty).note(&note, "webhook:ops");
        let body: Value = serde_json::from_slice(&letter.bytes).unwrap();
        (body["event_action"].clone(), body["dedup_key"].clone())
    };
    let why = "the disk is full".to_owned();
    let full = told(
        1,
        NoteAbout::Storage {
            since,
            why: why.clone(),
        },
    );
    let dead = NoteAbout::Unrecorded {
        since,
        why,
        number: 1,
        events: Vec::new(),
        more: 0,
    };
    let over = NoteAbout::Stored {
        from: since,
        to: since,
        dropped: 0,
    };
    assert_eq!(full.0, "trigger");
    assert_eq!(told(2, dead), full);
    assert_eq!(told(3, over), (json!("resolve"), full.1));
    let refused = |minutes, who: &str| {
        let about = NoteAbout::Refused {
            recipient: who.to_owned(),
            reply: "550 gone".to_owned(),
            incident: None,
        };
        told(minutes, about)
    };
    assert_eq!(refused(4, "a@example.com"), refused(9, "a@example.com"));
    assert_ne!(refused(4, "a@example.com"), refused(4, "b@example.com"));
}
