//! From credentials to a principal, for each kind of them.

use std::{
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use switchyard_dispatch::{CallContext, Dispatcher, Fetcher, Snapshot};
use tokio::time::Instant;

use super::{
    Kind, Principal,
    jwks::Source,
    jwt::{self, Rejected, Unverified},
    plugin::Answers,
    principal::InvalidPrincipal,
};

/// What is known for checking credentials, and kept from one policy to the next.
pub(crate) struct Authenticators {
    /// Made when the first document is fetched: most gateways fetch none.
    fetcher: Arc<OnceLock<Fetcher>>,
    /// In the order of the policy's issuers.
    issuers: Vec<Arc<Source>>,
    answers: Arc<Answers>,
}

/// Why credentials do not count. The texts are told to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// They are wrong.
    Invalid(String),
    /// They hold, but say more than services can be told.
    TooLong(String),
    /// Nobody can say.
    Unavailable(String),
}

// === impl Authenticators ===

impl Authenticators {
    /// Those of a policy, with what earlier ones know already. Keys that are not known are fetched from now on.
    pub(crate) fn new(kind: &Kind, earlier: Option<&Self>) -> Self {
        let fetcher = earlier.map_or_else(Arc::default, |earlier| Arc::clone(&earlier.fetcher));
        let known = earlier.map_or(&[][..], |earlier| &earlier.issuers);
        let source = |issuer: &jwt::Issuer| {
            let known = known.iter().find(|source| source.is_of(issuer)).cloned();
            known.unwrap_or_else(|| Source::new(issuer, Arc::clone(&fetcher)))
        };
        let issuers: Vec<_> = match kind {
            Kind::Jwt(policy) => policy.issuers().iter().map(source).collect(),
            Kind::None | Kind::ApiKey(_) | Kind::Plugin(_) => Vec::new(),
        };
        let now = Instant::now();
        issuers.iter().for_each(|source| source.prefetch(now));
        let answers = earlier.map_or_else(|| Arc::new(Answers::new()), |earlier| Arc::clone(&earlier.answers));
        Self { fetcher, issuers, answers }
    }

    /// Who a token or key stands for. `context` is for a plugin that has to be asked, and says until when there is
    /// time.
    ///
    /// # Errors
    /// When it does not count.
    pub(crate) async fn authenticate(
        &self,
        kind: &Kind,
        token: &str,
        dispatcher: &Dispatcher,
        snapshot: &Snapshot,
        context: CallContext,
    ) -> Result<Arc<Principal>, Denied> {
        match kind {
            Kind::None => Err(Denied::Unavailable("no kind of authentication is configured".to_owned())),
            Kind::Jwt(policy) => {
                self.verify(policy, token, SystemTime::now(), Instant::now(), context.deadline).await.map(Arc::new)
            }
            Kind::ApiKey(policy) => {
                let found = policy.find(token.as_bytes()).cloned();
                found.ok_or_else(|| Denied::Invalid("the key is not known".to_owned()))
            }
            Kind::Plugin(name) => Box::pin(self.answers.ask(name, token, dispatcher, snapshot, context)).await,
        }
    }

    /// The wall clock says whether a token holds, the other one when keys are fetched.
    async fn verify(
        &self,
        policy: &jwt::Policy,
        token: &str,
        wall: SystemTime,
        now: Instant,
        deadline: Instant,
    ) -> Result<Principal, Denied> {
        let token = Unverified::parse(token)?;
        let name = token.issuer()?;
        let mut known = policy.issuers().iter().zip(&self.issuers);
        let (issuer, source) = known.find(|(issuer, _)| issuer.name == name).ok_or(Rejected::Issuer)?;
        let Some(keys) = source.keys(now, deadline).await else {
            return Err(Denied::Unavailable("the keys of the token's issuer cannot be fetched".to_owned()));
        };
        match jwt::verify(&token, issuer, &keys, wall) {
            Err(Rejected::UnknownKey) => match source.newer(&keys, now, deadline).await {
                Some(keys) => Ok(jwt::verify(&token, issuer, &keys, wall)?),
                None => Err(Rejected::UnknownKey.into()),
            },
            verified => Ok(verified?),
        }
    }
}

// === impl Denied ===

impl From<Rejected> for Denied {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Principal(invalid) => invalid.into(),
            rejected => Self::Invalid(rejected.to_string()),
        }
    }
}

impl From<InvalidPrincipal> for Denied {
    fn from(invalid: InvalidPrincipal) -> Self {
        match invalid {
            InvalidPrincipal::Subject => Self::Invalid(invalid.to_string()),
            InvalidPrincipal::ClaimsTooLong => Self::TooLong(invalid.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
