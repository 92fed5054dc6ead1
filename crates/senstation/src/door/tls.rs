//! The station's certificate, and how connections are encrypted with it.

use std::{
    fmt,
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use model::Timestamp;
use rustls::{
    InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a client may take to agree on a cipher.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long before its end a certificate is worth a warning.
const SOON_MS: i64 = 14 * 24 * 3_600_000;
/// What a TLS connection's first byte is.
const HANDSHAKE_RECORD: u8 = 0x16;

/// The certificate that every door with TLS shows, and its key; read again when somebody asks.
pub(crate) struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<Current>,
}

struct Current {
    key: Arc<CertifiedKey>,
    validity: Validity,
}

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Validity {
    from: Timestamp,
    until: Timestamp,
}

impl Identity {
    /// Reads the files that the settings name.
    ///
    /// **Errors**: what is wrong with which file, and what to do.
    pub(crate) fn read(certificate: PathBuf, key: PathBuf) -> anyhow::Result<Arc<Self>> {
        let current = ArcSwap::from_pointee(read(&certificate, &key)?);
        Ok(Arc::new(Self { certificate, key, current }))
    }

    /// Reads the files again. Connections there are go on; what cannot be used changes nothing.
    pub(crate) fn reload(&self, now: Timestamp) {
        match read(&self.certificate, &self.key) {
            Ok(current) => {
                tracing::info!(until = %current.validity.until, "the certificate was read again");
                self.current.store(Arc::new(current));
                self.warn(now);
            }
            Err(error) => tracing::error!("the certificate is left as it was: {error:#}"),
        }
    }

    /// Says so if the certificate is not good now, or not for long.
    pub(crate) fn warn(&self, now: Timestamp) {
        let trouble = self.current.load().validity.trouble(now);
        if let Some(trouble) = trouble {
            let path = self.certificate.display();
            tracing::warn!("the certificate in `{path}` {trouble}; replace the files and send SIGHUP");
        }
    }

    /// What a door takes connections with that speaks one protocol.
    pub(crate) fn acceptor(self: &Arc<Self>, protocol: &[u8]) -> anyhow::Result<TlsAcceptor> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("cannot speak TLS")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().key))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).field("key", &self.key).finish()
    }
}

impl Validity {
    fn trouble(self, now: Timestamp) -> Option<String> {
        let Self { from, until } = self;
        if now < from {
            Some(format!("is good only from {from} on"))
        } else if now > until {
            Some(format!("has expired at {until}, and clients refuse it"))
        } else if now.plus_ms(SOON_MS) > until {
            Some(format!("expires at {until}"))
        } else {
            None
        }
    }
}

fn read(certificate: &PathBuf, key: &PathBuf) -> anyhow::Result<Current> {
    let (shown, shown_key) = (certificate.display(), key.display());
    let unreadable = |error: pem::Error, path: &PathBuf| match error {
        pem::Error::Io(error) => anyhow::Error::new(error).context(format!("cannot read `{}`", path.display())),
        error => anyhow::Error::new(error).context(format!("`{}` is no PEM file", path.display())),
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| unreadable(error, certificate))?;
    let Some(own) = chain.first() else {
        bail!(
            "`{shown}` has no `BEGIN CERTIFICATE`; it is to hold the station's certificate and then its authorities'"
        );
    };
    let validity = validity(own).with_context(|| format!("the first certificate in `{shown}`"))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            anyhow::anyhow!("`{shown_key}` has no private key that could be used; it must not be encrypted")
        }
        error => unreadable(error, key),
    })?;
    let key = CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => anyhow::anyhow!(
            "the key in `{shown_key}` does not belong to the certificate in `{shown}`; give the two that were issued \
             together, the station's own certificate first in its file"
        ),
        error => anyhow::Error::new(error).context(format!("the key in `{shown_key}` cannot be used")),
    })?;
    Ok(Current { key: Arc::new(key), validity })
}

fn validity(certificate: &CertificateDer<'_>) -> anyhow::Result<Validity> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).context("cannot be understood")?;
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_millis(time.timestamp().saturating_mul(1_000));
    Ok(Validity { from: at(parsed.validity.not_before), until: at(parsed.validity.not_after) })
}

/// What came of greeting a client.
pub(super) enum Greeting {
    /// From here on the connection is encrypted.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// The client speaks something else.
    Plain(TcpStream),
}

/// Agrees with a client on how to encrypt.
///
/// **Errors**: it speaks TLS, but none that there could be agreement on, or takes too long.
pub(super) async fn greet(acceptor: &TlsAcceptor, socket: TcpStream) -> io::Result<Greeting> {
    let greeting = async {
        let mut first = [0];
        if socket.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
            return Ok(Greeting::Plain(socket));
        }
        Ok(Greeting::Encrypted(Box::new(acceptor.accept(socket).await?)))
    };
    timeout(HANDSHAKE_PATIENCE, greeting).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_worth_a_warning_before_and_after_its_time() {
        let at = Timestamp::from_millis;
        let validity = Validity { from: at(SOON_MS), until: at(10 * SOON_MS) };
        let check = |now: i64, expected: Option<&str>| match (validity.trouble(at(now)), expected) {
            (None, None) => {}
            (Some(said), Some(words)) if said.contains(words) => {}
            (said, _) => panic!("{now}: {said:?}"),
        };
        check(SOON_MS - 1, Some("only from 1970-01-15"));
        check(SOON_MS, None);
        check(9 * SOON_MS, None);
        check(9 * SOON_MS + 1, Some("expires at"));
        check(10 * SOON_MS, Some("expires at"));
        check(10 * SOON_MS + 1, Some("has expired"));
    }
}
