//! Who the client is, where proxies stand before the server.

use std::net::IpAddr;
use std::str::FromStr;

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    bits: u32,
}

/// The text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network: 10.0.0.0/8, fd00::/8 or a single address is expected")]
pub struct InvalidCidr;

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let network: IpAddr = address.parse().map_err(|_| InvalidCidr)?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| InvalidCidr))?;
        if bits <= width { Ok(Self { network, bits }) } else { Err(InvalidCidr) }
    }
}

impl Cidr {
    /// Whether `address` is in the network.
    pub fn holds(&self, address: IpAddr) -> bool {
        fn same(a: u128, b: u128, width: u32, bits: u32) -> bool {
            (a ^ b).checked_shr(width - bits).unwrap_or(0) == 0
        }
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32, self.bits),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128, self.bits),
            _ => false,
        }
    }
}

/// The client's address: the peer's, or, where the peer is a trusted proxy, the last one in `X-Forwarded-For` that is
/// not a trusted proxy itself. What stands before that one was written by the client and proves nothing.
pub(crate) fn client_address<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[Cidr],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    let mut client = peer.to_canonical();
    if trusted.is_empty() || !is_trusted(client) {
        return client;
    }
    for hop in forwarded.rev().flat_map(|line| line.split(',').rev()) {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<_> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn a_strangers_header_counts_for_nothing() {
        assert_eq!(client("203.0.113.9", &["1.2.3.4"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["1.2.3.4"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn behind_trusted_proxies_it_is_the_last_address_that_is_not_one() {
        let trusted = &["10.0.0.0/8", "::1"];
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"], trusted), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.2.3.4"], trusted), "1.2.3.4");
        assert_eq!(client("::1", &["2001:db8::7"], trusted), "2001:db8::7");
        assert_eq!(client("::ffff:10.0.0.1", &["1.2.3.4"], trusted), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, rubbish"], trusted), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], trusted), "10.0.0.1");
    }

    #[test]
    fn networks_are_read_or_refused() {
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "x"] {
            assert_eq!(bad.parse::<Cidr>(), Err(InvalidCidr), "{bad}");
        }
        assert!("0.0.0.0/0".parse::<Cidr>().unwrap().holds("1.2.3.4".parse().unwrap()));
        assert!("::/0".parse::<Cidr>().unwrap().holds("2001:db8::1".parse().unwrap()));
        assert!(!"0.0.0.0/0".parse::<Cidr>().unwrap().holds("2001:db8::1".parse().unwrap()));
    }
}
