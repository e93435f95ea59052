//! How long the files of a plugin may be.

use super::{PLUGIN_SUFFIX, SIDE_SUFFIX};
use crate::units::ByteSize;

/// The longest component, in bytes. Components of interpreted languages are about 20 MiB.
pub const COMPONENT_MAX: u64 = 256 << 20;

/// The longest side file, in bytes.
pub const SIDE_MAX: u64 = 1 << 20;

/// The longest signature, in bytes. One of minisign has about 400.
pub const SIGNATURE_MAX: u64 = 4 << 10;

/// The longest that the folder's entry of this name may be, in bytes.
pub fn size_max(file: &str) -> u64 {
    if file.ends_with(PLUGIN_SUFFIX) {
        COMPONENT_MAX
    } else if file.ends_with(SIDE_SUFFIX) {
        SIDE_MAX
    } else {
        SIGNATURE_MAX
    }
}

/// What is told of a file that is longer than `size_max`. Nothing of its own length, so that one that goes on growing is
/// told once.
pub fn too_long(file: &str, size_max: u64) -> String {
    let remedy = match file {
        file if file.ends_with(PLUGIN_SUFFIX) => "build it with --release and strip it",
        file if file.ends_with(SIDE_SUFFIX) => "shorten it",
        _ => "sign the component again",
    };
    format!("it is longer than {}; {remedy}", ByteSize(size_max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_file_has_a_limit_and_a_remedy_of_its_own() {
        for (file, limit, text) in [
            ("a.wasm", COMPONENT_MAX, "it is longer than 256MiB; build it with --release and strip it"),
            ("a.toml", SIDE_MAX, "it is longer than 1MiB; shorten it"),
            ("a.wasm.minisig", SIGNATURE_MAX, "it is longer than 4KiB; sign the component again"),
        ] {
            assert_eq!((size_max(file), too_long(file, limit).as_str()), (limit, text));
        }
    }
}
