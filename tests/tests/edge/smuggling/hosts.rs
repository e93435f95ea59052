//! Hosts that are missing, there twice, or no hosts.

use super::*;

fn cases() -> Vec<Case> {
    let hosts = |lines: &str| format!("GET /up/x HTTP/1.1\r\n{lines}\r\n");
    let host = |value: &str| hosts(&format!("Host: {value}\r\n"));
    let absolute =
        |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    vec![
        Case::refused("no Host", hosts("")),
        Case::refused("two Hosts, equal", hosts("Host: gateway.test\r\nHost: gateway.test\r\n")),
        Case::refused("two Hosts, other", hosts("Host: gateway.test\r\nHost: evil.test\r\n")),
        Case::refused("two Hosts, other case", hosts("host: gateway.test\r\nHOST: evil.test\r\n")),
        Case::refused("two Hosts, one folded", hosts("Host: gateway.test\r\n Host: evil.test\r\n")),
        Case::refused(
            "two Hosts, one with a space before its colon",
            hosts("Host: gateway.test\r\nHost : evil.test\r\n"),
        ),
        Case::refused("a Host with a space", host("gateway.test evil.test")),
        Case::refused("a Host with a slash", host("gateway.test/evil")),
        Case::refused("a Host with a backslash", host("gateway.test\\evil")),
        Case::refused("a Host with a user", host("evil@gateway.test")),
        Case::refused("a Host with a question mark", host("gateway.test?evil")),
        Case::refused("a Host with a hash", host("gateway.test#evil")),
        Case::refused("a Host with angle brackets", host("<gateway.test>")),
        Case::refused("a Host with quotes", host("\"gateway.test\"")),
        Case::refused("a Host beyond ASCII", host("gäteway.test")),
        Case::refused("a Host with a port of text", host("gateway.test:http")),
        Case::refused("a Host with a port too high", host("gateway.test:65536")),
        Case::refused("a Host with two ports", host("gateway.test:80:80")),
        Case::refused("a Host with an open bracket", host("[::1")),
        Case::refused("an absolute target of another host", absolute("http://evil.test/up/x", "gateway.test")),
        Case::refused("an absolute target of another port", absolute("http://gateway.test:81/up/x", "gateway.test")),
        Case::refused("an absolute target with a user", absolute("http://root@gateway.test/up/x", "gateway.test")),
        Case::refused("an absolute target of another scheme", absolute("ftp://gateway.test/up/x", "gateway.test")),
        Case::refused("an absolute target without Host", "GET http://gateway.test/up/x HTTP/1.1\r\n\r\n"),
        Case::passes(
            "an absolute target of its host",
            absolute("http://gateway.test/up/x", "gateway.test"),
            &["GET /up/x HTTP/1.1"],
        )
        .with(&["host: gateway.test\r\n"]),
        Case::passes("a Host is passed on", host("gateway.test:8080\r\nConnection: close"), &["GET /up/x HTTP/1.1"])
            .with(&["host: gateway.test:8080\r\n"]),
        Case::passes("HTTP/1.0 may come without", "GET /up/x HTTP/1.0\r\n\r\n", &["GET /up/x HTTP/1.1"]),
    ]
}

#[tokio::test]
async fn a_request_has_one_host_or_is_refused() {
    let edge = Edge::start().await;
    edge.check(&cases()).await;
    edge.check_in_pieces(&cases(), 1).await;
}
