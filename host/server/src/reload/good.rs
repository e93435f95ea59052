//! Remembers, over restarts, what last served under each file stem: `data/good.json`.
//!
//! It is what serves when the host starts while the folder's file is bad. Losing it is no disaster (the folder is
//! the truth), so a damaged one is reported and begun anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use switchyard_core::{folder::Source, name::Digest};

use super::artifacts::write_atomically;

/// How many artifacts of a stem are kept, the one that serves included: what a rollback can go back to.
const KEPT_PER_STEM: usize = 3;

/// The memory, and the file it is kept in.
#[derive(Debug)]
pub(crate) struct GoodFile {
    path: PathBuf,
    stems: BTreeMap<String, Good>,
    is_dirty: bool,
}

/// What last served under a stem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Good {
    /// The component.
    pub(crate) digest: Digest,
    /// The text of its side file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) side: Option<String>,
    /// The components that served before, newest first.
    #[serde(default)]
    pub(crate) earlier: Vec<Digest>,
}

// === impl GoodFile ===

impl GoodFile {
    /// Reads what the last run remembered.
    pub(crate) fn open(path: PathBuf) -> Self {
        let stems = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!(file = %path.display(), %error, "the memory of good components is damaged; it begins anew");
                BTreeMap::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "the memory of good components cannot be read");
                BTreeMap::new()
            }
        };
        Self { path, stems, is_dirty: false }
    }

    /// What last served under this stem.
    pub(crate) fn get(&self, stem: &str) -> Option<&Good> {
        self.stems.get(stem)
    }

    /// Remembers what serves now.
    pub(crate) fn record(&mut self, stem: &str, digest: Digest, side: Option<String>) {
        let old = self.stems.remove(stem);
        let mut earlier: Vec<_> =
            old.iter().flat_map(|old| [old.digest].into_iter().chain(old.earlier.clone())).collect();
        earlier.retain(|other| *other != digest);
        earlier.truncate(KEPT_PER_STEM - 1);
        let new = Good { digest, side, earlier };
        self.is_dirty |= old.as_ref() != Some(&new);
        self.stems.insert(stem.to_owned(), new);
    }

    /// Forgets a stem whose file was removed.
    pub(crate) fn forget(&mut self, stem: &str) {
        self.is_dirty |= self.stems.remove(stem).is_some();
    }

    /// The stems, and what last served under each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Good)> {
        self.stems.iter().map(|(stem, good)| (stem.as_str(), good))
    }

    /// The artifacts that it refers to.
    pub(crate) fn digests(&self) -> BTreeSet<Digest> {
        self.stems.values().flat_map(|good| [good.digest].into_iter().chain(good.earlier.iter().copied())).collect()
    }

    /// What has to be written where, if anything changed since the last time that was [`kept`](Self::kept).
    pub(crate) fn changes(&self) -> Option<impl FnOnce() -> io::Result<()> + Send + 'static> {
        self.is_dirty.then(|| {
            let (path, bytes) = (self.path.clone(), serde_json::to_vec_pretty(&self.stems));
            move || write_atomically(&path, &bytes?)
        })
    }

    /// The changes are written.
    pub(crate) fn kept(&mut self) {
        self.is_dirty = false;
    }
}

impl Good {
    /// What it was made from.
    pub(crate) fn source(&self) -> Source {
        Source { digest: self.digest, side: self.side.as_ref().map(|text| Digest::of(text.as_bytes())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_the_last_three() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("good.json");
        let mut good = GoodFile::open(path.clone());
        let digests = ["a", "b", "c", "d"].map(|text| Digest::of(text.as_bytes()));
        for digest in digests {
            good.record("users", digest, Some("tags = []".into()));
        }
        good.changes().expect("it changed")().expect("written");
        assert!(good.changes().is_some(), "who did not hear that it was written writes again");
        good.kept();
        assert!(good.changes().is_none());

        let mut again = GoodFile::open(path);
        let users = again.get("users").expect("remembered");
        assert_eq!(users.digest, digests[3]);
        assert_eq!(users.earlier, [digests[2], digests[1]]);
        assert_eq!(users.source().side, Some(Digest::of(b"tags = []")));
        again.record("users", digests[3], Some("tags = []".into()));
        assert!(again.changes().is_none(), "the same again is no change");
        again.forget("users");
        assert!(again.digests().is_empty());
    }

    #[test]
    fn a_damaged_memory_begins_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("good.json");
        fs::write(&path, "{").expect("written");
        assert!(GoodFile::open(path).digests().is_empty());
    }
}
