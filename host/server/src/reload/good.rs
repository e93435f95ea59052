//! Remembers, over restarts, what last served under each file stem: `data/good.json`.
//!
//! It is what serves when the host starts while the folder's file is bad. Losing it is no disaster (the folder is
//! the truth), so a damaged one is reported and begun anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use switchyard_core::{folder::Source, name::Digest, timestamp::Timestamp};

use super::{artifacts::write_atomically, stem::Active};

/// What is remembered, by stem.
pub(crate) type Memory = Arc<BTreeMap<String, Arc<Good>>>;

/// The memory, and the file it is kept in.
#[derive(Debug)]
pub(crate) struct GoodFile {
    path: PathBuf,
    /// Replaced by a changed copy once others look at it.
    stems: Memory,
    is_dirty: bool,
}

/// What last served under a stem, and what did before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Good {
    #[serde(flatten)]
    pub(crate) current: Kept,
    /// Newest first.
    #[serde(default)]
    pub(crate) earlier: Vec<Kept>,
}

/// All that a plugin was made from: enough to put it back into the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Written")]
pub(crate) struct Kept {
    /// The component.
    pub(crate) digest: Digest,
    /// The text of its side file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) side: Option<String>,
    /// The text of its signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
    /// Its version, once it has served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<semver::Version>,
    /// When it came to serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deployed_at: Option<Timestamp>,
}

/// How an artifact may stand in the file: of what served before there may be the digest alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Digest(Digest),
    #[serde(rename_all = "camelCase")]
    Whole {
        digest: Digest,
        side: Option<String>,
        signature: Option<String>,
        version: Option<semver::Version>,
        deployed_at: Option<Timestamp>,
    },
}

// === impl GoodFile ===

impl GoodFile {
    /// Reads what the last run remembered.
    pub(crate) fn open(path: PathBuf) -> Self {
        let stems: BTreeMap<String, Good> = match fs::read(&path) {
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
        let stems = stems.into_iter().map(|(stem, good)| (stem, Arc::new(good))).collect();
        Self { path, stems: Arc::new(stems), is_dirty: false }
    }

    /// What last served under this stem.
    pub(crate) fn get(&self, stem: &str) -> Option<&Good> {
        self.stems.get(stem).map(|good| &**good)
    }

    /// Remembers what serves now. Of each stem the last `keep` are kept, the one that serves included.
    pub(crate) fn record(&mut self, stem: &str, mut kept: Kept, keep: usize) {
        let stems = Arc::make_mut(&mut self.stems);
        let old = stems.get(stem);
        if let Some(old) = old.filter(|old| old.current.is_same(&kept)) {
            kept.deployed_at = old.current.deployed_at.or(kept.deployed_at);
        }
        let served = old.into_iter().flat_map(|old| std::iter::once(&old.current).chain(&old.earlier));
        let earlier: Vec<Kept> = served.filter(|earlier| !earlier.is_same(&kept)).cloned().collect();
        let mut new = Good { current: kept, earlier };
        new.limit(keep);
        self.is_dirty |= old.map(|old| &**old) != Some(&new);
        stems.insert(stem.to_owned(), Arc::new(new));
    }

    /// Keeps no more than this of each stem, the one that serves included.
    pub(crate) fn limit(&mut self, keep: usize) {
        if self.stems.values().any(|good| good.earlier.len() >= keep) {
            for good in Arc::make_mut(&mut self.stems).values_mut() {
                self.is_dirty |= Arc::make_mut(good).limit(keep);
            }
        }
    }

    /// Forgets a stem whose file was removed.
    pub(crate) fn forget(&mut self, stem: &str) {
        if self.stems.contains_key(stem) {
            self.is_dirty |= Arc::make_mut(&mut self.stems).remove(stem).is_some();
        }
    }

    /// All of it, as it is now.
    pub(crate) fn view(&self) -> Memory {
        Arc::clone(&self.stems)
    }

    /// The stems, and what last served under each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Good)> {
        self.stems.iter().map(|(stem, good)| (stem.as_str(), &**good))
    }

    /// The artifacts that it refers to.
    pub(crate) fn digests(&self) -> BTreeSet<Digest> {
        self.stems.values().flat_map(|good| good.all()).map(|kept| kept.digest).collect()
    }

    /// What has to be written where, if anything changed since the last time that was [`kept`](Self::kept).
    pub(crate) fn changes(&self) -> Option<impl FnOnce() -> io::Result<()> + Send + 'static> {
        self.is_dirty.then(|| {
            let stems: BTreeMap<&String, &Good> = self.stems.iter().map(|(stem, good)| (stem, &**good)).collect();
            let (path, bytes) = (self.path.clone(), serde_json::to_vec_pretty(&stems));
            move || write_atomically(&path, &bytes?)
        })
    }

    /// The changes are written.
    pub(crate) fn kept(&mut self) {
        self.is_dirty = false;
    }
}

