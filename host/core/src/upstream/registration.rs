//! What somebody says who registers an upstream.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    FACT_LENGTH_MAX, FACTS_MAX, HealthTarget, ID_MAX, InvalidUpstream, Origin, Scheme, Source, TTL_MAX, TTL_MIN,
    TlsSpec, Upstream, WEIGHT_MAX, origin::host_of,
};
use crate::{manifest::DEFAULT_VERSION, name::ServiceName, units::HumanDuration};

/// An upstream as it is written, not checked yet.
///
/// ```
/// # use switchyard_core::upstream::{Registration, Source};
/// let json = r#"{"name": "users", "address": "10.0.0.7", "port": 8080, "health": "/healthz"}"#;
/// let upstream = serde_json::from_str::<Registration>(json)?.check(Source::Api)?;
/// assert_eq!(upstream.id, "users-10.0.0.7-8080");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewRegistration")]
pub struct Registration {
    /// How it is addressed; NAME-HOST-PORT when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._:-]{1,128}$"))]
    pub id: Option<String>,
    /// The service.
    pub name: ServiceName,
    /// `http://HOST:PORT`, `https://HOST`, `h2c://HOST:PORT`, or `HOST:PORT`, which means http.
    #[schemars(extend("format" = "origin"))]
    pub address: String,
    /// The port, when the address does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// A path of the upstream, or a URL of http or https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "health"))]
    pub health: Option<String>,
    /// A semantic version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<semver::Version>")]
    pub version: Option<String>,
    /// Words to discover it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = FACTS_MAX), inner(length(min = 1, max = FACT_LENGTH_MAX)))]
    pub tags: Vec<String>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = FACTS_MAX,
        "propertyNames" = {"minLength": 1, "maxLength": FACT_LENGTH_MAX},
        "additionalProperties" = {"type": "string", "maxLength": FACT_LENGTH_MAX}
    ))]
    pub metadata: BTreeMap<String, String>,
    /// Its share beside others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = WEIGHT_MAX))]
    pub weight: Option<u32>,
    /// How https to it is checked, when not by the public authorities and its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsRegistration>,
    /// After so long without a sign of life it is deregistered: 10s to 1d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<HumanDuration>,
}

/// A [`TlsSpec`] as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "UpstreamTls")]
pub struct TlsRegistration {
    /// A PEM file with the authorities that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The name that its certificate has to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

// === impl Registration ===

impl Registration {
    /// One that says the service and the address only.
    #[must_use]
    pub fn of(name: ServiceName, address: impl Into<String>) -> Self {
        Self {
            id: None,
            name,
            address: address.into(),
            port: None,
            health: None,
            version: None,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            weight: None,
            tls: None,
            ttl: None,
        }
    }

    /// Checks every member.
    ///
    /// # Errors
    /// With the first member that is wrong, and what would be right.
    pub fn check(self, source: Source) -> Result<Upstream, InvalidUpstream> {
        let origin = origin(&self.address, self.port)?;
        let id = id(self.id, &self.name, &origin)?;
        let weight = self.weight.unwrap_or(1);
        if !(1..=WEIGHT_MAX).contains(&weight) {
            return Err(InvalidUpstream::Weight(weight));
        }
        check_facts("tags", self.tags.len(), self.tags.iter())?;
        check_facts("metadata", self.metadata.len(), self.metadata.keys())?;
        if self.metadata.values().any(|value| value.len() > FACT_LENGTH_MAX) {
            return Err(InvalidUpstream::Facts("metadata"));
        }
        let version = match self.version {
            Some(text) => text.parse().map_err(|_| InvalidUpstream::Version(text))?,
            None => DEFAULT_VERSION,
        };
        let health = match self.health {
            Some(text) => Some(HealthTarget::parse(&text).ok_or(InvalidUpstream::Health(text))?),
            None => None,
        };
        let tls = self.tls.map(|tls| tls.check(&origin)).transpose()?;
        let ttl = self.ttl.map(|ttl| ttl_of(ttl.0, source)).transpose()?;
        let Self { name, tags, metadata, .. } = self;
        Ok(Upstream { id, name, version, origin, health, tags, metadata, weight, tls, source, ttl })
    }
}

fn origin(address: &str, port: Option<u16>) -> Result<Origin, InvalidUpstream> {
    if port == Some(0) {
        return Err(InvalidUpstream::PortZero);
    }
    let (origin, written) = Origin::parse_with_port(address, port).map_err(InvalidUpstream::Address)?;
    match (port, written) {
        (Some(port), Some(address)) if port != address => Err(InvalidUpstream::Port { port, address }),
        _ => Ok(origin),
    }
}

fn id(given: Option<String>, name: &ServiceName, origin: &Origin) -> Result<String, InvalidUpstream> {
    let Some(id) = given else {
        let derived = format!("{name}-{}-{}", origin.host, origin.port);
        return if derived.len() <= ID_MAX { Ok(derived) } else { Err(InvalidUpstream::DerivedId) };
    };
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    if (1..=ID_MAX).contains(&id.len()) && id.bytes().all(is_allowed) { Ok(id) } else { Err(InvalidUpstream::Id(id)) }
}

fn check_facts<'a>(
    member: &'static str,
    count: usize,
    mut texts: impl Iterator<Item = &'a String>,
) -> Result<(), InvalidUpstream> {
    let is_wrong = |text: &String| text.is_empty() || text.len() > FACT_LENGTH_MAX;
    if count > FACTS_MAX || texts.any(is_wrong) { Err(InvalidUpstream::Facts(member)) } else { Ok(()) }
}

fn ttl_of(ttl: Duration, source: Source) -> Result<Duration, InvalidUpstream> {
    match source {
        Source::Config => Err(InvalidUpstream::TtlOfConfig),
        Source::Api if (TTL_MIN..=TTL_MAX).contains(&ttl) => Ok(ttl),
        Source::Api => Err(InvalidUpstream::Ttl),
    }
}

impl From<&Upstream> for Registration {
    fn from(upstream: &Upstream) -> Self {
        Self {
            id: Some(upstream.id.clone()),
            name: upstream.name.clone(),
            address: upstream.origin.to_string(),
            port: None,
            health: upstream.health.as_ref().map(ToString::to_string),
            version: Some(upstream.version.to_string()),
            tags: upstream.tags.clone(),
            metadata: upstream.metadata.clone(),
            weight: Some(upstream.weight),
            tls: upstream.tls.clone().map(TlsRegistration::from),
            ttl: upstream.ttl.map(HumanDuration),
        }
    }
}

// === impl TlsRegistration ===

impl TlsRegistration {
    fn check(self, origin: &Origin) -> Result<TlsSpec, InvalidUpstream> {
        if origin.scheme != Scheme::Https {
            return Err(InvalidUpstream::TlsUnused);
        }
        if self.ca.as_ref().is_some_and(|ca| ca.as_os_str().is_empty()) {
            return Err(InvalidUpstream::Ca);
        }
        let server_name = match self.server_name {
            // Certificates hold addresses without brackets, so that is how they are written here as well.
            Some(name) => match host_of(&name).or_else(|| host_of(&format!("[{name}]"))) {
                Some(host) => Some(host),
                None => return Err(InvalidUpstream::ServerName(name)),
            },
            None => None,
        };
        Ok(TlsSpec { ca: self.ca, server_name })
    }
}

impl From<TlsSpec> for TlsRegistration {
    fn from(TlsSpec { ca, server_name }: TlsSpec) -> Self {
        Self { ca, server_name }
    }
}
