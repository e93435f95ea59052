//! What becomes of heads without a guest.

use super::*;

fn parts(request: request::Builder) -> request::Parts {
    request.body(()).unwrap().into_parts().0
}

fn said(headers: &[(&str, &str)]) -> Said {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    Said { method: "GET".to_owned(), path: "/a".to_owned(), headers }
}

#[test]
fn the_authority_of_http2_follows_the_host() {
    let original = parts(Request::get("https://shop.example:8443/a").header("host", "shop.example:8443"));
    let same = request(&original, said(&[("host", "shop.example:8443")]), Content::Same).unwrap();
    assert_eq!(same.uri, "https://shop.example:8443/a");
    let other = request(&original, said(&[("host", "other.example")]), Content::Same).unwrap();
    assert_eq!(other.uri, "https://other.example/a");
    let moved = request(&original, Said { path: "/b?c".to_owned(), ..said(&[]) }, Content::Same).unwrap();
    assert_eq!(moved.uri, "https://shop.example:8443/b?c");
    assert_eq!(moved.headers[header::HOST], "shop.example:8443");
    let bare = parts(Request::get("https://shop.example/a"));
    let named = request(&bare, said(&[("host", "other.example")]), Content::Same).unwrap();
    assert_eq!(named.uri, "https://other.example/a");
}

#[test]
fn what_the_gateway_keeps_with_a_request_stays_with_it() {
    let mut original = parts(Request::options("*").header("host", "a"));
    original.extensions.insert(7_u8);
    let asterisk = Said { method: "OPTIONS".to_owned(), path: "*".to_owned(), ..said(&[]) };
    let kept = request(&original, asterisk, Content::Same).unwrap();
    assert_eq!((kept.uri.path(), kept.extensions.get::<u8>()), ("*", Some(&7)));
    assert!(request(&original, Said { path: "**".to_owned(), ..said(&[]) }, Content::Same).is_err());
}

#[test]
fn a_new_body_says_its_length_where_there_was_or_is_one() {
    let length = |original: request::Builder, body: &[u8]| {
        let head = request(&parts(original), said(&[("content-length", "9")]), Content::New(body)).unwrap();
        assert!(!head.headers.contains_key(header::TRANSFER_ENCODING) && !head.headers.contains_key(header::TRAILER));
        head.headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(length(Request::get("/a"), b""), None);
    assert_eq!(length(Request::get("/a"), b"abc").as_deref(), Some("3"));
    assert_eq!(length(Request::post("/a").header("content-length", "9"), b"").as_deref(), Some("0"));
    let chunked = Request::post("/a").header("transfer-encoding", "chunked").header("trailer", "x");
    assert_eq!(length(chunked, b"ab").as_deref(), Some("2"));
}

#[test]
fn a_service_cannot_answer_with_more_than_a_map_can_hold() {
    let answer = |count: usize, length: usize| {
        let headers = (0..count).map(|number| (format!("x-{number}"), vec![b'a'; length])).collect();
        response(wit::Response { status: 200, headers, body: Vec::new() })
    };
    assert_eq!(answer(HEADERS_MAX, 1).unwrap().headers().len(), HEADERS_MAX);
    let many = answer(40_000, 1).unwrap_err();
    assert!(many.starts_with("it answered with 40000 headers"), "{many}");
    assert!(answer(2, HEAD_BYTES_MAX).is_err());
}

#[test]
fn paths_are_as_clients_send_them() {
    for good in ["/", "/a/b?c=d&e", "/%00", "//a", "/a/../b"] {
        assert!(path(good).is_some(), "{good}");
    }
    for bad in ["", "a", "?a", "*", "/\u{e4}", "/a b", "/a#b", "/\t"] {
        assert!(path(bad).is_none(), "{bad}");
    }
}
