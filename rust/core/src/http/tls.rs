//! TLS: a configuration that trusts exactly the environment's anchors, and certificate problems in words that say what
//! to do. Knows nothing of HTTP. Revocation is not checked.

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

/// The client side of TLS 1.2 and 1.3, trusting these certificates (DER) and no others.
///
/// # Errors
/// [`Failure::Config`] where the anchors cannot be used.
pub fn config(anchors: &[Vec<u8>]) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(anchors, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Config(format!("TLS cannot be set up: {}", printable(&error.to_string())).into()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The usual checks of chain, dates and name, and one addition: a server certificate that is itself among the anchors
/// needs no chain. Administrators import a target's own certificate, the Java platform accepts that, and certificates
/// made by `openssl req -x509` call themselves authorities, which the usual checks refuse of a server.
#[derive(Debug)]
struct Verifier {
    anchors: Vec<CertificateDer<'static>>,
    /// None without any anchor.
    usual: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(anchors: &[Vec<u8>], provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        let mut store = RootCertStore::empty();
        let mut kept = Vec::new();
        for (index, der) in anchors.iter().enumerate() {
            let der = CertificateDer::from(der.clone());
            match store.add(der.clone()) {
                Ok(()) => kept.push(der),
                Err(error) => log::warn!(
                    "trusted certificate {} of {} cannot be read and is left out: {}",
                    index + 1,
                    anchors.len(),
                    excerpt(&error.to_string())
                ),
            }
        }
        let usual = if store.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
            Some(builder.build().map_err(|error| {
                Failure::Config(
                    format!("the trusted certificates cannot be used: {}", excerpt(&error.to_string())).into(),
                )
            })?)
        };
        Ok(Self { anchors: kept, usual, provider: Arc::clone(provider) })
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
        let Some(usual) = &self.usual else {
            return Err(distrust(Distrust::NoAnchors));
        };
        let error = match usual.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(error) if is_about_the_chain(&error) => error,
            other => return other,
        };
        // The dates were found good before the chain was looked at.
        if self.anchors.iter().any(|anchor| anchor == certificate) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        Err(if is_self_signed(certificate) { distrust(Distrust::SelfSigned) } else { error })
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

/// True for the refusals that a certificate may meet only for lack of a chain. A signature that does not fit is one of
/// them: an authority of the same name is another one.
fn is_about_the_chain(error: &Error) -> bool {
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

/// Why a certificate is not trusted, where rustls has no word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distrust {
    NoAnchors,
    SelfSigned,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnchors => "no trusted certificates are known here, so no https target can be verified",
            Self::SelfSigned => "its certificate is self-signed and not trusted: add it to the trusted certificates",
        })
    }
}

impl StdError for Distrust {}

fn distrust(why: Distrust) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
}

/// What went wrong and what to do, to follow the receiver's name.
pub fn error_message(error: &Error) -> Message {
    let text = match error {
        Error::InvalidCertificate(problem) => explain_certificate(problem),
        Error::InvalidMessage(_) => {
            "it does not speak TLS at this port: check the port, or whether the URL begins with http://".to_owned()
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a client certificate, which this connector does not have".to_owned()
        }
        Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        )
        | Error::PeerIncompatible(_) => "it offers no TLS that is safe today: TLS 1.2 or 1.3 is needed".to_owned(),
        other => format!("the TLS handshake failed: {}", excerpt(&other.to_string())),
    };
    text.into()
}

fn explain_certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "its certificate expired on {}: it has to be renewed there, if the clock here is right",
            date(*not_after)
        ),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid before {}: is the clock here right?", date(*not_before))
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "its certificate names no host (no subject alternative name; a common name does not count): it has to be \
             replaced there"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "its certificate is for {}, not for {}: correct the host in the URL",
            excerpt(&presented.iter().map(|name| host_of(name)).collect::<Vec<_>>().join(", ")),
            printable(&expected.to_str())
        ),
        CertificateError::UnknownIssuer => {
            "its certificate was issued by an authority that is not trusted here: add that authority to the trusted \
             certificates, or have the target send its intermediate certificates"
                .to_owned()
        }
        CertificateError::Other(OtherError(inner)) if inner.is::<Distrust>() => inner.to_string(),
        other => format!("its certificate cannot be accepted: {}", excerpt(&other.to_string())),
    }
}

/// `DnsName("a.example")` and `IpAddress(127.0.0.1)` without their wrapping.
fn host_of(presented: &str) -> &str {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(presented);
    inner.trim_matches('"')
}

fn date(time: UnixTime) -> String {
    // The formatter panics beyond the year 9999, where no certificate reaches.
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs().min(253_402_300_799)))
}
