//! The guest `fickle`, as it is told to be.

/// What is written over in the built component.
const PLACE: &[u8; 64] = b"ways version=1.0.0 fail=0 trap=0 ms=0                           ";

/// How a version does.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ways {
    /// So many of a hundred requests, by chance, are answered 500.
    pub(crate) fail: u64,
    /// So many trap.
    pub(crate) trap: u64,
    /// How long each takes.
    pub(crate) ms: u64,
}

/// The component of this version.
pub(crate) fn fickle(version: &str, ways: Ways) -> Vec<u8> {
    let mut bytes = switchyard_tests::component_bytes("fickle");
    let place = bytes.windows(PLACE.len()).position(|window| window == PLACE).expect("it has a place for its ways");
    let Ways { fail, trap, ms } = ways;
    let text = format!("{:<64}", format!("ways version={version} fail={fail} trap={trap} ms={ms}"));
    assert_eq!(text.len(), PLACE.len());
    bytes[place..place + PLACE.len()].copy_from_slice(text.as_bytes());
    bytes
}
