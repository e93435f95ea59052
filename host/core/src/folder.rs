//! What the plugins folder asks for, and what has to be done about it.
//!
//! Three decisions, each a function of its arguments: [`wanted`] reads the settled entries of the folder, [`plan`]
//! compares that with what was tried last, [`rank`] says which of several files of one service takes its traffic.
//! [`after_failure`] says what serves when a file turns out bad.
//!
//! **Invariants**: a file that failed is not tried again until it, or its side file, changes; nothing here ends a
//! plugin that serves except the removal of its file.

mod size;

use std::collections::BTreeMap;

use crate::name::{Digest, Generation, PluginFile, ServiceName};

pub use size::{COMPONENT_MAX, SIDE_MAX, SIGNATURE_MAX, size_max, too_long};

const SIDE_SUFFIX: &str = ".toml";
const PLUGIN_SUFFIX: &str = ".wasm";
const SIGNATURE_SUFFIX: &str = ".wasm.minisig";

/// A settled entry of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A regular file with this content.
    File(Digest),
    /// A regular file that cannot be read, and why.
    Unreadable(String),
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, a pipe or a device.
    Special,
}

/// What a plugin is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The component.
    pub digest: Digest,
    /// Its side file.
    pub side: Option<Digest>,
    /// Who vouches for both.
    pub signature: Option<Digest>,
}

/// What the folder says about one file stem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A plugin made from this.
    Load(Source),
    /// It cannot be a plugin; the text says why and what helps.
    Refused(String),
}

/// Something to be done about one file stem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Load it, and let it replace what serves under this stem when it is good.
    Load {
        /// The file's stem.
        stem: String,
        /// What it is made from.
        source: Source,
        /// Whether this stem was tried before.
        replaces: bool,
    },
    /// Show it as failed; what serves under this stem goes on.
    Fail {
        /// The file's stem.
        stem: String,
        /// Why, and what helps.
        error: String,
    },
    /// Its file is gone: drain and forget it.
    Remove {
        /// The file's stem.
        stem: String,
    },
}

/// What serves when a file turned out bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// What serves under this stem goes on.
    KeepServing,
    /// Nothing serves yet: load this, the last that was good.
    Restore(Source),
    /// Nothing.
    Nothing,
}

/// Whether a plugin takes its service's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Main,
    /// Another file of the same service does.
    Staged,
}

/// Reads the folder: every file stem that claims to be a plugin, and what it asks for.
pub fn wanted(items: &BTreeMap<String, Item>) -> BTreeMap<String, Wanted> {
    let plugins = items.iter().filter_map(|(file, item)| {
        let parsed = PluginFile::parse(file)?;
        let stem = file.strip_suffix(PLUGIN_SUFFIX)?;
        let wanted = parsed
            .map_err(|invalid| invalid.to_string())
            .and_then(|_| content(file, item))
            .and_then(|digest| {
                let (side, signature) = (beside(items, stem, SIDE_SUFFIX)?, beside(items, stem, SIGNATURE_SUFFIX)?);
                Ok(Source { digest, side, signature })
            })
            .map_or_else(Wanted::Refused, Wanted::Load);
        Some((printable(stem), wanted))
    });
    plugins.collect()
}

/// A stem as it is told. Of a plugin it is itself; what is no plugin's may hold what makes a terminal do things, or is
/// refused as the subject of an event.
fn printable(stem: &str) -> String {
    let escaped = |c: char| match c {
        '\'' | '"' | '\\' => vec![c],
        c => c.escape_debug().collect(),
    };
    stem.chars().flat_map(escaped).collect()
}

/// Whether the folder's entry of this name matters at all.
pub fn is_relevant(file: &str) -> bool {
    let suffixes = [PLUGIN_SUFFIX, SIDE_SUFFIX, SIGNATURE_SUFFIX];
    !file.starts_with('.') && suffixes.iter().any(|suffix| file.ends_with(suffix))
}

/// The names of the files that a plugin of this stem is made from: the component, its side file, its signature.
pub fn files(stem: &str) -> [String; 3] {
    [PLUGIN_SUFFIX, SIDE_SUFFIX, SIGNATURE_SUFFIX].map(|suffix| format!("{stem}{suffix}"))
}

