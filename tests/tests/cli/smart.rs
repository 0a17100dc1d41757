//! SMART Health Cards and Links as input, from issuers and servers that know the standard and
//! nothing of our program.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use passport_tests::{Cli, Output, Relay};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value as Json, json};

use super::{NOBODY, NOW, begun};

/// Somebody who signs health cards.
struct Issuer {
    key: EcdsaKeyPair,
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

impl Issuer {
    fn new() -> Self {
        let rng = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng);
        let document = document.unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &rng);
        Self { key: key.unwrap() }
    }

    /// The keys as an issuer publishes them.
    fn keys(&self) -> Json {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k1",
            "x": BASE64URL.encode(x), "y": BASE64URL.encode(y) }] })
    }

    fn card(&self, bundle: &Json, expires: Option<i64>) -> String {
        let header = json!({ "zip": "DEF", "alg": "ES256", "kid": "k1" });
        let mut claims = json!({ "iss": "https://issuer.example", "nbf": 1_700_000_000,
            "vc": { "type": ["https://smarthealth.cards#health-card"],
                "credentialSubject": { "fhirVersion": "4.0.1", "fhirBundle": bundle } } });
        if let Some(expires) = expires {
            claims["exp"] = expires.into();
        }
        let parts = [header.to_string().into_bytes(), deflated(claims.to_string().as_bytes())];
        let signed = parts.map(|part| BASE64URL.encode(&part)).join(".");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL.encode(signature.as_ref()))
    }
}

/// A vaccination as cards have it: resources without ids that name each other by place.
fn vaccination(name: &str) -> Json {
    json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "fullUrl": "resource:0", "resource": { "resourceType": "Patient",
            "name": [{ "family": "Example", "given": [name] }], "birthDate": "2005-03-14" } },
        { "fullUrl": "resource:1", "resource": { "resourceType": "Immunization",
            "status": "completed", "patient": { "reference": "resource:0" },
            "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "207" }] },
            "occurrenceDateTime": "2023-01-01" } }] })
}

fn digits(text: &str) -> String {
    let pair = |b: u8| [(b - 45) / 10, (b - 45) % 10].map(|digit| char::from(b'0' + digit));
    text.bytes().flat_map(pair).collect()
}

fn refused(output: &Output, code: i32) -> Json {
    assert_eq!(output.code, Some(code), "{output:#?}");
    // Before it stands what was said on the way.
    let last = output.stderr.lines().last().unwrap();
    serde_json::from_str::<Json>(last).unwrap()["error"].clone()
}

#[test]
fn a_health_card_is_taken_in_and_says_whether_its_signature_was_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let issuer = Issuer::new();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (keys, other) = (
        write("jwks.json", &issuer.keys().to_string()),
        write("other.json", &Issuer::new().keys().to_string()),
    );
    let jws = issuer.card(&vaccination("Ada"), None);
    let file = json!({ "verifiableCredential": [jws] }).to_string();
    let file = write("card.smart-health-card", &file);

    let words = cli.run(&["import", &file, "--dry-run"]).success().stdout;
    assert!(words.contains("Health card of https://issuer.example, issued 2023-11-14"), "{words}");
    assert!(words.contains("signature not verified"), "{words}");

    let json = ["import", &file, "--json", "--yes"];
    let with = |keys: &str| cli.run(&[&json[..], &["--issuer-keys", keys]].concat());
    assert_eq!(refused(&with(&other), 21)["code"], "verification_failed");
    assert_eq!(refused(&with(&file), 1)["code"], "user_fixable");
    let taken = with(&keys).success().json();
    assert_eq!(taken["cards"][0]["verified"], true);
    assert_eq!(taken["entries"][0]["section"], "immunisations", "{taken}");
    // The same card again, out of its code: nothing new, and nobody vouches for it.
    let code = format!("shc:/{}", digits(&jws));
    let again = cli.run(&["import", &code, "--json", "--yes"]).success().json();
    assert_eq!(again["entries"], json!([]), "{again}");
    assert_eq!(again["cards"][0]["verified"], false);

    // Altered, ended, somebody else's: refused, each for what it is.
    let mut altered = jws.clone().into_bytes();
    let last = altered.len() - 3;
    altered[last] = if altered[last] == b'A' { b'B' } else { b'A' };
    let altered = write("altered.txt", core::str::from_utf8(&altered).unwrap());
    let ended = write("ended.txt", &issuer.card(&vaccination("Ada"), Some(1_700_000_001)));
    for file in [&altered, &ended] {
        let held = cli.run(&["import", file, "--issuer-keys", &keys, "--json"]);
        assert_eq!(refused(&held, 21)["code"], "verification_failed");
    }
    let unheld = cli.run(&["import", &ended, "--json", "--dry-run"]).success().json();
    assert_eq!(unheld["cards"][0]["ended"], true);
    let stranger = write("stranger.txt", &issuer.card(&vaccination("Grace"), None));
    let stranger = refused(&cli.run(&["import", &stranger, "--json"]), 1);
    assert!(stranger["message"].as_str().unwrap().contains("another person"), "{stranger}");
}

