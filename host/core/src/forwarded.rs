//! Who a client is when proxies stand between, and what services are told of it.
//!
//! `X-Forwarded-For` can be written by anybody; each proxy appends whom it was called by. So it is believed from the
//! right, and as far as the proxies that are trusted: the first address beyond them is the client, and what stands left
//! of it is what that client claims.
//!
//! **Invariant**: without a trusted peer, nothing that a request says about where it came from has any effect.

use std::net::{IpAddr, SocketAddr};

pub use crate::network::{InvalidNetwork, Network, Networks};

/// Entries of `X-Forwarded-For` that are looked at; further to the left, the latest one is the client.
pub const ENTRIES_MAX: usize = 32;

/// The address of the client: the right-most beyond the trusted proxies.
///
/// `values` are those of all `X-Forwarded-For` fields, in their order. What is no address ends the search: then the
/// client is the proxy that wrote it.
pub fn client<'a>(peer: IpAddr, values: impl DoubleEndedIterator<Item = &'a [u8]>, trusted: &Networks) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut entries = values.rev().flat_map(|value| value.rsplit(|byte| *byte == b',')).take(ENTRIES_MAX);
    while trusted.contains(client) {
        match entries.next().and_then(address) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// What `X-Forwarded-For` becomes: of a trusted peer, what it said and its own address after it; else its address.
///
/// What could not stand in a header that people read is not passed on.
pub fn forwarded_for<'a>(peer: IpAddr, values: impl Iterator<Item = &'a [u8]>, is_trusted: bool) -> String {
    let mut said = String::new();
    for value in values.filter(|_| is_trusted) {
        let is_sent = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        match std::str::from_utf8(value) {
            Ok(text) if value.iter().all(is_sent) && !text.trim().is_empty() => {
                said.push_str(text.trim());
                said.push_str(", ");
            }
            _ => {}
        }
    }
    said.push_str(&peer.to_canonical().to_string());
    said
}

/// What `X-Forwarded-Proto` becomes: of a trusted peer, `http` or `https` if it said so once; else how the request
/// came.
pub fn forwarded_proto<'a>(
    own: &'static str,
    mut values: impl Iterator<Item = &'a [u8]>,
    is_trusted: bool,
) -> &'static str {
    match (values.next().filter(|_| is_trusted), values.next()) {
        (Some(said), None) if said.eq_ignore_ascii_case(b"https") => "https",
        (Some(said), None) if said.eq_ignore_ascii_case(b"http") => "http",
        _ => own,
    }
}

/// What `X-Forwarded-Host` becomes: of a trusted peer, what it said if that is one host; else the host of the request.
pub fn forwarded_host<'a>(
    own: Option<&'a [u8]>,
    mut values: impl Iterator<Item = &'a [u8]>,
    is_trusted: bool,
) -> Option<&'a [u8]> {
    let is_host = |said: &&[u8]| {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
        !said.is_empty() && said.iter().all(allowed)
    };
    match (values.next().filter(|_| is_trusted).filter(is_host), values.next()) {
        (Some(said), None) => Some(said),
        _ => own,
    }
}

