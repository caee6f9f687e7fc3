//! The tokens of a stream on the time scale of its run: one line, in which silences are seen as gaps.

/// A column without a token, between the first and the last.
const SILENCE: char = '\u{b7}';
/// A column with tokens: few to many.
const BARS: [char; 4] = ['\u{2582}', '\u{2584}', '\u{2586}', '\u{2588}'];

/// A line of at most `columns` characters; `column` tells where a moment stands. Empty without tokens.
pub fn line(moments_us: &[u32], columns: usize, column: impl Fn(u64) -> usize) -> String {
    let last = columns.saturating_sub(1);
    let mut counts = vec![0_usize; columns.max(1)];
    for moment in moments_us {
        counts[column(u64::from(*moment)).min(last)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let begin = counts.iter().position(|count| *count > 0);
    let end = counts.iter().rposition(|count| *count > 0);
    let (Some(begin), Some(end)) = (begin, end) else {
        return String::new();
    };
    let drawn = counts[begin..=end].iter().map(|count| match count {
        0 => SILENCE,
        count => {
            BARS[(count * BARS.len())
                .div_ceil(most)
                .saturating_sub(1)
                .min(BARS.len() - 1)]
        }
    });
    std::iter::repeat_n(' ', begin).chain(drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(moments: &[u32]) -> String {
        line(moments, 10, |at| usize::try_from(at).unwrap())
    }

    #[test]
    fn tokens_stand_where_they_came_and_silences_are_seen() {
        assert_eq!(
            drawn(&[2, 3, 3, 3, 3, 7, 7]),
            "  \u{2582}\u{2588}\u{b7}\u{b7}\u{b7}\u{2584}"
        );
    }

    #[test]
    fn no_tokens_and_tokens_beyond_the_end_are_drawn_without_panic() {
        assert_eq!(drawn(&[]), "");
        assert_eq!(drawn(&[99]), "         \u{2588}");
        assert_eq!(line(&[1], 0, |_| 5), "\u{2588}");
    }
}
