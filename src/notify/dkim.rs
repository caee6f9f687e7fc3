//! DKIM: a signature of the domain over a mail's headers and body, by which a receiver can tell that the mail is ours and whole
//! (RFC 6376, Ed25519 by RFC 8463).
//!
//! Signed over relaxed headers and body, since relays fold lines anew. The time in it is that of the mail, so that the same
//! mail has the same bytes whenever it is rendered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::{digest, signature};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::model::{Secret, Timestamp};

/// Headers that are signed, when they are there. From once more than there are, so that no second one can be added.
const SIGNED: &[&str] = &[
    "from",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "list-id",
    "auto-submitted",
    "mime-version",
    "content-type",
];
/// Characters of a signature on one line.
const FOLD: usize = 70;

/// Whose mails are signed, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimConfig {
    /// The domain that signs: that of the sender, or one above it.
    pub domain: String,
    /// Under which name its public key stands in the DNS: `selector._domainkey.domain`.
    pub selector: String,
    /// The private key, in PEM: RSA of 1024 bits at least, or Ed25519.
    pub key: Secret,
}

/// Signs mails.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(signature::RsaKeyPair),
    Ed25519(signature::Ed25519KeyPair),
}

impl Signer {
    /// Errs, in words for the operator, when the key is none.
    pub fn new(config: &DkimConfig) -> Result<Self, String> {
        const WANTED: &str =
            "the `key` of [smtp.dkim] is no private key in PEM (RSA, or Ed25519 in PKCS#8)";
        let pem = PrivateKeyDer::from_pem_slice(config.key.expose().as_bytes());
        let rejected = |_| WANTED.to_owned();
        let key = match pem.map_err(|_| WANTED.to_owned())? {
            PrivateKeyDer::Pkcs1(der) => {
                let der = der.secret_pkcs1_der();
                Key::Rsa(signature::RsaKeyPair::from_der(der).map_err(rejected)?)
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                match signature::RsaKeyPair::from_pkcs8(der) {
                    Ok(rsa) => Key::Rsa(rsa),
                    Err(_) => {
                        let pair = signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                        Key::Ed25519(pair.map_err(rejected)?)
                    }
                }
            }
            _ => return Err(WANTED.to_owned()),
        };
        Ok(Self {
            domain: config.domain.clone(),
            selector: config.selector.clone(),
            key,
        })
    }

    /// The mail with its signature in front. What is no mail stays as it is, and so does one that cannot be signed: an
    /// alert without a signature is better than none.
    pub fn sign(&self, mail: &[u8], at: Timestamp) -> Vec<u8> {
        self.signature(mail, at).map_or_else(
            || mail.to_vec(),
            |header| [header.as_bytes(), mail].concat(),
        )
    }

    fn signature(&self, mail: &[u8], at: Timestamp) -> Option<String> {
        let end = mail.windows(4).position(|w| w == b"\r\n\r\n")?;
        let (head, body) = (mail.get(..end + 2)?, mail.get(end + 4..)?);
        let head = std::str::from_utf8(head).ok()?;
        let fields = fields(head);
        let hash = digest::digest(&digest::SHA256, &relaxed_body(body));
        let mut signed = String::new();
        let mut names: Vec<&str> = Vec::new();
        for name in SIGNED {
            let nth = names.iter().filter(|n| *n == name).count();
            let mut all = fields.iter().rev().filter(|(n, _)| n == name);
            match all.nth(nth) {
                Some((name, value)) => signed.push_str(&format!("{name}:{value}\r\n")),
                // A name beyond those that are there stands for "and no more of them".
                None if nth > 0 => {}
                None => continue,
            }
            names.push(name);
        }
        let algorithm = match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let unsigned = format!(
            "v=1; a={algorithm}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={};\r\n b=",
            self.domain,
            self.selector,
            at.as_micros().div_euclid(1_000_000),
            names.join(":\r\n  "),
            STANDARD.encode(hash),
        );
        signed.push_str(&format!("dkim-signature:{}", relaxed(&unsigned)));
        let signature = STANDARD.encode(self.raw(signed.as_bytes())?);
        let lines: Vec<&str> = signature
            .as_bytes()
            .chunks(FOLD)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        Some(format!(
            "DKIM-Signature: {unsigned}{}\r\n",
            lines.join("\r\n  ")
        ))
    }

