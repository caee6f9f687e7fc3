//! What a run cost and what limits it was told of, as lines of text.

use std::fmt::Write as _;

use crate::model::{Cost, Findings};

/// Nothing for a run that surely cost nothing and was told of no limit.
pub(super) fn draw(out: &mut String, found: &Findings) {
    match found.cost {
        Some(Cost::Known(cost)) => {
            let _ = writeln!(out, "  cost: {cost}");
        }
        Some(Cost::Unknown) => out.push_str("  cost: not known\n"),
        None => {}
    }
    for limit in &found.headroom {
        let _ = write!(out, "  limit: {}", limit.remaining);
        if let Some(of) = limit.limit {
            let _ = write!(out, " of {of}");
        }
        let _ = writeln!(out, " {} left", limit.resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Headroom, MicroUsd};

    #[test]
    fn an_unknown_cost_is_not_shown_as_none() {
        let limit = |limit| Headroom {
            resource: "tokens".to_owned(),
            limit,
            remaining: 7,
            resets_in: None,
        };
        let mut found = Findings {
            cost: Some(Cost::Known(MicroUsd(700))),
            headroom: vec![limit(Some(10)), limit(None)],
            ..Findings::default()
        };
        let drawn = |found: &Findings| {
            let mut out = String::new();
            draw(&mut out, found);
            out
        };
        let limits = "  limit: 7 of 10 tokens left\n  limit: 7 tokens left\n";
        assert_eq!(drawn(&found), format!("  cost: 0.00070 USD\n{limits}"));
        found.cost = Some(Cost::Unknown);
        assert_eq!(drawn(&found), format!("  cost: not known\n{limits}"));
        assert_eq!(drawn(&Findings::default()), "");
    }
}
