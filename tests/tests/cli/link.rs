//! SMART Health Links, opened by a reader that knows the standard and nothing of our program.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use passport_tests::{Cli, Relay};
use serde_json::{Value as Json, json};

use super::{NOW, begun};

/// A holder with one allergy and a relay.
fn holder(folder: &tempfile::TempDir) -> (Cli, Relay) {
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (cli, _) = begun(folder, "phone", relay.url());
    let _ = cli.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    (cli, relay)
}

fn create(cli: &Cli, more: &[&str]) -> Json {
    let arguments = [&["link", "create", "allergies", "--json", "--yes"], more].concat();
    cli.run(&arguments).success().json()
}

/// What a link says.
fn payload(made: &Json) -> Json {
    let link = made["link"].as_str().unwrap().strip_prefix("shlink:/").unwrap();
    serde_json::from_slice(&BASE64URL.decode(link.as_bytes()).unwrap()).unwrap()
}

/// Status, head and body of an answer.
fn ask(method: &str, url: &str, body: Option<&Json>) -> (u16, String, String) {
    let (authority, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .map(|(a, p)| (a, format!("/{p}")))
        .unwrap();
    let body = body.map(ToString::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\norigin: https://viewer.example\r\n\
content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn manifest(url: &str, request: &Json) -> (u16, Json) {
    let (status, head, body) = ask("POST", url, Some(request));
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    (status, serde_json::from_str(&body).unwrap())
}

/// Opens a compact JWE with the key of a link (RFC 7516, 5.2).
fn decrypt(jwe: &str, payload: &Json) -> Json {
    let bytes = |text: &str| BASE64URL.decode(text.as_bytes()).unwrap();
    let parts: Vec<&str> = jwe.split('.').collect();
    let header: Json = serde_json::from_slice(&bytes(parts[0])).unwrap();
    assert_eq!((&header["alg"], &header["enc"]), (&json!("dir"), &json!("A256GCM")));
    assert_eq!((header["cty"].as_str(), parts[1]), (Some("application/fhir+json"), ""));
    let key: [u8; 32] = bytes(payload["key"].as_str().unwrap()).try_into().unwrap();
    let iv: [u8; 12] = bytes(parts[2]).try_into().unwrap();
    let msg = [bytes(parts[3]), bytes(parts[4])].concat();
    let sealed = Payload { msg: &msg, aad: parts[0].as_bytes() };
    let plain = Aes256Gcm::new((&key).into()).decrypt(&iv.into(), sealed).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

#[test]
fn a_link_opens_embedded_and_by_location_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, relay) = holder(&folder);
    let picture = folder.path().join("link.png");
    let made = create(&cli, &["--label", "For Dr Who", "--qr", picture.to_str().unwrap()]);
    let said = payload(&made);
    let url = said["url"].as_str().unwrap();
    assert!(url.len() <= 128 && url.starts_with(relay.url()), "{url}");
    assert!(url.rsplit('/').next().unwrap().len() == 43, "256 random bits: {url}");
    assert_eq!((&said["v"], &said["label"]), (&json!(1), &json!("For Dr Who")));
    assert!(said.get("flag").is_none(), "{said}");

    let (status, listed) = manifest(url, &json!({ "recipient": "Dr Who" }));
    assert_eq!(status, 200);
    let file = &listed["files"][0];
    assert_eq!(file["contentType"], "application/fhir+json");
    let bundle = decrypt(file["embedded"].as_str().unwrap(), &said);
    assert!(bundle.to_string().contains("Penicillin"), "{bundle}");

    let (_, listed) = manifest(url, &json!({ "recipient": "Dr Who", "embeddedLengthMax": 10 }));
    let location = listed["files"][0]["location"].as_str().unwrap();
    let (status, head, jwe) = ask("GET", location, None);
    assert!(status == 200 && head.contains("content-type: application/jose"), "{head}");
    assert_eq!(decrypt(&jwe, &said), bundle);
    let (status, head, _) = ask("OPTIONS", url, None);
    assert!(status == 204 && head.contains("access-control-allow-headers: content-type"), "{head}");
    assert_eq!(ask("GET", &format!("{url}?recipient=x"), None).0, 404, "no flag U");
    assert_eq!(manifest(url, &json!({})).0, 400, "nobody asks unnamed");

    let links = cli.run(&["link", "list", "--json"]).success().json();
    assert_eq!((&links[0]["state"], &links[0]["opened"]), (&json!("active"), &json!(2)));
    assert_eq!(links[0]["openings"][0]["recipient"], "Dr Who");
    // What the relay keeps, nobody can read without the link.
    let kept = std::fs::read(relay.database().with_extension("sqlite-wal")).unwrap();
    let key = BASE64URL.decode(said["key"].as_str().unwrap().as_bytes()).unwrap();
    for secret in [b"Penicillin".to_vec(), key] {
        assert!(!kept.windows(secret.len()).any(|w| w == secret), "the relay has a secret");
    }

    let _ = cli.run(&["link", "revoke", "For Dr Who", "--json"]).success();
    assert_eq!(manifest(url, &json!({ "recipient": "Dr Who" })).0, 404);
    assert_eq!(ask("GET", location, None).0, 404);
    assert_eq!(cli.run(&["link", "list", "--json"]).success().json(), json!([]));
    let read = Command::new("zbarimg").args(["-q", "--raw", picture.to_str().unwrap()]).output();
    match read {
        Ok(read) => assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), made["link"]),
        Err(_) => println!("SKIPPED: zbarimg is not installed, the code was not read"),
    }
}

