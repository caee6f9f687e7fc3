//! Whatever bytes come: no panic, a well-formed verdict, and an end.
//!
//! Each target takes bytes, checks what must hold for all of them, and is fed with its corpus (`corpus/TARGET/*`) and with
//! cases made of it: cut, joined, repeated, bits flipped, words of the table of faults put in. `cargo test` plays a few
//! hundred; the whole run is `FUZZ_CASES=1000000 cargo test --test fuzz -- --nocapture`. A case that fails is shown with
//! its bytes and its number: `FUZZ_FIRST=NUMBER FUZZ_CASES=1` plays it again. It belongs into the corpus when it is mended.
//! `FUZZ_SAVE=FILE` keeps the latest case in a file, for one that takes the process with it; it is slow.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper of tests fails as loudly as a test"
)]

mod bench;
mod cases;
mod replies;
mod targets;

use std::path::Path;
use std::time::{Duration, Instant};

/// Cases of each target in `cargo test`.
const USUAL_CASES: u64 = 300;
/// No input may take longer, on the busiest machine; most take microseconds.
const LONGEST: Duration = Duration::from_secs(10);

/// What is fed.
struct Target {
    /// Name of its folder in the corpus.
    name: &'static str,
    /// Checks what must hold; panics when it does not.
    run: fn(&[u8]),
}

const STREAM: Target = Target {
    name: "stream",
    run: targets::stream,
};
const ANSWER: Target = Target {
    name: "answer",
    run: targets::answer,
};
const REFUSAL: Target = Target {
    name: "refusal",
    run: targets::refusal,
};
const STATUS_PAGE: Target = Target {
    name: "status_page",
    run: targets::status_page,
};
const CONFIG: Target = Target {
    name: "config",
    run: targets::config,
};
const SETTINGS: Target = Target {
    name: "settings",
    run: targets::settings,
};

/// Shows the input of a run that does not end well.
struct Case<'a> {
    target: &'static str,
    number: Option<u64>,
    bytes: &'a [u8],
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let head = &self.bytes[..self.bytes.len().min(8192)];
            eprintln!(
                "{} {:?}, {} bytes: b\"{}\"",
                self.target,
                self.number,
                self.bytes.len(),
                head.escape_ascii()
            );
        }
    }
}

impl Target {
    fn corpus(&self) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fuzz/corpus")
            .join(self.name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        files.iter().map(|f| std::fs::read(f).unwrap()).collect()
    }

    fn play(&self, number: Option<u64>, bytes: &[u8]) -> Duration {
        let begun = Instant::now();
        let case = Case {
            target: self.name,
            number,
            bytes,
        };
        (self.run)(bytes);
        let took = begun.elapsed();
        assert!(took < LONGEST, "took {took:?}");
        drop(case);
        took
    }

    fn fuzz(&self) {
        let corpus = self.corpus();
        for bytes in &corpus {
            self.play(None, bytes);
        }
        let first = number("FUZZ_FIRST", 0);
        let count = number("FUZZ_CASES", USUAL_CASES);
        let mut maker = cases::Maker::new(self.name, corpus);
        let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
        for number in first..first.saturating_add(count) {
            let bytes = maker.case(number);
            if let Some(file) = std::env::var_os("FUZZ_SAVE") {
                std::fs::write(file, &bytes).unwrap();
            }
            slowest = slowest.max(self.play(Some(number), &bytes));
        }
        eprintln!(
            "{}: {count} cases in {:.0} s, the slowest in {slowest:?}",
            self.name,
            begun.elapsed().as_secs_f64()
        );
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect(variable))
}

#[test]
fn a_stream_of_any_bytes_has_a_verdict_that_does_not_depend_on_where_they_are_cut() {
    STREAM.fuzz();
}

#[test]
fn an_answer_of_any_bytes_has_a_verdict() {
    ANSWER.fuzz();
}

#[test]
fn a_refusal_of_any_bytes_has_a_meaning_and_a_fault() {
    REFUSAL.fuzz();
}

#[test]
fn a_status_page_of_any_bytes_is_a_claim_or_unreadable() {
    STATUS_PAGE.fuzz();
}

#[test]
fn probes_toml_of_any_bytes_is_taken_or_refused_with_places() {
    CONFIG.fuzz();
}

#[test]
fn watchfire_toml_of_any_bytes_is_taken_or_refused_with_places() {
    SETTINGS.fuzz();
}

#[test]
fn cases_are_the_same_in_every_run() {
    let of = |number| cases::Maker::new("stream", STREAM.corpus()).case(number);
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}
