//! Names that travel through the whole host, as types, so that a string is checked once, where it enters.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The longest service name in bytes: a DNS label, since the name becomes `NAME.internal`.
pub const SERVICE_NAME_MAX: usize = 63;

/// The suffix under which services call each other: `http://NAME.internal/`.
pub const INTERNAL_SUFFIX: &str = ".internal";

/// The name of a service: 1 to 63 of `a-z`, `0-9` and `-`. Clones are cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z0-9-]{1,63}$"))]
pub struct ServiceName(Arc<str>);

/// Why a string is not a service name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is not a service name: use 1 to {SERVICE_NAME_MAX} of a-z, 0-9 and '-'", .0.escape_debug())]
pub struct InvalidServiceName(pub String);

/// The SHA-256 of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
pub struct Digest([u8; 32]);

/// Why a string is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a SHA-256 digest: 64 hexadecimal digits are expected")]
pub struct InvalidDigest(pub String);

/// One activation of a digest. Numbers rise during the life of the host's process and are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Generation(pub u64);

/// What the name of a file in the plugins folder says: `NAME.wasm` or `NAME@VERSION.wasm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFile {
    /// The name without `.wasm`: how the plugin is addressed.
    pub stem: String,
    /// The part before `@`: the service's name unless the component says another.
    pub service: ServiceName,
    /// The part after `@`.
    pub version: Option<semver::Version>,
}

/// Why a file in the plugins folder cannot be a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPluginFile {
    /// NAME is not a service name.
    #[error(
        "the file name does not give a service name; rename it to NAME.wasm with NAME of 1 to 63 of a-z, 0-9 and '-'"
    )]
    Name,
    /// VERSION is not semver.
    #[error("'{}' in the file name is no semantic version; rename it to NAME@MAJOR.MINOR.PATCH.wasm", .0.escape_debug())]
    Version(String),
}

// === impl ServiceName ===

impl ServiceName {
    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The service that the authority `NAME.internal` (a port is ignored) names, if it is one.
    pub fn from_internal_host(authority: &str) -> Option<Self> {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        host.strip_suffix(INTERNAL_SUFFIX)?.parse().ok()
    }
}

impl FromStr for ServiceName {
    type Err = InvalidServiceName;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=SERVICE_NAME_MAX).contains(&s.len()) && s.bytes().all(allowed) {
            Ok(Self(s.into()))
        } else {
            Err(InvalidServiceName(s.to_owned()))
        }
    }
}

impl TryFrom<String> for ServiceName {
    type Error = InvalidServiceName;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Digest ===

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest whose 32 bytes these are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(s, &mut bytes).map_err(|_| InvalidDigest(s.to_owned()))?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl PluginFile ===

impl PluginFile {
    /// Reads a file's name; `None` means that it is none of ours: a dot file, or not `*.wasm`.
    ///
    /// # Errors
    /// When the file claims to be a plugin and its name says neither a service nor a version.
    pub fn parse(file_name: &str) -> Option<Result<Self, InvalidPluginFile>> {
        if file_name.starts_with('.') {
            return None;
        }
        let stem = file_name.strip_suffix(".wasm")?;
        Some(Self::from_stem(stem))
    }

    /// Reads a file's name without `.wasm`.
    ///
    /// # Errors
    /// When it says neither a service nor a version.
    pub fn from_stem(stem: &str) -> Result<Self, InvalidPluginFile> {
        let (name, version) = match stem.split_once('@') {
            Some((name, version)) => {
                let version = version.parse().map_err(|_| InvalidPluginFile::Version(version.to_owned()))?;
                (name, Some(version))
            }
            None => (stem, None),
        };
        let service = name.parse().map_err(|_| InvalidPluginFile::Name)?;
        Ok(Self { stem: stem.to_owned(), service, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_names_are_dns_labels_in_lower_case() {
        for good in ["a", "user-service", "0", &"x".repeat(63)] {
            assert!(good.parse::<ServiceName>().is_ok(), "{good}");
        }
        for bad in ["", "A", "a_b", "a.b", "ä", "a/b", &"x".repeat(64)] {
            assert!(bad.parse::<ServiceName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn internal_hosts_name_services() {
        let name = |host| ServiceName::from_internal_host(host).map(|n| n.to_string());
        assert_eq!(name("users.internal").as_deref(), Some("users"));
        assert_eq!(name("users.internal:80").as_deref(), Some("users"));
        assert_eq!(name("users.internal.example.com"), None);
        assert_eq!(name("a.b.internal"), None);
    }

    #[test]
    fn plugin_files_name_a_service_and_maybe_a_version() {
        assert_eq!(PluginFile::parse(".hidden.wasm"), None);
        assert_eq!(PluginFile::parse("notes.txt"), None);
        let plain = PluginFile::parse("users.wasm").unwrap().unwrap();
        assert_eq!((plain.service.as_str(), plain.version), ("users", None));
        let versioned = PluginFile::parse("users@1.2.3.wasm").unwrap().unwrap();
        assert_eq!(versioned.version, Some(semver::Version::new(1, 2, 3)));
        assert_eq!(versioned.stem, "users@1.2.3");
        assert_eq!(PluginFile::parse("Users.wasm"), Some(Err(InvalidPluginFile::Name)));
        assert!(matches!(PluginFile::parse("users@x.wasm"), Some(Err(InvalidPluginFile::Version(_)))));
    }

    #[test]
    fn digests_read_what_they_print() {
        let digest = Digest::of(b"switchyard");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("12".parse::<Digest>().is_err());
    }
}
