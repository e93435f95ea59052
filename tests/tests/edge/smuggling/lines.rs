//! Lines that end otherwise than with CR and LF, that go on, or that hold what no line may.

use super::*;

fn cases() -> Vec<Case> {
    let line = |end: &str| format!("GET /up/x HTTP/1.1{end}Host: gateway.test\r\n\r\n");
    vec![
        Case::refused("a request line that ends with LF", line("\n")),
        Case::refused("a request line that ends with CR", line("\r")),
        Case::refused("a request line that ends with CR CR LF", line("\r\r\n")),
        Case::refused("a request line that ends with LF CR", line("\n\r")),
        Case::refused("a header that ends with LF", get("X: y\n")),
        Case::refused("a header that ends with CR CR LF", get("X: y\r\r\n")),
        Case::refused("every line ends with LF", "GET /up/x HTTP/1.1\nHost: gateway.test\n\n"),
        Case::refused("a head that ends with LF", "GET /up/x HTTP/1.1\r\nHost: gateway.test\r\n\n"),
        Case::refused("a header with CR", get("X: a\rb\r\n")),
        Case::refused("a header with CR before a name", get("X: a\rEvil: b\r\n")),
        Case::refused("a header with a NUL", get("X: a\0b\r\n")),
        Case::refused("a header with a control byte", get("X: a\x01b\r\n")),
        Case::refused("a header with DEL", get("X: a\x7fb\r\n")),
        Case::refused("a header with ESC", get("X: \x1b[2J\r\n")),
        Case::refused("a header folded with a space", get("X: a\r\n b\r\n")),
        Case::refused("a header folded with a tab", get("X: a\r\n\tb\r\n")),
        Case::refused("a first header after a space", "GET /up/x HTTP/1.1\r\n Host: gateway.test\r\n\r\n"),
        Case::refused("a first header after a tab", "GET /up/x HTTP/1.1\r\n\tX: y\r\nHost: gateway.test\r\n\r\n"),
        Case::refused("a line of a space", get("X: y\r\n \r\n")),
        Case::answered("101 headers", get(&(0..100).map(|n| format!("X-{n}: y\r\n")).collect::<String>()), &[4]),
        Case::answered("a head of 70,000 bytes", get(&format!("X: {}\r\n", "y".repeat(70_000))), &[431]),
        Case::answered(
            "a target of 70,000 bytes",
            format!("GET /up/{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(70_000)),
            &[4],
        ),
        Case::passes("an empty line before a request", format!("\r\n{}", last("")), &["GET /up/x HTTP/1.1"]),
        Case::passes("a header without a value", last("X:\r\n"), &["GET /up/x HTTP/1.1"]),
        Case::passes("a header with tabs and spaces around", last("X:\t y \t\r\n"), &["GET /up/x HTTP/1.1"]),
        Case::passes(
            "three requests in one piece",
            get("") + &get("") + &last(""),
            &["GET /up/x HTTP/1.1", "GET /up/x HTTP/1.1", "GET /up/x HTTP/1.1"],
        ),
        Case {
            answers: vec![200, 400],
            ..Case::passes(
                "a good request before a bad one is served",
                get("") + &get("X : y\r\n") + SMUGGLED,
                &["GET /up/x HTTP/1.1"],
            )
        },
        Case::refused("what follows a bad request is dropped", get("X : y\r\n") + SMUGGLED),
        Case::refused("many empty lines", "\r\n".repeat(5_000) + &get("")),
    ]
}

#[tokio::test]
async fn lines_end_with_cr_and_lf_and_hold_text() {
    let edge = Edge::start().await;
    edge.check(&cases()).await;
    let short: Vec<Case> = cases().into_iter().filter(|case| case.sent.len() < 1_000).collect();
    edge.check_in_pieces(&short, 1).await;
}
