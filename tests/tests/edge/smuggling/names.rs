//! Names of headers that are none, or that some servers take for others.

use super::*;

fn cases() -> Vec<Case> {
    vec![
        Case::refused("a name with a space", get("X Y: z\r\n")),
        Case::refused("a name before a space", get("X-Y : z\r\n")),
        Case::refused("a name before a tab", get("X-Y\t: z\r\n")),
        Case::refused("a name with an underscore", get("X_Y: z\r\n")),
        Case::refused("a subject with underscores", get("X_Auth_Subject: root\r\n")),
        Case::refused("no name", get(": z\r\n")),
        Case::refused("no colon", get("X-Y\r\n")),
        Case::refused("a name with a slash", get("X/Y: z\r\n")),
        Case::refused("a name with brackets", get("X(Y): z\r\n")),
        Case::refused("a name with quotes", get("\"X\": z\r\n")),
        Case::refused("a name with an at sign", get("X@Y: z\r\n")),
        Case::refused("a name with a semicolon", get("X;Y: z\r\n")),
        Case::refused("a name with a NUL", get("X\0Y: z\r\n")),
        Case::refused("a name beyond ASCII", get("X-Ü: z\r\n")),
        Case::refused("a name with a control byte", get("X\x0bY: z\r\n")),
        Case::refused("a pseudo-header", get(":path: /up/smuggled\r\n")),
        Case::passes("a name of every other sign", last("X!#$%&'*+-.^`|~9: z\r\n"), &["GET /up/x HTTP/1.1"])
            .with(&["x!#$%&'*+-.^`|~9: z\r\n"]),
    ]
}

#[tokio::test]
async fn names_of_headers_are_tokens_without_underscores() {
    let edge = Edge::start().await;
    edge.check(&cases()).await;
    edge.check_in_pieces(&cases(), 1).await;
}
