//! Who calls, and how much he has called already: the address's rate limit, authentication, and the principal's.
//!
//! They are one step, since whom a request is counted as depends on whether its credentials hold; `rate_limit.rs` says
//! in which order.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use switchyard_core::{problem::Code, route::action::RouteAuth};
use switchyard_dispatch::{RouteTarget, Snapshot};

use super::Exchange;
use crate::{
    auth::{Denied, Kind, Presented, Principal},
    rate_limit::Caller,
    response::Refusal,
};

/// When credentials may be checked again: what is not there now may be back soon.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What is asked of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing; what it says about itself is not looked at.
    Nothing,
    /// Credentials, if it has any.
    Maybe,
    /// Credentials.
    Always,
}

// === impl Asked ===

impl Asked {
    /// What is asked on a path: what the route says goes before the gateway's own paths.
    pub(super) fn of(exchange: &Exchange, route: Option<&RouteTarget>, path: &str) -> Self {
        let auth = &exchange.policy().auth;
        match route.map_or(RouteAuth::Inherit, |route| route.rules.auth) {
            RouteAuth::Inherit if matches!(auth.kind, Kind::None) || auth.is_public(path) => Self::Nothing,
            RouteAuth::Inherit | RouteAuth::Required => Self::Always,
            RouteAuth::None => Self::Nothing,
            RouteAuth::Optional => Self::Maybe,
        }
    }
}

/// Who calls; none when nobody has to be known.
///
/// # Errors
/// When somebody has to be, and is not; or has called too often.
pub(super) async fn identify(
    exchange: &Exchange,
    asked: Asked,
    headers: &HeaderMap,
    snapshot: &Snapshot,
) -> Result<Option<Arc<Principal>>, Refusal> {
    let policy = exchange.policy();
    if asked == Asked::Nothing {
        count(exchange, None)?;
        return Ok(None);
    }
    let kind = &policy.auth.kind;
    let token = match (Presented::of(kind, headers), asked) {
        (Presented::Token(token), _) => token,
        (Presented::Absent, Asked::Maybe) => {
            count(exchange, None)?;
            return Ok(None);
        }
        (presented, _) => {
            count(exchange, None)?;
            return Err(missing(kind, presented));
        }
    };
    refuse_guessers(exchange)?;
    match authenticate(exchange, token, snapshot).await {
        Ok(principal) => {
            count(exchange, Some(&principal))?;
            Ok(Some(principal))
        }
        Err(denied) => {
            if let Some(quota) = &policy.rate_limit {
                let (limits, address) = (exchange.limits(), exchange.client.address);
                exchange.tell(limits.count_failure(address, quota, exchange.started)).pass()?;
            }
            Err(refusal(kind, denied))
        }
    }
}

/// Who calls a route that a middleware led to, when that asks for more than the one that the client asked for. What was
/// counted stands.
pub(super) async fn identify_again(
    exchange: &Exchange,
    asked: Asked,
    headers: &HeaderMap,
    snapshot: &Snapshot,
) -> Result<Option<Arc<Principal>>, Refusal> {
    let kind = &exchange.policy().auth.kind;
    match (Presented::of(kind, headers), asked) {
        (_, Asked::Nothing) | (Presented::Absent, Asked::Maybe) => Ok(None),
        (Presented::Token(token), _) => {
            refuse_guessers(exchange)?;
            let authenticated = authenticate(exchange, token, snapshot).await;
            authenticated.map(Some).map_err(|denied| refusal(kind, denied))
        }
        (presented, _) => Err(missing(kind, presented)),
    }
}

async fn authenticate(exchange: &Exchange, token: &str, snapshot: &Snapshot) -> Result<Arc<Principal>, Denied> {
    let policy = exchange.policy();
    let dispatcher = &exchange.shared().dispatcher;
    let context = exchange.context(exchange.started + policy.request_timeout, 0);
    exchange.active.authenticators.authenticate(&policy.auth.kind, token, dispatcher, snapshot, context).await
}

/// Checks nothing for an address whose credentials were wrong too often.
fn refuse_guessers(exchange: &Exchange) -> Result<(), Refusal> {
    if exchange.policy().rate_limit.is_none() {
        return Ok(());
    }
    exchange.limits().refusal_unchecked(exchange.client.address, exchange.started).map_or(Ok(()), Err)
}

/// Counts a request by the gateway's quota, if there is one.
fn count(exchange: &Exchange, principal: Option<&Principal>) -> Result<(), Refusal> {
    let Some(quota) = &exchange.policy().rate_limit else { return Ok(()) };
    let caller = Caller::of(principal, exchange.client.address);
    exchange.tell(exchange.limits().count(&caller, quota, exchange.started)).pass()
}

fn missing(kind: &Kind, presented: Presented<'_>) -> Refusal {
    let Some(scheme) = kind.scheme() else {
        let what = "the route asks for authentication, and the gateway has no kind of it";
        return Refusal::new(Code::AuthUnavailable, what);
    };
    let what = match presented {
        Presented::Absent => "the request has no credentials",
        Presented::Malformed | Presented::Token(_) => "the request's credentials have not the form that is asked for",
    };
    // RFC 6750, section 3.1: no error code where no credentials of this kind were sent.
    Refusal::new(Code::MissingCredentials, what).challenge(format!("{scheme} realm=\"switchyard\""))
}

fn refusal(kind: &Kind, denied: Denied) -> Refusal {
    let scheme = kind.scheme().unwrap_or("Bearer");
    match denied {
        Denied::Invalid(what) => {
            // Our own words, without signs that would end the quotes.
            let described = what.replace(['"', '\\'], "'");
            let challenge =
                format!("{scheme} realm=\"switchyard\", error=\"invalid_token\", error_description=\"{described}\"");
            Refusal::new(Code::InvalidCredentials, what).challenge(challenge)
        }
        Denied::TooLong(what) => Refusal::new(Code::HeadersTooLarge, what),
        Denied::Unavailable(what) => Refusal::new(Code::AuthUnavailable, what).after(RETRY_AFTER),
    }
}
