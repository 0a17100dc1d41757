//! A relay as its operator meets it.

use passport_tests::Relay;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::{NOW, begun, home};

/// Writes `ca.pem`, and `cert.pem` and `key.pem` of this machine, into a folder.
fn certify(folder: &std::path::Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (root, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::from_params(&authority, &root)).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.self_signed(&root).unwrap().pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), leaf.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

#[test]
fn with_a_certificate_it_speaks_https_to_whoever_trusts_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    let relay = Relay::start_with(&folder.path().join("relay"), NOW, &tls);
    assert!(relay.url().starts_with("https://"));
    let (student, _) = begun(&folder, "phone", relay.url());
    let distrusting = student.run(&["sync", "--json"]);
    assert_eq!(distrusting.code, Some(30), "{distrusting:#?}");
    let trusting = student.env("PASSPORT_CA", &file("ca.pem"));
    let synced = trusting.run(&["sync", "--json"]).success().json();
    assert_eq!(synced["remotes"][0]["ok"], true);
}

#[test]
fn http_to_another_machine_is_refused_where_it_is_typed_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let init = ["init", "--name", "Ada Example", "--remote", "http://relay.example"];
    let refused = home(&folder, "phone").run(&init);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--allow-http"), "{refused:#?}");
    let _ = home(&folder, "phone").env("PASSPORT_ALLOW_HTTP", "true").run(&init).success();
}