#[test]
fn a_link_stays_within_the_standard() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _relay) = holder(&folder);
    let both = ["link", "create", "allergies", "--yes", "--flag", "U", "--passcode", "4711"];
    assert_eq!(cli.run(&both).code, Some(2));
    let kept_back = cli.run(&["link", "create", "private", "--yes"]);
    assert_eq!(kept_back.code, Some(1), "{kept_back:#?}");
    let label = "ü".repeat(81);
    let labelled = cli.run(&["link", "create", "allergies", "--yes", "--label", &label]);
    assert_eq!(labelled.code, Some(2), "{labelled:#?}");
    assert_eq!(payload(&create(&cli, &["--label", &label[2..]]))["label"], label[2..]);
    let (far, _) = begun(&folder, "far", &format!("https://{0}.{0}.example", "x".repeat(40)));
    let long = far.run(&["link", "create", "allergies", "--yes"]);
    assert!(long.code == Some(1) && long.stderr.contains("too long"), "{long:#?}");
}

#[test]
fn a_passcode_is_asked_for_and_a_direct_link_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _relay) = holder(&folder);
    let said = payload(&create(&cli, &["--passcode", "4711", "--flag", "L"]));
    assert_eq!(said["flag"], "LP");
    let url = said["url"].as_str().unwrap();
    let tried = |passcode: &str| manifest(url, &json!({ "recipient": "x", "passcode": passcode }));
    assert_eq!(manifest(url, &json!({ "recipient": "x" })).0, 401);
    for left in (1..5).rev() {
        assert_eq!(tried("0000"), (401, json!({ "remainingAttempts": left })));
    }
    assert_eq!(tried("4711").0, 200);
    assert_eq!(tried("0000"), (401, json!({ "remainingAttempts": 0 })));
    assert_eq!(tried("4711").0, 404, "used up for good");

    let said = payload(&create(&cli, &["--flag", "U"]));
    assert_eq!(said["flag"], "U");
    let url = said["url"].as_str().unwrap();
    let (status, _, jwe) = ask("GET", &format!("{url}?recipient=Dr+Who"), None);
    assert_eq!(status, 200);
    assert!(decrypt(&jwe, &said).to_string().contains("Penicillin"));
    assert_eq!(manifest(url, &json!({ "recipient": "x" })).0, 404);
    let links = cli.run(&["link", "list", "--json"]).success().json();
    // Made in one second, they are in the order of their ids, which are drawn.
    let mut links = links.as_array().unwrap().clone();
    links.sort_by_key(|link| link["state"] == "active");
    assert_eq!((&links[0]["state"], &links[0]["attempts_left"]), (&json!("ended"), &json!(0)));
    assert_eq!(links[1]["openings"][0]["recipient"], "Dr Who");
}
