//! Tokens that a plugin knows about.
//!
//! What it says of one is remembered as long as it allows, so that a guest is entered once for a token and not once for
//! a request. What it refuses is not: a token may be good in a moment, and who guesses is limited by address.

use std::{sync::Arc, time::SystemTime};

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use switchyard_core::name::{Generation, ServiceName};
use switchyard_dispatch::{AuthError, CallContext, Dispatcher, Snapshot};

use super::{Denied, Principal};

/// Tokens that are remembered; the ones that were seen least go first.
const REMEMBERED_MAX: usize = 10_000;

/// The longest token in bytes that a plugin is asked about; 8 KiB.
const TOKEN_MAX: usize = 8 << 10;

/// What is remembered of tokens, by what they hash to: nothing that could be sent again is kept.
pub(crate) struct Answers(Cache<Asked, Arc<Answer>>);

/// A token, and which generation of the plugin was asked: a new one may judge otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asked(u64, [u8; 32]);

struct Answer {
    principal: Arc<Principal>,
    valid_until: SystemTime,
}

// === impl Answers ===

impl Answers {
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED_MAX))
    }

    /// Who a token stands for, as the plugin says, now or earlier.
    pub(crate) async fn ask(
        &self,
        name: &ServiceName,
        token: &str,
        dispatcher: &Dispatcher,
        snapshot: &Snapshot,
        context: CallContext,
    ) -> Result<Arc<Principal>, Denied> {
        if token.len() > TOKEN_MAX {
            return Err(Denied::Invalid(format!("the token is longer than {TOKEN_MAX} bytes")));
        }
        let unavailable = |why: String| Denied::Unavailable(format!("the authenticator '{name}' {why}"));
        let service = snapshot.services.get(name).ok_or_else(|| unavailable("is not loaded".to_owned()))?;
        let generation = service.local.as_ref().and_then(|local| local.generation());
        let Generation(generation) = generation.ok_or_else(|| unavailable("is no plugin".to_owned()))?;
        let asked = Asked(generation, Sha256::digest(token).into());
        if let Some(principal) = self.recall(&asked, SystemTime::now()) {
            return Ok(principal);
        }
        let claims = match dispatcher.validate_token(service, context, token).await {
            Ok(Ok(claims)) => claims,
            Ok(Err(AuthError::Invalid(why))) => {
                tracing::debug!(authenticator = %name, why, "a token was refused");
                return Err(Denied::Invalid(format!("the authenticator '{name}' refuses the token")));
            }
            Ok(Err(AuthError::Unavailable(why))) => {
                tracing::warn!(authenticator = %name, why, "an authenticator cannot check tokens");
                return Err(unavailable("cannot check tokens now".to_owned()));
            }
            Err(error) => {
                tracing::warn!(authenticator = %name, %error, "an authenticator failed");
                return Err(unavailable("failed".to_owned()));
            }
        };
        let principal = Principal::new(name.as_str(), Some(&claims.subject), &claims.all).map_err(Denied::from)?;
        let principal = Arc::new(principal);
        if let Some(valid_until) = claims.valid_until {
            self.remember(asked, Answer { principal: Arc::clone(&principal), valid_until });
        }
        Ok(principal)
    }

    fn recall(&self, asked: &Asked, now: SystemTime) -> Option<Arc<Principal>> {
        let answer = self.0.get(asked)?;
        if now < answer.valid_until {
            return Some(Arc::clone(&answer.principal));
        }
        self.0.remove(asked);
        None
    }

    fn remember(&self, asked: Asked, answer: Answer) {
        self.0.insert(asked, Arc::new(answer));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn asked(generation: u64, token: usize) -> Asked {
        Asked(generation, Sha256::digest(token.to_string()).into())
    }

    fn answer(valid_until: SystemTime) -> Answer {
        Answer { principal: Arc::new(Principal::new("tokens", Some("alice"), b"{}").unwrap()), valid_until }
    }

    #[test]
    fn an_answer_holds_as_long_as_it_says_and_for_the_generation_that_gave_it() {
        let answers = Answers::new();
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        answers.remember(asked(1, 1), answer(until));
        assert!(answers.recall(&asked(1, 1), until - Duration::from_millis(1)).is_some());
        assert!(answers.recall(&asked(2, 1), SystemTime::UNIX_EPOCH).is_none());
        assert!(answers.recall(&asked(1, 2), SystemTime::UNIX_EPOCH).is_none());
        assert!(answers.recall(&asked(1, 1), until).is_none());
        // It is forgotten then, whatever the clock says later.
        assert!(answers.recall(&asked(1, 1), SystemTime::UNIX_EPOCH).is_none());
    }

    #[test]
    fn no_more_tokens_are_remembered_than_fit() {
        let answers = Answers::new();
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        (0..REMEMBERED_MAX + 1_000).for_each(|token| answers.remember(asked(1, token), answer(until)));
        assert!(answers.0.len() <= REMEMBERED_MAX);
    }
}
