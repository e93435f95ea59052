//! Request lines and targets that two servers could read differently.

use super::*;

fn cases() -> Vec<Case> {
    let line = |line: &str| format!("{line}\r\nHost: gateway.test\r\n\r\n");
    let target = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n");
    vec![
        Case::refused("two spaces before the target", line("GET  /up/x HTTP/1.1")),
        Case::refused("two spaces before the version", line("GET /up/x  HTTP/1.1")),
        Case::refused("a tab before the target", line("GET\t/up/x HTTP/1.1")),
        Case::refused("a space before the method", line(" GET /up/x HTTP/1.1")),
        Case::refused("a space after the version", line("GET /up/x HTTP/1.1 ")),
        Case::refused("a space in the target", line("GET /up/x y HTTP/1.1")),
        Case::refused("no target", line("GET HTTP/1.1")),
        Case::refused("no version", line("GET /up/x")),
        Case::refused("HTTP/0.9", "GET /up/x\r\n\r\n"),
        Case::refused("a version in lower case", line("GET /up/x http/1.1")),
        Case::refused("version 1.2", line("GET /up/x HTTP/1.2")),
        Case::refused("version 2.0", line("GET /up/x HTTP/2.0")),
        Case::refused("version 1.10", line("GET /up/x HTTP/1.10")),
        Case::refused("version 01.1", line("GET /up/x HTTP/01.1")),
        Case::refused("another protocol", line("GET /up/x ICAP/1.0")),
        Case::refused("a method that is no token", line("GE(T /up/x HTTP/1.1")),
        Case::refused("an authority as target", line("GET gateway.test:80 HTTP/1.1")),
        Case::refused("a tunnel", "CONNECT up.test:80 HTTP/1.1\r\nHost: up.test:80\r\n\r\n"),
        Case::refused("a star with GET", line("GET * HTTP/1.1")),
        Case::refused("a relative target", line("GET up/x HTTP/1.1")),
        Case::refused("a NUL in the target", line("GET /up/\0 HTTP/1.1")),
        Case::refused("a control byte in the target", line("GET /up/\x01 HTTP/1.1")),
        Case::refused("a fragment", line("GET /up/x#y HTTP/1.1")),
        Case::refused("segments up", target("/up/../smuggled")),
        Case::refused("segments up, encoded", target("/up/%2e%2e/smuggled")),
        Case::refused("segments up, half encoded", target("/up/.%2E/smuggled")),
        Case::refused("a segment of one dot", target("/up/./x")),
        Case::refused("a backslash", target("/up\\..\\smuggled")),
        Case::answered("a prefix that is another service's", target("/upstream/x"), &[404]).closing(),
        Case::answered("an encoded slash is no separator", target("/up%2Fx"), &[404]).closing(),
        Case::answered("an upper-case path is another", target("/UP/x"), &[404]).closing(),
        Case::answered("two slashes are no prefix", target("//up/x"), &[404]).closing(),
        Case::passes(
            "encoded slashes are passed on as they are",
            target("/up/a%2Fb?c=%2F..%2F"),
            &["GET /up/a%2Fb?c=%2F..%2F HTTP/1.1"],
        ),
        Case::passes(
            "a target's query is its own affair",
            target("/up/x?y=/../z&http://evil.test/"),
            &["GET /up/x?y=/../z&http://evil.test/ HTTP/1.1"],
        ),
        Case::passes("two slashes inside are kept", target("/up//x"), &["GET /up//x HTTP/1.1"]),
    ]
}

impl Case {
    /// Whose connection ends because the client asks for it.
    fn closing(self) -> Self {
        assert!(String::from_utf8_lossy(&self.sent).contains("Connection: close"), "{}", self.name);
        self
    }
}

#[tokio::test]
async fn targets_have_one_meaning_or_are_refused() {
    let edge = Edge::start().await;
    edge.check(&cases()).await;
    edge.check_in_pieces(&cases(), 1).await;
}
