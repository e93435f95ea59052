//! What a file is, by its first bytes, in people's words.

/// How many bytes are looked at.
pub(super) const LENGTH: u64 = 8;

/// Whether these first bytes are a component's.
///
/// # Errors
/// With what they are, and what helps.
pub(super) fn check(head: &[u8]) -> Result<(), &'static str> {
    match head {
        [] => Err("the file is empty; copy the component again"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(
            "the file is a core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`",
        ),
        _ => Err("the file is not WebAssembly; copy a component built for wasm32-wasip2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_named() {
        assert_eq!(check(b"\0asm\x0d\0\x01\0"), Ok(()));
        for (head, word) in [
            (&b""[..], "empty"),
            (b"\0asm\x01\0\0\0", "core module"),
            (b"\0asm\x0d\0", "not WebAssembly"),
            (b"(component)", "not WebAssembly"),
        ] {
            assert!(check(head).unwrap_err().contains(word), "{head:?}");
        }
    }
}
