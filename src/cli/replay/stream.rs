//! The recorded runs of some probes in the order in which they became known, read piece by piece.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::model::{ProbeId, Sample, Timestamp};
use crate::store::{Reader, StoreError};

/// Runs of a probe that are read at once: for a service of a hundred probes some 20 MB.
const PIECE: usize = 1_000;

/// The runs. A long one that began early becomes known late: it waits until no earlier one can come.
pub(super) struct Stream<'r> {
    reader: &'r Reader,
    sources: Vec<Source>,
    /// The begin of the next run of each source that has one.
    begins: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Runs whose turn may not have come, by the moment in which they became known.
    waiting: BinaryHeap<Reverse<Known>>,
}

struct Source {
    probe: ProbeId,
    piece: VecDeque<Sample>,
    after: Timestamp,
}

struct Known {
    at: Timestamp,
    /// Of several of one moment, the one that began first comes first.
    begun: Timestamp,
    sample: Sample,
}

impl<'r> Stream<'r> {
    /// Those that began after a moment.
    pub fn of(
        reader: &'r Reader,
        probes: &[ProbeId],
        after: Timestamp,
    ) -> Result<Self, StoreError> {
        let source = |probe: &ProbeId| Source {
            probe: *probe,
            piece: VecDeque::new(),
            after,
        };
        let mut stream = Self {
            reader,
            sources: probes.iter().map(source).collect(),
            begins: BinaryHeap::new(),
            waiting: BinaryHeap::new(),
        };
        for index in 0..probes.len() {
            stream.look(index)?;
        }
        Ok(stream)
    }

    /// The next one; `None` after the last.
    pub fn next(&mut self) -> Result<Option<Sample>, StoreError> {
        loop {
            let begins = self.begins.peek().map(|Reverse((at, _))| *at);
            let known = self.waiting.peek().map(|Reverse(known)| known.at);
            if known.is_some_and(|known| begins.is_none_or(|begins| known <= begins)) {
                return Ok(self.waiting.pop().map(|Reverse(known)| known.sample));
            }
            let Some(Reverse((_, index))) = self.begins.pop() else {
                return Ok(None);
            };
            let sample = self
                .sources
                .get_mut(index)
                .and_then(|s| s.piece.pop_front());
            self.waiting.extend(sample.map(|sample| {
                Reverse(Known {
                    at: sample.known_at(),
                    begun: sample.at,
                    sample,
                })
            }));
            self.look(index)?;
        }
    }

    /// Notes when the next run of a source began, and reads on when there is none at hand.
    fn look(&mut self, index: usize) -> Result<(), StoreError> {
        let Some(source) = self.sources.get_mut(index) else {
            return Ok(());
        };
        if source.piece.is_empty() {
            let piece = self
                .reader
                .samples_after(source.probe, Some(source.after), PIECE)?;
            source.after = piece.last().map_or(source.after, |s| s.at);
            source.piece = piece.into();
        }
        if let Some(next) = source.piece.front() {
            self.begins.push(Reverse((next.at, index)));
        }
        Ok(())
    }
}

impl Ord for Known {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.begun, self.sample.probe).cmp(&(other.at, other.begun, other.sample.probe))
    }
}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Known {}
