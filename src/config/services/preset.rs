//! What a preset brings: an address, a title, and the probes that the file does not have itself.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::probe::PROBE_KEYS;
use super::{Around, Reader};
use crate::config::Service;
use crate::config::fields::{Faults, Fields, listed, nearest, quoted};
use crate::config::presets;
use crate::config::values::{Wrong, http_url, model, name, title};
use crate::diagnostic::Problem;

/// A key that only presets use: whether the probe is chosen when the service does not choose.
const PRESET_KEYS: &[&str] = &["default"];

impl<'t> Reader<'_, 't> {
    /// The text of the service's preset, its model filled in.
    pub(super) fn preset(&self, fields: Fields<'t>) -> Option<String> {
        let chosen = fields.text("preset", |text| {
            if presets::preset_names().any(|known| known == text) {
                return Ok(text.to_owned());
            }
            let wrong = Wrong::new(format!("{} is not known", quoted(text)));
            Err(match nearest(text, presets::preset_names()) {
                Some(near) => wrong.help(format!("did you mean \"{near}\"?")),
                None => wrong.help(format!(
                    "known presets: {}",
                    listed(presets::preset_names())
                )),
            })
        })?;
        let model = fields.text("model", model);
        let text = presets::text(&chosen, model.as_deref())?;
        if presets::wants_model(&text) {
            let problem = Problem::new(
                fields.span("preset"),
                format!("the preset {} needs `model`", quoted(&chosen)),
            )
            .help("add model = \"NAME\" to the service");
            self.root.faults.push(problem);
            return None;
        }
        Some(text)
    }

    /// Adds a preset's probes, but those that the file has under the same name or does not choose.
    pub(super) fn of_preset(
        &self,
        text: &str,
        service: Fields<'t>,
        own: &BTreeSet<&str>,
        around: &mut Around,
        made: &mut Service,
    ) {
        let Ok(parsed) = DeTable::parse(text) else {
            let problem = Problem::new(
                service.span("preset"),
                "this preset cannot be read: a defect of watchfire",
            );
            return self.root.faults.push(problem);
        };
        let faults = Faults::default();
        let preset = Fields {
            table: parsed.get_ref(),
            faults: &faults,
        };
        if service.get("title").is_none() {
            made.title = preset
                .text("title", title)
                .unwrap_or_else(|| made.title.clone());
        }
        if around.base_url.is_none() {
            around.base_url = preset.text("base_url", http_url);
        }
        if around.base_url.is_none() {
            let problem = Problem::new(service.span("preset"), "this preset needs `base_url`")
                .help("add base_url = \"https://llm.example.com/v1\" to the service");
            return self.root.faults.push(problem);
        }
        let chosen = service.texts("probes", name);
        let empty = Vec::new();
        let list = preset
            .get("probe")
            .and_then(|v| v.get_ref().as_array())
            .map_or(&empty[..], |a| &a[..]);
        let mut names = Vec::new();
        for value in list {
            let Some(table) = value.get_ref().as_table() else {
                continue;
            };
            let fields = Fields {
                table,
                faults: &faults,
            };
            let Some(probe) = fields.text("name", name) else {
                continue;
            };
            let wanted = match &chosen {
                Some(chosen) => chosen.iter().any(|(c, _)| *c == probe),
                None => fields.boolean("default") != Some(false),
            };
            if wanted && !own.contains(probe.as_str()) {
                let keys = [PROBE_KEYS, PRESET_KEYS].concat();
                self.probe(&probe, fields, value, around, made, &keys);
            }
            names.push(probe);
        }
        for (choice, span) in chosen.unwrap_or_default() {
            if !names.contains(&choice) && !own.contains(choice.as_str()) {
                let problem =
                    Problem::new(span, format!("the preset has no probe {}", quoted(&choice)))
                        .help(format!(
                            "it has {}",
                            listed(names.iter().map(String::as_str))
                        ));
                self.root.faults.push(problem);
            }
        }
        let (found, _) = faults.into_parts();
        for problem in found {
            // A preset is checked by a test; what is left comes from the service's own words, such as its model.
            let problem = Problem::new(
                service.span("preset"),
                format!("with this preset: {}", problem.message),
            );
            self.root.faults.push(problem);
        }
    }
}
