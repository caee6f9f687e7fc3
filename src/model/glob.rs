//! Name patterns with `*` and `?`, as shells have them; upper and lower case are the same.

/// Longest pattern, in bytes: names are shorter.
const LONGEST: usize = 400;

/// A pattern for whole names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// Reads it. Blanks around it do not count.
    ///
    /// # Errors
    /// When it is too long, in words for the one who wrote it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} bytes"));
        }
        Ok(Self(folded(text)))
    }

    /// Whether it fits the whole name, but for blanks around it.
    pub fn is_match(&self, name: &str) -> bool {
        fits(&self.0, &folded(name.trim()))
    }

    /// Whether it fits every name.
    pub fn is_everything(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|c| *c == '*')
    }
}

fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Goes back to the latest star only, which is enough: time is at most the product of the lengths.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(wanted) if *wanted == '?' || wanted == c => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                (p, n) = (after, from + 1);
                star = Some((after, n));
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_anything_and_all_else_for_itself() {
        for (glob, name, fits) in [
            ("Chat*", "chat completions", true),
            ("Chat*", "ChatGPT", true),
            ("Chat*", "Web Chat", false),
            ("*chat*", "Web Chat", true),
            ("api", "API", true),
            ("api", "APIs", false),
            ("gpt-?", "GPT-5", true),
            ("gpt-?", "GPT-", false),
            ("a.c", "abc", false),
            ("(x|y)", "x", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            (" Sora ", "Sora", true),
            ("L?bs", "L\u{e4}bs", true),
            ("\u{c4}*", "\u{e4}b", true),
            ("a*b", "a\nb", true),
            ("a*b*c", "abxbxc", true),
            ("a*b*c", "abxbxd", false),
            ("**a", "bba", true),
            ("a?*", "a", false),
        ] {
            let compiled = Glob::compile(glob).unwrap();
            assert_eq!(compiled.is_match(name), fits, "{glob} {name}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_soon_done_with_a_name_that_almost_fits() {
        let glob = Glob::compile(&"*a".repeat(200)).unwrap();
        assert!(!glob.is_match(&format!("{}b", "a".repeat(1_000))));
        assert!(Glob::compile(&"a".repeat(401)).is_err());
    }
}
