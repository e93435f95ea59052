//! HTTPS: which HTTP is agreed on, and certificates that change.

use std::{fs, sync::Arc, time::Duration};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use switchyard_gateway::{Options, Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto, pki_types::CertificateDer},
};

use crate::{
    common::{Edge, options, soon},
    http2,
};

/// A certificate for `h`, and the gateway's view of it.
fn certificate() -> (CertificateDer<'static>, Tls) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["h".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    (cert.der().clone(), Tls::load(&certificate, &key).unwrap())
}

/// A handshake of a client that trusts this certificate and no other.
async fn connect(
    edge: &Edge,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = edge.socket().await;
    soon(TlsConnector::from(Arc::new(config)).connect("h".try_into().unwrap(), socket)).await
}

async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn both_protocols_are_spoken() {
    let (trusted, tls) = certificate();
    let edge = Edge::start(Options { tls: Some(tls), ..options() }).await;
    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = connect(&edge, &trusted, alpn).await.unwrap();
        let answer = ask(&mut stream, "GET /headers HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\"x-forwarded-proto\": \"https\""), "{answer}");
    }
    let stream = connect(&edge, &trusted, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = http2::connect(stream).await;
    let (status, headers) = http2::read(sender.send_request(http2::get("/headers")).await.unwrap()).await;
    assert_eq!(status, 200);
    assert!(headers.contains("\"x-forwarded-proto\": \"https\""), "{headers}");
}

#[tokio::test]
async fn what_is_not_valid_is_told_so_over_tls() {
    let (trusted, tls) = certificate();
    let edge = Edge::start(Options { tls: Some(tls), ..options() }).await;
    let mut stream = connect(&edge, &trusted, &[]).await.unwrap();
    let answer = ask(&mut stream, "GET / HTTP/1.1\r\nhost: h\r\nhost: h\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("more than one Host"), "{answer}");
}

#[tokio::test]
async fn a_new_certificate_is_shown_from_the_next_handshake_on() {
    let (old, tls) = certificate();
    let edge = Edge::start(Options { tls: Some(tls), ..options() }).await;
    let mut before = connect(&edge, &old, &[]).await.unwrap();
    let (new, tls) = certificate();
    edge.handle.set_tls(tls);
    assert!(connect(&edge, &old, &[]).await.is_err());
    assert!(connect(&edge, &new, &[]).await.is_ok());
    let answer = ask(&mut before, "GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn plain_http_is_told_where_it_came() {
    let (_, tls) = certificate();
    let edge = Edge::start(Options { tls: Some(tls), ..options() }).await;
    let response = edge.client().await.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(response.status, 400);
    assert!(response.body.contains("HTTPS"), "{}", response.body);
}

#[tokio::test]
async fn a_handshake_has_the_time_of_a_head() {
    let (_, tls) = certificate();
    let times = Options { tls: Some(tls), header_timeout: Duration::from_millis(200), ..options() };
    let edge = Edge::start(times).await;
    for sent in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut socket = edge.socket().await;
        socket.write_all(sent).await.unwrap();
        let mut rest = Vec::new();
        let _ = soon(socket.read_to_end(&mut rest)).await;
        assert_eq!(rest, b"");
    }
}
