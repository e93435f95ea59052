//! Servers outside of the host that answer for a service: where they are, and how long they are believed to be there.
//!
//! They come from `[[upstream]]` in the configuration or by the admin API, in one form, a [`Registration`], which is
//! checked once. What holds an [`Upstream`] knows that it can be called.
//!
//! **Invariant**: an upstream has its place, port included, and an id; two of the same id are the same one. Its texts
//! are bounded, since they are kept for as long as it is.

pub mod lease;
mod origin;
mod registration;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::name::ServiceName;

pub use self::{
    origin::{HealthTarget, InvalidOrigin, Origin, Scheme},
    registration::{Registration, TlsRegistration},
};

/// The longest id in bytes.
pub const ID_MAX: usize = 128;

/// The greatest weight.
pub const WEIGHT_MAX: u32 = 1_000;

/// The most tags, and entries of metadata, of one upstream.
pub const FACTS_MAX: usize = 64;

/// The longest tag, and key or value of metadata, in bytes.
pub const FACT_LENGTH_MAX: usize = 1_024;

/// The shortest time to live: a client that sends a heartbeat every three seconds may lose two of them.
pub const TTL_MIN: Duration = Duration::from_secs(10);

/// The longest time to live; what is to stay longer has none.
pub const TTL_MAX: Duration = Duration::from_secs(24 * 3600);

/// A server that answers for a service. It is made by [`Registration::check`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upstream {
    /// What it is addressed by: `NAME-HOST-PORT` unless another was given.
    pub id: String,
    /// The service.
    pub name: ServiceName,
    /// Its semantic version; 0.0.0 unless another was given.
    pub version: semver::Version,
    /// Where it is.
    pub origin: Origin,
    /// What is asked to find out how it is; none means that nobody asks, and it is believed to be well.
    pub health: Option<HealthTarget>,
    /// Words to discover it by.
    pub tags: Vec<String>,
    /// Further facts.
    pub metadata: BTreeMap<String, String>,
    /// Its share of the requests beside others of the service; 1 to [`WEIGHT_MAX`]. Default 1.
    pub weight: u32,
    /// How it proves who it is; none means by the public authorities and the host of its origin.
    pub tls: Option<TlsSpec>,
    /// Who registered it.
    pub source: Source,
    /// How long it is kept without a sign of life; none means until it is deregistered.
    pub ttl: Option<Duration>,
}

/// How an upstream that is called by https proves who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSpec {
    /// A PEM file of the authorities that may have signed its certificate; none means the public ones.
    pub ca: Option<PathBuf>,
    /// The name that its certificate is for; none means the host of its origin.
    pub server_name: Option<String>,
}

/// Who registered an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `[[upstream]]` in the configuration.
    Config,
    /// The admin API.
    Api,
}

/// Why a registration does not hold; the text names the member and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpstream {
    /// The id.
    #[error("id: '{0}' is no id; use 1 to {ID_MAX} of letters, digits, '.', '_', ':' and '-'")]
    Id(String),
    /// The id that would be made of name, host and port.
    #[error("id: the name, host and port together are longer than {ID_MAX} bytes; give it an id")]
    DerivedId,
    /// The version.
    #[error("version: '{0}' is no semantic version; write MAJOR.MINOR.PATCH, as in \"1.4.2\"")]
    Version(String),
    /// The address.
    #[error("address: {0}")]
    Address(InvalidOrigin),
    /// The port.
    #[error("port: {port} is not the port {address} of the address; give one of them")]
    Port {
        /// The member `port`.
        port: u16,
        /// The one in the address.
        address: u16,
    },
    /// The port that no request can go to.
    #[error("port: 0 is no port; give one from 1 to 65535")]
    PortZero,
    /// Where its health is asked.
    #[error("health: '{0}' is neither a path, as in \"/healthz\", nor a URL, as in \"http://10.0.0.7:9000/healthz\"")]
    Health(String),
    /// The weight.
    #[error("weight: {0} is not from 1 to {WEIGHT_MAX}")]
    Weight(u32),
    /// Settings for TLS with an address that is called without.
    #[error("tls: the address is called without TLS; write it as \"https://HOST:PORT\", or leave tls out")]
    TlsUnused,
    /// The name in the certificate.
    #[error("tls: the server name '{0}' is neither a host name nor an address")]
    ServerName(String),
    /// The authorities' file.
    #[error("tls: ca is empty; give the path of a PEM file, or leave it out")]
    Ca,
    /// The time to live.
    #[error("ttl: it must be from 10s to 1d; without one the registration stays until it is removed")]
    Ttl,
    /// A time to live where nobody can send a heartbeat.
    #[error("ttl: what the configuration registers stays as long as it is written there; leave ttl out")]
    TtlOfConfig,
    /// The tags or the metadata.
    #[error(
        "{0}: at most {FACTS_MAX} are kept, none of them empty or longer than {FACT_LENGTH_MAX} bytes; leave some out"
    )]
    Facts(&'static str),
}

// === impl InvalidUpstream ===

impl InvalidUpstream {
    /// The member that is wrong, as it is written in JSON and in the configuration.
    #[must_use]
    pub fn member(&self) -> &'static str {
        match self {
            Self::Id(_) | Self::DerivedId => "id",
            Self::Version(_) => "version",
            Self::Address(_) => "address",
            Self::Port { .. } | Self::PortZero => "port",
            Self::Health(_) => "health",
            Self::Weight(_) => "weight",
            Self::TlsUnused | Self::ServerName(_) | Self::Ca => "tls",
            Self::Ttl | Self::TtlOfConfig => "ttl",
            Self::Facts(member) => member,
        }
    }
}

// === impl Upstream ===

impl Upstream {
    /// The name that its certificate has to be for.
    #[must_use]
    pub fn server_name(&self) -> &str {
        let named = self.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        named.unwrap_or(&self.origin.host)
    }

    /// Where its health is asked: the server, and path and query; none when nobody asks.
    #[must_use]
    pub fn health_question(&self) -> Option<(&Origin, &str)> {
        match self.health.as_ref()? {
            HealthTarget::Path(path) => Some((&self.origin, path)),
            HealthTarget::Url { origin, path } => Some((origin, path)),
        }
    }
}

#[cfg(test)]
mod tests;
