//! Builds projects, and puts the components that they make into the plugins folder.

use std::{collections::BTreeSet, path::PathBuf, time::Instant};

use super::Folders;
use crate::{
    build::{Project, Toolchain, install},
    output,
};

/// Builds the projects of some folders.
pub(super) struct Builder {
    folders: Folders,
    toolchain: Toolchain,
}

// === impl Builder ===

impl Builder {
    pub(super) fn new(folders: Folders) -> Self {
        Self { folders, toolchain: Toolchain::default() }
    }

    /// Builds every project. One that does not compile is told, and stops no other.
    ///
    /// # Errors
    /// When what builds one cannot be run.
    pub(super) async fn build_all(&self) -> anyhow::Result<()> {
        for project in self.projects()? {
            self.build(&project).await?;
        }
        Ok(())
    }

    /// Builds the projects in these folders. In a workspace, cargo itself knows which crates a change concerns.
    ///
    /// # Errors
    /// When what builds one cannot be run.
    pub(super) async fn build_changed(&self, folders: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
        let projects = self.projects()?;
        let is_apart = |folder: &PathBuf| projects.iter().any(|project| project.folder == *folder);
        let is_of_workspace = |folder: &PathBuf| folder.starts_with(&self.folders.plugins) && !is_apart(folder);
        for project in &projects {
            let is_due = folders.contains(&project.folder)
                || project.folder == self.folders.plugins && folders.iter().any(is_of_workspace);
            if is_due {
                self.build(project).await?;
            }
        }
        Ok(())
    }

    fn projects(&self) -> anyhow::Result<Vec<Project>> {
        let mut projects = Project::all_in(&self.folders.plugins)?;
        // Last, so that of two with one name it is the one that is worked in.
        projects.extend(self.folders.project.clone());
        Ok(projects)
    }

    async fn build(&self, project: &Project) -> anyhow::Result<()> {
        let began = Instant::now();
        let built = project.build(&self.toolchain).await?;
        for component in &built.components {
            if install(component, &self.folders.plugins)?.is_new {
                let took = began.elapsed().as_secs_f64();
                output::error_line(format_args!("built {} in {took:.1} s", component.name));
            }
        }
        if !built.is_complete {
            output::error_line("the build failed; what served before serves on");
        }
        Ok(())
    }
}
