//! What one document of a reply said, whatever its shape: text, thoughts, why it stopped, what it cost.

use crate::probe::reply::Counted;

/// What a whole answer, or one event of a stream, said. Reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Text of the answer, or the words of a refusal.
    pub text: String,
    /// The whole text as repeated at the end of a stream; it counts when nothing came before.
    pub again: String,
    /// Reasoning: it stops the clock of the first token, and is no answer.
    pub thought: bool,
    /// A call of a tool, or a piece of one: likewise.
    pub tool: bool,
    /// `text` is a refusal in the model's own words.
    pub refused: bool,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<String>,
    /// The end that the shape promises.
    pub terminal: bool,
    /// What the provider counted.
    pub counted: Counted,
    /// There is an answer in it at all, if only an empty one.
    pub answered: bool,
    /// It may hold an error: to be looked at again, as a whole.
    pub suspect: bool,
}

impl Said {
    /// Forgets everything but the room that it takes.
    pub fn clear(&mut self) {
        let (mut text, mut again) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.again),
        );
        text.clear();
        again.clear();
        *self = Self {
            text,
            again,
            ..Self::default()
        };
    }
}

/// Why a model stopped, in any shape's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It had said all.
    Done,
    /// The limit on tokens was reached.
    Length,
    /// A filter of the provider stepped in.
    Filter,
    /// The model refused.
    Refusal,
    /// It called a tool.
    Tool,
    /// Anything else.
    Other,
}

/// Put before the reason for which a question was not even given to the model.
pub(super) const BLOCKED: &str = "blocked: ";

const STOPS: &[(Stop, &[&str])] = &[
    (
        Stop::Done,
        &["stop", "end_turn", "stop_sequence", "completed", "eos"],
    ),
    (
        Stop::Length,
        &[
            "length",
            "max_tokens",
            "max_output_tokens",
            "model_context_window_exceeded",
            "model_length",
        ],
    ),
    (
        Stop::Filter,
        &[
            "content_filter",
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "image_safety",
            "model_armor",
        ],
    ),
    (Stop::Refusal, &["refusal"]),
    (Stop::Tool, &["tool_calls", "tool_use", "function_call"]),
];

impl Stop {
    /// What a provider's word means.
    pub fn of(word: &str) -> Self {
        if word.starts_with(BLOCKED) {
            return Stop::Filter;
        }
        let known = STOPS
            .iter()
            .find(|(_, words)| words.iter().any(|known| known.eq_ignore_ascii_case(word)));
        known.map_or(Stop::Other, |(stop, _)| *stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_providers_word_for_an_end_is_known() {
        for (word, stop) in [
            ("stop", Stop::Done),
            ("STOP", Stop::Done),
            ("end_turn", Stop::Done),
            ("completed", Stop::Done),
            ("length", Stop::Length),
            ("MAX_TOKENS", Stop::Length),
            ("max_output_tokens", Stop::Length),
            ("content_filter", Stop::Filter),
            ("SAFETY", Stop::Filter),
            ("blocked: OTHER", Stop::Filter),
            ("refusal", Stop::Refusal),
            ("tool_use", Stop::Tool),
            ("OTHER", Stop::Other),
            ("", Stop::Other),
        ] {
            assert_eq!(Stop::of(word), stop, "{word}");
        }
    }

    #[test]
    fn what_was_said_before_is_forgotten() {
        let mut said = Said {
            text: "a".to_owned(),
            finish: Some("stop".to_owned()),
            suspect: true,
            ..Said::default()
        };
        said.clear();
        assert!(said.text.is_empty() && said.finish.is_none() && !said.suspect);
    }
}
