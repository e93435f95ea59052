//! What is taken and what is refused, in rows; and every verdict held against hyper's own reading of the same bytes.

mod against_hyper;

use super::*;

const HEAD_MAX: usize = 8 << 10;

fn follow(bytes: &[u8]) -> Followed {
    Validator::new(HEAD_MAX).follow(bytes)
}

/// `request` is refused before anything of it goes on, also when it comes byte by byte or after a good one.
#[track_caller]
fn refused(request: &[u8], violation: Violation) {
    let fault = Some(Fault { violation, in_body: false });
    let shown = request.escape_ascii();
    assert_eq!(follow(request), Followed { passed: 0, fault }, "{shown}");

    let good = b"POST /good HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nok";
    let after = follow(&[good, request].concat());
    assert_eq!(after, Followed { passed: good.len(), fault }, "{shown}");

    let (passed, fault) = trickle(request);
    assert_eq!(fault.map(|fault| fault.violation), Some(violation), "{shown}");
    assert!(passed == 0 || fault.is_some_and(|fault| fault.in_body), "{shown}");
}

/// All of `request` goes on, and it is so many messages.
#[track_caller]
fn taken(request: &[u8], messages: u32) {
    let shown = request.escape_ascii();
    let mut validator = Validator::new(HEAD_MAX);
    assert_eq!(validator.follow(request), Followed { passed: request.len(), fault: None }, "{shown}");
    assert_eq!((validator.heads(), validator.is_between_messages()), (messages, true), "{shown}");
    assert_eq!(trickle(request), (request.len(), None), "{shown}");
}

/// Byte by byte, as who reads a socket does it.
fn trickle(bytes: &[u8]) -> (usize, Option<Fault>) {
    let mut validator = Validator::new(HEAD_MAX);
    let mut start = 0;
    for end in 1..=bytes.len() {
        let followed = validator.follow(&bytes[start..end]);
        start += followed.passed;
        if followed.fault.is_some() {
            return (start, followed.fault);
        }
    }
    (start, None)
}

#[test]
fn requests_that_everybody_reads_alike_are_taken() {
    for request in [
        "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET /a?b=c&d=%20 HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://h/a HTTP/1.1\r\nhost: H\r\n\r\n",
        "GET HTTPS://h?a HTTP/1.1\r\nhost: h\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
        "PURGE-1 / HTTP/1.1\r\nhost: h\r\nx: \tspaces around\t \r\n\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\na",
        "POST / HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1;a=b;c=\"d\"\r\na\r\n0;x\r\nsum: 1\r\nb: c\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ] {
        taken(request.as_bytes(), 1);
    }
    let pipelined = "GET /1 HTTP/1.1\r\nhost: h\r\n\r\nPOST /2 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n\
                     1\r\na\r\n0\r\n\r\n\r\nPOST /3 HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nxGET /4 HTTP/1.0\r\n\r\n";
    taken(pipelined.as_bytes(), 4);
}

#[test]
fn request_lines_have_one_form() {
    let line = |line: &str, violation| refused(format!("{line}\r\nhost: h\r\n\r\n").as_bytes(), violation);
    line("GET  / HTTP/1.1", Violation::RequestLine);
    line("GET /  HTTP/1.1", Violation::RequestLine);
    line("GET / HTTP/1.1 ", Violation::RequestLine);
    line(" GET / HTTP/1.1", Violation::RequestLine);
    line("GET\t/ HTTP/1.1", Violation::RequestLine);
    line("GET / a HTTP/1.1", Violation::RequestLine);
    line("GE(T / HTTP/1.1", Violation::RequestLine);
    line("GET /", Violation::Version);
    line("GET", Violation::RequestLine);
    line("GET / HTTP/0.9", Violation::Version);
    line("GET / HTTP/1.2", Violation::Version);
    line("GET / HTTP/2.0", Violation::Version);
    line("GET / http/1.1", Violation::Version);
    line("GET / HTTP/1.10", Violation::Version);
    line("GET / HTTP/01.1", Violation::Version);
    line("PRI * HTTP/2.0", Violation::Version);
    line("CONNECT h:443 HTTP/1.1", Violation::Connect);
    line("CONNECT / HTTP/1.1", Violation::Connect);
    refused(b"\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n", Violation::EmptyLines);
    refused(b"\x16\x03\x01\x02\x00\x01", Violation::RequestLine);
}

#[test]
fn targets_are_paths_or_urls() {
    let target =
        |target: &str| refused(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes(), Violation::Target);
    ["h:80", "a", "*", "?a", "ftp://h/", "http:/h", "http://", "http:///a", "http://u@h/", "http://h:x/", "//h\\a"]
        .into_iter()
        .for_each(target);
    ["/a#b", "/a\\..\\b", "/\"", "/<", "/`", "/\x7f", "/\u{e9}", "/a\0b"].into_iter().for_each(target);
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(65_534));
    let followed = Validator::new(1 << 20).follow(long.as_bytes());
    assert_eq!(followed.fault.map(|fault| fault.violation), Some(Violation::TargetTooLong));
}

