//! What a preset brings: an address, a title, and the probes that the file does not have itself.

use std::collections::BTreeSet;
use std::ops::Range;

use super::probe::PROBE_KEYS;
use super::{Around, Reader};
use crate::config::Service;
use crate::config::fields::{Faults, Fields, listed, nearest, quoted};
use crate::config::presets::{self, Preset};
use crate::config::values::{Wrong, api, http_url, model, name, title};
use crate::diagnostic::{Lines, Problem, syntax};
use crate::probe::Transport;

/// Keys at the top of a preset.
const ROOT_KEYS: &[&str] = &["title", "api", "base_url", "model", "probe"];
/// A key that only presets use: whether the probe is chosen when the service does not choose.
const PRESET_KEYS: &[&str] = &["default"];

impl<'t> Reader<'_, 't> {
    /// The service's preset, its model filled in.
    pub(super) fn preset(&self, fields: Fields<'t>) -> Option<Preset> {
        let found = fields.text("preset", |text| {
            let known = name(text).map_or(Ok(None), |name| {
                presets::find(&name, &self.presets, self.vault.env)
            });
            match known {
                Ok(Some(preset)) => Ok(preset),
                Ok(None) => Err(self.unknown_preset(text)),
                Err(why) => Err(Wrong::new(format!("cannot be used: {why}"))),
            }
        })?;
        let model = fields.text("model", model);
        let filled = found.with_model(model.as_deref());
        if filled.is_none() {
            let chosen = fields.get("preset").and_then(|v| v.get_ref().as_str());
            let problem = Problem::new(
                fields.span("preset"),
                format!(
                    "the preset {} needs `model`",
                    quoted(chosen.unwrap_or_default())
                ),
            )
            .help("add model = \"NAME\" to the service");
            self.root.faults.push(problem);
        }
        filled
    }

    fn unknown_preset(&self, text: &str) -> Wrong {
        let wrong = Wrong::new(format!("{} is not known", quoted(text)));
        match nearest(text, presets::preset_names()) {
            Some(near) => wrong.help(format!("did you mean \"{near}\"?")),
            None => wrong.help(format!(
                "known presets: {}; or a file of your own, {}",
                listed(presets::preset_names()),
                self.presets.join("NAME.toml").display()
            )),
        }
    }

    /// Adds a preset's probes, but those that the file has under the same name or does not choose.
    pub(super) fn of_preset(
        &self,
        preset: &Preset,
        service: Fields<'t>,
        own: &BTreeSet<&str>,
        around: &mut Around,
        made: &mut Service,
    ) {
        let source = preset;
        let at = service.span("preset");
        let parsed = match syntax::parse(&preset.text) {
            Ok(parsed) => parsed,
            Err(found) => return self.root.faults.push(source.fault(at, &found)),
        };
        let faults = Faults::default();
        let preset = Fields {
            table: parsed.get_ref(),
            faults: &faults,
        };
        preset.only("the preset", &[ROOT_KEYS, Transport::KEYS]);
        if service.get("title").is_none() {
            made.title = preset
                .text("title", title)
                .unwrap_or_else(|| made.title.clone());
        }
        if made.provider.is_none() && service.get("base_url").is_none() {
            made.provider = preset.text("title", title);
        }
        if around.api.is_none() {
            around.api = preset.text("api", api);
        }
        if around.base_url.is_none() {
            around.base_url = preset.text("base_url", http_url);
            // What is right for the provider's own address need not be for another one. Faults were told already.
            if self.root.faults.count() == 0 {
                let (base, _) = self.transport(preset, &around.transport);
                (around.transport, _) = self.transport(service, &base);
            }
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
        let mut brought = Vec::new();
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
                around.siblings.add(&probe, fields);
                brought.push((probe.clone(), fields, value));
            }
            names.push(probe);
        }
        let keys = [PROBE_KEYS, PRESET_KEYS].concat();
        for (probe, fields, value) in brought {
            self.probe(&probe, fields, value, around, made, &keys);
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
            self.root.faults.push(source.fault(at.clone(), &problem));
        }
    }
}

impl Preset {
    /// A fault of the preset, told where the service chose it.
    ///
    /// The program's own presets are checked by a test: what is left there comes from the service's own words, such as
    /// its model, and a place in a file that the user cannot see would not help.
    fn fault(&self, chosen: Range<usize>, found: &Problem) -> Problem {
        let Some(file) = &self.file else {
            return Problem::new(chosen, format!("with this preset: {}", found.message));
        };
        let name = file.display().to_string();
        let (line, column) = Lines::new(&name, &self.text).place(found.span.start);
        let mut problem = Problem::new(
            chosen,
            format!("in {name}:{line}:{column}: {}", found.message),
        );
        problem.help.clone_from(&found.help);
        problem
    }
}
