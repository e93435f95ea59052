//! Reads the configuration again when its file changes. A wrong file changes nothing, and says so.

use std::{path::PathBuf, sync::Arc};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, Overrides},
    watch::{Event, Options, Watch},
};

/// The longest configuration, in bytes.
const SIZE_MAX: u64 = 4 << 20;

/// Follows the configuration file until `stop` is cancelled; a newer one that is right goes to `configs`.
pub(crate) async fn follow(
    file: PathBuf,
    overrides: Overrides,
    configs: watch::Sender<Arc<Config>>,
    stop: CancellationToken,
) {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let is_relevant = |name: &str| !name.starts_with('.') && name.ends_with(".toml");
    let (watch, mut events) = Watch::new(Options { dir, is_relevant, size_max: SIZE_MAX });
    let watching = tokio::spawn(watch.run(stop.clone()));
    while let Some(event) = events.recv().await {
        let is_ours = |name: &str| file.file_name().is_some_and(|own| own == name);
        match event {
            Event::Changed(name, Some(_)) if is_ours(&name) => reread(&file, &overrides, &configs),
            Event::Changed(name, None) if is_ours(&name) => {
                tracing::warn!(file = %file.display(), "the configuration is gone; what it said stays in force");
            }
            Event::Changed(..) | Event::Ready => {}
        }
    }
    // It ends with the same token.
    let _ = watching.await;
}

fn reread(file: &std::path::Path, overrides: &Overrides, configs: &watch::Sender<Arc<Config>>) {
    match Config::load(Some(file), overrides) {
        Ok(newer) if newer == **configs.borrow() => {}
        Ok(newer) => {
            let tables = configs.borrow().needs_restart(&newer);
            if !tables.is_empty() {
                tracing::warn!(?tables, "these tables of the configuration have changed and need a restart");
            }
            tracing::info!(file = %file.display(), "the configuration has been read again");
            configs.send_replace(Arc::new(newer));
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(error = format!("{error:#}"), "the configuration is wrong; the old one stays in force");
        }
    }
}
