//! Presets: the right probes of well-known providers, so that three lines in probes.toml watch a whole one.

/// A preset's text, by name.
const PRESETS: &[(&str, &str)] = &[
    ("openai", include_str!("../../config/providers/openai.toml")),
    (
        "anthropic",
        include_str!("../../config/providers/anthropic.toml"),
    ),
    ("gemini", include_str!("../../config/providers/gemini.toml")),
    (
        "openai-compatible",
        include_str!("../../config/providers/openai-compatible.toml"),
    ),
];

/// Stands in a preset for the service's `model`.
const MODEL: &str = "${model}";

/// The names that `preset = ".."` knows.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// A preset as TOML, with the service's model in it. The model was checked to hold no quote.
pub(super) fn text(name: &str, model: Option<&str>) -> Option<String> {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    Some(match model {
        Some(model) => text.replace(MODEL, model),
        None => (*text).to_owned(),
    })
}

/// Whether a text still waits for the service's `model`.
pub(super) fn wants_model(text: &str) -> bool {
    text.contains(MODEL)
}
