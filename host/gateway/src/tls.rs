//! The certificate that the gateway shows, and the protocols that it offers.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    },
};

/// What is offered by ALPN, the better one first. A client that says nothing speaks HTTP/1.1.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
pub(crate) const HTTP_2: &[u8] = b"h2";

/// A certificate with its key, ready for handshakes: TLS 1.2 and 1.3, without client certificates, without data ahead
/// of the handshake's end, which could be sent again by somebody else.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("{} cannot be read as PEM: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{} has no certificate; give the file with the gateway's certificate, followed by those that signed it", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in the file.
    #[error("{} has no private key that can be read; give it in PEM, without a password", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// They are not for each other, or of a kind that is not supported.
    #[error(
        "the certificate in {} cannot be used with the key in {}: {source}; give those that belong together",
        certificate.display(), key.display()
    )]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

// === impl Tls ===

impl Tls {
    /// Reads a certificate, with those that signed it after it, and its key, from files in PEM. They are read again only
    /// by another load.
    ///
    /// # Errors
    /// When a file is missing or has something else in it, or when they do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let failed = |path: &Path, source| TlsError::Pem { path: path.to_owned(), source };
        let certificates = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| failed(certificate, source))?;
        if certificates.is_empty() {
            return Err(TlsError::NoCertificate { path: certificate.to_owned() });
        }
        let private = PrivateKeyDer::from_pem_file(key).map_err(|source| match source {
            pem::Error::NoItemsFound => TlsError::NoKey { path: key.to_owned() },
            source => failed(key, source),
        })?;
        let unusable = |source| TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), source };
        let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(certificates, private)
            .map_err(unusable)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[test]
    fn only_files_that_belong_together_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let make = || generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let CertifiedKey { cert, signing_key } = make();
        let certificate = file("cert.pem", &cert.pem());
        let key = file("key.pem", &signing_key.serialize_pem());
        let other = file("other.pem", &make().signing_key.serialize_pem());
        let empty = file("empty.pem", "");
        let none = folder.path().join("none.pem");

        assert!(Tls::load(&certificate, &key).is_ok());
        assert!(matches!(Tls::load(&certificate, &other), Err(TlsError::Unusable { .. })));
        assert!(matches!(Tls::load(&certificate, &empty), Err(TlsError::NoKey { .. })));
        assert!(matches!(Tls::load(&empty, &key), Err(TlsError::NoCertificate { .. })));
        let missing = Tls::load(&none, &key).unwrap_err();
        assert!(missing.to_string().contains("none.pem"), "{missing}");
    }
}
