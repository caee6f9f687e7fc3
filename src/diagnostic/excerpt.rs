//! One line of a file, cut to the width of a terminal around the caret.

use std::ops::Range;

use super::is_unprintable;

/// Widest excerpt, in terminal cells: a line of 80 columns with its gutter wraps once at most.
const WIDEST: usize = 96;
/// Cells kept before the caret when the line is cut.
const LEAD: usize = 40;

/// What stands in the place of a hidden value.
const MASK: &str = "***";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub text: String,
    /// Cells before the caret.
    pub before: usize,
    /// Cells under which carets stand; at least 1.
    pub under: usize,
}

/// One character as it is shown.
struct Cell {
    /// Where it comes from in the line.
    at: usize,
    shown: char,
    width: usize,
}

impl Excerpt {
    /// Of `line`, with carets under the bytes `span` and with the ranges `hidden` (in order) masked.
    pub fn new(line: &str, span: Range<usize>, hidden: &[Range<usize>]) -> Self {
        // Where an enormous line is cut before anything else: no excerpt needs more.
        let from = floor(line, span.start.saturating_sub(8 * WIDEST));
        let to = floor(line, span.start.saturating_add(8 * WIDEST).min(line.len()));
        let mut cells = Vec::new();
        let mut masked_until = 0;
        for (offset, c) in line.get(from..to).unwrap_or_default().char_indices() {
            let at = from + offset;
            if at < masked_until {
                continue;
            }
            match hidden.iter().find(|range| range.contains(&at)) {
                Some(range) => {
                    masked_until = range.end;
                    cells.extend(MASK.chars().map(|shown| Cell {
                        at,
                        shown,
                        width: 1,
                    }));
                }
                None if c == '\t' => cells.extend([' '; 4].map(|shown| Cell {
                    at,
                    shown,
                    width: 1,
                })),
                None => cells.push(Cell {
                    at,
                    shown: if is_unprintable(c) { '\u{b7}' } else { c },
                    width: width(c),
                }),
            }
        }
        Self::cut(&cells, span, from > 0, to < line.len())
    }

    fn cut(cells: &[Cell], span: Range<usize>, more_before: bool, more_after: bool) -> Self {
        // A span that begins inside a masked value points at the mask's first cell.
        let first = cells
            .partition_point(|cell| cell.at < span.start)
            .min(cells.len());
        let first = match cells.get(first) {
            Some(cell) if cell.at > span.start && first > 0 => {
                let inside = cells[first - 1].at;
                cells.partition_point(|cell| cell.at < inside)
            }
            _ => first,
        };
        let sum = |cells: &[Cell]| cells.iter().map(|c| c.width).sum::<usize>();
        let mut begin = 0;
        if sum(cells) > WIDEST {
            while sum(&cells[begin..first]) > LEAD {
                begin += 1;
            }
        }
        let mut text = String::new();
        let mut before = 0;
        let mut under = 0;
        if begin > 0 || more_before {
            text.push('…');
            before += 1;
        }
        let mut used = before;
        for (i, cell) in cells.iter().enumerate().skip(begin) {
            if used + cell.width > WIDEST {
                text.push('…');
                return Self {
                    text,
                    before,
                    under: under.max(1),
                };
            }
            text.push(cell.shown);
            used += cell.width;
            if i < first {
                before += cell.width;
            } else if cell.at < span.end {
                under += cell.width;
            }
        }
        if more_after {
            text.push('…');
        }
        Self {
            text,
            before,
            under: under.max(1),
        }
    }
}

fn floor(line: &str, mut at: usize) -> usize {
    while !line.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Terminal cells of a character: 2 for East Asian wide ones and emoji, 0 for combining marks.
fn width(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036f | 0xfe00..=0xfe0f | 0x20d0..=0x20ff => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let line = format!("{}X{}", "a".repeat(60_000), "b".repeat(500));
        let excerpt = Excerpt::new(&line, 60_000..60_001, &[]);
        assert!(excerpt.text.starts_with("…aaa") && excerpt.text.ends_with("bbb…"));
        assert_eq!(excerpt.text.chars().nth(excerpt.before), Some('X'));
        assert_eq!(excerpt.under, 1);
        assert!(excerpt.text.chars().count() <= WIDEST + 1);
    }

    #[test]
    fn the_caret_stands_under_the_mask_of_what_it_points_to() {
        let line = "key = \"hunter2hunter2\" # x";
        let excerpt = Excerpt::new(line, 6..22, &[7..21, 23..26]);
        assert_eq!(excerpt.text, "key = \"***\" ***");
        assert_eq!((excerpt.before, excerpt.under), (6, 5));
        let inside = Excerpt::new(line, 10..12, std::slice::from_ref(&(7..21)));
        assert_eq!((inside.before, inside.under), (7, 3));
    }
}
