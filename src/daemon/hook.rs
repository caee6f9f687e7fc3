//! The command of `[on_change]`: run after an event was committed, so that people can switch their gateway over.
//!
//! One at a time, in the order of the events, on a thread of its own: neither probes nor mails wait for it. What waits
//! for it is bounded, and so are its time and what is kept of its output. It is run at most once for an event: a daemon
//! that dies before does not make up for it.

use std::process::{ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{DaemonError, runtime, stage};
use crate::config::OnChange;
use crate::engine::Routes;
use crate::model::concerned::Role;
use crate::model::event_line::EventLine;
use crate::model::trace::TimeColumn;
use crate::model::{IncidentEvent, Redactor};

/// Events that may wait: a run of the command for each of some dozens of services that fail together.
const WAITING: usize = 64;
/// What is logged of its output.
const OUTPUT_CHARS: usize = 4096;
/// What is kept of each of its streams, to be logged: more than that, because secrets are removed from it.
const KEPT_BYTES: u64 = 16 * 1024;
/// After its end, what it left behind may go on writing for so long before nobody listens any more.
const GRACE: Duration = Duration::from_millis(200);
/// When the daemon stops, commands get this long in all.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// The only variables that it inherits: keys of services are in others.
const INHERITED: [&str; 3] = ["PATH", "LANG", "HOME"];

/// What the command is told of one event.
struct Call {
    /// For its standard input.
    line: String,
    variables: Vec<(String, String)>,
    /// For the log.
    about: String,
}

/// The near end: takes events, never waits.
pub(super) struct Hook {
    queue: mpsc::Sender<Call>,
    dropped: u64,
    routes: Routes,
}

/// The far end: a thread that runs the command.
pub(super) struct Runner {
    thread: JoinHandle<()>,
    stop: CancellationToken,
}

impl Hook {
    /// Starts the thread.
    pub fn start(config: OnChange, redactor: Redactor) -> Result<(Self, Runner), DaemonError> {
        let (queue, calls) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = stage::thread("hook", move || work(&config, &redactor, calls, &stopped))?;
        let hook = Self {
            queue,
            dropped: 0,
            routes: Routes::new(),
        };
        Ok((hook, Runner { thread, stop }))
    }

    /// Which services are best used, as of the events that follow.
    pub fn routes(&mut self, routes: &Routes) {
        self.routes.clone_from(routes);
    }

    /// Has the command run for an event. When too many wait, it is not, and that is logged.
    pub fn event(&mut self, service: &str, event: &IncidentEvent, probes: &[Role<'_>]) {
        let line = EventLine::new(service, event, TimeColumn::Calendar);
        let call = Call {
            line: line.with_probes(probes.iter().copied()).text(),
            variables: variables(service, event, &self.routes),
            about: format!("{} of incident {}", event.event.name(), event.incident),
        };
        match self.queue.try_send(call) {
            Ok(()) => {}
            Err(TrySendError::Full(call)) => {
                self.dropped += 1;
                warn!(
                    "the on_change command is not run for {}: {WAITING} events wait for it already; {} were left out since the start",
                    call.about, self.dropped
                );
            }
            Err(TrySendError::Closed(call)) => {
                warn!(
                    "the on_change command is not run for {}: its thread has ended",
                    call.about
                );
            }
        }
    }
}

impl Runner {
    /// Lets what waits be run for some seconds, and ends the thread.
    pub fn close(self) {
        self.stop.cancel();
        if self.thread.join().is_err() {
            error!("the thread of the on_change command ended in a panic");
        }
    }
}

/// What the environment tells of an event.
fn variables(service: &str, event: &IncidentEvent, routes: &Routes) -> Vec<(String, String)> {
    let mut told = vec![
        ("EVENT", event.event.name().to_owned()),
        ("SERVICE", service.to_owned()),
        ("INCIDENT", event.incident.to_string()),
        ("KIND", event.kind.name().to_owned()),
        ("SEVERITY", event.severity.name().to_owned()),
        ("SINCE", event.since.to_string()),
        ("AT", event.at.to_string()),
    ];
    told.extend(event.cause.map(|cause| ("CAUSE", cause.name().to_owned())));
    let told = told
        .into_iter()
        .map(|(key, value)| (format!("WATCHFIRE_{key}"), value));
    let best = routes.iter().map(|(ability, names)| {
        let key = format!("WATCHFIRE_BEST_{}", ability.name().to_uppercase());
        (key, names.join(","))
    });
    told.chain(best).collect()
}

fn work(
    config: &OnChange,
    redactor: &Redactor,
    mut calls: mpsc::Receiver<Call>,
    stop: &CancellationToken,
) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(e) => return error!("the on_change command cannot be run: {e}"),
    };
    runtime.block_on(async {
        let all = async {
            while let Some(call) = calls.recv().await {
                run(config, redactor, call).await;
            }
        };
        let enough = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        tokio::select! {
            () = all => {}
            () = enough => warn!("the daemon stops: the on_change command is ended, or not run, for its last events"),
        }
    });
}

