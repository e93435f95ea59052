//! Every release of WASI 0.2 and 0.3.
//!
//! A component names the release that it was built against in each import. Two kinds are made of each release here: one
//! that works, from a built one whose names are rewritten, and one that imports every function there is, from the WIT.

use std::fs;

use switchyard_tests::{Setup, component_bytes};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi};

use crate::{
    checks,
    languages::live,
    wit::{self, of_release},
};

/// The releases of 0.2 that there are, and what the host's engine is of.
const PATCHES_02: u32 = 12;

/// The releases of 0.3; the host's engine is of the first.
const PATCHES_03: u32 = 2;

/// All releases of both tracks.
fn releases() -> impl Iterator<Item = (&'static str, u32)> {
    let second = (0..=PATCHES_02).map(|patch| ("0.2", patch));
    second.chain((0..=PATCHES_03).map(|patch| ("0.3", patch)))
}

/// A component that exports the track's HTTP role, and imports every function of every interface of the release.
fn importing_all(track: &str, patch: u32) -> Vec<u8> {
    let (service, release) = (if track == "0.2" { "proxy" } else { "service" }, format!("{track}.{patch}"));
    let (resolve, world) = wit::resolve(
        track,
        patch,
        &format!(
            "package test:every;\nworld every {{ include wasi:cli/imports@{release}; include wasi:http/{service}@{release}; }}"
        ),
    );
    let abi = if track == "0.2" { LiftLowerAbi::Sync } else { LiftLowerAbi::AsyncCallback };
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(abi));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// A component that works, as if it had been built against the release: only the names of what it imports and exports
/// change, which stand at its outermost level. Inside, each import keeps the name that its core module has for it.
fn working(track: &str, patch: u32) -> Vec<u8> {
    let built = component_bytes(if track == "0.2" { "hello-p2" } else { "hello-p3" });
    let text = wasmprinter::print_bytes(built).unwrap();
    let renamed = text.lines().map(|line| {
        let is_outermost = line.starts_with("  (import ") || line.starts_with("  (export ");
        match line.split_once('"').and_then(|(before, rest)| Some((before, rest.split_once('"')?))) {
            Some((before, (name, after))) if is_outermost => {
                // A 0.3 component imports 0.2 as well, for its standard library.
                let name = of_release(&of_release(name, "0.2", patch), track, patch);
                format!("{before}\"{name}\"{after}\n")
            }
            _ => format!("{line}\n"),
        }
    });
    wat::parse_str(renamed.collect::<String>()).unwrap()
}

fn stem(what: &str, track: &str, patch: u32) -> String {
    format!("{what}-{track}-{patch}").replace('.', "-")
}

#[tokio::test]
async fn components_of_every_release_are_served() {
    let setup = Setup::new().plugin("hello", "hello");
    for (track, patch) in releases() {
        let path = setup.plugins().join(format!("{}.wasm", stem("working", track, patch)));
        fs::write(path, working(track, patch)).unwrap();
    }
    let host = setup.start().await;
    for (track, patch) in releases() {
        let stem = stem("working", track, patch);
        live(&host, &stem).await;
        checks::says_hello(&host, &stem).await;
        checks::echoes(&host, &stem).await;
        checks::calls_a_neighbour(&host, &stem).await;
    }
}

#[tokio::test]
async fn every_function_of_every_release_is_provided() {
    let setup = Setup::new();
    for (track, patch) in releases() {
        let path = setup.plugins().join(format!("{}.wasm", stem("every", track, patch)));
        fs::write(path, importing_all(track, patch)).unwrap();
    }
    let host = setup.start().await;
    for (track, patch) in releases() {
        let stem = stem("every", track, patch);
        live(&host, &stem).await;
        // It traps as soon as it is called, so it was instantiated with all of its imports.
        let answer = host.get(&format!("/{stem}/")).await;
        assert_eq!(answer.status, 502, "{stem}: {}", answer.text());
    }
}
