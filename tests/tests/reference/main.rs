//! Pages of reference that are made from the code: what stands in them is what is there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod config;
mod links;
mod wit;

use std::fs;

use switchyard_tests::root;

/// Compares a page with what it should say; with `SWITCHYARD_WRITE=1` it is written instead.
fn check(page: &str, wanted: &str) {
    let path = root().join(page);
    if std::env::var_os("SWITCHYARD_WRITE").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs =
        wanted.lines().zip(found.lines().chain(std::iter::repeat(""))).find(|(wanted, found)| wanted != found);
    let again = "SWITCHYARD_WRITE=1 cargo nextest run -p switchyard-tests --test reference";
    if let Some((wanted, found)) = differs {
        panic!("{page} has '{found}' where the code says '{wanted}'; write it anew by {again}");
    }
    assert_eq!(found.len(), wanted.len(), "{page} has more than the code says; write it anew by {again}");
}

#[test]
fn the_interfaces() {
    check("host/WIT.md", &wit::page());
}