/// Runs the command once, and logs what came of it.
async fn run(config: &OnChange, redactor: &Redactor, call: Call) {
    let Some((program, arguments)) = config.run.split_first() else {
        return;
    };
    let about = &call.about;
    let inherited = INHERITED
        .iter()
        .filter_map(|key| Some((key, std::env::var_os(key)?)));
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(inherited)
        .envs(call.variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(e) => {
            return warn!("the on_change command {program} could not be started for {about}: {e}");
        }
    };
    let mut group = Group::of(&child);
    let mut output = (Vec::new(), Vec::new());
    let ended =
        tokio::time::timeout(config.timeout, attend(&mut child, &call.line, &mut output)).await;
    let said = said(&output.0, &output.1, redactor);
    match ended {
        Ok(Ok(status)) => {
            group.leave();
            if status.success() {
                debug!("the on_change command ended well for {about}{said}");
            } else {
                warn!("the on_change command failed for {about}: {status}{said}");
            }
        }
        Ok(Err(e)) => warn!("the on_change command was lost for {about}: {e}{said}"),
        Err(_) => {
            group.end();
            // It was killed, so its end is near.
            let _ = child.wait().await;
            warn!(
                "the on_change command was killed for {about}: it took longer than {}{said}",
                humantime::format_duration(config.timeout)
            );
        }
    }
}

/// Feeds the command, listens to it, and waits for its end.
async fn attend(
    child: &mut Child,
    line: &str,
    (out, err): &mut (Vec<u8>, Vec<u8>),
) -> std::io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let listen = async { tokio::join!(keep(stdout, out), keep(stderr, err)) };
    let end = async {
        if let Some(mut stdin) = stdin {
            // Whoever does not read it has no use for it.
            let _ = stdin.write_all(line.as_bytes()).await;
            let _ = stdin.write_all(b"\n").await;
        }
        child.wait().await
    };
    tokio::pin!(listen, end);
    tokio::select! {
        status = &mut end => {
            // What it has started may hold its output open for as long as it likes.
            let _ = tokio::time::timeout(GRACE, listen).await;
            status
        }
        _ = &mut listen => end.await,
    }
}

