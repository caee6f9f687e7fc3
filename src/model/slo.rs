//! The error budget: how many of its runs a service may fail and still keep to its objective (Google, SRE Workbook, ch. 2).

use super::uptime::Uptime;

/// Where a service stands with its objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorBudget {
    /// The share of runs that should succeed, 0 to 1.
    pub slo: f64,
    /// Share of the budget that is left: 1 untouched, 0 spent, below 0 overspent.
    pub left: f64,
    /// The same if all that is unknown was down.
    pub left_at_worst: f64,
    /// How fast it is spent: 1 uses it up by the end of the time, 2 by the half. `None` for an objective of 100 %.
    pub burn: Option<f64>,
}

impl ErrorBudget {
    /// From the runs of a time; `None` when nothing is known of it.
    pub fn of(slo: f64, uptime: &Uptime) -> Option<Self> {
        let known = uptime.known();
        if known == 0 {
            return None;
        }
        let left = |failed: u64, of: u64| {
            let allowed = (1.0 - slo).max(0.0) * of as f64;
            match failed {
                0 => 1.0,
                // Of nothing nothing is left, and by how much it is overspent cannot be told.
                _ if allowed <= 0.0 => 0.0,
                failed => 1.0 - failed as f64 / allowed,
            }
        };
        let down = uptime.down();
        Some(Self {
            slo,
            left: left(down, known),
            left_at_worst: left(down + uptime.unknown(), uptime.total()),
            burn: burn(slo, uptime),
        })
    }
}

/// How many times faster the budget is spent than its time goes by; `None` without runs or for an objective of 100 %.
pub fn burn(slo: f64, uptime: &Uptime) -> Option<f64> {
    let allowed = 1.0 - slo;
    (allowed > 0.0).then_some(())?;
    Some((1.0 - uptime.measured()?) / allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;
    use crate::model::uptime::Unknown;

    fn runs(up: u64, down: u64, unknown: u64) -> Uptime {
        Uptime {
            up,
            slow: 0,
            failures: [(FailureKind::Timeout, down)].into(),
            unknown: [(Unknown::NoData, unknown)].into(),
        }
    }

    #[test]
    fn what_failed_is_spent_and_what_is_unknown_may_be() {
        for (slo, uptime, left, worst, burn) in [
            (0.99, runs(1000, 0, 0), 1.0, 1.0, Some(0.0)),
            (0.99, runs(995, 5, 0), 0.5, 0.5, Some(0.5)),
            (0.99, runs(990, 10, 0), 0.0, 0.0, Some(1.0)),
            (0.99, runs(970, 30, 0), -2.0, -2.0, Some(3.0)),
            (0.9, runs(900, 0, 100), 1.0, 0.0, Some(0.0)),
            (0.9, runs(450, 50, 500), 0.0, -4.5, Some(1.0)),
            (1.0, runs(1000, 0, 0), 1.0, 1.0, None),
            (1.0, runs(999, 1, 0), 0.0, 0.0, None),
            (1.0, runs(999, 0, 1), 1.0, 0.0, None),
        ] {
            let budget = ErrorBudget::of(slo, &uptime).unwrap();
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(
                near(budget.left, left) && near(budget.left_at_worst, worst),
                "{budget:?}"
            );
            assert_eq!(
                budget.burn.map(|b| (b * 1e9).round()),
                burn.map(|b| (b * 1e9_f64).round())
            );
        }
        assert_eq!(ErrorBudget::of(0.99, &runs(0, 0, 5)), None);
    }
}
