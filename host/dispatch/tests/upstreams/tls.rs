//! TLS: whom an upstream is taken for, and what is spoken in it.

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use std::{path::PathBuf, sync::Arc};
use switchyard_core::{
    problem::Code,
    upstream::{Registration, Source, TlsRegistration},
};
use switchyard_dispatch::{Instance, InvalidTls};
use tokio_rustls::rustls::{ServerConfig, crypto::ring::default_provider, pki_types::PrivateKeyDer};

use crate::world::{Server, World, get, secured, text, upstream};

/// An authority, in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, _folder: folder, file }
    }

    /// What a server for this name shows, that speaks these.
    fn server(&self, name: &str, protocols: &[&str]) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}

async fn version(config: ServerConfig) -> Server {
    Server::https(config, |request| async move { text(200, format!("{:?}", request.version())) }).await
}

#[tokio::test]
async fn what_both_prefer_is_spoken() {
    let authority = Authority::new();
    for (protocols, expected) in [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")]
    {
        let server = version(authority.server("localhost", protocols)).await;
        let world = World::new(vec![secured(&server.address, &authority.file)]);
        for _ in 0..3 {
            assert_eq!(world.text().await, expected);
        }
        assert_eq!(server.connections(), 1, "{expected}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_who_it_should_be_is_not_called() {
    let (own, other) = (Authority::new(), Authority::new());
    let server = version(own.server("localhost", &[])).await;
    let misnamed = version(own.server("elsewhere.example", &[])).await;
    for registration in
        [secured(&server.address, &other.file), upstream(&server.address), secured(&misnamed.address, &own.file)]
    {
        let world = World::new(vec![registration]);
        let error = world.call(get("/")).await.unwrap_err();
        assert_eq!(error.code(), Code::ServiceFailed);
        assert!(error.to_string().contains("certificate"), "{error}");
        assert_eq!(world.counted(), (1, 1, 0));
    }
    assert_eq!(server.requests() + misnamed.requests(), 0);
    let tls = TlsRegistration { ca: Some(own.file.clone()), server_name: Some("elsewhere.example".to_owned()) };
    let world = World::new(vec![Registration { tls: Some(tls), ..upstream(&misnamed.address) }]);
    assert_eq!(world.text().await, "HTTP/1.1");
}

#[tokio::test]
async fn a_file_that_holds_no_authority_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
    std::fs::write(&empty, "no certificate").unwrap();
    for file in [missing, empty] {
        let registration = secured("https://localhost:1", &file).check(Source::Api).unwrap();
        let Err(error) = Instance::of_upstream(Arc::new(registration)) else { panic!("{file:?} is none") };
        assert!(matches!(&error, InvalidTls::Ca { path, .. } if *path == file), "{error}");
    }
}
