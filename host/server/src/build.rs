//! `build`: makes the component of a project, whatever it is written in.
//!
//! Nothing here knows more than a person would type: cargo, npm and componentize-py do the work, each told the way that the
//! project's README tells, and what they say of a mistake is shown as they say it.

mod cargo;
mod javascript;
mod place;
mod progress;
mod project;
mod python;
mod tool;
mod toolchain;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;

use crate::output;
pub(crate) use place::install;
pub(crate) use project::Project;
pub(crate) use toolchain::Toolchain;

/// What `build` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder of the project
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Put the component into this folder, too, where a running host takes it
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
}

/// What one build made.
#[derive(Debug)]
pub(crate) struct Built {
    /// The components, also when something else failed.
    pub(crate) components: Vec<Component>,
    /// Whether nothing failed. What did was told already.
    pub(crate) is_complete: bool,
}

/// A component that was built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Component {
    /// The service's name.
    pub(crate) name: String,
    /// Where it lies.
    pub(crate) file: PathBuf,
}

/// Builds a project, and prints where its components are.
///
/// # Errors
/// When there is no project, or what builds it cannot be run.
pub(crate) async fn run(args: BuildArgs) -> anyhow::Result<ExitCode> {
    let folder = args.path.canonicalize().with_context(|| format!("cannot find {}", args.path.display()))?;
    let project = Project::of(&folder).with_context(|| {
        let shown = args.path.display();
        format!("there is no project in {shown}: no Cargo.toml, and none that `switchyard new` makes")
    })?;
    let built = project.build(&Toolchain::default()).await?;
    for component in &built.components {
        // Cargo's file has an underscore for each hyphen, and what is to be copied should have its name already.
        let file = match component.file.parent() {
            Some(folder) if project.is_cargo() => install(component, folder)?.file,
            _ => component.file.clone(),
        };
        output::line(file.display());
        if let Some(plugins) = &args.plugins {
            std::fs::create_dir_all(plugins).with_context(|| format!("cannot make {}", plugins.display()))?;
            output::line(install(component, plugins)?.file.display());
        }
    }
    if built.is_complete && built.components.is_empty() {
        anyhow::bail!("it made no component: the crate-type of a service's library is [\"cdylib\"]");
    }
    Ok(if built.is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
