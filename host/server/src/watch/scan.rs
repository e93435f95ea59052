//! Lists a folder with what `stat` tells of each entry.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use switchyard_core::settle::Fingerprint;

const NS_PER_S: i128 = 1_000_000_000;

/// The relevant entries; links are looked at, not followed. An entry that goes away meanwhile is left out.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn scan(dir: &Path, is_relevant: fn(&str) -> bool) -> io::Result<Vec<(String, Fingerprint)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // A name that is not UTF-8 is no plugin's; its lossy form is shown as such.
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_relevant(&name)
            && let Ok(metadata) = entry.metadata()
        {
            found.push((name, fingerprint(&metadata)));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
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
