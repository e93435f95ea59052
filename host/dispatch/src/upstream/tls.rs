//! How upstreams prove who they are.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

/// What is offered by ALPN, the preferred first.
const HTTP2_OR_1: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The public authorities, and the sessions that can be resumed with those who have a certificate of theirs.
static PUBLIC: LazyLock<Configs> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Configs::of(roots)
});

/// What is needed for a handshake.
#[derive(Clone)]
pub(super) struct Tls {
    configs: Configs,
    pub(super) name: ServerName<'static>,
}

#[derive(Clone)]
struct Configs {
    http2_or_1: Arc<ClientConfig>,
    only_http1: Arc<ClientConfig>,
}

/// Why an upstream cannot be trusted as it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTls {
    /// The authorities' file.
    #[error("the upstream '{id}': no authorities can be read from {}: {reason}; give a PEM file of certificates", path.display())]
    Ca {
        /// The upstream.
        id: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The name of its certificate.
    #[error("the upstream '{id}': '{name}' is no name that a certificate can be for; set tls.server-name")]
    ServerName {
        /// The upstream.
        id: String,
        /// The name.
        name: String,
    },
}

// === impl Tls ===

impl Tls {
    /// For the upstream of this id: a certificate for `name`, by the authorities in the file `ca`, or public ones.
    pub(super) fn new(id: &str, name: &str, ca: Option<&Path>) -> Result<Self, InvalidTls> {
        let configs = match ca {
            None => PUBLIC.clone(),
            Some(path) => {
                let invalid = |reason| InvalidTls::Ca { id: id.to_owned(), path: path.to_owned(), reason };
                Configs::of(roots(path).map_err(invalid)?)
            }
        };
        let invalid = |_| InvalidTls::ServerName { id: id.to_owned(), name: name.to_owned() };
        let name = ServerName::try_from(name.to_owned()).map_err(invalid)?;
        Ok(Self { configs, name })
    }

    pub(super) fn config(&self, only_http1: bool) -> &Arc<ClientConfig> {
        if only_http1 { &self.configs.only_http1 } else { &self.configs.http2_or_1 }
    }
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(roots) }
}

// === impl Configs ===

impl Configs {
    fn of(roots: RootCertStore) -> Self {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("the provider has what these versions need");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![HTTP2_OR_1[1].to_vec()];
        let only_http1 = Arc::new(config.clone());
        config.alpn_protocols = HTTP2_OR_1.map(<[u8]>::to_vec).to_vec();
        Self { http2_or_1: Arc::new(config), only_http1 }
    }
}
