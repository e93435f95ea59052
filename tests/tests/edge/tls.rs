//! TLS: which protocol is spoken is agreed on, and a certificate can change while connections are open.

use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use switchyard_tests::{Host, Raw, Recorder, Setup};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, ProtocolVersion, RootCertStore, pki_types::ServerName, version},
};

const TLS: &str = "[gateway.tls]\ncert = 'cert.pem'\nkey = 'key.pem'\n";

/// A certificate of its own for `gateway.test`.
struct Certificate(CertifiedKey<rcgen::KeyPair>);

// === impl Certificate ===

impl Certificate {
    fn new() -> Self {
        Self(generate_simple_self_signed(["gateway.test".to_owned()]).unwrap())
    }

    fn write(&self, folder: &std::path::Path) {
        // The key first: who reads both in between finds two that do not fit, and keeps what it has.
        std::fs::write(folder.join("key.pem"), self.0.signing_key.serialize_pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), self.0.cert.pem()).unwrap();
    }

    /// A client that trusts this one only, and offers these protocols.
    async fn connect(&self, host: &Host, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect_with(host, alpn, &[&version::TLS13, &version::TLS12]).await
    }

    async fn connect_with(
        &self,
        host: &Host,
        alpn: &[&str],
        versions: &[&'static tokio_rustls::rustls::SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.cert.der().clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(host.gateway).await?;
        let name = ServerName::try_from("gateway.test").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

async fn start() -> (Certificate, Recorder, Host) {
    let (certificate, upstream) = (Certificate::new(), Recorder::echo().await);
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let setup = Setup::new().config(&format!("{TLS}{}{route}", upstream.upstream("up")));
    certificate.write(setup.path());
    (certificate, upstream, setup.start().await)
}

fn request(version: http::Version) -> Request<Empty<bytes::Bytes>> {
    let uri = if version == http::Version::HTTP_2 { "https://gateway.test/up/x" } else { "/up/x" };
    let mut request = Request::builder().uri(uri).version(version);
    if version == http::Version::HTTP_11 {
        request = request.header("host", "gateway.test");
    }
    request.body(Empty::new()).unwrap()
}

/// Sends a request, and answers how its body, which is what the upstream saw, begins.
async fn ask(stream: TlsStream<TcpStream>) -> String {
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let response = if is_http2 {
        let (mut client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        client.send_request(request(http::Version::HTTP_2)).await.unwrap()
    } else {
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        client.send_request(request(http::Version::HTTP_11)).await.unwrap()
    };
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_protocol_is_what_both_sides_speak() {
    let (certificate, _upstream, host) = start().await;
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&["h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = certificate.connect(&host, offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed, "{offered:?}");
        let seen = ask(stream).await.to_ascii_lowercase();
        assert!(seen.contains("x-forwarded-proto: https\r\n"), "{seen}");
    }
    assert!(certificate.connect(&host, &["spdy/3"]).await.is_err(), "nothing in common is no connection");
}

#[tokio::test]
async fn only_versions_that_are_safe_are_spoken() {
    let (certificate, _upstream, host) = start().await;
    for (version, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let stream = certificate.connect_with(&host, &[], &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
    }
    // A hello of TLS 1.0, by hand: there is no library here that would still say one.
    let hello = [&[0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 1][..], &[7; 32], &[0, 0, 4, 0, 0x2f, 0, 0x35, 1, 0]].concat();
    let mut raw = Raw::connect(host.gateway).await;
    raw.send(hello).await;
    let (answers, rest) = raw.rest().await;
    assert!(answers.is_empty() && rest.first().is_none_or(|kind| *kind == 0x15), "an alert, or nothing: {rest:?}");
}

#[tokio::test]
async fn a_certificate_is_exchanged_while_connections_go_on() {
    let (first, _upstream, host) = start().await;
    let before = first.connect(&host, &["http/1.1"]).await.unwrap();
    let (mut open, connection) = hyper::client::conn::http1::handshake(TokioIo::new(before)).await.unwrap();
    tokio::spawn(connection);
    let mut ask_open = async || {
        open.ready().await.unwrap();
        let response = open.send_request(request(http::Version::HTTP_11)).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
    };
    ask_open().await;

    let second = Certificate::new();
    second.write(host.path());
    let is_new = async || second.connect(&host, &[]).await.ok();
    let after = host.eventually("the new certificate is shown", is_new).await;
    ask(after).await;
    assert!(first.connect(&host, &[]).await.is_err(), "the old certificate is shown no more");
    ask_open().await;

    // What is no certificate changes nothing.
    std::fs::write(host.path().join("cert.pem"), "no certificate").unwrap();
    let is_told = async || host.log().contains("cert.pem").then_some(());
    host.eventually("the log names the file", is_told).await;
    ask(second.connect(&host, &["h2"]).await.unwrap()).await;
}

#[tokio::test]
async fn what_is_no_tls_is_told_so_or_closed() {
    let (certificate, upstream, host) = start().await;
    let mut raw = Raw::connect(host.gateway).await;
    raw.send("GET /up/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").await;
    let (answers, _) = raw.rest().await;
    assert!(answers.is_empty() || answers[0].status == 400, "{answers:?}");
    for junk in [&b"\x16\x03\x01\xff\xff"[..], &[0; 100], &[0xff; 100]] {
        let mut raw = Raw::connect(host.gateway).await;
        raw.send(junk).await;
        if junk.len() == 100 {
            let (answers, _) = raw.rest().await;
            assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
        }
    }
    assert!(upstream.bytes().is_empty());
    ask(certificate.connect(&host, &[]).await.unwrap()).await;
}

#[tokio::test]
async fn a_key_that_does_not_fit_is_a_wrong_config() {
    let setup = Setup::new().config(TLS);
    let (first, second) = (Certificate::new(), Certificate::new());
    let (status, text) = setup.run_to_end();
    assert!(status.code() == Some(1) && text.contains("cert.pem"), "{text}");
    first.write(setup.path());
    std::fs::write(setup.path().join("key.pem"), second.0.signing_key.serialize_pem()).unwrap();
    let (status, text) = setup.run_to_end();
    assert!(status.code() == Some(1) && text.contains("key.pem"), "{text}");
}

/// An upstream behind TLS: its certificate has to be one that the configuration trusts.
#[tokio::test]
async fn an_upstream_behind_tls_is_called_by_its_name_and_no_other() {
    // A host is an upstream as good as any.
    let (certificate, _upstream, behind) = start().await;
    let upstream = |tls: &str| {
        let address = behind.gateway;
        format!(
            "[breaker]\nmode = 'measure'\n[[upstream]]\nname = 'up'\naddress = 'https://{address}'\n{tls}\n[[route]]\npath = \
             '/up/*'\nservice = 'up'\n"
        )
    };
    for (tls, status) in [
        ("tls = { ca = 'ca.pem', server-name = 'gateway.test' }", 200),
        ("tls = { ca = 'ca.pem', server-name = 'other.test' }", 502),
        ("tls = { server-name = 'gateway.test' }", 502),
        ("", 502),
    ] {
        let setup = Setup::new().config(&upstream(tls));
        std::fs::write(setup.path().join("ca.pem"), certificate.0.cert.pem()).unwrap();
        let host = setup.start().await;
        assert_eq!(host.get("/up/x").await.status, status, "{tls}\n{}", host.log());
    }
}
