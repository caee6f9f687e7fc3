//! Name patterns with `*` and `?`, as shells have them; upper and lower case are the same.

use super::pattern::Pattern;

/// A pattern for whole names.
#[derive(Debug, Clone)]
pub(super) struct Glob(Pattern);

impl Glob {
    /// Compiles it.
    ///
    /// # Errors
    /// When it is too large.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let inner = regex::escape(text.trim())
            .replace(r"\*", ".*")
            .replace(r"\?", ".");
        Pattern::compile(&format!("(?is)^{inner}$"))
            .map(Self)
            .map_err(|why| why.to_string())
    }

    /// Whether it fits the whole name, but for blanks around it.
    pub(super) fn is_match(&self, name: &str) -> bool {
        self.0.is_match(name.trim().as_bytes())
    }
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
            (" Sora ", "Sora", true),
            ("L?bs", "L\u{e4}bs", true),
            ("a*b", "a\nb", true),
        ] {
            let compiled = Glob::compile(glob).unwrap();
            assert_eq!(compiled.is_match(name), fits, "{glob} {name}");
        }
    }
}
