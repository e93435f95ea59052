//! What a client says of itself that only the gateway may say, and headers that are the connection's own.

use super::*;

const REACHES: [&str; 1] = ["GET /up/x HTTP/1.1"];

fn spoofed() -> Vec<Case> {
    let spoofed = |name, lines: &str, lacks: &[&'static str]| Case::passes(name, last(lines), &REACHES).without(lacks);
    vec![
        spoofed("X-Forwarded-For", "X-Forwarded-For: 6.6.6.6\r\n", &["6.6.6.6"])
            .with(&["x-forwarded-for: 127.0.0.1\r\n"]),
        spoofed(
            "X-Forwarded-For, twice",
            "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n",
            &["6.6.6.6", "7.7.7.7"],
        )
        .with(&["x-forwarded-for: 127.0.0.1\r\n"]),
        spoofed("X-Forwarded-Host", "X-Forwarded-Host: evil.test\r\n", &["evil.test"])
            .with(&["x-forwarded-host: gateway.test\r\n"]),
        spoofed("X-Forwarded-Proto", "X-Forwarded-Proto: https\r\n", &["x-forwarded-proto: https"])
            .with(&["x-forwarded-proto: http\r\n"]),
        spoofed("X-Auth-Subject", "X-Auth-Subject: root\r\n", &["x-auth-subject"]),
        spoofed("X-Auth-Claims", "X-Auth-Claims: {\"role\":\"admin\"}\r\n", &["x-auth-claims"]),
        spoofed("X-Gateway-Request-ID", "X-Gateway-Request-ID: mine\r\n", &["mine"]).with(&["x-gateway-request-id: "]),
        spoofed("X-Service-Name", "X-Service-Name: other\r\n", &["other"]).with(&["x-service-name: up\r\n"]),
        spoofed("Forwarded", "Forwarded: for=6.6.6.6;host=evil.test;proto=https\r\n", &["6.6.6.6", "evil.test"]),
    ]
}

fn hop_by_hop() -> Vec<Case> {
    let named = |name, lines: &str| Case::passes(name, get(&format!("{lines}\r\n")), &REACHES);
    vec![
        named("Connection names a header", "X-Secret: 1\r\nX-Kept: 2\r\nConnection: close, X-Secret")
            .without(&["x-secret"])
            .with(&["x-kept: 2\r\n"]),
        named("Connection cannot take X-Forwarded-For away", "Connection: close, X-Forwarded-For, X-Forwarded-Host")
            .with(&["x-forwarded-for: 127.0.0.1\r\n", "x-forwarded-host: gateway.test\r\n"]),
        named("Connection cannot take Host away", "Connection: close, Host").with(&["host: gateway.test\r\n"]),
        named("Connection cannot take the gateway's own headers away", "Connection: close, X-Gateway-Request-ID, X-Service-Name, traceparent")
            .with(&["x-gateway-request-id: ", "x-service-name: up\r\n", "traceparent: 00-"]),
        named("headers of the connection stay on it", "Connection: close\r\nKeep-Alive: timeout=5\r\nTE: deflate\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5")
            .without(&["keep-alive", "proxy-connection", "proxy-authorization", "deflate"]),
        Case::passes(
            "Connection cannot take a body's length away",
            post("Content-Length: 5\r\nConnection: close, Content-Length\r\n", "hello"),
            &["POST /up/x HTTP/1.1"],
        )
        .with(&["\r\n\r\nhello"]),
        Case::passes(
            "Connection cannot take a body's coding away",
            post("Transfer-Encoding: chunked\r\nConnection: close, Transfer-Encoding\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            &["POST /up/x HTTP/1.1"],
        )
        .with(&["hello"]),
    ]
}

fn upgrades() -> Vec<Case> {
    vec![
        Case::refused(
            "an upgrade to h2c",
            get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
        ),
        Case::refused("an upgrade to h2c, in other case", get("Connection: upgrade\r\nUpgrade: H2C\r\n")),
        Case::refused("an upgrade to h2c in a list", get("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n")),
        Case::refused("the preface of HTTP/2 with more before it", get("") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .after_one(),
        Case::passes(
            "another upgrade is not passed on",
            get("Connection: Upgrade, close\r\nUpgrade: foo/1\r\n"),
            &REACHES,
        )
        .without(&["upgrade"]),
        Case::passes("an Upgrade that Connection does not name", last("Upgrade: websocket\r\n"), &REACHES)
            .without(&["upgrade"]),
        Case::passes(
            "a WebSocket by POST",
            post("Connection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", ""),
            &["POST /up/x HTTP/1.1"],
        )
        .without(&["upgrade"]),
        Case::refused("an Expect that is not known", post("Expect: 200-ok\r\nContent-Length: 5\r\n", "hello")),
    ]
}

impl Case {
    /// Whose first request is served all the same.
    fn after_one(self) -> Self {
        Self { answers: vec![200, 400], reaches: REACHES.to_vec(), ..self }
    }
}

#[tokio::test]
async fn what_only_the_gateway_may_say_is_never_the_clients() {
    Edge::start().await.check(&spoofed()).await;
}

#[tokio::test]
async fn headers_of_the_connection_stay_on_it_and_take_none_of_ours_away() {
    Edge::start().await.check(&hop_by_hop()).await;
}

#[tokio::test]
async fn upgrades_that_are_not_wanted_are_refused_or_not_passed_on() {
    let edge = Edge::start().await;
    edge.check(&upgrades()).await;
    edge.check_in_pieces(&upgrades(), 1).await;
}
