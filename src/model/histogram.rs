//! How long answers took, in little room: counts in buckets that grow by 2 %, so that a quantile is right within 1 %.
//!
//! Only the buckets that are used are kept. Two histograms of the same version merge by adding their counts, so hours
//! make days and days make years.

use std::collections::BTreeMap;

/// Each bucket's upper bound is this times that of the one below.
const GROWTH: f64 = 1.02;
/// First byte of the bytes: the meaning of the buckets.
const VERSION: u8 = 1;
/// Number of the bucket that holds the largest possible value (2^32 us).
const LAST_BUCKET: u64 = 1_200;

/// Counts of durations in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// Counts a duration; zero counts as 1 us.
    pub fn add(&mut self, us: u32) {
        let count = self.0.entry(bucket(us)).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in &other.0 {
            let own = self.0.entry(*bucket).or_default();
            *own = own.saturating_add(*count);
        }
    }

    /// How many are counted.
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The duration in microseconds below which the share `q` (0 to 1, clamped) lies, within 1 %; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.count().checked_sub(1)?;
        let rank = (q.clamp(0.0, 1.0) * last as f64) as u64;
        let mut seen = 0_u64;
        for (bucket, count) in &self.0 {
            seen = seen.saturating_add(*count);
            if seen > rank {
                // The middle of the bucket: as far from its upper as from its lower bound, relatively.
                return Some(GROWTH.powi(i32::from(*bucket)) * 2.0 / (1.0 + GROWTH));
            }
        }
        None
    }

    /// The bytes to keep: a version, then for each bucket its distance from the one before and its count.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let mut before = 0;
        for (bucket, count) in &self.0 {
            put(&mut bytes, u64::from(bucket - before));
            put(&mut bytes, *count);
            before = *bucket;
        }
        bytes
    }

    /// Back from [`Histogram::encode`]; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (mut counts, mut bucket) = (BTreeMap::new(), 0_u64);
        while !rest.is_empty() {
            let step = take(&mut rest)?;
            let count = take(&mut rest)?;
            bucket = bucket.checked_add(step).filter(|b| *b <= LAST_BUCKET)?;
            counts.insert(u16::try_from(bucket).ok()?, count);
        }
        Some(Self(counts))
    }
}

fn bucket(us: u32) -> u16 {
    (f64::from(us.max(1)).ln() / GROWTH.ln()).ceil() as u16
}

/// Seven bits a byte, the low ones first; the high bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
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
