//! What a request must look like for a model and a host, so that a failure is never the request's own: one table for
//! models, one for hosts; the first row that fits counts.
//!
//! A model that reasons spends its limit on tokens before it says a word, so it gets a large one. No parameter is sent
//! that some model of a row refuses (none knows `temperature` from us).

/// Enough for a word with a sentence around it.
const PLAIN: u64 = 32;
/// Enough for a little reasoning about a trivial question, at whatever effort is the model's usual.
const REASONS: u64 = 2048;
/// Models that always think at length.
const THINKS: u64 = 4096;
/// A name that tells nothing, such as a gateway's alias, may stand for a model that reasons.
const UNKNOWN: u64 = 1024;

struct Row {
    /// `*` stands for any text. The name is compared in lower case, without the folders before it.
    names: &'static [&'static str],
    max_tokens: u64,
}

const MODELS: &[Row] = &[
    Row {
        // Families whose other members reason.
        names: &[
            "gpt-5-chat*",
            "*non-reasoning*",
            "*-instruct*",
            "gemini-2.5-flash-lite*",
            "gemini-1*",
            "gemini-2.0*",
            "deepseek-chat*",
            "deepseek-v3*",
            "grok-2*",
            "grok-3",
            "grok-3-fast*",
        ],
        max_tokens: PLAIN,
    },
    Row {
        names: &[
            "deepseek-reasoner*",
            "deepseek-r1*",
            "*-r1*",
            "qwq*",
            "magistral*",
            "*thinking*",
            "*-reasoner*",
            "*reasoning*",
            "exaone-deep*",
        ],
        max_tokens: THINKS,
    },
    Row {
        names: &[
            "o1*",
            "o3*",
            "o4*",
            "gpt-5*",
            "gpt-oss*",
            "codex*",
            "gemini-2.5*",
            "gemini-3*",
            "gemini-*-latest",
            "grok-*",
            "qwen3*",
            "glm-4.5*",
            "glm-4.6*",
            "glm-5*",
            "kimi-k2*",
            "minimax-m*",
            "seed-oss*",
            "smollm3*",
            "sonar-deep*",
        ],
        max_tokens: REASONS,
    },
    Row {
        names: &[
            "gpt-4*",
            "gpt-3.5*",
            "chatgpt-4o*",
            "claude*",
            "*.claude*",
            "mistral*",
            "ministral*",
            "open-mi*",
            "codestral*",
            "devstral*",
            "pixtral*",
            "llama*",
            "meta-llama*",
            "command*",
            "gemma*",
            "phi-3*",
            "smollm2*",
            "qwen2*",
            "qwen-*",
            "nova-*",
            "jamba*",
            "sonar*",
        ],
        max_tokens: PLAIN,
    },
];

/// What a host accepts, or asks for, in chat completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Host {
    names: &'static [&'static str],
    /// The field for the limit on tokens.
    pub max_tokens_field: &'static str,
    /// Whether it takes `stream_options`.
    pub usage: bool,
    /// Whether it may keep the conversation, and can be told not to.
    pub may_store: bool,
}

const HOSTS: &[Host] = &[
    Host {
        names: &[
            "api.openai.com",
            "*.api.openai.com",
            "*.openai.azure.com",
            "*.cognitiveservices.azure.com",
            "*.services.ai.azure.com",
        ],
        max_tokens_field: "max_completion_tokens",
        usage: true,
        may_store: true,
    },
    Host {
        // Refuses fields that it does not know, and tells the usage unasked.
        names: &["api.mistral.ai", "codestral.mistral.ai"],
        max_tokens_field: "max_tokens",
        usage: false,
        may_store: false,
    },
];

/// Everyone else: gateways and servers of one's own take the older field.
const OTHERS: Host = Host {
    names: &[],
    max_tokens_field: "max_tokens",
    usage: true,
    may_store: false,
};

