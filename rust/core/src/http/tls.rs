//! Creates a TLS configuration that trusts exactly the environment's anchors, and describes TLS errors.
//! Does not know: HTTP, revocation of certificates.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::text::{excerpt, printable};
use crate::{Failure, Message};

/// Returns a client configuration for TLS 1.2 and 1.3 that trusts only these certificates (DER).
///
/// # Errors
/// [`Failure::Config`] if the anchors cannot be used.
pub fn config(anchors: &[Vec<u8>]) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(anchors, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Config(format!("TLS cannot be set up: {}", printable(&error.to_string())).into()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Verifies chain, dates and name as webpki does, with one addition: a server certificate that is itself an anchor
/// needs no chain.
///
/// Administrators import a target's own certificate, and Java accepts that. A certificate of `openssl req -x509` is an
/// authority, which webpki rejects as a server certificate.
#[derive(Debug)]
struct Verifier {
    anchors: Vec<CertificateDer<'static>>,
    /// `None` if there are no anchors.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(anchors: &[Vec<u8>], provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        let mut store = RootCertStore::empty();
        let mut readable = Vec::new();
        for (index, der) in anchors.iter().enumerate() {
            let der = CertificateDer::from(der.clone());
            match store.add(der.clone()) {
                Ok(()) => readable.push(der),
                Err(error) => log::warn!(
                    "trusted certificate {} of {} cannot be read and is left out: {}",
                    index + 1,
                    anchors.len(),
                    excerpt(&error.to_string())
                ),
            }
        }
        let webpki = if store.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
            Some(builder.build().map_err(|error| {
                Failure::Config(
                    format!("the trusted certificates cannot be used: {}", excerpt(&error.to_string())).into(),
                )
            })?)
        };
        Ok(Self { anchors: readable, webpki, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(webpki) = &self.webpki else {
            return Err(trust_error(TrustError::NoAnchors));
        };
        let error = match webpki.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(error) if is_chain_error(&error) => error,
            other => return other,
        };
        // webpki checks the dates before the chain, so they are valid here.
        if self.anchors.iter().any(|anchor| anchor == certificate) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        Err(if is_self_signed(certificate) { trust_error(TrustError::SelfSigned) } else { error })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns whether a certificate may be rejected only because its chain is missing. This includes a wrong signature:
/// the issuer may be another authority of the same name.
fn is_chain_error(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => true,
        Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            matches!(inner.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// Why a certificate is not trusted, for reasons that rustls does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrustError {
    NoAnchors,
    SelfSigned,
}

impl TrustError {
    fn message(self) -> Message {
        match self {
            Self::NoAnchors => Message::new("no trusted certificates are known, so no server can be verified")
                .with_hint("add the authority of the server to the trusted certificates"),
            Self::SelfSigned => Message::new("the certificate is self-signed and not trusted")
                .with_hint("add this certificate to the trusted certificates"),
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl StdError for TrustError {}

fn trust_error(error: TrustError) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

/// Returns what went wrong and what to do. The caller adds the receiver's name.
pub fn error_message(error: &Error) -> Message {
    match error {
        Error::InvalidCertificate(error) => certificate_message(error),
        Error::InvalidMessage(_) => {
            Message::new("the port does not speak TLS").with_hint("check the scheme and the port of the URL")
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            Message::new("the server requires a client certificate, and client certificates are not supported")
                .with_hint("allow connections without a client certificate at the server")
        }
        Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        )
        | Error::PeerIncompatible(_) => Message::new("the server offers no secure version or cipher of TLS")
            .with_hint("enable TLS 1.2 or 1.3 at the server"),
        other => format!("the TLS handshake failed: {}", excerpt(&other.to_string())).into(),
    }
}

fn certificate_message(error: &CertificateError) -> Message {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            Message::new(format!("the certificate expired on {}", date(*not_after)))
                .with_hint("renew the certificate of the server, or check the clock of this machine")
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            Message::new(format!("the certificate is not valid before {}", date(*not_before)))
                .with_hint("check the clock of this machine")
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => Message::new(
            "the certificate contains no host name (no subject alternative name, and a common name does not count)",
        )
        .with_hint("replace the certificate of the server"),
        CertificateError::NotValidForNameContext { expected, presented } => Message::new(format!(
            "the certificate is for {}, not for {}",
            excerpt(&presented.iter().map(|name| host_of(name)).collect::<Vec<_>>().join(", ")),
            printable(&expected.to_str())
        ))
        .with_hint("correct the host in the URL"),
        CertificateError::UnknownIssuer => {
            Message::new("the certificate was issued by an authority that is not trusted").with_hint(
                "add that authority to the trusted certificates, or configure the server to send its intermediate certificates",
            )
        }
        CertificateError::Other(OtherError(inner)) => match inner.downcast_ref::<TrustError>() {
            Some(error) => error.message(),
            None => unacceptable(error),
        },
        other => unacceptable(other),
    }
}

fn unacceptable(error: &CertificateError) -> Message {
    format!("the certificate cannot be accepted: {}", excerpt(&error.to_string())).into()
}

/// Returns the host of rustls's `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn host_of(presented: &str) -> &str {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(presented);
    inner.trim_matches('"')
}

fn date(time: UnixTime) -> String {
    // The formatter panics after the year 9999, and X.509 has no later date.
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs().min(253_402_300_799)))
}
