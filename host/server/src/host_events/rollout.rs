//! What is told of new versions that prove themselves: each share, and that one did worse.

use serde_json::json;

use super::{Plugin, Told};
use crate::reload::{PluginView, RolledBackView};

/// What is to be told of a plugin that was like `before`; nothing was known of it when there is none.
pub(super) fn told(before: Option<&Plugin>, now: &PluginView) -> Vec<Told> {
    let mut told = Vec::new();
    let was = before.and_then(|before| before.rollout.as_ref());
    if let Some(rollout) = now.rollout.as_ref().filter(|rollout| rollout.percent > 0 && was != Some(rollout)) {
        let data = json!({
            "name": now.name, "service": now.service, "from": now.version, "to": rollout.version,
            "digest": rollout.digest, "generation": rollout.generation, "percent": rollout.percent,
        });
        told.push(Told { topic: "plugin.rollout", subject: now.name.clone(), data });
    }
    if let Some(back) = now.rolled_back.as_ref().filter(|back| has_gone_back(before, Some(back))) {
        let data = json!({
            "name": now.name, "service": now.service, "from": back.version, "to": now.version, "digest": back.digest,
            "generation": back.generation, "percent": back.percent, "error": now.error,
        });
        told.push(Told { topic: "plugin.rolled-back", subject: now.name.clone(), data });
    }
    told
}

/// Whether one did worse since then. Its error is none of a file that cannot be loaded.
pub(super) fn has_gone_back(before: Option<&Plugin>, now: Option<&RolledBackView>) -> bool {
    now.is_some() && before.is_none_or(|before| before.rolled_back.as_ref() != now)
}

#[cfg(test)]
mod tests {
    use switchyard_core::name::{Digest, Generation};

    use super::*;
    use crate::{
        host_events::Seen,
        reload::{PluginState, RolloutView},
    };

    fn plugin(percent: Option<u8>, back: Option<u8>) -> PluginView {
        let (generation, digest, version) = (Generation(2), Digest::of(b"2"), semver::Version::new(2, 0, 0));
        let rollout = |percent| RolloutView { generation, digest, version: version.clone(), percent };
        let back_at = |percent| RolledBackView { generation, digest, version: version.clone(), percent };
        PluginView {
            generation: Some(Generation(1)),
            rollout: percent.map(rollout),
            rolled_back: back.map(back_at),
            error: back.map(|percent| format!("rolled back at {percent} %")),
            ..PluginView::empty("a", PluginState::Active)
        }
    }

    #[test]
    fn each_share_is_told_and_that_it_went_back() {
        let mut seen = Seen::default();
        let mut tell = |view| {
            let told = seen.plugins(&[view]);
            told.iter().map(|told| (told.topic, told.data["percent"].as_u64())).collect::<Vec<_>>()
        };
        assert_eq!(tell(plugin(None, None)), [("plugin.active", None)]);
        assert_eq!(tell(plugin(Some(0), None)), [], "it has no share yet");
        assert_eq!(tell(plugin(Some(10), None)), [("plugin.rollout", Some(10))]);
        assert_eq!(tell(plugin(Some(10), None)), []);
        assert_eq!(tell(plugin(Some(50), None)), [("plugin.rollout", Some(50))]);
        assert_eq!(tell(plugin(None, Some(50))), [("plugin.rolled-back", Some(50))]);
        assert_eq!(tell(plugin(None, Some(50))), []);
        assert_eq!(tell(plugin(None, None)), []);
    }
}
