//! The house's walls: which crate may name which, and what core may not touch.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on, of ours.
const ARROWS: [(&str, &[&str]); 7] = [
    ("switchyard-core", &[]),
    ("switchyard-store", &["switchyard-core"]),
    ("switchyard-runtime", &["switchyard-core"]),
    ("switchyard-dispatch", &["switchyard-core", "switchyard-runtime"]),
    ("switchyard-gateway", &["switchyard-core", "switchyard-dispatch"]),
    ("switchyard-delivery", &["switchyard-core", "switchyard-store", "switchyard-runtime", "switchyard-dispatch"]),
    (
        "switchyard",
        &[
            "switchyard-core",
            "switchyard-store",
            "switchyard-runtime",
            "switchyard-dispatch",
            "switchyard-gateway",
            "switchyard-delivery",
        ],
    ),
];

/// What core may depend on: data and text, nothing that acts.
const CORE_MAY_USE: [&str; 12] = [
    "base64",
    "bytes",
    "chrono",
    "croner",
    "hex",
    "schemars",
    "semver",
    "serde",
    "serde_json",
    "sha2",
    "strsim",
    "thiserror",
];

/// Names that no pure code has a use for.
const IMPURE: [&str; 16] = [
    "Instant::now",
    "SystemTime::now",
    "async fn",
    ".await",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::io",
    "std::thread",
    "std::process",
    "std::env",
    "std::sync::Mutex",
    "rand::",
    "getrandom",
    "Uuid::now",
    "println!",
];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = switchyard_tests::root().join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let normal = |package: &cargo_metadata::Package| {
        let dependencies = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        dependencies.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), normal(package))).collect()
}

#[test]
fn crates_keep_to_the_arrows() {
    let dependencies = dependencies();
    for (package, allowed) in ARROWS {
        for dependency in dependencies[package].iter().filter(|name| name.starts_with("switchyard")) {
            assert!(allowed.contains(&dependency.as_str()), "{package} must not depend on {dependency}");
        }
    }
    let known: BTreeSet<_> = ARROWS.iter().map(|(package, _)| (*package).to_owned()).collect();
    let unknown: Vec<_> = dependencies.keys().filter(|name| !known.contains(*name)).collect();
    assert_eq!(unknown, ["switchyard-bench", "switchyard-tests"], "a new crate needs its arrows here");
}

#[test]
fn only_the_runtime_names_wasmtime() {
    for (package, dependencies) in dependencies() {
        let names = dependencies.iter().any(|name| name.starts_with("wasmtime"));
        assert!(!names || package == "switchyard-runtime", "{package} names wasmtime");
    }
}

#[test]
fn core_depends_on_nothing_that_acts() {
    for dependency in &dependencies()["switchyard-core"] {
        assert!(CORE_MAY_USE.contains(&dependency.as_str()), "switchyard-core must not depend on {dependency}");
    }
}

#[test]
fn core_has_no_async_clock_randomness_or_io() {
    each_source(&switchyard_tests::root().join("host/core/src"), &mut |path, source| {
        if path.ends_with("tests.rs") {
            return;
        }
        let code = source.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap();
            for impure in IMPURE {
                assert!(!line.contains(impure), "{}:{} uses {impure}", path.display(), number + 1);
            }
        }
    });
}

/// Where memory safety is vouched for by hand: in the product at one place; in the tests of the store where SQLite is
/// given a disk that forgets what was not synced.
const UNSAFE: [&str; 2] = ["runtime/src/code/map.rs", "store/src/embedded/tests/power/vfs.rs"];

#[test]
fn unsafe_code_stands_in_its_named_place() {
    let host = switchyard_tests::root().join("host");
    each_source(&host, &mut |path, source| {
        let named = path.strip_prefix(&host).unwrap().to_string_lossy().into_owned();
        let is_unsafe =
            source.lines().any(|line| line.trim_start().starts_with("unsafe ") || line.contains(" unsafe {"));
        assert!(!is_unsafe || UNSAFE.contains(&named.as_str()), "{named} holds unsafe code");
    });
}

fn each_source(folder: &Path, check: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, check);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            check(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
