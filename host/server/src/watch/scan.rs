//! Lists a folder with what `stat` tells of each entry.

use std::{ffi::OsString, fs, io, os::unix::fs::MetadataExt, path::Path};

use switchyard_core::settle::Fingerprint;

const NS_PER_S: i128 = 1_000_000_000;

/// One entry of the folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name; what is not UTF-8 in it is replaced.
    pub(super) name: String,
    /// The name to open it by, when it is not UTF-8. It is no plugin's then, and has to be shown as such all the same.
    pub(super) odd_name: Option<OsString>,
    pub(super) fingerprint: Fingerprint,
}

/// The relevant entries by name; links are looked at, not followed. An entry that goes away meanwhile is left out, and
/// so is a second one whose name is the same once it is text.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn scan(dir: &Path, is_relevant: fn(&str) -> bool) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (name, odd_name) = match entry.file_name().into_string() {
            Ok(name) => (name, None),
            Err(odd) => (odd.to_string_lossy().into_owned(), Some(odd)),
        };
        if is_relevant(&name)
            && let Ok(metadata) = entry.metadata()
        {
            found.push(Entry { name, odd_name, fingerprint: fingerprint(&metadata) });
        }
    }
    found.sort_by(|a, b| (&a.name, &a.odd_name).cmp(&(&b.name, &b.odd_name)));
    found.dedup_by(|later, earlier| later.name == earlier.name);
    Ok(found)
}

/// What tells one state of a file from another.
pub(super) fn fingerprint(metadata: &fs::Metadata) -> Fingerprint {
    let ns = |s: i64, ns: i64| i128::from(s) * NS_PER_S + i128::from(ns);
    Fingerprint {
        len: metadata.len(),
        modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}