#[test]
fn a_request_has_one_host() {
    refused(b"GET / HTTP/1.1\r\n\r\n", Violation::NoHost);
    refused(b"GET http://h/ HTTP/1.1\r\n\r\n", Violation::NoHost);
    refused(b"GET / HTTP/1.1\r\nhost: h\r\nHost: h\r\n\r\n", Violation::TwoHosts);
    refused(b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", Violation::TwoHosts);
    refused(b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", Violation::Host);
    refused(b"GET / HTTP/1.1\r\nhost: u@h\r\n\r\n", Violation::Host);
    refused(b"GET / HTTP/1.1\r\nhost: h/a\r\n\r\n", Violation::Host);
    refused(b"GET http://a/ HTTP/1.1\r\nhost: b\r\n\r\n", Violation::HostDiffers);
    refused(b"GET http://a:80/ HTTP/1.1\r\nhost: a\r\n\r\n", Violation::HostDiffers);
}

#[test]
fn lines_end_with_both_signs() {
    refused(b"GET / HTTP/1.1\nhost: h\r\n\r\n", Violation::BareLineFeed);
    refused(b"GET / HTTP/1.1\r\nhost: h\n\r\n", Violation::BareLineFeed);
    refused(b"GET / HTTP/1.1\r\nhost: h\r\n\n", Violation::BareLineFeed);
    refused(b"\nGET / HTTP/1.1\r\nhost: h\r\n\r\n", Violation::BareLineFeed);
    refused(b"GET / HTTP/1.1\r\nhost: h\r\na: b\rc: d\r\n\r\n", Violation::BareCarriageReturn);
    refused(b"GET / HTTP/1.1\r\nhost: h\r\na: b\r\r\n\r\n", Violation::BareCarriageReturn);
    refused(b"GET / HTTP/1.1\r\r\nhost: h\r\n\r\n", Violation::Version);
}

#[test]
fn headers_have_plain_names_and_one_line() {
    let field = |line: &[u8], violation| {
        refused(&[b"GET / HTTP/1.1\r\nhost: h\r\n", line, b"\r\n\r\n"].concat(), violation);
    };
    field(b"a: b\r\n c", Violation::FieldName);
    field(b"a: b\r\n c: d", Violation::Folded);
    field(b"a: b\r\n\tc: d", Violation::Folded);
    field(b"content-length : 1", Violation::SpaceBeforeColon);
    field(b"a\t: b", Violation::SpaceBeforeColon);
    field(b"content_length: 1", Violation::Underscore);
    field(b"X-Auth_Subject: me", Violation::Underscore);
    field(b": b", Violation::FieldName);
    field(b"no colon", Violation::FieldName);
    field(b"a\x00b: c", Violation::FieldName);
    field(b"a[0]: c", Violation::FieldName);
    field(b"a: b\x00c", Violation::FieldValue);
    field(b"a: b\x0bc", Violation::FieldValue);
    field(b"expect: 200-ok", Violation::Expectation);
    field(b"upgrade: h2c", Violation::Http2Upgrade);
    field(b"Upgrade: websocket, H2C", Violation::Http2Upgrade);
    field(b"HTTP2-Settings: AAMAAABk", Violation::Http2Upgrade);
    refused(b"GET / HTTP/1.1\r\n host: h\r\n\r\n", Violation::Folded);
}

#[test]
fn a_head_has_limits() {
    let many = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "a: b\r\n".repeat(100));
    refused(many.as_bytes(), Violation::TooManyFields);
    taken(format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "a: b\r\n".repeat(99)).as_bytes(), 1);
    refused(format!("GET / HTTP/1.1\r\nhost: h\r\na: {}", "b".repeat(HEAD_MAX)).as_bytes(), Violation::HeadTooLong);
    let head = |length: usize| {
        let rest = "GET / HTTP/1.1\r\nhost: h\r\na: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nhost: h\r\na: {}\r\n\r\n", "b".repeat(length - rest))
    };
    taken(head(HEAD_MAX).as_bytes(), 1);
    refused(head(HEAD_MAX + 1).as_bytes(), Violation::HeadTooLong);
    refused(format!("GET / HTTP/1.1\r\n{}: b\r\n", "a".repeat(1025)).as_bytes(), Violation::FieldNameTooLong);
}

