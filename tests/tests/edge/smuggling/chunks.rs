//! Chunks whose size or end is not what everybody takes for one.

use super::*;

/// What is wrong with the chunks, and the bytes of the body from there on, after a chunk that is right.
pub(super) const BROKEN: [(&str, &str); 27] = [
    ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
    ("a size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
    ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("a size after a space", " 5\r\nhello\r\n0\r\n\r\n"),
    ("a size before a space", "5 \r\nhello\r\n0\r\n\r\n"),
    ("a size before a tab", "5\t\r\nhello\r\n0\r\n\r\n"),
    ("a size with a space inside", "0 5\r\nhello\r\n0\r\n\r\n"),
    ("a size with an underscore", "0_5\r\nhello\r\n0\r\n\r\n"),
    ("a size over 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("a size over 128 bits", "100000000000000000000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("no size", "\r\nhello\r\n0\r\n\r\n"),
    ("a size of no digit", "g\r\nhello\r\n0\r\n\r\n"),
    ("a size in quotes", "\"5\"\r\nhello\r\n0\r\n\r\n"),
    ("only an extension", ";x=y\r\nhello\r\n0\r\n\r\n"),
    ("a size that ends with LF", "5\nhello\r\n0\r\n\r\n"),
    ("a size that ends with CR", "5\rhello\r\n0\r\n\r\n"),
    ("a size with a NUL", "5\0\r\nhello\r\n0\r\n\r\n"),
    ("an extension with LF", "5;x=y\nz\r\nhello\r\n0\r\n\r\n"),
    ("an extension with CR", "5;x=y\rz\r\nhello\r\n0\r\n\r\n"),
    ("data that goes on", "5\r\nhello!\r\n0\r\n\r\n"),
    ("data that ends with LF", "5\r\nhello\n0\r\n\r\n"),
    ("data that ends with two bytes of text", "5\r\nhelloxx0\r\n\r\n"),
    ("a last chunk that ends with LF", "0\n\r\n"),
    ("an end of LF alone", "0\r\n\n"),
    ("a trailer on a folded line", "0\r\nA: b\r\n c\r\n\r\n"),
    ("a trailer with a space before its colon", "0\r\nA : b\r\n\r\n"),
    ("a trailer that is no header", "0\r\nhello\r\n\r\n"),
];

fn cases() -> Vec<Case> {
    let broken = BROKEN.iter().map(|(name, rest)| Case::refused(name, chunked(&format!("3\r\nabc\r\n{rest}"))));
    let first = BROKEN.iter().map(|(name, rest)| Case::refused(name, chunked(rest)));
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(20_000));
    let many = format!("{}0\r\n\r\n", "1;x\r\na\r\n".repeat(4));
    let closing = |body: &str| post("Transfer-Encoding: chunked\r\nConnection: close\r\n", body);
    let more = [
        Case::refused("an extension of 20,000 bytes", chunked(&long)),
        Case::refused("a smuggled request behind a size with LF", chunked(&format!("0\n\r\n{SMUGGLED}"))),
        Case::passes("chunks are one body", closing("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), &["POST /up/x HTTP/1.1"]),
        Case::passes(
            "sizes in either case",
            closing("A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n"),
            &["POST /up/x HTTP/1.1"],
        ),
        Case::passes("zeros before a size", closing("0005\r\nhello\r\n000\r\n\r\n"), &["POST /up/x HTTP/1.1"]),
        Case::passes("extensions are not passed on", closing(&many), &["POST /up/x HTTP/1.1"]).without(&[";x"]),
        Case::refused("a trailer that would be a length", chunked("5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n")),
        Case::refused("a trailer that would be a coding", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n")),
        Case::refused("a trailer that would be a host", chunked("0\r\nHost: evil.test\r\n\r\n")),
        Case::passes(
            "trailers say nothing that only the gateway may say",
            closing("5\r\nhello\r\n0\r\nX-Auth-Subject: root\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"),
            &["POST /up/x HTTP/1.1"],
        )
        .without(&["root", "6.6.6.6"]),
    ];
    broken.chain(first).chain(more).collect()
}

#[tokio::test]
async fn chunks_have_one_meaning_or_are_refused() {
    Edge::start().await.check(&cases()).await;
}
