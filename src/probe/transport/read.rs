//! Reads the transport keys of a probe or of a service: what is not said stays as it was before.

use std::sync::Arc;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::{ClientCertificate, HttpVersion, IpFamily, Proxy, TlsVersion, Transport};
use crate::diagnostic::Problem;
use crate::model::Secret;
use crate::probe::ReadSecret;
use crate::probe::fields::{Fields, wanted};

/// How the configuration reads a file that a value names.
pub type ReadFile<'a> = dyn Fn(&Spanned<DeValue<'_>>) -> Result<Vec<u8>, Problem> + 'a;

/// Where the parts of a transport come from that do not stand in the file itself.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// A secret of one line.
    pub secret: &'a ReadSecret<'a>,
    /// A secret of several lines: a private key in PEM.
    pub pem: &'a ReadSecret<'a>,
    /// A file that is no secret.
    pub file: &'a ReadFile<'a>,
}

impl Transport {
    /// What `table` says, and `base` for what it does not say. Keys of others are passed over.
    ///
    /// A secret that is absent leaves its part out; the caller learns of it where it reads secrets, and does not run the
    /// probe.
    ///
    /// # Errors
    /// All faults of these keys, where they stand.
    pub fn read(
        table: &DeTable<'_>,
        base: &Arc<Transport>,
        sources: Sources<'_>,
    ) -> Result<Arc<Transport>, Vec<Problem>> {
        if !Self::KEYS.iter().any(|key| table.contains_key(*key)) {
            return Ok(Arc::clone(base));
        }
        let mut fields = Fields::within(table);
        let mut made = Transport::clone(base);
        if let Some(http) = word(&mut fields, "http", HTTP) {
            made.http = http;
        }
        if let Some(ip) = word(&mut fields, "ip", IP) {
            made.ip = ip;
        }
        if let Some(least) = word(&mut fields, "tls_min", TLS) {
            made.tls_min = least;
        }
        if let Some(allowed) = fields.truth("allow_private") {
            made.allow_private = allowed;
        }
        if let Some(roots) = fields.get("ca").map(|value| roots(value, sources)) {
            made.ca = fields.take(roots).unwrap_or_default();
        }
        if let Some(read) = fields.get("client_cert").map(|v| client_cert(v, sources)) {
            made.client_cert = fields.take(read).flatten();
        }
        if let Some(read) = fields.get("proxy").map(|value| proxy(value, sources)) {
            made.proxy = fields.take(read).flatten();
        }
        let problems = fields.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(match made == **base {
            true => Arc::clone(base),
            false => Arc::new(made),
        })
    }
}

const HTTP: &[(&str, HttpVersion)] = &[
    ("auto", HttpVersion::Auto),
    ("1.1", HttpVersion::One),
    ("2", HttpVersion::Two),
];
const IP: &[(&str, IpFamily)] = &[
    ("any", IpFamily::Any),
    ("4", IpFamily::V4),
    ("6", IpFamily::V6),
];
const TLS: &[(&str, TlsVersion)] = &[("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

/// One of a few words.
fn word<T: Copy>(fields: &mut Fields<'_, '_>, key: &str, known: &[(&str, T)]) -> Option<T> {
    let text = fields.text(key)?;
    let found = known.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        let words: Vec<String> = known
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        let fault = Problem::new(fields.span(key), format!("`{key}` knows no such value"))
            .help(format!("one of {}", words.join(", ")));
        fields.fault(fault);
    }
    found.map(|(_, value)| *value)
}

/// The certificates of a PEM file.
fn certificates(
    value: &Spanned<DeValue<'_>>,
    sources: Sources<'_>,
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let bytes = (sources.file)(value)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Problem::new(value.span(), "no certificate in this file")
            .help("a PEM file, with -----BEGIN CERTIFICATE-----")),
        Err(why) => Err(Problem::new(value.span(), format!("no PEM file: {why}"))),
    }
}

fn roots(
    value: &Spanned<DeValue<'_>>,
    sources: Sources<'_>,
) -> Result<Vec<CertificateDer<'static>>, Vec<Problem>> {
    let found = certificates(value, sources).map_err(|problem| vec![problem])?;
    let mut store = RootCertStore::empty();
    for root in &found {
        store.add(root.clone()).map_err(|why| {
            vec![Problem::new(
                value.span(),
                format!("a certificate of this file is no root: {why}"),
            )]
        })?;
    }
    Ok(found)
}