/// What the entries of a section say, without who wrote them when.
fn said(cli: &Cli, section: &str) -> Vec<String> {
    let shown = cli.run(&["show", section, "--json"]).success().json();
    let fields = |entry: &Json| {
        let mut fields = entry["fields"].as_object().unwrap().clone();
        fields.retain(|name, _| !["source", "identifier"].contains(&name.as_str()));
        Json::Object(fields).to_string()
    };
    let entries = shown["sections"][0]["entries"].as_array().unwrap();
    let mut said: Vec<String> = entries.iter().map(fields).collect();
    said.sort();
    said
}

#[test]
fn a_link_of_ours_opens_in_another_passport_with_the_same_entries() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (maker, _) = begun(&folder, "maker", relay.url());
    for fields in [["agent=Penicillin", "criticality=high"], ["agent=Latex", "note=At the dentist"]]
    {
        let sets = ["add", "allergies", "--set", fields[0], "--set", fields[1]];
        let _ = maker.run(&sets).success();
    }
    let made = |more: &[&str]| {
        let all = [&["link", "create", "allergies", "--json", "--yes"], more].concat();
        maker.run(&all).success().json()["link"].as_str().unwrap().to_owned()
    };
    for (name, flags, opener) in [
        ("listed", &[][..], &[][..]),
        ("direct", &["--flag", "U"], &["--recipient", "Zoë & co"]),
        ("passcode", &["--passcode", "4711"], &["--passcode", "4711", "--recipient", "Zoë & co"]),
    ] {
        let link = made(flags);
        let file = folder.path().join(format!("{name}.txt"));
        std::fs::write(&file, format!("https://viewer.example/#{link}\n")).unwrap();
        let (cli, _) = begun(&folder, name, NOBODY);
        let import = |more: &[&str]| {
            let all = [&["import", file.to_str().unwrap(), "--json", "--yes"], more].concat();
            cli.run(&all)
        };
        if name == "passcode" {
            let asked = refused(&import(&[]), 1);
            assert!(asked["message"].as_str().unwrap().contains("passcode"), "{asked}");
            let wrong = refused(&import(&["--passcode", "0000"]), 1);
            assert_eq!(wrong["hints"][0], "it can be tried 4 more times");
        }
        let _ = import(opener).success();
        assert_eq!(said(&cli, "allergies"), said(&maker, "allergies"), "{name}");
        assert!(said(&cli, "allergies").concat().contains("Penicillin"));
    }
    let links = maker.run(&["link", "list", "--json"]).success().json().to_string();
    assert!(links.contains("Zoë & co") && links.contains("a student passport"), "{links}");

    // The key is in the link alone: with another, nothing opens, and nothing shows the link.
    let link = made(&[]);
    let json = BASE64URL.decode(link.strip_prefix("shlink:/").unwrap().as_bytes()).unwrap();
    let mut json: Json = serde_json::from_slice(&json).unwrap();
    json["key"] = "A".repeat(43).into();
    let forged = format!("shlink:/{}", BASE64URL.encode(json.to_string().as_bytes()));
    let (cli, _) = begun(&folder, "last", NOBODY);
    let failed = cli.run(&["import", &forged, "--json"]);
    assert_eq!(refused(&failed, 21)["code"], "verification_failed");
    assert!(!failed.stderr.contains("shlink"), "{failed:#?}");
    drop(relay);
    let gone = cli.run(&["import", &link, "--json"]);
    assert_eq!(refused(&gone, 30)["code"], "relay_unreachable");
    assert!(!gone.stderr.contains("/shl/"), "{gone:#?}");
}

/// Serves an answer for each path, until the test ends; tells what was asked.
fn server(
    answers: impl FnOnce(&str) -> BTreeMap<String, (String, String)>,
) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answers = answers(&base);
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let path = first.split([' ', '?']).nth(1).unwrap().to_owned();
            let missing = ("404 Not Found".to_owned(), String::new());
            let (status, answer) = answers.get(&path).unwrap_or(&missing);
            let _asked = tell.send(format!("{} {}", first.trim(), String::from_utf8_lossy(&body)));
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", answer.len());
            // Whoever asked may have read enough.
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(answer.as_bytes()));
        }
    });
    (base, told)
}

