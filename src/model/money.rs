//! Money: whole millionths of a US dollar, so that sums are exact, and what is not known stays unknown.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// Millionths of a US dollar. Sums saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// Nothing.
    pub const ZERO: MicroUsd = MicroUsd(0);

    /// From dollars, rounded up; negative amounts and NaN are nothing.
    pub fn from_usd(usd: f64) -> Self {
        // What is written with a few decimals must not gain a millionth by the way floats are kept.
        Self((usd * 1e6 - 1e-6).ceil() as u64)
    }

    /// In dollars.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// What is left after `other` is taken away; never below nothing.
    pub fn less(self, other: MicroUsd) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many times the amount.
    pub fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl Add for MicroUsd {
    type Output = MicroUsd;
    fn add(self, rhs: MicroUsd) -> MicroUsd {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = MicroUsd>>(amounts: I) -> MicroUsd {
        amounts.fold(MicroUsd::ZERO, Add::add)
    }
}

/// `1.62 USD`, `0.0034 USD`, `0.000016 USD`: two digits that count, and cents at least.
impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0 {
            cents if cents.is_multiple_of(10_000) => 2,
            100_000.. => 2,
            10_000.. => 3,
            1_000.. => 4,
            100.. => 5,
            _ => 6,
        };
        write!(f, "{:.decimals$} USD", self.usd())
    }
}

/// What a run that may have cost something did cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// So much.
    Known(MicroUsd),
    /// Nobody can say: no price is known, or the reply did not say what was counted.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_rounded_up_to_a_millionth_and_no_further() {
        for (usd, micro) in [
            (0.15, 150_000),
            (2.0, 2_000_000),
            (0.000_000_1, 1),
            (0.000_016, 16),
            (1.1, 1_100_000),
            (0.0, 0),
            (-1.0, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(MicroUsd::from_usd(usd), MicroUsd(micro), "{usd}");
        }
    }

    #[test]
    fn small_amounts_are_shown_and_not_rounded_to_nothing() {
        for (micro, shown) in [
            (0, "0.00 USD"),
            (16, "0.000016 USD"),
            (340, "0.00034 USD"),
            (3_400, "0.0034 USD"),
            (34_000, "0.034 USD"),
            (30_000, "0.03 USD"),
            (1_620_000, "1.62 USD"),
            (40_000_000, "40.00 USD"),
        ] {
            assert_eq!(MicroUsd(micro).to_string(), shown);
        }
    }

    #[test]
    fn sums_end_at_the_largest_amount() {
        let most = MicroUsd(u64::MAX);
        assert_eq!(most + MicroUsd(1), most);
        assert_eq!(most.times(2), most);
        assert_eq!(MicroUsd(1).less(MicroUsd(2)), MicroUsd::ZERO);
    }
}
