//! Presets: the right probes of well-known providers, so that three lines in probes.toml watch a whole one.
//!
//! Those of the program are files in `config/providers/`. A file of the user's own, `providers/NAME.toml` beside
//! probes.toml, takes the place of the program's preset of that name, or adds one.

use std::path::{Path, PathBuf};

use super::env::{Env, ReadError};
use crate::diagnostic::syntax;

/// A preset's name and text.
macro_rules! preset {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../config/providers/", $name, ".toml")),
        )
    };
}

/// A preset's text, by name.
const PRESETS: &[(&str, &str)] = &[
    preset!("openai"),
    preset!("azure-openai"),
    preset!("anthropic"),
    preset!("gemini"),
    preset!("mistral"),
    preset!("deepseek"),
    preset!("groq"),
    preset!("openrouter"),
    preset!("xai"),
    preset!("ollama"),
    preset!("vllm"),
    preset!("llama-server"),
    preset!("litellm"),
    preset!("openai-compatible"),
];

/// The folder of the user's own presets, beside probes.toml.
const FOLDER: &str = "providers";
/// Stands in a preset for the service's `model`.
const MODEL: &str = "${model}";
/// Larger than any preset.
const LARGEST_BYTES: usize = 256 << 10;

/// A preset that was chosen.
#[derive(Debug, Clone)]
pub(super) struct Preset {
    /// TOML, with the service's model in it.
    pub text: String,
    /// The user's own file that it comes from; `None` for one of the program's.
    pub file: Option<PathBuf>,
}

/// The names that `preset = ".."` knows without a file of the user's.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// Where the user's own presets are, for a probes.toml of this name.
pub(super) fn folder(probes: &str) -> PathBuf {
    Path::new(probes)
        .parent()
        .unwrap_or(Path::new(""))
        .join(FOLDER)
}

/// The preset of a name: the user's own, else the program's. `Ok(None)`: there is neither.
///
/// # Errors
/// The reason why the user's file cannot be used.
pub(super) fn find(name: &str, folder: &Path, env: &dyn Env) -> Result<Option<Preset>, String> {
    let file = folder.join(format!("{name}.toml"));
    match env.read(&file, LARGEST_BYTES) {
        Ok(found) => {
            let text = String::from_utf8(found.bytes)
                .map_err(|_| format!("{} is not UTF-8", file.display()))?;
            let file = Some(file);
            Ok(Some(Preset { text, file }))
        }
        Err(ReadError::Absent) => {
            let known = PRESETS.iter().find(|(known, _)| *known == name);
            Ok(known.map(|(_, text)| Preset {
                text: (*text).to_owned(),
                file: None,
            }))
        }
        Err(why) => Err(format!("{} cannot be read: {why}", file.display())),
    }
}

impl Preset {
    /// With `model` in it, or else the model that the preset names itself. `None` when it needs one and there is none.
    ///
    /// The service's model was checked to hold no quote; that of the preset comes out of a TOML string and is as good.
    pub fn with_model(mut self, model: Option<&str>) -> Option<Self> {
        if !self.text.contains(MODEL) {
            return Some(self);
        }
        let usual = usual_model(&self.text);
        let model = model.or(usual.as_deref())?;
        self.text = self.text.replace(MODEL, model);
        Some(self)
    }
}

/// `model = ".."` at the top of a preset.
fn usual_model(text: &str) -> Option<String> {
    let table = syntax::parse(text).ok()?;
    let model = table.get_ref().get("model")?.get_ref().as_str()?;
    super::values::model(model).ok()
}
