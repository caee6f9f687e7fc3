//! What can break below HTTP, and in HTTP itself: told apart by `transport_error`; what it means stands in the table.

macro_rules! breaks {
    ($($(#[$doc:meta])* $name:ident = $seen:literal;)*) => {
        /// What broke, below HTTP or in HTTP itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Break { $($(#[$doc])* $name,)* }

        impl Break {
            /// All of them.
            pub const ALL: &'static [Break] = &[$(Break::$name,)*];

            /// As what is seen, for the page.
            pub const fn seen(self) -> &'static str {
                match self { $(Break::$name => $seen,)* }
            }
        }
    };
}

breaks! {
    /// NXDOMAIN.
    NoSuchName = "the name does not exist (NXDOMAIN)";
    /// The name has neither A nor AAAA.
    NoAddress = "the name exists and has no address";
    /// SERVFAIL, REFUSED, or an answer that is none.
    LookupFailed = "the name servers gave an error (SERVFAIL, REFUSED)";
    /// A name of the configuration leads to a private address.
    NameWithin = "the name leads to a private address, and `allow_private` is false";
    /// A reply's address does, and the probe's own does not.
    LedWithin = "a redirect, or an address in a reply, leads to a private address";
    /// No name server answered.
    NamesSilent = "no name server answered";
    /// The run's time limit passed.
    OutOfTime = "the probe's `timeout` passed";
    /// RST to the SYN.
    Refused = "connection refused";
    /// No route, or an ICMP unreachable.
    Unreachable = "no route to host, network unreachable";
    /// The system gave up.
    SystemTimedOut = "the system's own timeout (ETIMEDOUT)";
    /// The address could not be connected to for another reason.
    NotConnected = "another error while connecting";
    /// RST, or a write to a closed connection.
    Reset = "connection reset";
    /// The connection was closed where it may not be.
    Closed = "connection closed in the middle";
    /// The certificate's end is past.
    CertExpired = "certificate expired";
    /// The certificate's beginning is to come.
    CertNotYetValid = "certificate not yet valid";
    /// As [`Break::CertNotYetValid`], and this machine's clock is before the making of this program.
    OwnClock = "certificate not yet valid, and this machine's clock is older than watchfire";
    /// The certificate is for other names.
    CertWrongName = "certificate for another name, or the alert `unrecognized_name`";
    /// Its issuer is not known; so are most self-signed ones.
    CertUntrusted = "unknown issuer, self-signed, or a missing intermediate certificate";
    /// A CA's certificate was given as the server's own.
    CertOfAuthority = "a CA's certificate in place of a server's (self-signed)";
    /// Withdrawn.
    CertRevoked = "certificate revoked";
    /// A signature or key that is not accepted any more.
    CertWeak = "a signature that is false or of a kind that is not accepted (SHA-1)";
    /// Not to be read, or for another purpose.
    CertUnusable = "a certificate that cannot be read, or is not for servers";
    /// The server wants one of us.
    ClientCertNeeded = "alert `certificate_required`";
    /// The server did not take ours.
    ClientCertRefused = "alerts about our certificate: `bad_certificate`, `unknown_ca`, `access_denied`";
    /// No common version.
    TlsVersion = "no TLS version in common (the server has only 1.0 or 1.1)";
    /// No common cipher, group or signature.
    TlsCipher = "no cipher or key exchange in common, or the alert `handshake_failure`";
    /// What came is no TLS.
    NotTls = "no TLS came (plain HTTP on the TLS port)";
    /// Any other fault of the handshake.
    TlsOther = "another error of the TLS handshake";
    /// No HTTP.
    NotHttp = "bytes that are no HTTP, or headers without end";
    /// HTTP/2 was broken off by the other side, in an orderly way.
    Http2 = "HTTP/2 ended by the service (GOAWAY, RST_STREAM)";
    /// Any other fault of the exchange.
    HttpOther = "another error of the exchange";
    /// gzip that is none.
    Encoding = "a compressed body that is broken, or of an unknown coding";
    /// The proxy that the probe names does not connect us.
    Proxy = "the probe's proxy gave no connection";
    /// ENOMEM.
    OwnMemory = "this machine has no memory left";
    /// EMFILE, ENFILE.
    OwnFiles = "no file descriptor left (EMFILE, ENFILE)";
    /// EADDRNOTAVAIL.
    OwnPorts = "no local port left (EADDRNOTAVAIL)";
    /// ENOBUFS.
    OwnBuffers = "no buffer space left (ENOBUFS)";
    /// EPERM, EACCES on a socket.
    OwnRules = "this machine's own rules forbid it (EPERM, EACCES)";
    /// ENETDOWN.
    OwnNetwork = "this machine's network interface is down (ENETDOWN)";
}
