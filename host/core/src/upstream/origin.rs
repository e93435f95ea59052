//! Where a server is, as people write it.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// The longest name of a host in bytes (RFC 1035, section 2.3.4, without the final dot).
const HOST_MAX: usize = 253;

/// The longest path that is asked for health, in bytes.
const PATH_MAX: usize = 2_048;

/// A server: how it is spoken to, and where.
///
/// It is written as `http://HOST:PORT`, `https://HOST`, `h2c://HOST:PORT`, or `HOST:PORT`, which means http. Without a
/// scheme the port has to be there; with one it is 80, or 443 for https, unless it is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name in lower case, or an address; an IPv6 one is without brackets.
    pub host: String,
    /// The port; not 0.
    pub port: u16,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP/1.1 in the clear.
    Http,
    /// TLS, and in it what both sides prefer of HTTP/1.1 and HTTP/2.
    Https,
    /// HTTP/2 in the clear, from the first byte on.
    H2c,
}

/// What is asked to find out how a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HealthTarget {
    /// A path, and maybe a query, of the server itself.
    Path(String),
    /// Another place.
    Url {
        /// By http or https.
        origin: Origin,
        /// Path and query.
        path: String,
    },
}

/// Why a text says no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// What stands before `://`.
    #[error("'{0}://' is not spoken here; use http://, https:// or h2c://")]
    Scheme(String),
    /// The host.
    #[error("'{0}' is no host; give a name, an IPv4 address, or an IPv6 address in brackets")]
    Host(String),
    /// The port.
    #[error("'{0}' is no port; give one from 1 to 65535")]
    Port(String),
    /// A host alone.
    #[error("'{0}' has no port; write '{0}:PORT', or 'http://{0}'")]
    PortMissing(String),
    /// More than a host and a port.
    #[error("'{0}' says more than a server; leave out its path and query, a route can rewrite paths")]
    Path(String),
    /// A user or a password.
    #[error("it holds a user name; leave out what stands before the '@'")]
    User,
}

// === impl Origin ===

impl Origin {
    /// Reads an address whose port may be written apart from it.
    ///
    /// The second value is the port that stands in the address itself.
    pub(super) fn parse_with_port(text: &str, port: Option<u16>) -> Result<(Self, Option<u16>), InvalidOrigin> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(Scheme::parse(scheme)?), rest),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').filter(|_| scheme.is_some()).unwrap_or(rest);
        if rest.contains('@') {
            return Err(InvalidOrigin::User);
        }
        if rest.contains(['/', '?', '#']) {
            return Err(InvalidOrigin::Path(text.to_owned()));
        }
        let (host, written) = split(rest)?;
        let host = host_of(host).ok_or_else(|| InvalidOrigin::Host(host.to_owned()))?;
        let written = written.map(port_of).transpose()?;
        let port = written.or(port).or_else(|| scheme.map(Scheme::default_port));
        let port = port.ok_or_else(|| InvalidOrigin::PortMissing(rest.to_owned()))?;
        Ok((Self { scheme: scheme.unwrap_or(Scheme::Http), host, port }, written))
    }

    /// Host and port, as in a URL.
    #[must_use]
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        Self::parse_with_port(text, None).map(|(origin, _)| origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

/// A host and what follows its colon. A bare IPv6 address is refused: nobody can say where its port begins.
fn split(text: &str) -> Result<(&str, Option<&str>), InvalidOrigin> {
    let wrong = || InvalidOrigin::Host(text.to_owned());
    if text.starts_with('[') {
        let (host, rest) = text.split_once(']').ok_or_else(wrong)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((&text[..=host.len()], Some(port))),
            None if rest.is_empty() => Ok((text, None)),
            None => Err(wrong()),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(wrong()),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

/// Digits only: what the parser of integers takes besides, a plus sign, is none of a URL's.
fn port_of(text: &str) -> Result<u16, InvalidOrigin> {
    let number = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit())).and_then(|text| text.parse().ok());
    number.filter(|port| *port != 0).ok_or_else(|| InvalidOrigin::Port(text.to_owned()))
}

/// A host in the form of [`Origin::host`].
pub(super) fn host_of(text: &str) -> Option<String> {
    if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| address.to_string());
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(allowed)
    };
    (name.len() <= HOST_MAX && name.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

// === impl Scheme ===

impl Scheme {
    fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        [Self::Http, Self::Https, Self::H2c]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidOrigin::Scheme(text.to_owned()))
    }

    /// As it is written before `://`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
        }
    }

    /// The port where none is written.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http | Self::H2c => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl HealthTarget ===

impl HealthTarget {
    /// Reads a path, or a URL of http or https; none when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_sent_as_it_is =
            |b: u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`');
        if text.len() > PATH_MAX || !text.bytes().all(is_sent_as_it_is) {
            return None;
        }
        if text.starts_with('/') {
            return Some(Self::Path(text.to_owned()));
        }
        let after_scheme = text.find("://")? + 3;
        let end = text[after_scheme..].find(['/', '?']).map_or(text.len(), |at| after_scheme + at);
        let origin: Origin = text[..end].parse().ok()?;
        let path = &text[end..];
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        (origin.scheme != Scheme::H2c).then_some(Self::Url { origin, path })
    }
}

impl fmt::Display for HealthTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Url { origin, path } => write!(f, "{origin}{path}"),
        }
    }
}
