//! Names in sagas: of a saga, of its parts, and of one command with its idempotency key.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest name in sagas, in bytes: of a saga, a definition, a step, a command or a signal.
pub const NAME_MAX: usize = 128;

/// The name of one saga: 1 to 128 of letters, digits, `.`, `_`, `-` and `:`. Clones are cheap.
///
/// It has no `/`, which parts a key, and nothing that an HTTP header or a URL could not carry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9._:-]{1,128}$"))]
pub struct SagaId(Arc<str>);

/// Why a string is not the id of a saga.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a saga id: use 1 to {NAME_MAX} of letters, digits, '.', '_', '-' and ':'")]
pub struct InvalidSagaId(pub String);

/// Which way a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaDirection")]
pub enum Direction {
    /// Does the step.
    Forward,
    /// Undoes a step that was done, or that may have been done.
    Compensation,
}

/// One attempt of one command, as the journal names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommandId {
    /// The step, from 0.
    pub step: u32,
    /// Does or undoes.
    pub direction: Direction,
    /// 1 until an operator has it tried again. It is the part of the key that changes then.
    pub round: u32,
    /// 1 the first time in a round, and one more each time that it is intended anew, also after a pause. What is sent
    /// again after a crash is the same attempt.
    pub attempt: u32,
}

/// Whether this is a name in sagas: 1 to 128 of letters, digits, `.`, `_`, `-` and `:`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':'))
}

// === impl SagaId ===

impl SagaId {
    /// The id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SagaId {
    type Err = InvalidSagaId;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if is_name(s) { Ok(Self(s.into())) } else { Err(InvalidSagaId(s.to_owned())) }
    }
}

impl TryFrom<String> for SagaId {
    type Error = InvalidSagaId;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}

impl From<SagaId> for String {
    fn from(id: SagaId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Direction ===

impl Direction {
    /// The word in keys and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Compensation => "compensation",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl CommandId ===

impl CommandId {
    /// The idempotency key, `saga/step/direction/round`: the same for every attempt of a round.
    #[must_use]
    pub fn key(&self, saga: &SagaId) -> String {
        format!("{saga}/{}/{}/{}", self.step, self.direction, self.round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fit_into_keys_headers_and_urls() {
        for good in ["1", "order-123", "a.b_c:d", "0192f3a0-7d1c-7cc0-98c4-dc0c0c07398f", &"x".repeat(128)] {
            assert!(good.parse::<SagaId>().is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert!(bad.parse::<SagaId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_the_same_for_every_attempt_of_a_round() {
        let id = "s".parse().unwrap();
        let key = |round, attempt| CommandId { step: 2, direction: Direction::Compensation, round, attempt }.key(&id);
        assert_eq!(key(1, 1), "s/2/compensation/1");
        assert_eq!(key(1, 1), key(1, 7));
        assert_ne!(key(1, 1), key(2, 1));
    }
}