#[test]
fn a_request_says_once_and_plainly_how_long_it_is() {
    let fields = |fields: &str, violation| {
        refused(format!("POST / HTTP/1.1\r\nhost: h\r\n{fields}\r\n\r\n0\r\n\r\n").as_bytes(), violation);
    };
    fields("content-length: 1\r\ntransfer-encoding: chunked", Violation::LengthAndEncoding);
    fields("transfer-encoding: chunked\r\ncontent-length: 1", Violation::LengthAndEncoding);
    fields("content-length: 1\r\ncontent-length: 1", Violation::TwoLengths);
    fields("content-length: 1\r\ncontent-length: 2", Violation::TwoLengths);
    for length in ["", "+1", "-1", "1, 1", "0x1", "1 1", "1.0", "a", "9999999999999999999", "18446744073709551617"] {
        fields(&format!("content-length: {length}"), Violation::Length);
    }
    for encoding in [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;q=1",
    ] {
        fields(&format!("transfer-encoding: {encoding}"), Violation::Encoding);
    }
    fields("transfer-encoding: \x0bchunked", Violation::FieldValue);
    fields("transfer-encoding: chunked\r\ntransfer-encoding: chunked", Violation::Encoding);
    fields("transfer-encoding: chunked\r\ntransfer-encoding: identity", Violation::Encoding);
    refused(b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", Violation::EncodingInHttp10);
}

#[test]
fn chunks_have_plain_sizes_and_ends() {
    let body = |body: &[u8], violation| {
        refused(&[b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n", body].concat(), violation);
    };
    for size in ["", "+1", "-1", " 1", "1 ", "1 ;a", "0x1", "g", "1\t", "1,1", "11111111111111111", "00000000000000001"]
    {
        body(format!("{size}\r\na\r\n0\r\n\r\n").as_bytes(), Violation::ChunkSize);
    }
    body(b"1\na\r\n0\r\n\r\n", Violation::BareLineFeed);
    body(b"1\r\na\n0\r\n\r\n", Violation::ChunkEnd);
    body(b"1\r\nab\r\n0\r\n\r\n", Violation::ChunkEnd);
    body(b"2\r\na\r\n0\r\n\r\n", Violation::ChunkEnd);
    body(b"1\r\na0\r\n\r\n", Violation::ChunkEnd);
    body(b"1\r\na\r0\r\n\r\n", Violation::ChunkEnd);
    body(b"0\r\n\n", Violation::BareLineFeed);
    body(b"0\n\r\n", Violation::BareLineFeed);
    body(b"1;a\nb\r\na\r\n0\r\n\r\n", Violation::BareLineFeed);
    body(b"1;a\rb\r\na\r\n0\r\n\r\n", Violation::ChunkExtension);
    body(b"1;a\0\r\na\r\n0\r\n\r\n", Violation::ChunkExtension);
    body(format!("1;{}\r\n", "a".repeat(2000)).as_bytes(), Violation::ChunkSize);
    body(format!("1;{}\r\na\r\n", "a".repeat(1000)).repeat(17).as_bytes(), Violation::ChunkExtension);
    body(b"0\r\ncontent-length: 1\r\n\r\n", Violation::Trailer);
    body(b"0\r\nTransfer-Encoding: chunked\r\n\r\n", Violation::Trailer);
    body(b"0\r\nhost: h\r\n\r\n", Violation::Trailer);
    body(b"0\r\na_b: c\r\n\r\n", Violation::Underscore);
    body(b"0\r\na : c\r\n\r\n", Violation::SpaceBeforeColon);
    body(format!("0\r\n{}\r\n", "a: b\r\n".repeat(101)).as_bytes(), Violation::TrailersTooLong);
    body(format!("0\r\na: {}\r\n\r\n", "b".repeat(16 << 10)).as_bytes(), Violation::TrailersTooLong);
}

#[test]
fn a_fault_in_a_body_whose_head_is_gone_is_told_apart() {
    let mut validator = Validator::new(HEAD_MAX);
    let head = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(validator.follow(head), Followed { passed: head.len(), fault: None });
    assert_eq!(validator.follow(b"1\r\na\r\n2"), Followed { passed: 6, fault: None });
    let fault = Some(Fault { violation: Violation::ChunkSize, in_body: true });
    assert_eq!(validator.follow(b"2 \r\n"), Followed { passed: 0, fault });
    assert_eq!(validator.heads(), 1);
}

#[test]
fn what_follows_a_request_for_another_protocol_is_not_read_as_http() {
    let request = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let mut validator = Validator::new(HEAD_MAX);
    let followed = validator.follow(&[&request[..], b"\x81\x05hello"].concat());
    assert_eq!(followed, Followed { passed: request.len(), fault: None });
    assert_eq!(validator.follow(b"\x81\x05hello"), Followed { passed: 0, fault: None });
    validator.resume();
    assert_eq!(validator.follow(b"\x81\x05hello").fault.unwrap().violation, Violation::RequestLine);
}

#[test]
fn a_connection_knows_whether_a_message_is_whole() {
    let mut validator = Validator::new(HEAD_MAX);
    assert!(validator.is_between_messages() && !validator.is_in_head());
    validator.follow(b"POST / ");
    assert!(!validator.is_between_messages() && validator.is_in_head());
    validator.follow(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\na");
    assert!(!validator.is_between_messages() && !validator.is_in_head());
    validator.follow(b"b");
    assert!(validator.is_between_messages() && !validator.is_in_head());
}
