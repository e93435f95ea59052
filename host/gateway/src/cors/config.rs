//! What can be set about CORS.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Uri};

use super::{ANY, Origins, Policy};

/// The most origins, methods or headers of one policy.
const ENTRIES_MAX: usize = 100;

/// The members of `[gateway.cors]`; the default is what an empty table means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who may call: origins as browsers write them, `https://shop.example` or `http://localhost:5173`, or `*` alone
    /// for any. Default `*`.
    pub origins: Vec<String>,
    /// The methods that may be used, or `*` alone for any. Default GET, POST, PUT, DELETE, OPTIONS.
    pub methods: Vec<String>,
    /// The headers that may be set besides those that always may, or `*` alone for any but Authorization. Default
    /// Content-Type and Authorization.
    pub headers: Vec<String>,
    /// Whether cookies and other credentials that a browser keeps may be sent along. Default false.
    pub credentials: bool,
    /// How long a browser may remember a preflight's answer, in whole seconds. Default none, which leaves it to the
    /// browser (5 s).
    pub max_age: Option<Duration>,
}

/// Why there is no such policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// An entry that no browser would send.
    #[error("origins: '{0}' is no origin; write scheme, host and port as in \"https://shop.example\", without a path")]
    Origin(String),
    /// No method has this name.
    #[error("methods: '{0}' is no method; write it in capitals, as in \"PATCH\"")]
    Method(String),
    /// No header has this name.
    #[error("headers: '{0}' is no name of a header")]
    Header(String),
    /// A list that allows nothing, or too much to be a list.
    #[error("{0}: write 1 to {ENTRIES_MAX} entries, or leave it out")]
    Length(&'static str),
    /// Every page on the net could act as whoever is looking at it.
    #[error("{0}: \"*\" cannot go together with credentials; name each entry, or leave credentials out")]
    AnyWithCredentials(&'static str),
    /// `*` beside others.
    #[error("{0}: \"*\" stands alone")]
    AnyAndOthers(&'static str),
}

// === impl Config ===

impl Config {
    /// Checks it.
    ///
    /// # Errors
    /// With the first entry that cannot be meant.
    pub fn check(self) -> Result<Policy, InvalidConfig> {
        let any_origin = self.is_any("origins", &self.origins)?;
        let any_method = self.is_any("methods", &self.methods)?;
        let any_header = self.is_any("headers", &self.headers)?;
        let origins = match any_origin {
            true => Origins::Any,
            false => Origins::These(self.origins.iter().map(|text| origin(text)).collect::<Result<_, _>>()?),
        };
        let methods = match any_method {
            true => ANY,
            false => list(&self.methods, |text| method(text).ok_or_else(|| InvalidConfig::Method(text.to_owned())))?,
        };
        let headers = match any_header {
            true => ANY,
            false => list(&self.headers, |text| header(text).ok_or_else(|| InvalidConfig::Header(text.to_owned())))?,
        };
        let max_age = self.max_age.map(|age| HeaderValue::from(age.as_secs()));
        Ok(Policy { origins, methods, headers, credentials: self.credentials, max_age })
    }

    /// Whether a list is `*`.
    fn is_any(&self, member: &'static str, entries: &[String]) -> Result<bool, InvalidConfig> {
        if entries.is_empty() || entries.len() > ENTRIES_MAX {
            return Err(InvalidConfig::Length(member));
        }
        match entries.iter().any(|entry| entry == "*") {
            false => Ok(false),
            true if entries.len() > 1 => Err(InvalidConfig::AnyAndOthers(member)),
            true if self.credentials => Err(InvalidConfig::AnyWithCredentials(member)),
            true => Ok(true),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let owned = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
        Self {
            origins: owned(&["*"]),
            methods: owned(&["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
            headers: owned(&["Content-Type", "Authorization"]),
            credentials: false,
            max_age: None,
        }
    }
}

/// An origin in the one form in which browsers send it (RFC 6454, section 6.2): in lower case, and without the port
/// that the scheme has anyway. `null` is refused: every sandboxed frame and every local file has it.
fn origin(text: &str) -> Result<HeaderValue, InvalidConfig> {
    let invalid = || InvalidConfig::Origin(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(invalid)?;
    let usual = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let is_whole = format!("{scheme}://{authority}") == text && !authority.as_str().contains('@');
    let is_plain = is_whole && text.to_ascii_lowercase() == text && !authority.host().is_empty();
    match authority.port_u16() {
        Some(port) if Some(port) == usual => Err(invalid()),
        None if authority.as_str().ends_with(':') => Err(invalid()),
        _ if is_plain => HeaderValue::from_str(text).map_err(|_| invalid()),
        _ => Err(invalid()),
    }
}

fn method(text: &str) -> Option<&str> {
    let is_method = Method::from_bytes(text.as_bytes()).is_ok() && !text.bytes().any(|b| b.is_ascii_lowercase());
    is_method.then_some(text)
}

fn header(text: &str) -> Option<&str> {
    HeaderName::from_bytes(text.as_bytes()).is_ok().then_some(text)
}

/// The entries as one value.
fn list<'a>(
    entries: &'a [String],
    checked: impl Fn(&'a str) -> Result<&'a str, InvalidConfig>,
) -> Result<HeaderValue, InvalidConfig> {
    let entries = entries.iter().map(|entry| checked(entry)).collect::<Result<Vec<_>, _>>()?;
    Ok(HeaderValue::from_str(&entries.join(", ")).expect("tokens and commas are visible ASCII"))
}
