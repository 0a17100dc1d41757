//! Over TLS, with certificates made here.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::*;
use crate::tls::{TlsError, Trust};

/// A folder with an authority, and a certificate for this machine that it issued.
struct Certified {
    folder: TempDir,
    authority: CertificateParams,
    key: KeyPair,
}

impl Certified {
    fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let own = authority.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
        let made = Self { folder, authority, key };
        made.issue("127.0.0.1");
        made
    }

    /// Puts a new certificate for a name where the relay looks for it.
    fn issue(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.authority, &self.key);
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        std::fs::write(self.path("cert.pem"), leaf.pem()).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn identity(&self) -> Arc<Identity> {
        Arc::new(Identity::load(&self.path("cert.pem"), &self.path("key.pem")).unwrap())
    }

    fn trust(&self) -> Trust {
        Trust::only(&self.path("ca.pem")).unwrap()
    }
}

fn serving(tls: Arc<Identity>, handshake_timeout: Duration) -> Server {
    let config = RelayConfig { tls: Some(tls), handshake_timeout, ..RelayConfig::default() };
    Server::start(Arc::new(MemoryStore::new([1; 16])), config)
}

fn patient(tls: Arc<Identity>) -> Server {
    serving(tls, Duration::from_secs(10))
}

/// What comes of asking a server as somebody who believes `trust`.
fn try_once(server: &Server, trust: &Trust, n: u8) -> Result<usize, RemoteError> {
    let url = format!("https://{}", server.address);
    let config = RemoteConfig { trust: trust.clone(), ..RemoteConfig::default() };
    let mut remote = Remote::new(&url, key(1), &config)?;
    let (response, _) = remote.exchange(&offering(None), NOW, &mut rng(n))?;
    Ok(response.results.envelopes.len())
}

#[test]
fn an_exchange_goes_through_tls_and_only_with_whom_is_believed() {
    let certified = Certified::new();
    let server = patient(certified.identity());
    assert!(matches!(try_once(&server, &certified.trust(), 1), Ok(1)));
    let stranger = try_once(&server, &Certified::new().trust(), 2).unwrap_err();
    assert!(matches!(stranger, RemoteError::Unreachable(_)), "{stranger:?}");
    let machine = try_once(&server, &Trust::Machine, 3).unwrap_err();
    assert!(matches!(machine, RemoteError::Unreachable(_) | RemoteError::Tls(_)), "{machine:?}");
    let plain = server.remote(1).exchange(&asking(None), NOW, &mut rng(4)).unwrap_err();
    assert!(matches!(plain, RemoteError::Unreachable(_)), "{plain:?}");
}

#[test]
fn a_certificate_for_another_name_is_refused_and_a_new_one_needs_no_restart() {
    let certified = Certified::new();
    certified.issue("relay.example");
    let identity = certified.identity();
    let server = patient(Arc::clone(&identity));
    let other = try_once(&server, &certified.trust(), 1).unwrap_err();
    assert!(matches!(other, RemoteError::Unreachable(_)), "{other:?}");
    certified.issue("127.0.0.1");
    identity.reload().unwrap();
    assert!(matches!(try_once(&server, &certified.trust(), 2), Ok(1)));
    std::fs::write(certified.path("cert.pem"), "nothing").unwrap();
    assert!(matches!(identity.reload(), Err(TlsError::NoCertificate { .. })));
    let kept = try_once(&server, &certified.trust(), 3);
    assert!(matches!(kept, Ok(1)), "the last good one stays: {kept:?}");
}

#[test]
fn whoever_begins_no_handshake_is_let_go_while_others_are_served() {
    let certified = Certified::new();
    let server = serving(certified.identity(), Duration::from_secs(1));
    let mut silent: Vec<_> = (0..20).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    assert!(matches!(try_once(&server, &certified.trust(), 1), Ok(1)));
    for stream in &mut silent {
        // Returns only when the relay closes the connection.
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn files_that_are_no_certificates_or_keys_are_told_apart() {
    let certified = Certified::new();
    let (cert, key) = (certified.path("cert.pem"), certified.path("key.pem"));
    let said = |error: TlsError| error.to_string().split(' ').take(3).collect::<Vec<_>>().join(" ");
    assert_eq!(said(Identity::load(&cert, &cert).unwrap_err()), "read a key");
    assert_eq!(said(Identity::load(&key, &key).unwrap_err()), "find a certificate");
    let absent = Trust::only(&certified.path("absent.pem")).unwrap_err();
    assert_eq!(said(absent), "read certificates from");
    let other = Certified::new();
    assert!(matches!(Identity::load(&cert, &other.path("key.pem")), Err(TlsError::Refused(_))));
}
