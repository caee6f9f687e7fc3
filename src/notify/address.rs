//! Mail addresses, as people write them into configurations.

use std::str::FromStr as _;

use lettre::Address;

/// A bare address out of `a@example.com` or `Ann <a@example.com>`.
///
/// Errs with what was wanted, without a full stop.
pub fn parse_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let bare = match text.rsplit_once('<') {
        Some((_, rest)) => rest
            .strip_suffix('>')
            .ok_or("the `>` after the address is missing")?,
        None => text,
    };
    // RFC 5321 section 4.5.3.1.3: a path holds at most 256 octets, two of them the brackets.
    if bare.len() > 254 {
        return Err("an address has at most 254 bytes".into());
    }
    match Address::from_str(bare) {
        Ok(address) if !bare.chars().any(char::is_control) => Ok(address.to_string()),
        _ => Err("wanted an address like oncall@example.com".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_bare_or_with_a_name() {
        assert_eq!(parse_address("a@example.com"), Ok("a@example.com".into()));
        assert_eq!(
            parse_address(" Ann <a@example.com> "),
            Ok("a@example.com".into())
        );
        for bad in [
            "",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c.de",
            "a@b.c\r\nBcc: d@e.f",
            "<a@b.c",
            "a@b.c>",
        ] {
            assert!(parse_address(bad).is_err(), "{bad:?}");
        }
        assert!(parse_address(&format!("{}@example.com", "a".repeat(300))).is_err());
    }
}
