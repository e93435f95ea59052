//! Which pages of other origins may call services (the CORS protocol of the Fetch standard).
//!
//! The gateway speaks for all services: what they say themselves about origins is replaced, so that one of them
//! cannot open what the operator closed. A preflight is answered before anything is limited or authenticated, since
//! browsers send it without credentials; and refusals carry the headers too, or a page could not read why.
//!
//! **Invariant**: `*` is never said together with credentials, an origin is only repeated when it is on the list to the
//! byte, and whatever depends on the request's origin says so in `Vary`.

mod config;

use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use switchyard_dispatch::Body;

pub use self::config::{Config, InvalidConfig};

/// What pages may read of every response: when to come back, and what to quote.
const EXPOSED: HeaderValue = HeaderValue::from_static("RateLimit, RateLimit-Policy, Retry-After, X-Gateway-Request-ID");

const ANY: HeaderValue = HeaderValue::from_static("*");

/// What a checked [`Config`] says, as it is written into responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    origins: Origins,
    methods: HeaderValue,
    headers: HeaderValue,
    credentials: bool,
    max_age: Option<HeaderValue>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origins {
    Any,
    /// As browsers write them.
    These(Vec<HeaderValue>),
}

// === impl Policy ===

impl Policy {
    /// The answer, when this is a preflight: OPTIONS with `Origin` and `Access-Control-Request-Method`. One of an
    /// origin that is not on the list is answered too, with nothing in it that would let a browser go on.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        let is_preflight = *method == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        if self.allowed(only(headers)).is_some() {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            if let Some(max_age) = &self.max_age {
                answer.insert(ACCESS_CONTROL_MAX_AGE, max_age.clone());
            }
        }
        Some(response)
    }

    /// Says in any response whether its page may read it; `origin` is what the request had.
    pub(crate) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        if matches!(self.origins, Origins::These(_)) {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        let Some(allowed) = self.allowed(origin) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        // What a service wants to be seen besides stands.
        headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// What `Access-Control-Allow-Origin` says. Where any origin may, it says so to everybody, so that a cache can give
    /// one answer to all.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match &self.origins {
            Origins::Any => Some(ANY),
            Origins::These(list) => origin.filter(|origin| list.contains(origin)).cloned(),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Config::default().check().expect("the defaults are valid")
    }
}

/// The origin of a request. Two of them are none: whichever one a browser meant, it did not send this.
pub(crate) fn only(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut values = headers.get_all(ORIGIN).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests;
