//! Whom an address counts as.

use std::net::IpAddr;

/// An address as it is counted: IPv4 whole, IPv6 by its first 64 bits, since who has one address of a /64 has all of
/// them; an IPv4 address inside an IPv6 one as what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressKey {
    /// An IPv4 address.
    V4(u32),
    /// The first half of an IPv6 address.
    V6(u64),
}

impl From<IpAddr> for AddressKey {
    #[allow(clippy::cast_possible_truncation, reason = "the upper half fits")]
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }
}
