//! `[gateway.cors]`.

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::units::HumanDuration;
use switchyard_gateway::cors::{Config, Policy};

use super::super::{
    check::{Wrong, wrong},
    place::Text,
    spanned::Spanned,
};

/// `[gateway.cors]`, as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Cors")]
pub(super) struct Raw {
    /// Who may call: any origin, or these.
    #[schemars(extend("default" = ["*"]))]
    origins: Option<Vec<String>>,
    /// With which methods.
    #[schemars(extend("default" = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]))]
    methods: Option<Vec<String>>,
    /// With which headers.
    #[schemars(extend("default" = ["Content-Type", "Authorization"]))]
    headers: Option<Vec<String>>,
    /// Whether with credentials, which needs named origins.
    #[schemars(extend("default" = false))]
    credentials: bool,
    /// How long browsers may remember it, in whole seconds.
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
