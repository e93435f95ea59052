//! The folder that a project is written to, all of it or nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// Where a project is made. What was written goes away with the value unless it is finished.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    /// Where it is written first: beside the folder, or in it when it is there already, since a folder that is there may
    /// be somebody's working folder or a mount.
    aside: PathBuf,
    is_there: bool,
}

// === impl Place ===

impl Place {
    /// Finds out whether a project can be made there.
    ///
    /// # Errors
    /// When there is a file, or a folder with something in it, or a folder cannot be made.
    pub(super) fn prepare(folder: &Path) -> anyhow::Result<Self> {
        let is_there = match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => true,
            Ok(false) => bail!("the folder {} is not empty; choose another one with --path", folder.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(|| format!("cannot make a project in {}", folder.display())),
        };
        let name = format!(".switchyard-new-{}", uuid::Uuid::now_v7());
        let beside = if is_there { folder } else { folder.parent().unwrap_or(Path::new("")) };
        let aside = beside.join(name);
        fs::create_dir_all(&aside).with_context(|| format!("cannot make the folder {}", aside.display()))?;
        Ok(Self { folder: folder.to_owned(), aside, is_there })
    }

    /// Writes a file of the project.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let file = self.aside.join(path);
        let write = || {
            fs::create_dir_all(file.parent().unwrap_or(&self.aside))?;
            fs::write(&file, bytes)
        };
        write().with_context(|| format!("cannot write {}", file.display()))
    }

    /// Puts the project where it belongs.
    ///
    /// # Errors
    /// When it cannot be renamed, as when somebody else has put something there meanwhile.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let moved = if self.is_there { self.move_entries() } else { fs::rename(&self.aside, &self.folder) };
        moved.with_context(|| format!("cannot put the project into {}", self.folder.display()))
    }

    fn move_entries(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.aside)? {
            let entry = entry?;
            fs::rename(entry.path(), self.folder.join(entry.file_name()))?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Renamed, so that there is nothing; else what is left is of no use to anybody.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_project_is_there_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("deep/shop");
        let place = Place::prepare(&folder).unwrap();
        place.write("src/lib.rs", b"//!").unwrap();
        assert!(!folder.exists());
        drop(place);
        assert_eq!(names(&dir.path().join("deep")), [] as [&str; 0]);
        let place = Place::prepare(&folder).unwrap();
        place.write("src/lib.rs", b"//!").unwrap();
        place.finish().unwrap();
        assert_eq!(fs::read(folder.join("src/lib.rs")).unwrap(), b"//!");
        assert_eq!(names(&dir.path().join("deep")), ["shop"]);
    }

    #[test]
    fn an_empty_folder_is_filled_and_one_that_is_not_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::prepare(dir.path()).unwrap();
        place.write("a", b"1").unwrap();
        place.write("b/c", b"2").unwrap();
        place.finish().unwrap();
        assert_eq!(names(dir.path()), ["a", "b"]);
        let error = Place::prepare(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not empty") && error.contains("--path"), "{error}");
        let error = Place::prepare(&dir.path().join("a")).unwrap_err();
        assert!(format!("{error:#}").contains("cannot make a project"), "{error:#}");
        assert_eq!(names(dir.path()), ["a", "b"]);
    }
}
