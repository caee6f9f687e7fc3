//! What a run learned beside its outcome: what it cost, what limits are left, what a page claims.
//!
//! Findings are recorded, shown and foretold from; none of them decides whether a service is up.

/// What one run learned. Most runs learn nothing, and carry none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// What the provider says that it has counted for this run.
    pub usage: Option<Usage>,
    /// A number of reports, errors or jobs waiting that was read.
    pub count: Option<f64>,
}

impl Findings {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over what `other` has learned and this has not.
    pub fn merge(&mut self, other: Findings) {
        self.usage = self.usage.or(other.usage);
        self.count = self.count.or(other.count);
    }
}

/// What a provider counted for a run, as its replies say; zero for what they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