/// The content of a file beside the component, if it is there.
fn beside(items: &BTreeMap<String, Item>, stem: &str, suffix: &str) -> Result<Option<Digest>, String> {
    let name = format!("{stem}{suffix}");
    items.get(&name).map(|item| content(&name, item)).transpose()
}

/// Symbolic links are refused, not followed: their target changes without the folder changing, half-written states
/// of it cannot be told (its close is notified elsewhere), and a rollback that writes the older artifact back
/// would write through the link. Who can place a link can place a copy.
fn content(file: &str, item: &Item) -> Result<Digest, String> {
    match item {
        Item::File(digest) => Ok(*digest),
        Item::Unreadable(why) => Err(format!("{file} cannot be read: {why}")),
        Item::Directory => Err(format!("{file} is a folder; put a file in its place, or remove it")),
        Item::Symlink => Err(format!("{file} is a symbolic link; copy the file here instead")),
        Item::Special => Err(format!("{file} is no regular file; put one in its place, or remove it")),
    }
}

/// What has to be done, by stem in the order of names, given what each stem was last tried as.
pub fn plan(wanted: &BTreeMap<String, Wanted>, tried: &BTreeMap<String, Wanted>) -> Vec<Action> {
    let removed = tried.keys().filter(|stem| !wanted.contains_key(*stem));
    let mut actions: Vec<_> = removed.map(|stem| Action::Remove { stem: stem.clone() }).collect();
    for (stem, now) in wanted.iter().filter(|(stem, now)| tried.get(*stem) != Some(now)) {
        let stem = stem.clone();
        actions.push(match now {
            Wanted::Load(source) => Action::Load { source: *source, replaces: tried.contains_key(&stem), stem },
            Wanted::Refused(error) => Action::Fail { stem, error: error.clone() },
        });
    }
    actions
}

/// What serves after `failed` (none when the file cannot even be read) turned out bad.
pub fn after_failure(serving: bool, failed: Option<Source>, last_good: Option<Source>) -> Fallback {
    match last_good {
        _ if serving => Fallback::KeepServing,
        Some(good) if Some(good) != failed => Fallback::Restore(good),
        _ => Fallback::Nothing,
    }
}

