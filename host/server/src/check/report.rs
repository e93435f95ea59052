//! What was found.

use std::path::Path;

use serde::Serialize;

use crate::{
    output::{Style, Tone},
    reload::{PluginState, PluginView},
};

/// What a host would say.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Whether nothing would be refused.
    pub(super) ok: bool,
    /// The configuration, if there is a file.
    config: Option<String>,
    /// Why a host would not start with it.
    error: Option<String>,
    /// The plugins folder.
    folder: Option<String>,
    plugins: Vec<Plugin>,
    /// What refuses nothing, and is probably not meant.
    notes: Vec<String>,
}

/// One file of the folder.
#[derive(Debug, Serialize)]
pub(super) struct Plugin {
    name: String,
    service: Option<String>,
    version: Option<String>,
    /// Whether all of it would be taken.
    ok: bool,
    /// What would be refused, and why.
    errors: Vec<String>,
}

// === impl Report ===

impl Report {
    /// Of a configuration that does not hold.
    pub(super) fn of_wrong(config: Option<String>, error: String) -> Self {
        let error = Some(error);
        Self { ok: false, config, error, folder: None, plugins: Vec::new(), notes: Vec::new() }
    }

    /// Of one that holds.
    pub(super) fn new(config: Option<String>, folder: &Path, plugins: Vec<Plugin>, notes: Vec<String>) -> Self {
        let ok = plugins.iter().all(|plugin| plugin.ok);
        Self { ok, config, error: None, folder: Some(folder.display().to_string()), plugins, notes }
    }

    /// As people read it.
    pub(super) fn told(&self, style: Style) -> String {
        let config = self.config.as_deref().unwrap_or("the defaults");
        if let Some(error) = &self.error {
            return format!("{}  {error}", style.paint("wrong", Tone::Bad));
        }
        let good = style.paint("ok   ", Tone::Good);
        let mut lines = vec![format!("{good}  {config}")];
        for plugin in &self.plugins {
            let who = [Some(plugin.name.as_str()), plugin.service.as_deref(), plugin.version.as_deref()];
            let mark = if plugin.ok { good.clone() } else { style.paint("wrong", Tone::Bad) };
            lines.push(format!("{mark}  {}", who.into_iter().flatten().collect::<Vec<_>>().join("  ")));
            lines.extend(plugin.errors.iter().map(|error| format!("       {error}")));
        }
        let note = style.paint("note ", Tone::Warn);
        lines.extend(self.notes.iter().map(|text| format!("{note}  {text}")));
        let folder = self.folder.as_deref().unwrap_or_default();
        let wrong = self.plugins.iter().filter(|plugin| !plugin.ok).count();
        lines.push(match (self.plugins.len(), wrong) {
            (0, _) => format!("no plugins in {folder}"),
            (all, 0) => format!("all {all} plugins of {folder} would be taken"),
            (all, wrong) => format!("{wrong} of {all} plugins of {folder} would be refused something"),
        });
        lines.join("\n")
    }
}

// === impl Plugin ===

impl From<&PluginView> for Plugin {
    fn from(view: &PluginView) -> Self {
        let refused = &view.refused;
        let routes = refused.refused_routes.iter().map(|route| format!("route {}: {}", route.path, route.error));
        let commands = refused.refused_commands.iter().map(|name| format!("command {}: {}", name.name, name.error));
        let sagas = refused.refused_sagas.iter().map(|name| format!("saga {}: {}", name.name, name.error));
        let mut errors: Vec<String> = view.error.iter().cloned().chain(routes).chain(commands).chain(sagas).collect();
        if errors.is_empty() && view.state != PluginState::Active {
            errors.push("it does not become live".to_owned());
        }
        Self {
            name: view.name.clone(),
            service: view.service.as_ref().map(ToString::to_string),
            version: view.version.as_ref().map(ToString::to_string),
            ok: errors.is_empty(),
            errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(name: &str, errors: &[&str]) -> Plugin {
        let errors: Vec<String> = errors.iter().map(|error| (*error).to_owned()).collect();
        Plugin { name: name.to_owned(), service: None, version: None, ok: errors.is_empty(), errors }
    }

    #[test]
    fn what_would_be_refused_stands_below_its_plugin() {
        let plugins = vec![plugin("a", &[]), plugin("b", &["it is no component", "route /a: held"])];
        let report = Report::new(Some("s.toml".into()), Path::new("p"), plugins, vec!["odd".into()]);
        let expected = "ok     s.toml\nok     a\nwrong  b\n       it is no component\n       route /a: held\nnote   odd\n\
                        1 of 2 plugins of p would be refused something";
        assert_eq!((report.told(Style::PLAIN).as_str(), report.ok), (expected, false));
        assert!(Report::new(None, Path::new("p"), Vec::new(), Vec::new()).ok);
        let wrong = Report::of_wrong(None, "s.toml:1: no".into());
        assert_eq!((wrong.told(Style::PLAIN).as_str(), wrong.ok), ("wrong  s.toml:1: no", false));
    }
}
