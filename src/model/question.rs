//! The built-in questions of the kind `chat`: each has one short answer that any model gives right.
//!
//! The number of the run chooses the question and stands in front of it, so that neither a cache nor a canned reply can
//! answer in the model's place. An answer is right when it holds the wanted word as a whole word; how it is dressed
//! (case, punctuation, markdown, a sentence around it) does not matter.

/// One question and what answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// What is asked, in one sentence.
    pub ask: &'static str,
    /// In what form the answer is wanted.
    pub form: &'static str,
    /// Right answers in lower case; the first is the usual one.
    pub answers: &'static [&'static str],
}

const fn word(ask: &'static str, answers: &'static [&'static str]) -> Question {
    Question {
        ask,
        form: "Reply with one word only.",
        answers,
    }
}

const fn number(ask: &'static str, answers: &'static [&'static str]) -> Question {
    Question {
        ask,
        form: "Reply with the number only.",
        answers,
    }
}

/// All questions. No answer stands in a question, for an echo is not an answer; and none is a word of the texts that
/// services excuse themselves with ("at capacity right now", "try again in 30 seconds").
#[rustfmt::skip]
pub const QUESTIONS: &[Question] = &[
    word("What is the capital of France?", &["paris"]),
    word("What is the capital of Italy?", &["rome", "roma"]),
    word("What is the capital of Japan?", &["tokyo"]),
    word("What is the capital of Egypt?", &["cairo"]),
    word("What is the capital of Spain?", &["madrid"]),
    word("What is the capital of Germany?", &["berlin"]),
    word("What is the capital of Greece?", &["athens"]),
    word("What is the opposite of hot?", &["cold"]),
    word("What is the opposite of dry?", &["wet"]),
    word("What colour is a ripe banana?", &["yellow"]),
    word("What colour is fresh snow?", &["white"]),
    word("What colour is freshly cut grass?", &["green"]),
    word("Which day comes right after Monday?", &["tuesday"]),
    word("Which month comes right after March?", &["april"]),
    word("Which animal barks and guards the house?", &["dog", "dogs"]),
    word("Which planet do we live on?", &["earth"]),
    word("Which season comes right after spring?", &["summer"]),
    number("What is 7 plus 4?", &["11", "eleven"]),
    number("What is 9 plus 8?", &["17", "seventeen"]),
    number("What is 13 plus 6?", &["19", "nineteen"]),
    number("What is 6 times 3?", &["18", "eighteen"]),
];

impl Question {
    /// The question of the run with this number.
    pub fn of(nonce: u64) -> &'static Question {
        // The high bits choose: the low ones are seen in the prompt, and a cache keyed by them shall not help.
        let chosen = (nonce >> 32) % QUESTIONS.len() as u64;
        usize::try_from(chosen)
            .ok()
            .and_then(|at| QUESTIONS.get(at))
            .unwrap_or(&QUESTIONS[0])
    }

    /// What is sent: the number of the run, the question, the form of the answer.
    pub fn prompt(&self, nonce: u64) -> String {
        format!("Request {}: {} {}", run_number(nonce), self.ask, self.form)
    }

    /// The question that a prompt of ours asks; `None` for any other text.
    pub fn asked_in(prompt: &str) -> Option<&'static Question> {
        QUESTIONS
            .iter()
            .find(|question| prompt.contains(question.ask))
    }

    /// The usual answer, as a model would write it.
    pub fn answer(&self) -> String {
        let mut letters = self.answers.first().unwrap_or(&"").chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        })
    }

    /// Whether `text` answers it: one of the answers is in it as a whole word.
    pub fn is_answered_by(&self, text: &str) -> bool {
        words(text).any(|word| {
            self.answers
                .iter()
                .any(|answer| word.eq_ignore_ascii_case(answer))
        })
    }
}

/// The number of a run as it stands in a prompt: 32 bits miss a cache, and more would be more tokens.
pub fn run_number(nonce: u64) -> String {
    format!("{:08x}", nonce & 0xffff_ffff)
}

/// Words of a text. A hyphen, a dot or an underscore within a word belongs to it: the 3 of `claude-3` is no number.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let joins = |c: char| matches!(c, '-' | '.' | '_');
    text.split(move |c: char| !c.is_alphanumeric() && !joins(c))
        .map(move |word| word.trim_matches(joins))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_question_holds_its_own_answer_and_none_is_part_of_another() {
        assert!(QUESTIONS.len() >= 16);
        for question in QUESTIONS {
            assert!(
                !question.is_answered_by(&question.prompt(0)),
                "{question:?}"
            );
            assert!(question.is_answered_by(&question.answer()), "{question:?}");
            for answer in question.answers {
                assert_eq!(*answer, answer.to_lowercase());
            }
            let same = QUESTIONS
                .iter()
                .filter(|other| other.ask.contains(question.ask));
            assert_eq!(same.count(), 1, "{question:?}");
        }
    }

    #[test]
    fn the_number_of_the_run_chooses_the_question_and_stands_in_the_prompt() {
        let asked: BTreeSet<&str> = (0..500).map(|n| Question::of(n << 32).ask).collect();
        assert_eq!(asked.len(), QUESTIONS.len());
        for nonce in [0, 7 << 32 | 42, u64::MAX] {
            let question = Question::of(nonce);
            let prompt = question.prompt(nonce);
            assert!(prompt.contains(&run_number(nonce)), "{prompt}");
            assert_eq!(Question::asked_in(&prompt), Some(question));
        }
        assert_eq!(Question::asked_in("ping"), None);
    }

    #[test]
    fn an_answer_is_a_whole_word_however_it_is_dressed() {
        let capital = &QUESTIONS[0];
        for right in [
            "Paris",
            "paris.",
            "**Paris**",
            "PARIS!",
            "\"Paris\"",
            "_Paris_",
            "The capital is Paris.",
            "Paris\u{2014}of course",
            "<b>Paris</b>",
            "Answer: `Paris`\n",
            "\\boxed{Paris}",
            "Paris \u{1f1eb}\u{1f1f7}",
        ] {
            assert!(capital.is_answered_by(right), "{right}");
        }
        for wrong in [
            "",
            "Parisian",
            "comparison",
            "Rome",
            "Par is",
            "Pari",
            "...",
            "\u{1f600}",
        ] {
            assert!(!capital.is_answered_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_number_may_be_a_word_and_must_stand_alone() {
        let eleven = QUESTIONS
            .iter()
            .find(|q| q.ask.contains("7 plus 4"))
            .unwrap();
        for right in [
            "11",
            "Eleven",
            "7 + 4 = **11**.",
            "7+4=11",
            "$11$",
            "\\(11\\)",
        ] {
            assert!(eleven.is_answered_by(right), "{right}");
        }
        for wrong in ["1", "111", "model-11", "v1.11", "12", "-", "7 4"] {
            assert!(!eleven.is_answered_by(wrong), "{wrong}");
        }
    }
}
