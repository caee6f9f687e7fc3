//! What the probes of a service are told of each other: their names, and the models that they ask for.

use crate::config::fields::Fields;

/// All probes of a service.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    /// Their names.
    pub names: Vec<String>,
    /// Every model that one of them names, once.
    pub models: Vec<String>,
}

impl Siblings {
    /// Adds a probe.
    pub fn add(&mut self, name: &str, fields: Fields<'_>) {
        self.names.push(name.to_owned());
        let model = fields.get("model").and_then(|v| v.get_ref().as_str());
        if let Some(model) = model.filter(|m| !m.trim().is_empty())
            && !self.models.iter().any(|known| known == model)
        {
            self.models.push(model.to_owned());
        }
    }
}