/// Reads to the end, and keeps the beginning.
async fn keep(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    // A stream that breaks has ended.
    let _ = (&mut stream).take(KEPT_BYTES).read_to_end(kept).await;
    if kept.len() as u64 >= KEPT_BYTES {
        // Where it was cut, half a secret may stand, which nobody would know for one.
        let whole = kept.iter().rposition(u8::is_ascii_whitespace);
        kept.truncate(whole.unwrap_or(0));
    }
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// What it said, on one line and without secrets.
fn said(out: &[u8], err: &[u8], redactor: &Redactor) -> String {
    let text = [out, err].concat();
    let text = redactor.redact(String::from_utf8_lossy(&text).trim());
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(OUTPUT_CHARS)
        .collect();
    match line.trim() {
        "" => "; it said nothing".to_owned(),
        line => format!("; it said: {line}"),
    }
}

/// The processes of a command: ended with it when it is left alone.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self(pid.and_then(Pid::from_raw))
    }

    /// The command has ended by itself; what it has started may stay.
    fn leave(&mut self) {
        self.0 = None;
    }

    fn end(&mut self) {
        if let Some(group) = self.0.take() {
            // Fails only when nobody is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::route::Ability;
    use crate::model::{EventKind, IncidentId, IncidentKind, Secret, Severity, Timestamp, Verdict};

    fn event(incident: u64) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(incident),
            sequence: 0,
            event: EventKind::Open,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Major,
            at: Timestamp::from_seconds(1.7e9),
            since: Timestamp::from_seconds(1.7e9 - 60.0),
            verdict: Verdict {
                failed: 3,
                of: 3,
                usual: 0.0,
                window_s: 60.0,
                score: 0.0,
                bound: 0.0,
            },
        }
    }

    fn call() -> Call {
        Call {
            line: "{}".to_owned(),
            variables: Vec::new(),
            about: "open of incident 1".to_owned(),
        }
    }

    fn shell(script: &str, timeout: Duration) -> OnChange {
        let words = ["/bin/sh", "-c", script];
        OnChange {
            run: words.map(str::to_owned).to_vec(),
            timeout,
        }
    }

    /// Whether a process is there and not only waits to be reaped by whoever adopted it.
    fn lives(pid: &str) -> bool {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        // As long as a loaded machine may need to come to the file.
        let config = shell(&script, Duration::from_secs(3));
        run(&config, &Redactor::new([]), call()).await;
        let pid = std::fs::read_to_string(file).unwrap();
        while lives(pid.trim()) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_a_command_leaves_behind_does_not_hold_the_next_one_up() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}", file.display());
        let config = shell(&script, Duration::from_secs(60));
        run(&config, &Redactor::new([]), call()).await;
        let pid = std::fs::read_to_string(file).unwrap();
        assert!(
            lives(pid.trim()),
            "only the time limit ends what it has started"
        );
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn one_that_cannot_be_started_or_reads_nothing_or_says_too_much_is_no_harm() {
        let absent = OnChange {
            run: vec!["/nowhere/at/all".to_owned()],
            timeout: Duration::from_secs(60),
        };
        run(&absent, &Redactor::new([]), call()).await;
        let loud = shell(
            "exec <&-; yes | head -c 3000000; exit 3",
            Duration::from_secs(60),
        );
        run(&loud, &Redactor::new([]), call()).await;
    }

    #[tokio::test]
    async fn of_output_that_is_cut_no_half_of_a_secret_is_kept() {
        let secret = "sk-canary-".repeat(11);
        let loud = format!("{secret}\n").repeat(1_000);
        let mut kept = Vec::new();
        keep(Some(loud.as_bytes()), &mut kept).await;
        let secret = Secret::new(secret);
        let line = said(&kept, b"", &Redactor::new([&secret]));
        assert!(
            line.contains("[secret]") && !line.contains("canary"),
            "{line}"
        );
        let endless = "x".repeat(100_000);
        keep(Some(endless.as_bytes()), &mut Vec::new()).await;
    }

    #[test]
    fn what_waits_when_the_daemon_stops_is_run_and_what_hangs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("told");
        let script = format!("echo $WATCHFIRE_INCIDENT >> {}", file.display());
        let config = shell(&script, Duration::from_secs(60));
        let (mut hook, runner) = Hook::start(config, Redactor::new([])).unwrap();
        for incident in 1..=3 {
            hook.event("openai", &event(incident), &[]);
        }
        drop(hook);
        runner.close();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "1\n2\n3\n");
        let hangs = shell("sleep 1000", Duration::from_secs(60));
        let (mut hook, runner) = Hook::start(hangs, Redactor::new([])).unwrap();
        hook.event("openai", &event(4), &[]);
        drop(hook);
        runner.close();
    }

    #[test]
    fn too_many_events_are_left_out_and_counted() {
        let (queue, mut calls) = mpsc::channel(WAITING);
        let mut hook = Hook {
            queue,
            dropped: 0,
            routes: Routes::new(),
        };
        for incident in 1..=100 {
            hook.event("openai", &event(incident), &[]);
        }
        assert_eq!(hook.dropped, 36);
        let first = calls.try_recv().unwrap();
        assert_eq!(first.about, "open of incident 1");
    }

    #[test]
    fn an_event_is_told_in_variables_of_its_own() {
        let routes = vec![
            (Ability::Chat, vec!["b".to_owned(), "a".to_owned()]),
            (Ability::Image, Vec::new()),
        ];
        let told = variables("openai", &event(7), &routes);
        let told: Vec<String> = told.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let wanted = [
            "WATCHFIRE_EVENT=open",
            "WATCHFIRE_SERVICE=openai",
            "WATCHFIRE_INCIDENT=7",
            "WATCHFIRE_KIND=errors",
            "WATCHFIRE_SEVERITY=major",
            "WATCHFIRE_SINCE=2023-11-14T22:12:20Z",
            "WATCHFIRE_AT=2023-11-14T22:13:20Z",
            "WATCHFIRE_BEST_CHAT=b,a",
            "WATCHFIRE_BEST_IMAGE=",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_is_logged_of_its_output_is_one_short_line_without_secrets() {
        let secret = Secret::new("sk-canary-7f3a".to_owned());
        let redactor = Redactor::new([&secret]);
        let long = "x".repeat(4090);
        let line = said(long.as_bytes(), b"\nkey sk-canary-7f3a\x1b[31m", &redactor);
        assert!(line.len() < 4200 && !line.contains("canary"), "{line}");
        let line = said(b"to b\n", b"sk-canary-7f3a\n", &redactor);
        assert_eq!(line, "; it said: to b [secret]");
        assert_eq!(said(b" ", b"", &redactor), "; it said nothing");
    }
}