// === impl Good ===

impl Good {
    /// What it was made from.
    pub(crate) fn source(&self) -> Source {
        self.current.source()
    }

    /// All that is kept, newest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Kept> {
        std::iter::once(&self.current).chain(&self.earlier)
    }

    /// Whether something had to go.
    fn limit(&mut self, keep: usize) -> bool {
        let before = self.earlier.len();
        self.earlier.truncate(keep.saturating_sub(1));
        before != self.earlier.len()
    }
}

// === impl Kept ===

impl Kept {
    /// What a plugin made of it is made from.
    pub(crate) fn source(&self) -> Source {
        let digest = |text: &Option<String>| text.as_ref().map(|text| Digest::of(text.as_bytes()));
        Source { digest: self.digest, side: digest(&self.side), signature: digest(&self.signature) }
    }

    /// Whether it does the same: who vouches for it makes no other plugin of it.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.digest, &self.side) == (other.digest, &other.side)
    }
}

impl From<Written> for Kept {
    fn from(written: Written) -> Self {
        match written {
            Written::Digest(digest) => Self { digest, side: None, signature: None, version: None, deployed_at: None },
            Written::Whole { digest, side, signature, version, deployed_at } => {
                Self { digest, side, signature, version, deployed_at }
            }
        }
    }
}

impl Active {
    /// What is to be remembered of it.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            digest: self.source.digest,
            side: self.side.clone(),
            signature: self.signature.clone(),
            version: Some(self.manifest.version.clone()),
            deployed_at: Some(SystemTime::now().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, side: Option<&str>) -> Kept {
        let (version, deployed_at) = (Some(semver::Version::new(1, 0, 0)), Some(Timestamp(text.len() as u64)));
        Kept {
            digest: Digest::of(text.as_bytes()),
            side: side.map(str::to_owned),
            signature: None,
            version,
            deployed_at,
        }
    }

    #[test]
    fn it_remembers_the_last_ones_with_all_their_files() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("good.json");
        let mut good = GoodFile::open(path.clone());
        let side = Some("tags = []");
        let all = ["a", "b", "c", "d"].map(|text| kept(text, side));
        for kept in all.clone() {
            good.record("users", kept, 3);
        }
        good.changes().expect("it changed")().expect("written");
        assert!(good.changes().is_some(), "who did not hear that it was written writes again");
        good.kept();
        assert!(good.changes().is_none());

        let mut again = GoodFile::open(path);
        let users = again.get("users").expect("remembered").clone();
        assert_eq!(users.all().cloned().collect::<Vec<_>>(), [all[3].clone(), all[2].clone(), all[1].clone()]);
        assert_eq!(users.source().side, Some(Digest::of(b"tags = []")));
        again.record("users", Kept { deployed_at: Some(Timestamp(9)), ..all[3].clone() }, 3);
        assert!(again.changes().is_none(), "the same again is no change");
        again.limit(2);
        assert_eq!(again.get("users").expect("remembered").earlier, [all[2].clone()]);
        assert!(again.changes().is_some());
        again.forget("users");
        assert!(again.digests().is_empty());
    }

    #[test]
    fn what_serves_again_is_not_kept_twice() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut good = GoodFile::open(dir.path().join("good.json"));
        let [a, b, with_side] = [kept("a", None), kept("b", None), kept("a", Some("tags = []"))];
        for kept in [&a, &b, &a] {
            good.record("users", kept.clone(), 3);
        }
        assert_eq!(good.get("users").expect("remembered").earlier, std::slice::from_ref(&b));
        good.record("users", with_side.clone(), 3);
        assert_eq!(good.get("users").expect("remembered").earlier, [a, b], "another side file makes another plugin");
        let signed = Kept { signature: Some("text".to_owned()), ..with_side };
        good.record("users", signed.clone(), 3);
        let users = good.get("users").expect("remembered");
        assert_eq!((&users.current, users.earlier.len()), (&signed, 2));
    }

    #[test]
    fn what_an_older_host_wrote_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("good.json");
        let [now, before] = ["a", "b"].map(|text| Digest::of(text.as_bytes()));
        let text = format!("{{\"users\": {{\"digest\": \"{now}\", \"side\": \"x\", \"earlier\": [\"{before}\"]}}}}");
        fs::write(&path, text).expect("written");
        let good = GoodFile::open(path);
        let users = good.get("users").expect("remembered");
        assert_eq!((users.current.side.as_deref(), users.earlier[0].digest), (Some("x"), before));
    }

    #[test]
    fn a_damaged_memory_begins_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("good.json");
        fs::write(&path, "{").expect("written");
        assert!(GoodFile::open(path).digests().is_empty());
    }
}
