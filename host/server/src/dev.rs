//! `dev`: builds the projects under the plugins folder, and the one in the working folder, serves them, and rebuilds them
//! on save.
//!
//! The built component is renamed into the plugins folder, where the host finds it like any other: there is one way
//! to go live. A project that does not compile changes nothing there, so its last good version serves on.

mod builder;
mod folders;
mod sources;

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;

use crate::{
    build::Project,
    cli::HostArgs,
    config::Config,
    output,
    serve::{self, Mode},
};
use builder::Builder;
use folders::Folders;
use sources::{Changed, Sources};

/// Builds, serves and rebuilds until a signal comes.
///
/// # Errors
/// When there is no toolchain for guests, or serving fails.
pub(crate) async fn dev(args: HostArgs) -> anyhow::Result<ExitCode> {
    let plugins = Config::load(args.config_file().as_deref(), &args.overrides())?.plugins.dir;
    let own = Project::of(&std::env::current_dir().context("there is no working folder")?).filter(Project::is_service);
    if own.is_none() && Project::all_in(&plugins)?.is_empty() {
        output::error_line(format_args!("no projects under {}: nothing to build", plugins.display()));
        return serve::serve(args, Mode::Development).await;
    }
    fs::create_dir_all(&plugins).with_context(|| format!("cannot make the folder {}", plugins.display()))?;
    let plugins = plugins.canonicalize().with_context(|| format!("cannot find {}", plugins.display()))?;
    let folders = Folders { plugins, data: absolute(&args.data)?, project: own };
    // Listens before the first build, so that what is saved meanwhile is built too.
    let sources = Sources::follow(folders.clone())?;
    let builder = Builder::new(folders);
    builder.build_all().await?;
    let rebuilding = tokio::spawn(rebuild(builder, sources));
    let served = serve::serve(args, Mode::Development).await;
    rebuilding.abort();
    served
}

async fn rebuild(builder: Builder, mut sources: Sources) {
    while let Some(changed) = sources.changed().await {
        let built = match changed {
            Changed::Projects(folders) => builder.build_changed(&folders).await,
            Changed::Anything => builder.build_all().await,
        };
        if let Err(error) = built {
            tracing::error!(error = format!("{error:#}"), "cannot build");
        }
    }
}

/// As notifications name it, also when it is not there yet.
fn absolute(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    let absolute = path.canonicalize().or_else(|_| std::path::absolute(path));
    absolute.with_context(|| format!("cannot find {}", path.display()))
}
