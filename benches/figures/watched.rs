//! The daemon that is measured: `watchfire run` with a folder of its own, told from outside to start and to end.

use std::fmt::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::process::Process;

/// A start that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Probes of one service.
const PER_SERVICE: usize = 10;

/// What is probed.
pub struct Plan<'a> {
    /// How many probes; ten to a service.
    pub probes: usize,
    /// How often each runs, as in `every = ".."`.
    pub every: &'a str,
    /// Where to; the probe's number follows.
    pub url: &'a str,
    /// Further lines of each probe.
    pub keys: &'a str,
}

impl Plan<'_> {
    /// As probes.toml.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for n in 0..self.probes {
            let (
                service,
                Plan {
                    every, url, keys, ..
                },
            ) = (n / PER_SERVICE, self);
            if n % PER_SERVICE == 0 {
                let _ = writeln!(
                    text,
                    "[service.service-{service}]\ntitle = \"Service {service}\""
                );
            }
            let _ = write!(
                text,
                "[[probe]]\nname = \"probe-{n}\"\nservice = \"service-{service}\"\nevery = \"{every}\"\nurl = \"{url}/{n}\"\n{keys}\n"
            );
        }
        text
    }
}

/// A folder with configuration and data.
pub struct Watched {
    folder: tempfile::TempDir,
    authority: Option<std::path::PathBuf>,
}

impl Watched {
    /// Writes the files.
    pub fn new(plan: &Plan<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("probes.toml"), plan.text()).unwrap();
        let settings = format!(
            "data_dir = {:?}\nlog = \"warn\"\n",
            folder.path().join("data")
        );
        std::fs::write(folder.path().join("watchfire.toml"), settings).unwrap();
        Self {
            folder,
            authority: None,
        }
    }

    /// Trusts the certificates of a file in place of the system's.
    pub fn trusting(mut self, authority: &Path) -> Self {
        self.authority = Some(authority.to_owned());
        self
    }

    /// The files' folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the daemon. Returns it when it says to be ready, and how long that took.
    pub fn start(&self) -> (Process, Duration) {
        let path = self.folder.path().join("notify");
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
        command
            .arg("run")
            .args(["--probes", "probes.toml", "--config", "watchfire.toml"])
            .current_dir(self.folder.path())
            .env("NOTIFY_SOCKET", &path)
            .stdout(Stdio::null());
        if let Some(authority) = &self.authority {
            command.env("SSL_CERT_FILE", authority);
        }
        let (ready, is_ready) = mpsc::channel();
        let begun = Instant::now();
        // Goes on reading what the daemon tells until it says that it stops, so that it can tell.
        std::thread::spawn(move || {
            let mut word = [0; 256];
            while let Ok(length) = socket.recv(&mut word) {
                match &word[..length] {
                    told if told.starts_with(b"READY=1") => ready.send(begun.elapsed()).unwrap(),
                    told if told.starts_with(b"STOPPING=1") => break,
                    _ => {}
                }
            }
        });
        let process = Process::start(&mut command);
        (process, is_ready.recv().unwrap())
    }
}
