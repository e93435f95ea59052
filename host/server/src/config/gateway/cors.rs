//! `[gateway.cors]`.

use serde::Deserialize;
use switchyard_core::units::HumanDuration;
use switchyard_gateway::cors::{Config, Policy};
use toml::Spanned;

use super::super::{
    check::{Wrong, wrong},
    place::Text,
};

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Raw {
    origins: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    credentials: bool,
    max_age: Option<Spanned<HumanDuration>>,
}

// === impl Raw ===

impl Raw {
    pub(super) fn policy(self, text: Text<'_>) -> Result<Policy, Wrong> {
        let defaults = Config::default();
        if let Some(age) = self.max_age.as_ref().filter(|age| age.as_ref().0.subsec_millis() != 0) {
            return wrong(age, "browsers count in whole seconds; write such a number".to_owned());
        }
        let config = Config {
            origins: self.origins.unwrap_or(defaults.origins),
            methods: self.methods.unwrap_or(defaults.methods),
            headers: self.headers.unwrap_or(defaults.headers),
            credentials: self.credentials,
            max_age: self.max_age.map(|age| age.as_ref().0),
        };
        config.check().map_err(|invalid| {
            let message = invalid.to_string();
            // The text begins with the member.
            let member = message.split(':').next().unwrap_or_default().to_owned();
            Wrong { span: text.span(&["gateway", "cors", &member]), message }
        })
    }
}
