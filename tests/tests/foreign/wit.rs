//! The standard interfaces of any release, for what is made in these tests.

use std::{fs, mem};

use switchyard_tests::root;
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

const PACKAGES_02: [&str; 7] = ["io", "clocks", "random", "cli", "filesystem", "sockets", "http"];
const PACKAGES_03: [&str; 6] = ["deps/clocks", "deps/random", "deps/cli", "deps/filesystem", "deps/sockets", "http"];

/// The world of this text, with all standard packages of the release to draw on.
pub(crate) fn resolve(track: &str, patch: u32, world: &str) -> (Resolve, WorldId) {
    let (folder, packages) = match track {
        "0.2" => ("deps", PACKAGES_02.map(|name| format!("{name}/package")).to_vec()),
        _ => ("p3", PACKAGES_03.map(str::to_owned).to_vec()),
    };
    let parse = |name: &str, text: &str| UnresolvedPackageGroup::parse(name, text).map_err(|(_, error)| error).unwrap();
    let packages = packages.iter().map(|name| {
        let text = fs::read_to_string(root().join("wit").join(folder).join(format!("{name}.wit"))).unwrap();
        parse(name, &wit_of_release(&text, track, patch))
    });
    let mut resolve = Resolve::default();
    let package = resolve.push_groups(parse("world", world), packages.collect()).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    (resolve, world)
}

/// The text with every `@TRACK.N` as `@TRACK.PATCH`.
pub(crate) fn of_release(text: &str, track: &str, patch: u32) -> String {
    let name = format!("@{track}.");
    let mut parts = text.split(&name);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(&format!("@{track}.{patch}"));
        out.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    out
}

/// A package's WIT as of a release: without the functions that came later, and without notes of since when the others
/// are there, which must not name a release that is not out yet.
fn wit_of_release(text: &str, track: &str, patch: u32) -> String {
    let mut lines = Vec::new();
    let since = format!("@since(version = {track}.");
    let mut is_later = false;
    for line in text.lines() {
        let item = line.trim();
        if let Some(since) = item.strip_prefix(&since) {
            is_later = since.trim_end_matches(')').parse::<u32>().unwrap() > patch;
        } else if item.starts_with("@deprecated") {
            // The note of since when stands before it, and is of the same item.
        } else if mem::take(&mut is_later) && item.contains(": func(") {
            // It came later.
        } else {
            lines.push(line);
        }
    }
    of_release(&lines.join("\n"), track, patch)
}

#[test]
fn a_release_is_made_of_the_text_by_its_names_alone() {
    assert_eq!(of_release("a@0.2.12 b@0.3.0 c@0.2.1-rc d 0.2.7", "0.2", 4), "a@0.2.4 b@0.3.0 c@0.2.4-rc d 0.2.7");
    let wit = "@since(version = 0.2.0)\nold: func();\n@since(version = 0.2.12)\nnew: func();\n@deprecated(version = 0.2.2)\nlast: func();";
    assert_eq!(wit_of_release(wit, "0.2", 4), "old: func();\nlast: func();");
    assert_eq!(wit_of_release(wit, "0.2", 12), "old: func();\nnew: func();\nlast: func();");
}
