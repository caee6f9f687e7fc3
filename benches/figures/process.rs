//! Child processes, and what the operating system books to them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Linux counts processor time for `/proc` in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);
/// How long a child may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(10);

/// A child that ends with its owner.
pub struct Process {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let child = command.spawn().unwrap();
        Self { child, lines: None }
    }

    /// Starts this bench again with other arguments, to be spoken with line by line.
    pub fn helper(args: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = Self::start(&mut command);
        process.lines = process.child.stdout.take().map(BufReader::new);
        process
    }

    /// The next line that a helper says.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "a helper of the bench has died");
        line.trim_end().to_owned()
    }

    /// Asks a helper for a line.
    pub fn ask(&mut self) -> String {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.hear()
    }

    /// Processor time of all its threads so far, in user and system mode; to 10 ms.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in brackets may hold anything; the state follows it as field 3.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |n: usize| fields[n - 3].parse::<u32>().unwrap();
        TICK * (ticks(14) + ticks(15))
    }

    /// A line of its status, in KiB: `VmRSS`, `VmHWM`.
    pub fn kib(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Asks it to end and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < FAREWELL {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
    }
}