/// One entry: an address, maybe with a port, as some proxies write it.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.as_ref().map(IpAddr::to_canonical)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<'a>(texts: &'a [&'a str]) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        texts.iter().map(|text| text.as_bytes())
    }

    fn trusted() -> Networks {
        Networks::parse(&["10.0.0.0/8", "fd00::/8"]).unwrap()
    }

    #[track_caller]
    fn check(peer: &str, said: &[&str], expected: &str) {
        let client = client(peer.parse().unwrap(), values(said), &trusted());
        assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {said:?}");
    }

    #[test]
    fn the_client_is_the_right_most_beyond_the_trusted_proxies() {
        check("203.0.113.9", &["1.1.1.1"], "203.0.113.9");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1");
        check("10.0.0.1", &["6.6.6.6", "1.1.1.1,10.0.0.2 ,\t10.0.0.3"], "1.1.1.1");
        check("10.0.0.1", &["6.6.6.6, 1.1.1.1:4711", "[fd00::1]:80, [fd00::2]"], "1.1.1.1");
        check("::ffff:10.0.0.1", &["::ffff:1.1.1.1"], "1.1.1.1");
        check("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2");
    }

    #[test]
    fn junk_ends_the_search_at_the_proxy_that_wrote_it() {
        check("10.0.0.1", &["1.1.1.1, unknown"], "10.0.0.1");
        check("10.0.0.1", &["1.1.1.1, , 10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &["1.1.1.1", "", "10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &["1.1.1.1, 300.1.1.1, 10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &["1.1.1.1, \"10.0.0.3\""], "10.0.0.1");
        let client = client("10.0.0.1".parse().unwrap(), [&b"\xff"[..]].into_iter(), &trusted());
        assert_eq!(client.to_string(), "10.0.0.1");
    }

    #[test]
    fn no_more_than_the_limit_of_entries_is_looked_at() {
        let many = format!("1.1.1.1{}", ", 10.0.0.2".repeat(ENTRIES_MAX));
        check("10.0.0.1", &[&many], "10.0.0.2");
        check("10.0.0.1", &[&many[..many.len() - ", 10.0.0.2".len()]], "1.1.1.1");
    }

    #[test]
    fn what_services_are_told_is_a_trusted_peers_word_or_our_own() {
        let peer = "10.0.0.1".parse().unwrap();
        let of = |said: &[&str], is_trusted| forwarded_for(peer, values(said), is_trusted);
        assert_eq!(of(&["6.6.6.6", "1.1.1.1 "], true), "6.6.6.6, 1.1.1.1, 10.0.0.1");
        assert_eq!(of(&["6.6.6.6", "1.1.1.1"], false), "10.0.0.1");
        assert_eq!(of(&["", "1.1.1.1\n", "ä"], true), "10.0.0.1");
        let proto = |said: &[&str], is_trusted| forwarded_proto("http", values(said), is_trusted);
        assert_eq!(proto(&["HTTPS"], true), "https");
        for said in [&[][..], &["ftp"], &["https", "https"], &["https, http"]] {
            assert_eq!(proto(said, true), "http", "{said:?}");
        }
        assert_eq!(proto(&["https"], false), "http");
        let host = |said: &[&'static str], is_trusted| {
            let said: Vec<_> = said.iter().map(|text| text.as_bytes()).collect();
            forwarded_host(Some(b"own"), said.into_iter(), is_trusted).map(<[u8]>::to_vec)
        };
        assert_eq!(host(&["a.example:80"], true).unwrap(), b"a.example:80");
        for said in [&[][..], &[""], &["a", "b"], &["a, b"], &["a/b"]] {
            assert_eq!(host(said, true).unwrap(), b"own", "{said:?}");
        }
        assert_eq!(host(&["a.example"], false).unwrap(), b"own");
    }

    proptest! {
        /// Whatever a client writes, what the trusted proxies append decides.
        #[test]
        fn what_a_client_writes_changes_nothing(
            written in prop::collection::vec("[0-9a-z.:, \\[\\]]{0,30}", 0..4),
            proxies in 0usize..5,
        ) {
            let client_address: IpAddr = "203.0.113.9".parse().unwrap();
            let mut said: Vec<&str> = written.iter().map(String::as_str).collect();
            said.push("203.0.113.9");
            said.extend(std::iter::repeat_n("10.0.0.7", proxies));
            let found = client("10.0.0.1".parse().unwrap(), values(&said), &trusted());
            prop_assert_eq!(found, client_address);
            // And without a trusted peer not even that.
            let peer: IpAddr = "198.51.100.1".parse().unwrap();
            prop_assert_eq!(client(peer, values(&said), &trusted()), peer);
        }
    }
}