/// Which of the active plugins (stem, service, and the generation in which the stem first became active) take
/// traffic: the one whose stem is the service's name, else the one that has been active longest, so that a second
/// version that is dropped beside it stays staged.
pub fn rank<'a>(
    active: impl IntoIterator<Item = (&'a str, &'a ServiceName, Generation)>,
) -> BTreeMap<&'a str, Standing> {
    let mut by_service: BTreeMap<&ServiceName, Vec<(Generation, &str)>> = BTreeMap::new();
    for (stem, service, since) in active {
        by_service.entry(service).or_default().push((since, stem));
    }
    let mut standings = BTreeMap::new();
    for (service, mut stems) in by_service {
        stems.sort_by_key(|(since, stem)| (*stem != service.as_str(), *since, *stem));
        for (place, (_, stem)) in stems.into_iter().enumerate() {
            standings.insert(stem, if place == 0 { Standing::Main } else { Standing::Staged });
        }
    }
    standings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn folder(items: &[(&str, Item)]) -> BTreeMap<String, Item> {
        items.iter().map(|(name, item)| ((*name).to_owned(), item.clone())).collect()
    }

    fn load(component: &str, side: Option<&str>) -> Wanted {
        Wanted::Load(Source { digest: digest(component), side: side.map(digest), signature: None })
    }

    fn file(text: &str) -> Item {
        Item::File(digest(text))
    }

    #[test]
    fn a_side_file_belongs_to_its_component_only() {
        let wanted = wanted(&folder(&[
            ("a.wasm", file("a")),
            ("a.toml", file("side")),
            ("b.wasm", file("b")),
            ("c.toml", file("lonely")),
            (".d.wasm", file("hidden")),
            ("readme.txt", file("text")),
        ]));
        let expected = [("a".to_owned(), load("a", Some("side"))), ("b".to_owned(), load("b", None))];
        assert_eq!(wanted, expected.into());
    }

    #[test]
    fn a_signature_belongs_to_its_component_only() {
        let wanted = wanted(&folder(&[
            ("a.wasm", file("a")),
            ("a.wasm.minisig", file("signed")),
            ("b.wasm", file("b")),
            ("c.wasm.minisig", file("lonely")),
        ]));
        let signed = Source { digest: digest("a"), side: None, signature: Some(digest("signed")) };
        let expected = [("a".to_owned(), Wanted::Load(signed)), ("b".to_owned(), load("b", None))];
        assert_eq!(wanted, expected.into());
        assert!(is_relevant("a.wasm.minisig") && !is_relevant(".a.wasm.minisig") && !is_relevant("a.minisig"));
    }

    #[track_caller]
    fn refused(items: &[(&str, Item)], remedy: &str) {
        match wanted(&folder(items)).pop_first() {
            Some((_, Wanted::Refused(error))) => assert!(error.contains(remedy), "{error}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_a_plugin_says_what_helps() {
        refused(&[("Bad_Name.wasm", file("a"))], "rename it to NAME.wasm");
        refused(&[("a@one.wasm", file("a"))], "NAME@MAJOR.MINOR.PATCH.wasm");
        refused(&[("a.wasm", Item::Directory)], "is a folder");
        refused(&[("a.wasm", Item::Symlink)], "copy the file here instead");
        refused(&[("a.wasm", Item::Unreadable("permission denied".into()))], "permission denied");
        refused(&[("a.wasm", file("a")), ("a.toml", Item::Symlink)], "a.toml is a symbolic link");
    }

    #[test]
    fn a_name_that_is_no_plugins_is_told_without_its_control_characters() {
        let stem = |file: &str| wanted(&folder(&[(file, Item::Directory)])).pop_first().map(|(stem, _)| stem).unwrap();
        assert_eq!(stem("a\n\u{1b}[2J\u{202e}.wasm"), "a\\n\\u{1b}[2J\\u{202e}");
        assert_eq!(stem("it's \"grün\" \\.wasm"), "it's \"grün\" \\");
    }

    #[test]
    fn only_what_changed_is_acted_upon() {
        let before = wanted(&folder(&[("a.wasm", file("a")), ("b.wasm", file("b")), ("c.wasm", file("c"))]));
        assert_eq!(plan(&before, &before), []);
        let after = wanted(&folder(&[
            ("a.wasm", file("a")),
            ("a.toml", file("s")),
            ("b.wasm", file("b")),
            ("d.wasm", Item::Directory),
        ]));
        let source = Source { digest: digest("a"), side: Some(digest("s")), signature: None };
        let actions = plan(&after, &before);
        assert_eq!(actions[0], Action::Remove { stem: "c".into() });
        assert_eq!(actions[1], Action::Load { stem: "a".into(), source, replaces: true });
        assert!(matches!(&actions[2], Action::Fail { stem, .. } if stem == "d"));
        assert_eq!(actions.len(), 3);
    }

    #[test]
    fn a_bad_file_never_replaces_a_good_one() {
        let [bad, good] = ["bad", "good"].map(|text| Source { digest: digest(text), side: None, signature: None });
        assert_eq!(after_failure(true, Some(bad), Some(good)), Fallback::KeepServing);
        assert_eq!(after_failure(false, Some(bad), Some(good)), Fallback::Restore(good));
        assert_eq!(after_failure(false, None, Some(good)), Fallback::Restore(good));
        assert_eq!(after_failure(false, Some(good), Some(good)), Fallback::Nothing);
        assert_eq!(after_failure(false, Some(bad), None), Fallback::Nothing);
    }

    #[test]
    fn the_file_named_as_the_service_is_main() {
        let (users, orders): (ServiceName, ServiceName) = ("users".parse().unwrap(), "orders".parse().unwrap());
        let (first, second) = (Generation(1), Generation(2));
        let standings = rank([
            ("a", &users, first),
            ("users", &users, second),
            ("orders@2.0.0", &orders, first),
            ("orders@1.0.0", &orders, first),
        ]);
        assert_eq!(standings["users"], Standing::Main);
        assert_eq!(standings["a"], Standing::Staged);
        assert_eq!(standings["orders@1.0.0"], Standing::Main);
        assert_eq!(standings["orders@2.0.0"], Standing::Staged);
    }

    #[test]
    fn without_such_a_file_the_one_that_serves_already_stays_main() {
        let users: ServiceName = "users".parse().unwrap();
        let standings = rank([("users@1.0.0", &users, Generation(7)), ("users@2.0.0", &users, Generation(3))]);
        assert_eq!(standings["users@2.0.0"], Standing::Main);
        assert_eq!(standings["users@1.0.0"], Standing::Staged);
    }
}
