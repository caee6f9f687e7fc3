//! Letters that stand in no outbox, because the database takes none: they wait in memory, and leave by the same worker.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::worker::Outbox;
use crate::model::Timestamp;
use crate::model::notification::{DeliveryReport, DeliveryResult, Letter, Pending};
use crate::model::post::Lane;

/// Letters that wait at most; beyond that the oldest are given up. Some 10 KB each.
const MOST: usize = 500;

/// An outbox in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Direct(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    letters: VecDeque<(Pending, Timestamp)>,
    latest: i64,
}

impl Direct {
    /// Puts letters in, to leave at once.
    pub fn put(&self, letters: Vec<Letter>, now: Timestamp) {
        self.with(|waiting| {
            for letter in letters {
                waiting.latest += 1;
                let pending = Pending {
                    id: waiting.latest,
                    incident: None,
                    event: None,
                    letter,
                    attempts: 0,
                    created_at: now,
                };
                waiting.letters.push_back((pending, now));
                if waiting.letters.len() > MOST {
                    waiting.letters.pop_front();
                }
            }
        });
    }

    /// Takes in what came of an attempt.
    pub fn record(&self, report: &DeliveryReport) {
        self.with(|waiting| match report.result {
            DeliveryResult::Sent | DeliveryResult::Dead => {
                waiting.letters.retain(|(letter, _)| letter.id != report.id);
            }
            DeliveryResult::Deferred(at) | DeliveryResult::Ambiguous(at) => {
                let mut all = waiting.letters.iter_mut();
                if let Some((letter, due)) = all.find(|(letter, _)| letter.id == report.id) {
                    letter.attempts = letter.attempts.saturating_add(1);
                    *due = at;
                }
            }
        });
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.with(|waiting| waiting.letters.len())
    }

    /// What of it goes one way.
    pub fn lane(&self, lane: Lane) -> DirectLane {
        DirectLane(self.clone(), lane)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        // A panic elsewhere cannot leave it half changed: each letter is one entry.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What of the letters in memory goes one way.
#[derive(Debug)]
pub struct DirectLane(Direct, Lane);

impl DirectLane {
    fn is_mine(&self, letter: &Pending) -> bool {
        self.1.takes(&letter.letter.recipient)
    }
}

impl Outbox for DirectLane {
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String> {
        Ok(self.0.with(|waiting| {
            let due = waiting.letters.iter().filter(|(_, at)| *at <= now);
            let mine = due.filter(|(letter, _)| self.is_mine(letter));
            mine.take(limit).map(|(letter, _)| letter.clone()).collect()
        }))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, String> {
        Ok(self.0.with(|waiting| {
            let mine = waiting.letters.iter().filter(|(l, _)| self.is_mine(l));
            mine.map(|(_, at)| *at).min()
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::post::WEBHOOK;

    fn letter(to: &str) -> Letter {
        Letter {
            recipient: to.to_owned(),
            message_id: format!("<1.{to}>"),
            bytes: Vec::new(),
        }
    }

    fn report(id: i64, result: DeliveryResult) -> DeliveryReport {
        DeliveryReport {
            id,
            at: Timestamp::EPOCH,
            result,
            reached: true,
            reply: String::new(),
        }
    }

    #[test]
    fn each_letter_leaves_by_its_way_until_it_is_taken() {
        let direct = Direct::default();
        let now = Timestamp::EPOCH + Duration::from_secs(60);
        let hook = format!("{WEBHOOK}ops");
        direct.put(vec![letter("a@b.c"), letter(&hook)], now);
        let (mail, ops) = (direct.lane(Lane::Mail), direct.lane(Lane::Webhook(hook)));
        let ids = |lane: &DirectLane, at| -> Vec<i64> {
            lane.due(at, 9).unwrap().iter().map(|p| p.id).collect()
        };
        assert_eq!((ids(&mail, now), ids(&ops, now)), (vec![1], vec![2]));
        let later = now + Duration::from_secs(5);
        direct.record(&report(1, DeliveryResult::Deferred(later)));
        assert_eq!(
            (ids(&mail, now), mail.next_due().unwrap()),
            (vec![], Some(later))
        );
        let again = mail.due(later, 9).unwrap();
        assert_eq!(
            again.iter().map(|p| (p.id, p.attempts)).collect::<Vec<_>>(),
            [(1, 1)]
        );
        direct.record(&report(1, DeliveryResult::Sent));
        assert_eq!(mail.next_due().unwrap(), None);
        direct.record(&report(2, DeliveryResult::Dead));
        assert_eq!(ops.next_due().unwrap(), None);
    }

    #[test]
    fn what_nobody_takes_does_not_fill_the_memory() {
        let direct = Direct::default();
        let all = (0..MOST + 10).map(|_| letter("a@b.c")).collect();
        direct.put(all, Timestamp::EPOCH);
        let due = direct.lane(Lane::Mail).due(Timestamp::EPOCH, usize::MAX);
        let due = due.unwrap();
        assert_eq!((due.len(), due[0].id), (MOST, 11));
    }
}
