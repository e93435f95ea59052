//! `[[upstream]]`: the same as in the admin API, in kebab-case.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    name::ServiceName,
    upstream::{Registration, Source, TlsRegistration, Upstream, WEIGHT_MAX},
};
use switchyard_dispatch::Instance;

use super::{check::Wrong, place::Text};

/// `[[upstream]]`, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Upstream")]
pub(super) struct Raw {
    /// The service.
    name: ServiceName,
    /// `http://HOST:PORT`, `https://HOST`, `h2c://HOST:PORT`, or `HOST:PORT`, which means http.
    address: String,
    /// How it is addressed; NAME-HOST-PORT when nothing is said.
    id: Option<String>,
    /// When the address has none.
    #[schemars(range(min = 1))]
    port: Option<u16>,
    /// A path, or a URL, that answers 2xx while it is well.
    health: Option<String>,
    /// A semantic version.
    version: Option<String>,
    /// To discover it by.
    #[schemars(extend("default" = []))]
    #[serde(default)]
    tags: Vec<String>,
    /// Further facts.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Its share beside others.
    #[schemars(range(min = 1, max = WEIGHT_MAX), extend("default" = 1))]
    weight: Option<u32>,
    /// How https to it is checked, when not by the public authorities and its own name.
    tls: Option<RawTls>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "UpstreamTls")]
struct RawTls {
    /// A PEM file with the authorities that count.
    ca: Option<PathBuf>,
    /// The name that its certificate has to have.
    server_name: Option<String>,
}

/// Checks all upstreams; `base` is the folder that relative paths start from.
pub(super) fn upstreams(raw: Vec<Raw>, base: &Path, text: Text<'_>) -> Result<Vec<Arc<Upstream>>, Wrong> {
    let mut upstreams: Vec<Arc<Upstream>> = Vec::with_capacity(raw.len());
    for (place, raw) in raw.into_iter().enumerate() {
        let wrong = |member: &str, message: String| {
            Err(Wrong { span: text.span(&["upstream", &place.to_string(), member]), message })
        };
        let upstream = match raw.registration(base).check(Source::Config) {
            Ok(upstream) => Arc::new(upstream),
            Err(invalid) => return wrong(invalid.member(), invalid.to_string()),
        };
        if upstreams.iter().any(|other| other.id == upstream.id) {
            let message = format!("two upstreams have the id '{}'; give one of them another id", upstream.id);
            return wrong("id", message);
        }
        // What it says about TLS is read, and forgotten again: here is who can mend it.
        if let Err(invalid) = Instance::of_upstream(Arc::clone(&upstream)) {
            return wrong("tls", invalid.to_string());
        }
        upstreams.push(upstream);
    }
    Ok(upstreams)
}

// === impl Raw ===

impl Raw {
    fn registration(self, base: &Path) -> Registration {
        let tls = self.tls.map(|RawTls { ca, server_name }| TlsRegistration {
            // An empty path stays one, so that it is refused.
            ca: ca.map(|ca| if ca.as_os_str().is_empty() { ca } else { base.join(ca) }),
            server_name,
        });
        Registration {
            id: self.id,
            port: self.port,
            health: self.health,
            version: self.version,
            tags: self.tags,
            metadata: self.metadata,
            weight: self.weight,
            tls,
            ..Registration::of(self.name, self.address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    fn parse(text: &str) -> Result<Vec<Arc<Upstream>>, String> {
        let config = Config::of_text(Path::new("etc/switchyard.toml"), text, &Overrides::default());
        config.map(|config| config.upstreams).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(members: &str, expected: &str) {
        let error = parse(&format!("[[upstream]]\nname = 'users'\n{members}")).expect_err("it is wrong");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_wrong_member_names_line_and_remedy() {
        check("", ":1: missing field `address`");
        check("address = '10.0.0.1:80'\nhelth = '/'", ":4: unknown member 'helth'; did you mean 'health'?");
        check("address = 'ftp://a'", ":3: address: 'ftp://' is not spoken here; use http://, https:// or h2c://");
        check("address = '10.0.0.1'", ":3: address: '10.0.0.1' has no port");
        check("address = '10.0.0.1:80'\nport = 81", ":4: port: 81 is not the port 80 of the address");
        check("address = '10.0.0.1:80'\nweight = 0", ":4: weight: 0 is not from 1 to 1000");
        check("address = '10.0.0.1:80'\nhealth = 'healthz'", ":4: health: 'healthz' is neither a path");
        check("address = '10.0.0.1:80'\nversion = '1'", ":4: version: '1' is no semantic version");
        check("address = '10.0.0.1:80'\n\ntls = { ca = 'a.pem' }", ":5: tls: the address is called without TLS");
        check(
            "address = 'https://a'\ntls = { sni = 'b' }",
            ":4: unknown member 'sni'; here are known: ca, server-name",
        );
        check("address = '10.0.0.1:80'\nttl = '10s'", ":4: unknown member 'ttl'");
        check("address = '10.0.0.1:80'\nid = 'a b'", ":4: id: 'a b' is no id");
        check(
            "address = 'https://a'\ntls = { ca = 'none.pem' }",
            ":4: the upstream 'users-a-443': no authorities can be",
        );
        let twice = "address = '10.0.0.1:80'\n[[upstream]]\nname = 'users'\naddress = '10.0.0.1:80'";
        check(twice, ":4: two upstreams have the id 'users-10.0.0.1-80'; give one of them another id");
    }

    #[test]
    fn what_is_right_is_kept() {
        let text = "[[upstream]]\nname = 'users'\naddress = 'https://users.example.com'\nhealth = '/healthz'\ntags = \
                    ['blue']\nmetadata = { zone = 'a' }\nweight = 7\ntls = { server-name = 'u' }";
        let upstreams = parse(text).expect("it is right");
        let upstream = &upstreams[0];
        assert_eq!((upstream.id.as_str(), upstream.weight), ("users-users.example.com-443", 7));
        assert_eq!((upstream.server_name(), upstream.metadata["zone"].as_str()), ("u", "a"));
    }

    #[test]
    fn authorities_are_named_relative_to_the_file() {
        check("address = 'https://a'\ntls = { ca = 'none.pem' }", "read from etc/none.pem");
    }
}
