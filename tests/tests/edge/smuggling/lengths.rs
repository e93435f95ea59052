//! How long a message is, said twice, in two ways, or so that only some understand it.

use super::*;

fn cases() -> Vec<Case> {
    let length = |value: &str| post(&format!("Content-Length:{value}\r\n"), "hello");
    let coding = |lines: &str| post(lines, &format!("0\r\n\r\n{SMUGGLED}"));
    vec![
        Case::refused("CL.TE", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nG")),
        Case::refused(
            "TE.CL",
            post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &format!("31\r\n{SMUGGLED}\r\n0\r\n\r\n")),
        ),
        Case::refused("CL.0 and TE", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        Case::refused("GET with CL and TE", get("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n")),
        Case::refused("CL and TE identity", post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello")),
        Case::refused("TE.TE, twice chunked", coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        Case::refused("TE.TE, identity after", coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
        Case::refused("TE.TE, junk before", coding("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n")),
        Case::refused("TE.TE, other case", coding("Transfer-Encoding: chunked\r\ntRANSFER-eNCODING: cow\r\n")),
        Case::refused("TE xchunked", coding("Transfer-Encoding: xchunked\r\n")),
        Case::refused("TE chunkedx", coding("Transfer-Encoding: chunkedx\r\n")),
        Case::refused("TE quoted", coding("Transfer-Encoding: \"chunked\"\r\n")),
        Case::refused("TE with a parameter", coding("Transfer-Encoding: chunked;q=1\r\n")),
        Case::refused("TE with a comma", coding("Transfer-Encoding: chunked,\r\n")),
        Case::refused("TE chunked twice in a list", coding("Transfer-Encoding: chunked, chunked\r\n")),
        Case::refused("TE identity, chunked", coding("Transfer-Encoding: identity, chunked\r\n")),
        Case::refused("TE chunked, identity", coding("Transfer-Encoding: chunked, identity\r\n")),
        Case::refused("TE gzip, chunked", coding("Transfer-Encoding: gzip, chunked\r\n")),
        Case::refused("TE gzip", coding("Transfer-Encoding: gzip\r\n")),
        Case::refused("TE empty", coding("Transfer-Encoding:\r\n")),
        Case::refused("TE with a vertical tab", coding("Transfer-Encoding: \x0bchunked\r\n")),
        Case::refused("TE with a form feed", coding("Transfer-Encoding: chunked\x0c\r\n")),
        Case::refused("TE with a NUL", coding("Transfer-Encoding: chunked\0\r\n")),
        Case::refused("TE before its colon a space", coding("Transfer-Encoding : chunked\r\n")),
        Case::refused("TE before its colon a tab", coding("Transfer-Encoding\t: chunked\r\n")),
        Case::refused("TE on a folded line", coding("X: y\r\n Transfer-Encoding: chunked\r\n")),
        Case::refused("TE whose value is folded", coding("Transfer-Encoding:\r\n chunked\r\n")),
        Case::refused("TE behind a bare LF", coding("X: y\nTransfer-Encoding: chunked\r\n")),
        Case::refused("TE behind a bare CR", coding("X: y\rTransfer-Encoding: chunked\r\n")),
        Case::refused("TE with an underscore", coding("Transfer_Encoding: chunked\r\n")),
        Case::refused(
            "TE in HTTP/1.0",
            "POST /up/x HTTP/1.0\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        Case::refused("CL twice, equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
        Case::refused("CL twice, other", post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello")),
        Case::refused("CL twice, other case", post("Content-Length: 0\r\ncONTENT-lENGTH: 5\r\n", "hello")),
        Case::refused("CL as a list, equal", length(" 5, 5")),
        Case::refused("CL as a list, other", length(" 5, 0")),
        Case::refused("CL as a list without a space", length(" 5,5")),
        Case::refused("CL plus", length(" +5")),
        Case::refused("CL minus", length(" -5")),
        Case::refused("CL minus nothing", length(" -0")),
        Case::refused("CL in hex", length(" 0x5")),
        Case::refused("CL with an exponent", length(" 5e0")),
        Case::refused("CL with a point", length(" 5.0")),
        Case::refused("CL with a space inside", length(" 0 5")),
        Case::refused("CL with an underscore inside", length(" 0_5")),
        Case::refused("CL quoted", length(" \"5\"")),
        Case::refused("CL empty", length("")),
        Case::refused("CL of text", length(" five")),
        Case::refused("CL of as many bits as there are in most programs", length(" 9223372036854775807")),
        Case::refused("CL over 64 bits", length(" 18446744073709551621")),
        Case::refused("CL over 128 bits", length(" 340282366920938463463374607431768211461")),
        Case::refused("CL with a vertical tab", length(" \x0b5")),
        Case::refused("CL with a NUL", length(" 5\0")),
        Case::refused("CL before its colon a space", post("Content-Length : 5\r\n", "hello")),
        Case::refused("CL with an underscore", post("Content_Length: 5\r\n", "hello")),
        Case::refused("CL on a folded line", post("X: y\r\n Content-Length: 5\r\n", "hello")),
        Case::refused("CL with digits of other scripts", length(" \u{665}")),
        Case::passes(
            "GET with a body is one request",
            last("Content-Length: 5\r\n") + "hello",
            &["GET /up/x HTTP/1.1"],
        )
        .with(&["\r\n\r\nhello"]),
        Case::passes(
            "a request in a body is a body",
            post("Content-Length: 49\r\nConnection: close\r\n", SMUGGLED),
            &["POST /up/x HTTP/1.1"],
        ),
    ]
}

#[tokio::test]
async fn lengths_have_one_meaning_or_are_refused() {
    assert_eq!(SMUGGLED.len(), 0x31);
    let edge = Edge::start().await;
    edge.check(&cases()).await;
    edge.check_in_pieces(&cases(), 1).await;
}