fn client_cert(
    value: &Spanned<DeValue<'_>>,
    sources: Sources<'_>,
) -> Result<Option<ClientCertificate>, Vec<Problem>> {
    let mut fields = Fields::of(value);
    fields.only(&["cert", "key"]);
    for key in ["cert", "key"] {
        if fields.get(key).is_none() && value.get_ref().as_table().is_some() {
            let fault = Problem::new(value.span(), format!("`{key}` is missing"))
                .help("client_cert = { cert = \"FILE\", key = { file = \"FILE\" } }");
            fields.fault(fault);
        }
    }
    let chain = fields.get("cert").map(|value| certificates(value, sources));
    let chain = chain.and_then(|read| fields.take(read.map_err(|problem| vec![problem])));
    let key = fields.get("key").map(|value| {
        let secret = (sources.pem)(value)?;
        let Some(secret) = secret else {
            return Ok(None);
        };
        signs(&secret, chain.as_deref())
            .map(|()| Some(secret))
            .map_err(|why| Problem::new(value.span(), why).secret())
    });
    let key = key.and_then(|read| fields.take(read.map_err(|problem| vec![problem])));
    let problems = fields.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(match (chain, key.flatten()) {
        (Some(chain), Some(key)) => Some(ClientCertificate { chain, key }),
        _ => None,
    })
}

/// Whether a private key can be used, and is the certificate's.
fn signs(pem: &Secret, chain: Option<&[CertificateDer<'static>]>) -> Result<(), &'static str> {
    let key = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
        .map_err(|_| "no private key in PEM (an encrypted one cannot be used)")?;
    let signer = any_supported_type(&key).map_err(|_| "this kind of private key cannot be used")?;
    let Some(chain) = chain else { return Ok(()) };
    match CertifiedKey::new(chain.to_vec(), signer).keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("this private key belongs to another certificate")
        }
        Err(rustls::Error::InvalidCertificate(_)) => Err("the certificate cannot be read"),
        _ => Ok(()),
    }
}

/// `"none"`, an address, or an address with a login. `None` for none, and when the password is absent.
fn proxy(
    value: &Spanned<DeValue<'_>>,
    sources: Sources<'_>,
) -> Result<Option<Proxy>, Vec<Problem>> {
    if let Some(text) = value.get_ref().as_str() {
        if text == "none" {
            return Ok(None);
        }
        let url = proxy_url(value, text).map_err(|problem| vec![problem])?;
        return Ok(Some(Proxy { url, login: None }));
    }
    if value.get_ref().as_table().is_none() {
        return Err(vec![wanted(
            "\"http://host:port\", \"none\" or { url, user, password }",
            value,
        )]);
    }
    let mut fields = Fields::of(value);
    fields.only(&["url", "user", "password"]);
    let text = fields.required_text("url");
    let url = match (text, fields.get("url")) {
        (Some(text), Some(value)) => {
            fields.take(proxy_url(value, text).map_err(|problem| vec![problem]))
        }
        _ => None,
    };
    let user = fields.text("user");
    let secret = fields.get("password").map(|value| (sources.secret)(value));
    let password = secret.and_then(|read| fields.take(read.map_err(|problem| vec![problem])));
    for (one, other) in [("user", "password"), ("password", "user")] {
        if fields.get(one).is_some() && fields.get(other).is_none() {
            let fault = Problem::new(
                fields.span(one),
                format!("`{one}` needs `{other}` beside it"),
            );
            fields.fault(fault);
        }
    }
    if let Some(user) = user.filter(|user| user.contains(':')) {
        let fault = Problem::new(
            fields.span("user"),
            format!("a user has no colon ({} characters)", user.chars().count()),
        );
        fields.fault(fault);
    }
    let problems = fields.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some(url) = url else { return Ok(None) };
    Ok(match (user, password) {
        (None, _) => Some(Proxy { url, login: None }),
        (Some(user), Some(Some(password))) => Some(Proxy {
            url,
            login: Some((user.to_owned(), password)),
        }),
        // The password is absent: the probe is not run.
        (Some(_), _) => None,
    })
}

fn proxy_url(value: &Spanned<DeValue<'_>>, text: &str) -> Result<Url, Problem> {
    let fault = |what: String| Problem::new(value.span(), what);
    let url = Url::parse(text)
        .map_err(|why| fault(format!("no address: {why}")).help("as \"http://host:port\""))?;
    if !Proxy::SCHEMES.contains(&url.scheme()) {
        return Err(fault(format!("no proxy of the scheme `{}`", url.scheme()))
            .help(format!("one of {}", Proxy::SCHEMES.join(", "))));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("an address must not carry a password".to_owned())
            .secret()
            .help("proxy = { url = \"http://host:port\", user = \"..\", password = { env = \"NAME\" } }"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(fault("this address has no host".to_owned()).help("as \"http://host:port\""));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(fault(
            "a proxy is a host and a port, without a path".to_owned(),
        ));
    }
    Ok(url)
}
