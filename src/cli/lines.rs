//! Lines of the log on their way to stderr: a thread of their own writes them, so that whoever reads them slowly, or not
//! at all, delays no probe.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written; beyond that they are lost and counted. More than a bad second brings, less than 2 MB.
const MOST: usize = 4_096;
/// How long the end of the process waits for the last lines.
const PATIENCE: Duration = Duration::from_millis(500);

/// The lines of this process.
static LINES: OnceLock<Lines> = OnceLock::new();

/// Where a log writes its lines. Clones write to the same place; none of them ever blocks.
#[derive(Debug, Clone)]
pub struct Lines {
    sender: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    /// All that came before has been written when this is answered.
    Written(SyncSender<()>),
}

impl Lines {
    /// To stderr; the same for the whole process.
    pub fn to_stderr() -> Self {
        LINES.get_or_init(|| Self::to(io::stderr())).clone()
    }

    /// To any place. Without a thread to write them (the system has none left) all lines are lost.
    fn to(out: impl Write + Send + 'static) -> Self {
        let (sender, receiver) = sync_channel(MOST);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        let thread = std::thread::Builder::new().name("log".to_owned());
        // What is lost is a log, not the work.
        let _ = thread.spawn(move || write(out, &receiver, &counted));
        Self { sender, lost }
    }

    /// Waits until all lines so far are written, but not long.
    fn drain(&self) {
        let (done, wait) = sync_channel(1);
        if self.sender.try_send(Entry::Written(done)).is_ok() {
            // Late or gone: the process ends anyway.
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

/// To be called before the process ends: the last lines are the ones that say why.
pub fn drain() {
    if let Some(lines) = LINES.get() {
        lines.drain();
    }
}

fn write(mut out: impl Write, entries: &Receiver<Entry>, lost: &AtomicU64) {
    while let Ok(entry) = entries.recv() {
        match entry {
            Entry::Line(line) => {
                // There is nobody to be told that the log cannot be written.
                let _ = out.write_all(&line);
                let missing = lost.swap(0, Ordering::Relaxed);
                if missing > 0 {
                    let _ = writeln!(
                        out,
                        "watchfire: {missing} lines of this log were lost, because nobody read them in time"
                    );
                }
            }
            Entry::Written(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
    }
}

impl Write for Lines {
    /// Takes a whole line in one call, which is how they come from the subscriber.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A reader that takes nothing until it is let.
    #[derive(Clone, Default)]
    struct Slow {
        gate: Arc<Mutex<()>>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.taken.lock().unwrap().extend_from_slice(buf);
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stands_still_delays_no_line_and_is_told_how_many_it_has_missed() {
        let slow = Slow::default();
        let shut = slow.gate.lock().unwrap();
        let mut lines = Lines::to(slow.clone());
        // One more than fit may be with the thread already.
        for n in 0..MOST + 11 {
            lines.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        drop(shut);
        let (done, wait) = sync_channel(1);
        lines.sender.send(Entry::Written(done)).unwrap();
        wait.recv().unwrap();
        let text = String::from_utf8(slow.taken.lock().unwrap().clone()).unwrap();
        let whole = text.lines().filter(|l| l.starts_with("line ")).count();
        let note = text.lines().find(|l| l.contains("were lost")).unwrap();
        let lost: usize = note.split(' ').nth(1).unwrap().parse().unwrap();
        assert!((10..=11).contains(&lost), "{note}");
        assert_eq!(whole + lost, MOST + 11);
    }
}
