//! Randomness that nobody can guess, for tokens and the like. Ids are [`uuid`](crate::uuid)s.

use crate::host;

/// A number that nobody can guess.
pub fn number() -> u64 {
    host::random()
}

/// A token of 256 random bits: 64 lower-case hexadecimal digits.
pub fn token() -> String {
    format!("{:016x}{:016x}{:016x}{:016x}", number(), number(), number(), number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_the_same() {
        let (one, other) = (token(), token());
        assert_ne!(one, other);
        assert!(one.len() == 64 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
}
