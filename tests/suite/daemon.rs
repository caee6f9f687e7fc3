//! The whole daemon on a clock sixty times as fast as life: probes over HTTP, database, incident, mails as files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use mail_parser::MessageParser;
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::config::{self, Config, Env, HostFile, ReadError, Source};
use watchfire::daemon::{self, Setup, Witness};
use watchfire::model::{EventKind, IncidentEvent, Timestamp};

use crate::probe::roots;
use crate::probe::server::{Server, reply};

/// A key with characters that look different in every encoding. Nobody but the provider may ever see it.
pub const CANARY: &str = "sk-canary/7f3a+9c51=d2e84b06";
/// What is waited for comes within this, or never.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const SPEED: f64 = 60.0;

struct Host;

impl Env for Host {
    fn var(&self, name: &str) -> Option<String> {
        (name == "KEY").then(|| CANARY.to_owned())
    }

    fn read(&self, _: &Path, _: usize) -> Result<HostFile, ReadError> {
        Err(ReadError::Absent)
    }

    fn host_name(&self) -> String {
        "here".to_owned()
    }
}

/// Three probes of a service with a key, each of which sends it another way.
pub fn probes_toml(port: u16) -> String {
    let probe = |name: &str, more: &str| {
        format!(
            "[[probe]]\nservice = \"ai\"\nname = \"{name}\"\nevery = \"30s\"\ntimeout = \"30s\"\n{more}\n"
        )
    };
    let hook = format!(
        "kind = \"http\"\nurl = \"http://127.0.0.1:{port}/hook\"\nauth = {{ header = \"x-api-key\" }}\nredirects = 2"
    );
    [
        format!(
            "[service.ai]\nbase_url = \"http://127.0.0.1:{port}/v1\"\nkey = {{ env = \"KEY\" }}\n"
        ),
        probe(
            "chat",
            "kind = \"chat\"\nmodel = \"m\"\nexpect = { text = \"pong\" }",
        ),
        probe(
            "models",
            "kind = \"http\"\npath = \"/models\"\nauth = \"bearer\"",
        ),
        probe("hook", &hook),
    ]
    .concat()
}

fn configured(port: u16, dir: &Path) -> Config {
    let settings = format!("data_dir = {:?}\n", dir.display().to_string());
    loaded(&probes_toml(port), &settings)
}

/// The configuration of two files that have no faults.
pub fn loaded(probes: &str, settings: &str) -> Config {
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let (probes, settings) = (
        source("probes.toml", probes),
        source("watchfire.toml", settings),
    );
    config::load(&probes, Some(&settings), &Host, roots()).unwrap_or_else(|faults| {
        panic!(
            "{}",
            faults.iter().map(ToString::to_string).collect::<String>()
        )
    })
}

/// The forms in which a key may leak.
pub fn forms(key: &str) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let percent: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    vec![
        key.to_owned(),
        STANDARD.encode(key),
        URL_SAFE_NO_PAD.encode(key),
        percent.to_lowercase(),
        percent,
        key.replace('/', "\\/"),
    ]
}

