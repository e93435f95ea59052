//! Which hosts a service's guests may call: an allow-list of names, and a second look at the addresses.
//!
//! A name that anybody can register may resolve to the host's own network. So an address that is not public must
//! be named itself, as an address, as a network, or as `localhost`; a name or a wildcard does not cover it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::Network;

/// The parsed form of `outbound`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    host: Host,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    Below(String),
    Name(String),
    Network(Network),
}

/// Why an entry of `outbound` means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no outbound entry: write HOST, HOST:PORT, *.DOMAIN, an address, a network as in 10.0.0.0/8, or *")]
pub struct InvalidEntry(pub String);

// === impl AllowList ===

impl AllowList {
    /// Reads the entries.
    ///
    /// # Errors
    /// With the first entry that is none.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, InvalidEntry> {
        let parse = |entry: &S| Entry::parse(entry.as_ref()).ok_or_else(|| InvalidEntry(entry.as_ref().to_owned()));
        entries.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether requests may go to this host, as it stands in the URL. For a name, each address that it resolves to
    /// must pass [`allows_resolved`](Self::allows_resolved) too.
    pub fn allows_host(&self, host: &str, port: u16) -> bool {
        let takes: &dyn Fn(&Entry) -> bool = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => {
                &move |entry: &Entry| entry.host.takes_address(address) || entry.host == Host::Any && is_public(address)
            }
            Err(_) => &|entry: &Entry| entry.host.takes_name(host),
        };
        self.0.iter().any(|entry| entry.takes_port(port) && takes(entry))
    }

    /// Whether a name may resolve to this address. The port has been checked with the name.
    pub fn allows_resolved(&self, host: &str, address: IpAddr) -> bool {
        let named = |entry: &Entry| match &entry.host {
            Host::Name(name) => name == "localhost" && host.eq_ignore_ascii_case(name) && address.is_loopback(),
            own => own.takes_address(address),
        };
        is_public(address) || self.0.iter().any(named)
    }
}

// === impl Entry ===

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text.contains('/') || text.parse::<IpAddr>().is_ok() {
            return Some(Self { host: Host::Network(text.parse().ok()?), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Self { host: Host::Network(Network::of(address)), port });
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        let host = match host {
            "*" => Host::Any,
            _ => match host.strip_prefix("*.") {
                Some(domain) if is_name(domain) => Host::Below(domain.to_ascii_lowercase()),
                None if is_name(host) => Host::Name(host.to_ascii_lowercase()),
                _ => return None,
            },
        };
        Some(Self { host, port })
    }

    fn takes_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

// === impl Host ===

impl Host {
    fn takes_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        match self {
            Self::Any => true,
            Self::Name(own) => name.eq_ignore_ascii_case(own),
            Self::Below(domain) => {
                let Some(at) = name.len().checked_sub(domain.len() + 1) else { return false };
                name.is_char_boundary(at) && name[at..].starts_with('.') && name[at + 1..].eq_ignore_ascii_case(domain)
            }
            Self::Network(_) => false,
        }
    }

    fn takes_address(&self, candidate: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(candidate))
    }
}

/// Whether an address is one of the public internet (IANA's special-purpose registries). An IPv4 address that hides in an
/// IPv6 one is judged as what it is.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let first = v6.segments()[0];
    // 2000::/3 is what has been given out; of it, documentation, 6to4 and Teredo carry other addresses inside.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && matches!(v6.segments()[1], 0 | 0xdb8)) && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entries: &[&str], host: &str, port: u16, allowed: bool) {
        let list = AllowList::parse(entries).unwrap();
        assert_eq!(list.allows_host(host, port), allowed, "{entries:?} {host}:{port}");
    }

    #[test]
    fn names_are_allowed_by_name_port_and_domain() {
        check(&[], "example.com", 443, false);
        check(&["example.com"], "EXAMPLE.com", 443, true);
        check(&["example.com:443"], "example.com", 80, false);
        check(&["*.example.com"], "api.example.com", 80, true);
        check(&["*.example.com"], "example.com", 80, false);
        check(&["*.example.com"], "evilexample.com", 80, false);
        check(&["*"], "anything.test", 1, true);
    }

    #[test]
    fn private_addresses_must_be_named_themselves() {
        for private in
            ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "0.0.0.0"]
        {
            check(&["*"], private, 80, false);
        }
        check(&["127.0.0.1:8080"], "127.0.0.1", 8080, true);
        check(&["127.0.0.1:8080"], "127.0.0.1", 8081, false);
        check(&["10.0.0.0/8"], "10.9.9.9", 80, true);
        check(&["10.0.0.0/8"], "11.9.9.9", 80, false);
        check(&["*"], "93.184.216.34", 80, true);
        check(&["example.com"], "93.184.216.34", 80, false);
        let rebinding = AllowList::parse(&["evil.test"]).unwrap();
        assert!(!rebinding.allows_resolved("evil.test", "127.0.0.1".parse().unwrap()));
        assert!(rebinding.allows_resolved("evil.test", "93.184.216.34".parse().unwrap()));
        let local = AllowList::parse(&["localhost:9000"]).unwrap();
        assert!(local.allows_resolved("localhost", "127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "*x", "a b", "http://x", "10.0.0.0/33", "x:y", "*."] {
            assert!(AllowList::parse(&[bad]).is_err(), "{bad}");
        }
    }
}
