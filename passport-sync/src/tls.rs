//! TLS at both ends: rustls with `ring`, keys and certificates from PEM files (RFC 7468).
//!
//! What goes over the wire is sealed and signed in any case. TLS keeps from the network between
//! which keys use which channels, and lets a client know that it speaks to the relay it named.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(feature = "relay")]
use std::sync::{PoisonError, RwLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Why files for TLS could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read, or is no PEM of what was looked for.
    #[error("read {what} from {}", path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A file holds no certificate.
    #[error("find a certificate in {}", path.display())]
    NoCertificate {
        /// Where.
        path: PathBuf,
    },
    /// This machine names no authority it trusts.
    #[error("find the certificate authorities that this machine trusts")]
    NoAuthorities,
    /// Key and certificates do not fit together, or are of a kind that is not supported.
    #[error("use the certificates")]
    Refused(#[from] rustls::Error),
}

/// Which certificate authorities a client believes when a relay says who it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that this machine trusts; its administrator adds and removes them.
    #[default]
    Machine,
    /// These alone.
    Only(Arc<Vec<CertificateDer<'static>>>),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => write!(f, "Machine"),
            Self::Only(authorities) => write!(f, "Only({})", authorities.len()),
        }
    }
}

impl Trust {
    /// Trusts the authorities of a PEM file and no others.
    ///
    /// # Errors
    /// Returns [`TlsError`] when it cannot be read, or there is none in it.
    pub fn only(path: &Path) -> Result<Self, TlsError> {
        Ok(Self::Only(Arc::new(certificates(path)?)))
    }

    /// The authorities.
    #[cfg(feature = "client")]
    pub(crate) fn authorities(&self) -> Result<Arc<Vec<CertificateDer<'static>>>, TlsError> {
        match self {
            Self::Only(authorities) => Ok(Arc::clone(authorities)),
            Self::Machine => {
                // One damaged file among many keeps the others from nobody.
                let found = rustls_native_certs::load_native_certs().certs;
                if found.is_empty() { Err(TlsError::NoAuthorities) } else { Ok(Arc::new(found)) }
            }
        }
    }
}

/// The cryptography of both ends.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a client holds a relay's certificate against, for connections that stay.
#[cfg(feature = "client")]
pub(crate) fn client(trust: &Trust) -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(trust.authorities()?.iter().cloned());
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A relay's certificates and key, which can be read anew while it serves.
#[cfg(feature = "relay")]
#[derive(Debug)]
pub struct Identity {
    certificates: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<rustls::ServerConfig>>,
}

#[cfg(feature = "relay")]
impl Identity {
    /// Reads a chain of certificates, the relay's own first, and its key: PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// Returns [`TlsError`] when a file cannot be read or they do not fit together.
    pub fn load(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = RwLock::new(server(certificates, key)?);
        Ok(Self { certificates: certificates.to_owned(), key: key.to_owned(), current })
    }

    /// Reads both files anew; connections that stand keep what they began with.
    ///
    /// # Errors
    /// Returns [`TlsError`]; then those read last stay in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = server(&self.certificates, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// What new connections begin with.
    pub(crate) fn current(&self) -> Arc<rustls::ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// TLS 1.3 alone: every client is one of ours.
#[cfg(feature = "relay")]
fn server(chain: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(key)
        .map_err(|source| TlsError::File { what: "a key", path: key.to_owned(), source })?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates(chain)?, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File { what: "certificates", path: path.to_owned(), source };
    let read = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let found: Vec<_> = read.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(found)
}
