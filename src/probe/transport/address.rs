//! Which addresses lie within: this machine, a private network, a link, a cloud's metadata service.
//!
//! An address that embeds another one (IPv4 in IPv6, NAT64, 6to4) is judged by that one: the packet ends up there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::IpFamily;

/// An address family, for messages: `IPv4`, `IPv6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::probe) struct Family(pub IpAddr);

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            IpAddr::V4(_) => "IPv4",
            IpAddr::V6(_) => "IPv6",
        })
    }
}

impl IpFamily {
    /// Whether an address is of this family.
    pub(in crate::probe) fn holds(self, address: IpAddr) -> bool {
        match self {
            IpFamily::Any => true,
            IpFamily::V4 => address.is_ipv4(),
            IpFamily::V6 => address.is_ipv6(),
        }
    }

    /// `IPv4` or `IPv6`; `IP` for both.
    pub(in crate::probe) const fn name(self) -> &'static str {
        match self {
            IpFamily::Any => "IP",
            IpFamily::V4 => "IPv4",
            IpFamily::V6 => "IPv6",
        }
    }
}

/// Whether an address is not one of the open internet.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => private_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => private_v4(inner),
            None => private_v6(address),
        },
    }
}

fn private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        // Holds the metadata services of most clouds.
        || address.is_link_local()
        || address.is_multicast()
        // "This network"; Linux connects 0.0.0.0 to itself.
        || a == 0
        // Shared address space of carriers (RFC 6598); also one cloud's metadata service.
        || (a == 100 && b & 0b1100_0000 == 64)
        // Protocol assignments (RFC 6890); also one cloud's metadata service.
        || (a == 192 && b == 0 && c == 0)
        // Benchmarks between networks (RFC 2544).
        || (a == 198 && b & 0b1111_1110 == 18)
        // Reserved, and the broadcast address.
        || a >= 240
}

fn private_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        // Unique local (RFC 4193), link-local, and the site-local of old.
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xffc0 == 0xfec0
        // NAT64 within one's own network (RFC 8215).
        || (first == 0x64 && second == 0xff9b)
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let join = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        // ::ffff:a.b.c.d, and the NAT64 prefix that all know (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        // ::a.b.c.d of old; ::1 and :: are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(join(high, low)),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within_is_told_from_the_open_internet() {
        for within in [
            "127.0.0.1",
            "127.255.0.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "0.0.0.0",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::1",
        ] {
            assert!(is_private(within.parse().unwrap()), "{within}");
        }
        for open in [
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(!is_private(open.parse().unwrap()), "{open}");
        }
    }
}
