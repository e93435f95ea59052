//! Networks of addresses, as they are written in the configuration: `10.0.0.0/8`, `fd00::/8`, or one address.

use std::{fmt, net::IpAddr, str::FromStr};

/// The addresses that begin with the same bits. An IPv4 address inside an IPv6 one is judged as what it is, on both
/// sides, so that nobody passes by the notation of his address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Several of them; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no network; write an address, or ADDRESS/BITS, as in \"10.0.0.0/8\" or \"fd00::/8\"")]
pub struct InvalidNetwork(pub String);

/// The first bits of an IPv4 address inside an IPv6 one (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

// === impl Network ===

impl Network {
    /// The network of one address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, bits: most(address) }
    }

    /// Whether it has this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

fn most(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse().map(Self::of).map_err(|_| invalid());
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let is_number = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let bits: u8 = bits.parse().ok().filter(|_| is_number).ok_or_else(invalid)?;
        match address.to_canonical() {
            _ if bits > most(address) => Err(invalid()),
            own if own == address => Ok(Self { address, bits }),
            // A wider one has more than the IPv4 addresses in it, which are written by themselves.
            own => Ok(Self { address: own, bits: bits.checked_sub(MAPPED_BITS).ok_or_else(invalid)? }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

// === impl Networks ===

impl Networks {
    /// Reads a list of them.
    ///
    /// # Errors
    /// With the first entry that is none.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, InvalidNetwork> {
        entries.iter().map(|entry| entry.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them has this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether there is none, so that no address is in any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, is_in: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), is_in, "{network} {address}");
        assert_eq!(network.to_string().parse(), Ok(network));
    }

    #[test]
    fn addresses_are_compared_by_their_first_bits() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3/8", "10.9.9.9", true);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.4", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "203.0.113.9", false);
        check("fd00::/8", "fd12::1", true);
        check("::1", "::1", true);
        check("2001:db8::/33", "2001:db8:8000::", false);
    }

    #[test]
    fn an_ipv4_address_is_one_in_every_notation() {
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("::ffff:10.0.0.0/104", "10.1.1.1", true);
        check("::ffff:10.0.0.1", "10.0.0.1", true);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "h/8",
            "::ffff:10.0.0.0/8",
            "10.0.0.0/8 ",
        ] {
            assert_eq!(Networks::parse(&["10.0.0.1", text]), Err(InvalidNetwork(text.to_owned())));
        }
        assert!(!Networks::default().contains("10.0.0.1".parse().unwrap()));
    }
}
