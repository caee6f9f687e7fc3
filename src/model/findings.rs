//! What a run learned beside its outcome: what it cost, what limits are left, what a page claims.
//!
//! Findings are recorded, shown and foretold from; none of them decides whether a service is up.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::claim::Claim;
use super::notice::Deadline;
use super::{Cost, Headroom};

/// What one run learned. Most runs learn nothing, and carry none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// What the provider says that it has counted for this run.
    pub usage: Option<Usage>,
    /// A number of reports, errors or jobs waiting that was read.
    pub count: Option<f64>,
    /// What went wrong beside the verdict and changed nothing of it, in a sentence: a job that could not be cleared away.
    pub note: Option<String>,
    /// What the run cost; `None` when it surely cost nothing. Filled in by the client.
    pub cost: Option<Cost>,
    /// What is left of the provider's limits. Filled in by the client.
    pub headroom: Vec<Headroom>,
    /// What ends soon: all of it that the run saw, but nothing that is further away than the first notice.
    pub deadlines: Vec<Deadline>,
    /// What a status page claims.
    pub claim: Option<Claim>,
}

impl Findings {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As users' scripts see them: only what is there.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        if let Some(usage) = self.usage {
            object.insert("usage".to_owned(), json!(usage));
        }
        if let Some(count) = self.count {
            object.insert("count".to_owned(), json!(count));
        }
        if let Some(note) = &self.note {
            object.insert("note".to_owned(), json!(note));
        }
        match self.cost {
            Some(Cost::Known(cost)) => object.insert("cost_usd".to_owned(), json!(cost.usd())),
            Some(Cost::Unknown) => object.insert("cost_usd".to_owned(), Value::Null),
            None => None,
        };
        if !self.headroom.is_empty() {
            let limits: Vec<Value> = self.headroom.iter().map(Headroom::to_json).collect();
            object.insert("headroom".to_owned(), json!(limits));
        }
        if !self.deadlines.is_empty() {
            let ends = self.deadlines.iter().map(Deadline::to_json).collect();
            object.insert("ends".to_owned(), ends);
        }
        if let Some(claim) = &self.claim {
            object.insert("claim".to_owned(), claim.to_json());
        }
        Value::Object(object)
    }

    /// Takes over what `other` has learned and this has not.
    pub fn merge(&mut self, other: Findings) {
        self.usage = self.usage.or(other.usage);
        self.count = self.count.or(other.count);
        self.note = self.note.take().or(other.note);
        self.cost = self.cost.or(other.cost);
        if self.headroom.is_empty() {
            self.headroom = other.headroom;
        }
        for deadline in other.deadlines {
            if !self.deadlines.contains(&deadline) {
                self.deadlines.push(deadline);
            }
        }
        self.claim = self.claim.take().or(other.claim);
    }

    /// Every text in it that came from a reply, but for the note: to be cleaned of secrets.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let deadlines = self.deadlines.iter_mut().map(|d| &mut d.subject);
        deadlines.chain(self.claim.iter_mut().flat_map(Claim::texts))
    }
}

/// What a provider counted for a run, as its replies say; zero for what they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Tokens of the question, cached ones included.
    pub input_tokens: u64,
    /// Those of `input_tokens` that came from the provider's cache.
    pub cached_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// Pictures that were drawn.
    pub images: u32,
}