/// The limit on tokens for an answer of a word.
pub(super) fn max_tokens(model: &str) -> u64 {
    let name = model.to_ascii_lowercase();
    let name = name.rsplit('/').next().unwrap_or_default();
    let row = MODELS
        .iter()
        .find(|row| row.names.iter().any(|pattern| fits(pattern, name)));
    row.map_or(UNKNOWN, |row| row.max_tokens)
}

/// The limit on tokens when so many of them are for thinking.
pub(super) const fn max_tokens_beside(budget: u64) -> u64 {
    budget + PLAIN
}

/// What a host accepts.
pub(super) fn host(name: &str) -> Host {
    let known = HOSTS
        .iter()
        .find(|host| host.names.iter().any(|pattern| fits(pattern, name)));
    *known.unwrap_or(&OTHERS)
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| fits(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_gets_room_for_what_it_does_before_it_speaks() {
        let cases: &[(u64, &[&str])] = &[
            (
                PLAIN,
                &[
                    "gpt-4o-mini",
                    "gpt-4.1-nano",
                    "openai/gpt-4o",
                    "chatgpt-4o-latest",
                    "gpt-5-chat-latest",
                    "claude-haiku-4-5",
                    "claude-3-5-haiku-latest",
                    "us.anthropic.claude-3-5-haiku-20241022-v1:0",
                    "gemini-2.0-flash",
                    "gemini-2.5-flash-lite",
                    "models/gemini-2.5-flash-lite",
                    "mistral-small-latest",
                    "deepseek-chat",
                    "llama-3.1-8b-instant",
                    "meta-llama/Llama-3.3-70B-Instruct",
                    "grok-3",
                    "grok-4-fast-non-reasoning",
                    "qwen3-30b-a3b-instruct-2507",
                    "smollm2-135m",
                    "command-r7b-12-2024",
                ],
            ),
            (
                REASONS,
                &[
                    "o1",
                    "o3-mini",
                    "o4-mini-2025-04-16",
                    "gpt-5",
                    "gpt-5-nano",
                    "gpt-5.1",
                    "openai/gpt-5-mini",
                    "gpt-oss-20b",
                    "gemini-2.5-flash",
                    "gemini-2.5-pro",
                    "gemini-3-pro-preview",
                    "gemini-flash-latest",
                    "grok-4",
                    "grok-3-mini",
                    "qwen3:8b",
                    "glm-4.6",
                ],
            ),
            (
                THINKS,
                &[
                    "deepseek-reasoner",
                    "deepseek/deepseek-r1:free",
                    "DeepSeek-R1-Distill-Qwen-7B",
                    "qwq:32b",
                    "magistral-small-2509",
                    "kimi-k2-thinking",
                    "claude-3.7-sonnet:thinking",
                    "grok-4-fast-reasoning",
                    "phi-4-mini-reasoning",
                ],
            ),
            (
                UNKNOWN,
                &["m", "", "fast", "our-model", "azure/deployment-1"],
            ),
        ];
        for (wanted, models) in cases {
            for model in *models {
                assert_eq!(max_tokens(model), *wanted, "{model}");
            }
        }
    }

    #[test]
    fn every_host_gets_the_fields_that_it_takes() {
        for (name, field, usage, may_store) in [
            ("api.openai.com", "max_completion_tokens", true, true),
            ("eu.api.openai.com", "max_completion_tokens", true, true),
            ("mine.openai.azure.com", "max_completion_tokens", true, true),
            ("api.mistral.ai", "max_tokens", false, false),
            ("openrouter.ai", "max_tokens", true, false),
            ("localhost", "max_tokens", true, false),
            ("api.openai.com.example.org", "max_tokens", true, false),
        ] {
            let host = host(name);
            let got = (host.max_tokens_field, host.usage, host.may_store);
            assert_eq!(got, (field, usage, may_store), "{name}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        for (pattern, text, fit) in [
            ("a*", "a", true),
            ("a*", "ab", true),
            ("*b*", "abc", true),
            ("*b", "abc", false),
            ("a*c*", "abd", false),
            ("a", "ab", false),
            ("*\u{e9}", "a\u{e9}", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }
}
