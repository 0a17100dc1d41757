//! A relay as its operator meets it.

use std::io::{Read as _, Write as _};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
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

/// The whole answer to a request without a body.
fn got(url: &str) -> String {
    let (authority, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let head = format!("GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn logs_and_metrics_of_a_relay_in_use_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let watched = ["--metrics", "127.0.0.1:0", "-v"];
    let relay = Relay::start_with(&folder.path().join("relay"), NOW, &watched);
    let (student, _) = begun(&folder, "phone", relay.url());
    let _ = student.run(&["sync"]).success();
    assert!(got(&format!("{}/readyz", relay.url())).ends_with("ready\n"));
    let metrics = got(relay.metrics().unwrap());
    assert!(metrics.contains("passport_relay_requests_total{route=\"Sync\""), "{metrics}");
    assert!(!metrics.contains("passport_relay_envelopes_stored_total 0"), "{metrics}");
    let told = metrics + &std::fs::read_to_string(relay.log()).unwrap();
    let database = rusqlite::Connection::open(relay.database()).unwrap();
    let mut looked_for = 0;
    for sql in ["SELECT key FROM keys", "SELECT channel FROM channels", "SELECT id FROM objects"] {
        let mut rows = database.prepare(sql).unwrap();
        for bytes in rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap() {
            let bytes = bytes.unwrap();
            looked_for += 1;
            for start in [&bytes[..], &bytes[..6]] {
                for text in [HEXLOWER.encode(start), BASE64URL_NOPAD.encode(start)] {
                    assert!(!told.contains(&text), "{text} is in\n{told}");
                }
            }
            assert!(!told.contains(&BASE64.encode(&bytes)), "{told}");
        }
    }
    assert!(looked_for > 3, "{looked_for}");
    assert!(!told.contains("127.0.0.1"), "{told}");
}

#[test]
fn settings_are_printed_as_they_hold_and_serve_again() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder, "relay");
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "letter-days = 3\nrequests-per-key = 5\n").unwrap();
    let file = file.to_str().unwrap();
    let environment = home.env("PASSPORT_RELAY_LETTER_DAYS", "4");
    let print = |flags: &[&str]| {
        let words = ["relay", "serve", "--print-config", "--config", file];
        environment.run(&[&words[..], flags].concat())
    };
    let printed = print(&[]).success().stdout;
    assert!(printed.contains("letter-days = 4\nunread-days = 400\n"), "{printed}");
    assert!(printed.contains("requests-per-key = 5\n"), "{printed}");
    let settings = print(&["--letter-days", "6", "--json"]).success().json();
    assert_eq!(settings["settings"]["letter-days"], 6);
    std::fs::write(file, "leter-days = 3\n").unwrap();
    let refused = print(&[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("did you mean `letter-days`?"), "{refused:#?}");
}

#[test]
fn a_relay_moves_to_another_store() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (student, _) = begun(&folder, "phone", relay.url());
    let _ = student.run(&["sync"]).success();
    let from = format!("sqlite:{}", relay.database().display());
    drop(relay);
    let to = format!("sqlite:{}", folder.path().join("moved.sqlite").display());
    let home = home(&folder, "operator");
    let migrate = || home.run(&["relay", "migrate", &from, &to, "--json"]).success().json();
    let copied = migrate();
    assert!(copied["objects"].as_u64() > Some(0), "{copied}");
    assert_eq!(migrate(), copied, "again, it only compares");
    let checked = home.run(&["relay", "check", "--store", &to, "--json"]).success().json();
    assert_eq!(checked["objects"], copied["objects"]);
}
