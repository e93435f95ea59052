//! `new`: writes a project that builds as it is, and becomes live by one copy.
//!
//! The project holds all it needs: the SDK and the WIT packages that this binary carries go into its folder
//! `.switchyard`, and it depends on them by path, so that it builds on any machine, also after it was cloned there. All of
//! it is written beside the place first and renamed then: there is a whole project, or none.

mod carried;
mod lock;
mod place;
mod plain;
mod template;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use switchyard_core::name::ServiceName;

use crate::output;
use place::Place;
use template::{Kind, Language, Project};

/// What `new` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct NewArgs {
    /// What the service is called
    name: ServiceName,
    /// What it does
    #[arg(long, value_enum, default_value_t)]
    template: Kind,
    /// What it is written in
    #[arg(long, value_enum, default_value_t)]
    language: Language,
    /// Where it is made: a folder that is empty, or not there yet [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// Makes a project.
///
/// # Errors
/// When there is no such template, the name cannot be that of a crate, or the folder cannot be made.
pub(crate) fn run(args: NewArgs) -> anyhow::Result<ExitCode> {
    let NewArgs { name, template, language, path } = args;
    let project = Project::of(&name, template, language)?;
    let folder = path.unwrap_or_else(|| name.as_str().into());
    let place = Place::prepare(&folder)?;
    for (path, bytes) in project.files()? {
        place.write(&path, &bytes)?;
    }
    place.finish()?;
    output::line(format_args!("made the service '{name}' in {}", folder.display()));
    output::line(format_args!("build, serve and rebuild it on save: cd {} && switchyard dev", folder.display()));
    Ok(ExitCode::SUCCESS)
}
