//! The signature of a body: HMAC-SHA256 over id, time and body, as Standard Webhooks 1.0 has it.
//!
//! Receivers have ready libraries for it, and refuse what is older than a few minutes: a body that was recorded on its way
//! cannot be played again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::model::Secret;

/// What a secret in base64 begins with; any other is taken as it is.
const PREFIX: &str = "whsec_";

/// The headers for a body that is sent at `at`, in seconds since 1970.
pub(super) fn headers(
    secret: &Secret,
    id: &str,
    at: i64,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let mut signed = format!("{id}.{at}.").into_bytes();
    signed.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key(secret)), &signed);
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
    ]
}

fn key(secret: &Secret) -> Vec<u8> {
    let text = secret.expose();
    let coded = text
        .strip_prefix(PREFIX)
        .and_then(|rest| STANDARD.decode(rest).ok());
    coded.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_standards_own_example() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let body = br#"{"test": 2432232314}"#;
        let headers = headers(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let signature = &headers[2].1;
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
