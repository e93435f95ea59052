//! The saga definitions of a plugin, as the admin API shows them.

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{name::Digest, saga::Definition};

/// A definition as it is declared, and its digest, which running sagas name.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PluginSaga")]
pub(crate) struct SagaView {
    digest: Digest,
    #[serde(flatten)]
    definition: Definition,
}

// === impl SagaView ===

impl SagaView {
    pub(crate) fn of(definition: &Definition) -> Self {
        Self { digest: definition.digest(), definition: definition.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_shown_as_it_is_written() {
        let text = r#"{"name":"order","onFailure":"stuck","steps":[{"wait":{"signal":"go"}}]}"#;
        let definition: Definition = serde_json::from_str(text).unwrap();
        let json = serde_json::to_value(SagaView::of(&definition)).unwrap();
        assert_eq!((&json["name"], &json["onFailure"]), (&"order".into(), &"stuck".into()));
        assert_eq!((&json["steps"][0]["wait"]["signal"], json["digest"].is_string()), (&"go".into(), true));
    }
}