/// Replies that tell the key back in every way that a broken gateway could think of.
fn indiscreet(turn: usize, request: &str) -> Vec<u8> {
    let forms = forms(CANARY);
    let said = &forms[turn % forms.len()];
    let json = |status: &str, body: String| reply(status, "application/json", body);
    match turn / forms.len() % 8 {
        0 => json("500 Oops", format!(r#"{{"error":{{"message":"bad header: Bearer {said}","type":"server_error"}}}}"#)),
        1 => reply("502 Bad Gateway", "text/html", format!("<title>{said}</title><pre>{request}</pre>")),
        2 => format!("HTTP/1.1 503 {said}\r\nx-request-id: {said}\r\nserver: {said}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
        3 => reply("200 OK", "text/event-stream", format!("data: {{\"error\":{{\"code\":\"{said}\",\"message\":\"{said}\"}}}}\n\n")),
        4 => json("200 OK", format!(r#"{{"{said}":"{said}"}}"#)),
        5 => format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/{said}?key={said}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
        6 => format!("HTTP/1.1 500 x\r\n{said}\r\n\r\n").into_bytes(),
        _ => json("429 Slow down", format!(r#"{{"error":{{"message":"key {said} has no quota","type":"{said}","code":"{said}"}}}}"#)),
    }
}

fn sound(request: &str) -> Vec<u8> {
    if request.starts_with("POST") {
        let chunk = r#"data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"pong"},"finish_reason":null}]}"#;
        let end = r#"data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        let events = format!("{chunk}\n\n{end}\n\ndata: [DONE]\n\n");
        return reply("200 OK", "text/event-stream", events);
    }
    reply(
        "200 OK",
        "application/json",
        r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#,
    )
}

/// A provider that works, or does not and is indiscreet as well.
pub async fn provider(broken: Arc<AtomicBool>) -> Server {
    let turn = Arc::new(AtomicUsize::new(0));
    Server::start(move |mut stream, requests| {
        let (broken, turn) = (broken.clone(), turn.clone());
        async move {
            let request = requests.read(&mut stream).await;
            let bytes = if broken.load(Ordering::Relaxed) {
                indiscreet(turn.fetch_add(1, Ordering::Relaxed), &request)
            } else {
                sound(&request)
            };
            // The prober may have given up already.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

pub struct Told(pub Sender<IncidentEvent>);

impl Witness for Told {
    fn event(&mut self, _: &str, event: &IncidentEvent) {
        // Nobody listens any more once the test has seen enough.
        let _ = self.0.send(*event);
    }
}

pub fn wait_for(heard: &Receiver<IncidentEvent>, kind: EventKind) -> IncidentEvent {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = heard
            .recv_timeout(left)
            .unwrap_or_else(|_| panic!("no {kind:?} came"));
        if event.event == kind {
            return event;
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries
        .flat_map(|p| if p.is_dir() { files(&p) } else { vec![p] })
        .collect()
}

fn mails(dir: &Path) -> Vec<PathBuf> {
    let mut mails = files(dir);
    mails.retain(|f| f.extension().is_some_and(|e| e == "eml"));
    mails.sort();
    mails
}

/// The log of all tests of this process, at its most talkative.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_env_filter("trace")
            .with_writer(move || writer.clone())
            .init();
        log
    })
    .clone()
}

#[test]
fn an_outage_is_mailed_and_its_end_too_and_no_secret_is_in_anything_that_is_left_behind() {
    let log = log();
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let broken = Arc::new(AtomicBool::new(true));
    let server = runtime.block_on(provider(broken.clone()));
    let (events, heard) = channel();
    let stop = CancellationToken::new();
    let setup = Setup {
        config: configured(server.port, dir.path()),
        clock: Clock::sped(Timestamp::parse("2024-12-11T22:00:00Z").unwrap(), SPEED),
        events: Some(dir.path().join("events.jsonl")),
        witness: Some(Box::new(Told(events))),
        reread: Box::new(|| Err(String::new())),
    };
    let daemon = {
        let stop = stop.clone();
        std::thread::spawn(move || daemon::run(setup, stop))
    };

    let open = wait_for(&heard, EventKind::Open);
    broken.store(false, Ordering::Relaxed);
    let close = wait_for(&heard, EventKind::Close);
    assert_eq!(open.incident, close.incident);
    let deadline = Instant::now() + PATIENCE;
    while mails(dir.path()).len() < 2 && Instant::now() < deadline {
        // Wakes early when there are more events; only how often the folder is looked at depends on it.
        let _ = heard.recv_timeout(Duration::from_millis(20));
    }
    stop.cancel();
    daemon.join().unwrap().unwrap();

    let mails = mails(dir.path());
    assert!(mails.len() >= 2, "{mails:?}");
    let mut shown = Vec::new();
    for mail in &mails {
        let bytes = std::fs::read(mail).unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        let (text, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
        shown.push((
            mail.clone(),
            format!("{:?}{text}{html}", message.subject()).into_bytes(),
        ));
    }
    // Which of the replies a mail quotes depends on when it is written; the database has all of them.
    let masked = |file: &PathBuf| {
        let bytes = std::fs::read(file).unwrap();
        String::from_utf8_lossy(&bytes).contains("[secret]")
    };
    assert!(
        files(dir.path()).iter().any(masked),
        "no reply with the key was kept"
    );
    let left = files(dir.path())
        .into_iter()
        .map(|f| (f.clone(), std::fs::read(f).unwrap()));
    shown.extend(left);
    shown.push(("log".into(), log.0.lock().unwrap().clone()));
    for (name, bytes) in shown {
        let text = String::from_utf8_lossy(&bytes);
        for form in forms(CANARY) {
            let at = text.find(&form);
            assert!(
                at.is_none(),
                "{form} is in {}: {:?}",
                name.display(),
                at.map(|at| text[at.saturating_sub(80)..]
                    .chars()
                    .take(200)
                    .collect::<String>())
            );
        }
    }
}
