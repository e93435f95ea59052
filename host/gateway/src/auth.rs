//! Who calls: what a request says about it, and whether that holds.
//!
//! There is one kind for the whole gateway, since a request that could be checked in two ways is checked in the weaker
//! one. What it says becomes a [`Principal`], and services get that as headers which no client can send.
//!
//! **Invariant**: nothing passes because something could not be checked. Wrong credentials are 401, and where nobody can
//! say whether they are wrong it is 503.

pub mod api_key;
mod authenticate;
mod credentials;
mod json;
mod jwks;
pub mod jwt;
mod plugin;
mod principal;

use switchyard_core::{name::ServiceName, route::Pattern};

pub(crate) use self::{
    authenticate::{Authenticators, Denied},
    credentials::Presented,
    principal::Principal,
};

/// How callers are authenticated, and where they need not be. The default does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How.
    pub kind: Kind,
    /// Paths that everybody may call, as in routes; each is compared with the path of every request. A route's own
    /// `auth` goes before. `/health` and `/services` are public in any case.
    pub public: Vec<Pattern>,
}

/// What credentials are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nobody is asked. A route that requires authentication refuses everybody then.
    #[default]
    None,
    /// Signed tokens, `Authorization: Bearer TOKEN`.
    Jwt(jwt::Policy),
    /// Keys of the operator's, in a header of their own or in `Authorization`.
    ApiKey(api_key::Policy),
    /// Tokens that this service, a plugin with the role of an authenticator, is asked about; `Authorization: Bearer
    /// TOKEN`.
    Plugin(ServiceName),
}

// === impl Policy ===

impl Policy {
    /// Whether everybody may call this path.
    pub(crate) fn is_public(&self, path: &str) -> bool {
        self.public.iter().any(|pattern| pattern.matches(path))
    }
}

// === impl Kind ===

impl Kind {
    /// The scheme that `WWW-Authenticate` asks for.
    pub(crate) fn scheme(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Jwt(_) | Self::Plugin(_) => Some("Bearer"),
            Self::ApiKey(_) => Some("ApiKey"),
        }
    }
}

#[cfg(test)]
mod testing;
