//! How long answers took, in little room: counts in buckets that grow by 2 %, so that a quantile is right within 1 %.
//!
//! Only the buckets that are used are kept. Two histograms of the same version merge by adding their counts, so hours
//! make days and days make years.

/// Each bucket's upper bound is this times that of the one below.
const GROWTH: f64 = 1.02;
/// First byte of the bytes: the meaning of the buckets.
const VERSION: u8 = 1;
/// Number of the bucket that holds the largest possible value (2^32 us).
const LAST_BUCKET: u64 = 1_200;

/// Counts of durations in microseconds, by bucket; the last one is not zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram(Vec<u64>);

impl Histogram {
    /// Counts a duration; zero counts as 1 us.
    pub fn add(&mut self, us: u32) {
        self.count_in(bucket(us), 1);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in other.used() {
            self.count_in(bucket, count);
        }
    }

    /// Takes the counts of another away, which were added before.
    pub fn remove(&mut self, other: &Histogram) {
        for (bucket, count) in other.used() {
            if let Some(own) = self.0.get_mut(bucket) {
                *own = own.saturating_sub(count);
            }
        }
        let used = self.0.iter().rposition(|n| *n > 0).map_or(0, |i| i + 1);
        self.0.truncate(used);
    }

    /// How many are counted.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The duration in microseconds below which the share `q` (0 to 1, clamped) lies, within 1 %; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.count().checked_sub(1)?;
        let rank = (q.clamp(0.0, 1.0) * last as f64) as u64;
        let mut seen = 0_u64;
        for (bucket, count) in self.used() {
            seen = seen.saturating_add(count);
            if seen > rank {
                // The middle of the bucket: as far from its upper as from its lower bound, relatively.
                let upper = GROWTH.powi(i32::try_from(bucket).unwrap_or(i32::MAX));
                return Some(upper * 2.0 / (1.0 + GROWTH));
            }
        }
        None
    }

    /// The bytes to keep: a version, then for each used bucket its distance from the one before and its count.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let mut before = 0;
        for (bucket, count) in self.used() {
            put(&mut bytes, (bucket - before) as u64);
            put(&mut bytes, count);
            before = bucket;
        }
        bytes
    }

    /// Back from [`Histogram::encode`]; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut histogram = Self::default();
        histogram.merge_bytes(bytes)?;
        Some(histogram)
    }

    /// Adds what [`Histogram::encode`] made; `None` for anything else, of which a part may have been added.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let (version, mut rest) = bytes.split_first()?;
        let mut bucket = 0_u64;
        while *version == VERSION && !rest.is_empty() {
            let step = take(&mut rest)?;
            let count = take(&mut rest)?;
            bucket = bucket.checked_add(step).filter(|b| *b <= LAST_BUCKET)?;
            self.count_in(bucket as usize, count);
        }
        (*version == VERSION).then_some(())
    }

    fn count_in(&mut self, bucket: usize, count: u64) {
        if count == 0 {
            return;
        }
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        if let Some(own) = self.0.get_mut(bucket) {
            *own = own.saturating_add(count);
        }
    }

    /// The buckets that hold something, in order.
    fn used(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.0.iter().copied().enumerate();
        all.filter(|(_, count)| *count > 0)
    }
}

fn bucket(us: u32) -> usize {
    (f64::from(us.max(1)).ln() / GROWTH.ln()).ceil() as usize
}

/// Seven bits a byte, the low ones first; the high bit says that more follow.
pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Back from [`put`]; takes the bytes away. `None` when they end too early.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u32]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|us| histogram.add(*us));
        histogram
    }

    #[test]
    fn an_hour_of_probes_takes_about_a_hundred_bytes() {
        let hour: Vec<u32> = (0..120).map(|i| 200_000 + (i * 7919) % 60_000).collect();
        assert!(of(&hour).encode().len() < 120);
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_one_percent(mut values in prop::collection::vec(1_u32.., 1..300), q in 0.0..=1.0) {
            let found = of(&values).quantile(q).unwrap();
            values.sort_unstable();
            let exact = f64::from(values[(q * (values.len() - 1) as f64) as usize]);
            prop_assert!((found / exact - 1.0).abs() <= 0.0101, "{} for {}", found, exact);
        }

        #[test]
        fn merging_is_as_good_as_counting_together(a in prop::collection::vec(any::<u32>(), 0..50), b in prop::collection::vec(any::<u32>(), 0..50)) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged, of(&[a, b].concat()));
        }

        #[test]
        fn what_is_added_and_taken_away_again_was_never_there(a in prop::collection::vec(any::<u32>(), 0..50), b in prop::collection::vec(any::<u32>(), 0..50)) {
            let mut sum = of(&a);
            sum.merge(&of(&b));
            sum.remove(&of(&b));
            prop_assert_eq!(sum, of(&a));
        }

        #[test]
        fn it_comes_back_from_its_bytes(values in prop::collection::vec(any::<u32>(), 0..300)) {
            let histogram = of(&values);
            prop_assert_eq!(Histogram::decode(&histogram.encode()), Some(histogram));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(histogram) = Histogram::decode(&bytes) {
                histogram.quantile(0.5);
            }
        }
    }
}
