//! Puts a plugin's files into the folder, and takes them out again.
//!
//! All of them are written aside and synced before the first name changes, so that what can fail (a full disk) fails
//! while the folder is as it was. The component gets its name last: a crash in between leaves the old component with
//! the new side file, never the new one with the old.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use switchyard_core::{folder, name::Digest};

use super::{artifacts::Aside, good::Kept};

/// How much of a component is copied at a time, in bytes.
const CHUNK: usize = 128 << 10;

/// Why the files are not in place.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}", file.display())]
pub(super) struct PlaceError {
    what: &'static str,
    file: PathBuf,
    #[source]
    source: io::Error,
}

/// Puts this in place under a stem: the component, which is `artifact`, and the files that it had beside it. Those that
/// it did not have go.
///
/// # Errors
/// When a file cannot be read, written or renamed.
pub(super) fn put(plugins: &Path, stem: &str, artifact: &Path, kept: &Kept) -> Result<(), PlaceError> {
    let files = folder::files(stem).map(|name| plugins.join(name));
    // No name can be given to a file that a folder has.
    if let Some(file) = files.iter().find(|file| file.is_dir()) {
        return Err(cannot("replace", file)(io::ErrorKind::IsADirectory.into()));
    }
    let [component, side, signature] = files;
    let aside = copy(artifact, plugins, kept.digest).map_err(cannot("copy", artifact))?;
    let texts = [(side, &kept.side), (signature, &kept.signature)];
    let mut beside = Vec::new();
    for (file, text) in texts {
        let aside = text.as_ref().map(|text| write(plugins, text.as_bytes())).transpose();
        beside.push((aside.map_err(cannot("write", &file))?, file));
    }
    for (aside, file) in beside {
        match aside {
            Some(aside) => aside.rename(&file).map_err(cannot("replace", &file))?,
            None => remove(&file)?,
        }
    }
    aside.rename(&component).map_err(cannot("replace", &component))?;
    sync(plugins)
}

/// Takes the files of a stem out of the folder. The component goes first: what stands alone beside it means nothing.
///
/// # Errors
/// When one cannot be removed.
pub(super) fn take_out(plugins: &Path, stem: &str) -> Result<(), PlaceError> {
    for name in folder::files(stem) {
        remove(&plugins.join(name))?;
    }
    sync(plugins)
}

fn copy(artifact: &Path, dir: &Path, digest: Digest) -> io::Result<Aside> {
    let mut from = File::open(artifact)?;
    let (aside, mut to) = create(dir)?;
    let (mut hasher, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
    }
    if Digest::from_bytes(hasher.finalize().into()) != digest {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
    }
    to.sync_all()?;
    Ok(aside)
}

fn write(dir: &Path, bytes: &[u8]) -> io::Result<Aside> {
    let (aside, mut file) = create(dir)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(aside)
}

/// With the permissions that a file of this folder's owner has usually: others may have to read it.
fn create(dir: &Path) -> io::Result<(Aside, File)> {
    let aside = Aside::new(dir);
    let file = OpenOptions::new().write(true).create_new(true).open(aside.path())?;
    Ok((aside, file))
}

fn remove(file: &Path) -> Result<(), PlaceError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", file)(error)),
        _ => Ok(()),
    }
}

fn sync(dir: &Path) -> Result<(), PlaceError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(cannot("sync the folder", dir))
}

fn cannot(what: &'static str, file: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    let file = file.to_owned();
    move |source| PlaceError { what, file, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, side: Option<&str>, signature: Option<&str>) -> Kept {
        let [side, signature] = [side, signature].map(|text| text.map(str::to_owned));
        Kept { digest: Digest::of(text.as_bytes()), side, signature, version: None, deployed_at: None }
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("read");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_of_a_plugin_come_and_go_together() {
        let dir = tempfile::tempdir().expect("a folder");
        let (plugins, artifact) = (dir.path().join("plugins"), dir.path().join("artifact"));
        fs::create_dir(&plugins).expect("made");
        fs::write(&artifact, "one").expect("written");
        put(&plugins, "a", &artifact, &kept("one", Some("side"), Some("signed"))).expect("put");
        assert_eq!(names(&plugins), ["a.toml", "a.wasm", "a.wasm.minisig"]);
        assert_eq!(fs::read(plugins.join("a.wasm")).expect("read"), b"one");
        put(&plugins, "a", &artifact, &kept("one", None, None)).expect("put");
        assert_eq!(names(&plugins), ["a.wasm"], "what belonged to another version goes");
        put(&plugins, "b", &artifact, &kept("one", Some("side"), None)).expect("put");
        take_out(&plugins, "b").expect("removed");
        take_out(&plugins, "b").expect("it is gone already");
        assert_eq!(names(&plugins), ["a.wasm"]);
    }

    #[test]
    fn what_fails_leaves_the_folder_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let (plugins, artifact) = (dir.path().join("plugins"), dir.path().join("artifact"));
        fs::create_dir_all(plugins.join("a.wasm")).expect("made");
        fs::write(&artifact, "one").expect("written");
        let damaged = put(&plugins, "b", &artifact, &kept("two", Some("side"), None));
        assert!(damaged.expect_err("it is damaged").to_string().contains("cannot copy"));
        let folder = put(&plugins, "a", &artifact, &kept("one", Some("side"), None));
        assert!(folder.expect_err("it is a folder").to_string().contains("cannot replace"));
        assert_eq!(names(&plugins), ["a.wasm"]);
        assert!(take_out(&plugins, "a").is_err());
    }
}