    fn raw(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.key {
            Key::Rsa(pair) => {
                let mut out = vec![0; pair.public().modulus_len()];
                let padding = &signature::RSA_PKCS1_SHA256;
                pair.sign(padding, &SystemRandom::new(), message, &mut out)
                    .ok()?;
                Some(out)
            }
            // RFC 8463: Ed25519 over the hash, not over the text.
            Key::Ed25519(pair) => {
                let hash = digest::digest(&digest::SHA256, message);
                Some(pair.sign(hash.as_ref()).as_ref().to_vec())
            }
        }
    }
}

/// Names and values of a head, relaxed, in order.
fn fields(head: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in head.split_inclusive("\r\n") {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim_end().to_ascii_lowercase(), value.to_owned()));
        }
    }
    for (_, value) in &mut fields {
        *value = relaxed(value);
    }
    fields
}

/// A value on one line, with single blanks, and none at its ends (RFC 6376 section 3.4.2).
fn relaxed(value: &str) -> String {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let words: Vec<&str> = value.split(blank).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

/// A body whose lines have single blanks and none at their ends, and which does not end in empty lines (section 3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut pending = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let words = line.split(|b| matches!(b, b' ' | b'\t'));
        let mut relaxed: Vec<u8> = Vec::with_capacity(line.len());
        for (n, word) in words.filter(|w| !w.is_empty()).enumerate() {
            // A line that begins with blanks begins with one.
            if n > 0 || line.starts_with(b" ") || line.starts_with(b"\t") {
                relaxed.push(b' ');
            }
            relaxed.extend_from_slice(word);
        }
        if relaxed.is_empty() {
            pending += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut pending) {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(&relaxed);
        out.extend_from_slice(b"\r\n");
    }
    out
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}._domainkey.{})", self.selector, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_body_are_relaxed_as_the_rfc_shows() {
        // The example of RFC 6376 section 3.4.5.
        let head = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let wanted = [("a", "X"), ("b", "Y Z")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(fields(head), wanted);
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"a\r\n\r\n b"), b"a\r\n\r\n b\r\n");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for key in [
            "",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let config = DkimConfig {
                domain: "example.com".to_owned(),
                selector: "s".to_owned(),
                key: Secret::new(key.to_owned()),
            };
            let why = Signer::new(&config).unwrap_err();
            assert!(
                why.contains("[smtp.dkim]") && !why.contains("hunter2"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_signature_holds_for_its_text_and_not_for_another() {
        use ring::signature::KeyPair as _;
        let pkcs8 = signature::Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = signature::Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let signer = Signer {
            domain: "example.com".to_owned(),
            selector: "s1".to_owned(),
            key: Key::Ed25519(pair),
        };
        let mail = b"From: a@example.com\r\nSubject: x\r\n y\r\nX-Other: z\r\n\r\nHello.\r\n";
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let signed = String::from_utf8(signer.sign(mail, at)).unwrap();
        assert_eq!(signed, String::from_utf8(signer.sign(mail, at)).unwrap());
        let (head, rest) = signed.split_once("From: a@").unwrap();
        assert!(rest.ends_with("Hello.\r\n"));
        let head = relaxed(head);
        for part in [
            "d=example.com;",
            "s=s1;",
            "t=1700000000;",
            "h=from: from: subject;",
        ] {
            assert!(head.contains(part), "{head}");
        }
        let (unsigned, signature) = head.rsplit_once("b=").unwrap();
        let signature = STANDARD.decode(signature.replace(' ', "")).unwrap();
        let unsigned = unsigned.trim_start_matches("DKIM-Signature: ");
        let text = |subject: &str| {
            let text =
                format!("from:a@example.com\r\nsubject:{subject}\r\ndkim-signature:{unsigned}b=");
            digest::digest(&digest::SHA256, text.as_bytes())
        };
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &public);
        assert!(key.verify(text("x y").as_ref(), &signature).is_ok());
        assert!(key.verify(text("x z").as_ref(), &signature).is_err());
    }
}
