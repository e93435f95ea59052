//! What commands about plugins share: how one is found, and how it is told of.

use anyhow::bail;
use serde_json::Value;

use super::client::{Client, Target};

/// How much of a digest people see.
const DIGITS: usize = 12;

/// The stem of the plugin that is meant: one of that name, else the one that takes the traffic of that service.
///
/// # Errors
/// When no host answers, or it has no such plugin.
pub(super) async fn find(client: &Client, name: &str) -> anyhow::Result<String> {
    let plugins = client.list(&Target::new(&["plugins"])).await?;
    match stem(&plugins, name) {
        Some(stem) => Ok(stem.to_owned()),
        None => bail!("there is no plugin {name}, and no plugin serves as that; see `switchyard ps`"),
    }
}

/// One line about a plugin that has come to serve.
pub(super) fn live(plugin: &Value) -> String {
    let text = |name: &str| plugin[name].as_str().unwrap_or_default();
    let how = if plugin["staged"] == true { "staged" } else { "live" };
    format!("{} {} is {how} ({})", text("name"), text("version"), short(text("digest")))
}

/// The first digits of a digest.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..DIGITS).unwrap_or(digest)
}

fn stem<'a>(plugins: &'a [Value], name: &str) -> Option<&'a str> {
    let named = plugins.iter().find(|plugin| plugin["name"] == name);
    let serving = || plugins.iter().find(|plugin| plugin["service"] == name && plugin["staged"] != true);
    named.or_else(serving)?["name"].as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plugin_is_found_by_its_file_or_by_its_service() {
        let plugins = [
            json!({"name": "a@2.0.0", "service": "users", "staged": true}),
            json!({"name": "a", "service": "users", "staged": false}),
            json!({"name": "broken", "service": null, "staged": false}),
        ];
        let found = |name| stem(&plugins, name);
        assert_eq!((found("users"), found("a@2.0.0"), found("broken")), (Some("a"), Some("a@2.0.0"), Some("broken")));
        assert_eq!(found("b"), None);
    }

    #[test]
    fn one_line_says_what_is_live() {
        let plugin = json!({"name": "a", "version": "1.2.0", "digest": "0123456789abcdef", "staged": false});
        assert_eq!(live(&plugin), "a 1.2.0 is live (0123456789ab)");
    }
}
