//! The statuses that are wanted: numbers, `"2xx"`, `"200-299"`, or a list of them.

use std::fmt;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::DeValue;

use super::each;
use crate::diagnostic::Problem;
use crate::probe::fields::{Fields, integer, wanted};

/// Ranges of statuses; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::probe) struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    pub(super) fn read(fields: &mut Fields<'_, '_>, key: &str) -> Option<Self> {
        let value = fields.get(key)?;
        let items = each(value);
        if items.is_empty() {
            fields.fault(Problem::new(value.span(), "no status is wanted at all"));
            return None;
        }
        let mut ranges = Vec::new();
        for item in items {
            match range(item) {
                Some(range) => ranges.push(range),
                None => {
                    let fault = wanted("a status from 100 to 599", item)
                        .help("as 200, \"2xx\" or \"200-299\"");
                    fields.fault(fault);
                }
            }
        }
        (ranges.len() == items.len()).then_some(Self(ranges))
    }

    pub(super) fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

fn range(value: &Spanned<DeValue<'_>>) -> Option<RangeInclusive<u16>> {
    let (first, last) = match value.get_ref() {
        DeValue::String(text) => match text.split_once('-') {
            Some((first, last)) => (first.trim().parse().ok()?, last.trim().parse().ok()?),
            None => match text.strip_suffix("xx") {
                Some(hundreds) => {
                    let hundreds: u16 = hundreds.parse().ok()?;
                    let first = hundreds.checked_mul(100)?;
                    (first, first.checked_add(99)?)
                }
                None => return None,
            },
        },
        _ => {
            let code = u16::try_from(integer(value)?).ok()?;
            (code, code)
        }
    };
    (100 <= first && first <= last && last <= 599).then_some(first..=last)
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, range) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" or ")?;
            }
            let (first, last) = (range.start(), range.end());
            if first == last {
                write!(f, "{first}")?;
            } else if first % 100 == 0 && *last == first + 99 {
                write!(f, "{}xx", first / 100)?;
            } else {
                write!(f, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn read(text: &str) -> Option<String> {
        let table = DeTable::parse(text).unwrap();
        let mut fields = Fields::within(table.get_ref());
        let statuses = Statuses::read(&mut fields, "status");
        assert_eq!(statuses.is_none(), !fields.problems().is_empty(), "{text}");
        statuses.map(|s| s.to_string())
    }

    #[test]
    fn numbers_hundreds_and_ranges_are_read_and_shown() {
        for (text, shown) in [
            ("status = 200", "200"),
            ("status = [200, 204]", "200 or 204"),
            ("status = \"2xx\"", "2xx"),
            (
                "status = [\"2xx\", 301, \"401-403\"]",
                "2xx or 301 or 401-403",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Some(shown), "{text}");
        }
        for text in [
            "status = []",
            "status = 99",
            "status = 600",
            "status = \"6xx\"",
            "status = \"xx\"",
            "status = \"299-200\"",
            "status = \"200\"",
            "status = \"99999xx\"",
            "status = true",
            "status = [200, -1]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_a_range_belong_to_it() {
        let table = DeTable::parse("status = [\"200-204\", 404]").unwrap();
        let statuses = Statuses::read(&mut Fields::within(table.get_ref()), "status").unwrap();
        for (status, wanted) in [
            (199, false),
            (200, true),
            (204, true),
            (205, false),
            (404, true),
        ] {
            assert_eq!(statuses.contain(status), wanted, "{status}");
        }
    }
}
