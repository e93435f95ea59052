//! `dev`: builds the crates under the plugins folder, serves them, and rebuilds them on save.
//!
//! The built component is renamed into the plugins folder, where the host finds it like any other: there is one way
//! to go live. A crate that does not compile changes nothing there, so its last good version serves on.

mod build;
mod crates;
mod progress;
mod sources;
mod toolchain;

use std::{path::Path, process::ExitCode};

use anyhow::Context;

use crate::{
    cli::HostArgs,
    config::Config,
    output,
    serve::{self, Mode},
};
use build::Builder;
use sources::Sources;

/// Builds, serves and rebuilds until a signal comes.
///
/// # Errors
/// When there is no toolchain for guests, or serving fails.
pub(crate) async fn dev(args: HostArgs) -> anyhow::Result<ExitCode> {
    let plugins = Config::load(args.config_file().as_deref(), &args.overrides())?.plugins.dir;
    if crates::find(&plugins)?.is_empty() {
        output::error_line(format_args!("no crates under {}: nothing to build", plugins.display()));
        return serve::serve(args, Mode::Development).await;
    }
    let plugins = plugins.canonicalize().with_context(|| format!("cannot find {}", plugins.display()))?;
    let builder = Builder::new(plugins.clone(), toolchain::find().await?);
    // Listens before the first build, so that what is saved meanwhile is built too.
    let sources = Sources::follow(&plugins)?;
    builder.build_all().await?;
    let rebuilding = tokio::spawn(rebuild(builder, sources));
    let served = serve::serve(args, Mode::Development).await;
    rebuilding.abort();
    served
}

async fn rebuild(builder: Builder, mut sources: Sources) {
    while let Some(changed) = sources.changed().await {
        let built = match changed {
            Some(folders) => builder.build_changed(&folders).await,
            None => builder.build_all().await,
        };
        if let Err(error) = built {
            tracing::error!(error = format!("{error:#}"), "cannot build");
        }
    }
}

/// Whether a path, as notified, is something that a build reads rather than something that it makes.
fn is_source(path: &Path, plugins: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(plugins) else { return false };
    let made = |part: &str| part == "target" || part.starts_with('.') || part.ends_with('~');
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    let is_of_crate = parts.len() > 1 || parts.first().is_some_and(|name| name == "Cargo.toml");
    is_of_crate && !parts.iter().any(|part| made(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_makes_is_no_source() {
        let is_source = |path: &str| is_source(Path::new(path), Path::new("plugins"));
        for yes in ["plugins/a/src/lib.rs", "plugins/a/Cargo.toml", "plugins/Cargo.toml", "plugins/a/data/x.json"] {
            assert!(is_source(yes), "{yes}");
        }
        for no in ["plugins/a.wasm", "plugins/target/x", "plugins/a/target/x", "plugins/a/src/.lib.rs.swp", "other/a/b"]
        {
            assert!(!is_source(no), "{no}");
        }
    }
}