const KEY: [u8; 32] = [7; 32];

/// A JWE as the standard has it, compressed.
fn sealed(plain: &str, cty: &str) -> String {
    let header = json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF", "cty": cty }).to_string();
    let header = BASE64URL.encode(header.as_bytes());
    let msg = deflated(plain.as_bytes());
    let sealing = Payload { msg: &msg, aad: header.as_bytes() };
    let sealed = Aes256Gcm::new(&KEY.into()).encrypt(&[9; 12].into(), sealing).unwrap();
    let (content, tag) = sealed.split_at(sealed.len() - 16);
    let [iv, content, tag] = [&[9; 12], content, tag].map(|part| BASE64URL.encode(part));
    format!("{header}..{iv}.{content}.{tag}")
}

fn link(url: &str, flag: &str) -> String {
    let json = json!({ "url": url, "key": BASE64URL.encode(&KEY), "flag": flag });
    format!("shlink:/{}", BASE64URL.encode(json.to_string().as_bytes()))
}

#[test]
fn another_servers_files_are_fetched_by_location_and_what_is_not_the_standards_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let issuer = Issuer::new();
    let card = json!({ "verifiableCredential": [issuer.card(&vaccination("Ada"), None)] });
    let allergy = json!({ "resourceType": "AllergyIntolerance", "code": { "text": "Latex" },
        "patient": { "display": "Ada" } });
    let fhir = "application/fhir+json";
    let ok = |body: String| ("200 OK".to_owned(), body);
    let (base, asked) = server(|base| {
        let at = |path: &str| format!("{base}{path}");
        let list = |files: Json| ok(json!({ "files": files }).to_string());
        BTreeMap::from([
            (
                "/list".into(),
                list(json!([
                { "contentType": "application/fhir+json;fhirVersion=4.0.1", "location": at("/file") },
                { "contentType": "application/smart-health-card",
                  "embedded": sealed(&card.to_string(), "application/smart-health-card") },
                { "contentType": "application/smart-api-access", "embedded": "x" }])),
            ),
            ("/file".into(), ok(sealed(&allergy.to_string(), fhir))),
            ("/elsewhere".into(), list(json!([{ "contentType": fhir, "location": "ftp://x/y" }]))),
            (
                "/open".into(),
                list(json!([{ "contentType": fhir, "location": "http://192.0.2.1/x" }])),
            ),
            ("/moved".into(), ("302 Found\r\nlocation: /list".into(), String::new())),
            ("/busy".into(), ("429 Too Many Requests".into(), String::new())),
            ("/prose".into(), ok("Dear Dr Smith".into())),
            ("/none".into(), list(json!([{ "contentType": "application/pdf", "embedded": "x" }]))),
            ("/endless".into(), ok(" ".repeat(33 << 20))),
        ])
    });
    let taken = cli.run(&["import", &link(&format!("{base}/list"), "L"), "--json", "--yes"]);
    let taken = taken.success().json();
    let sections: Vec<_> =
        taken["entries"].as_array().unwrap().iter().map(|e| &e["section"]).collect();
    assert!(sections.contains(&&json!("allergies")), "{taken}");
    assert!(sections.contains(&&json!("immunisations")), "{taken}");
    assert_eq!(taken["cards"][0]["verified"], false);
    let left = &taken["skipped"][0];
    assert!(left["reason"].as_str().unwrap().contains("application/smart-api-access"), "{taken}");
    let question = asked.recv().unwrap();
    assert!(question.starts_with("POST /list HTTP/1.1 {"), "{question}");
    assert!(question.contains(r#""recipient":"a student passport""#), "{question}");
    assert!(asked.recv().unwrap().starts_with("GET /file "));

    let before = cli.run(&["show", "--json"]).success().stdout;
    for (path, flag, code) in [
        ("/elsewhere", "", 1),
        ("/open", "", 1),
        ("/moved", "", 1),
        ("/moved", "U", 1),
        ("/busy", "", 30),
        ("/prose", "", 1),
        ("/none", "", 1),
        ("/missing", "", 1),
        ("/endless", "", 1),
        ("/prose", "U", 21),
    ] {
        let failed =
            refused(&cli.run(&["import", &link(&format!("{base}{path}"), flag), "--json"]), code);
        assert!(!failed["hints"].as_array().unwrap().is_empty(), "{path}: {failed}");
    }
    let open = refused(&cli.run(&["import", &link("http://relay.example/x", ""), "--json"]), 1);
    assert!(open["message"].as_str().unwrap().contains("http://"), "{open}");
    assert_eq!(cli.run(&["show", "--json"]).success().stdout, before, "nothing was changed");
}
