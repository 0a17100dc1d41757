//! What cards and links carry, and what hostile ones can do.

use std::io::Write as _;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::*;
use crate::time::Timestamp;

const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"collection","entry":[]}"#;

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn card(header: &str, payload: &str) -> String {
    let parts = [header.as_bytes(), &deflated(payload.as_bytes()), &[7; 64]];
    parts.map(|part| BASE64URL.encode(part)).join(".")
}

const HEADER: &str = r#"{"zip":"DEF","alg":"ES256","kid":"k"}"#;

fn claims(rest: &str) -> String {
    format!(
        r#"{{"iss":"https://issuer.example","vc":{{"type":["https://smarthealth.cards#health-card"],
        "credentialSubject":{{"fhirVersion":"4.0.1","fhirBundle":{BUNDLE}}}}}{rest}}}"#
    )
}

fn refused(text: &str) -> SmartError {
    match recognise(text.as_bytes()) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    }
}

fn cards(text: &str) -> Vec<HealthCard> {
    match recognise(text.as_bytes()) {
        Ok(Received::Cards(cards)) => cards,
        Ok(Received::Fhir | Received::Link(_)) => panic!("no cards: {text}"),
        Err(error) => panic!("{error}: {text}"),
    }
}

fn link(text: &str) -> HealthLink {
    match recognise(text.as_bytes()) {
        Ok(Received::Link(link)) => link,
        Ok(Received::Fhir | Received::Cards(_)) => panic!("no link: {text}"),
        Err(error) => panic!("{error}: {text}"),
    }
}

/// The digits of a code.
fn digits(text: &str) -> String {
    let pair = |b: u8| [(b - 45) / 10, (b - 45) % 10].map(|digit| char::from(b'0' + digit));
    text.bytes().flat_map(pair).collect()
}

#[test]
fn a_card_is_the_same_as_a_file_as_signed_text_and_as_codes() {
    let jws = card(HEADER, &claims(r#","nbf":1620992383.218,"exp":1700000000"#));
    let file = format!("\u{feff} {{\"verifiableCredential\":[\"{jws}\"]}}\n");
    let (first, second) = jws.split_at(jws.len() / 2);
    let codes = format!("shc:/{}", digits(&jws));
    let parts = format!("shc:/2/2/{}\nshc:/1/2/{}\n", digits(second), digits(first));
    for text in [&jws, &file, &codes, &parts] {
        let cards = cards(text);
        assert_eq!(cards.len(), 1);
        assert_eq!(cards[0].bundle(), BUNDLE.as_bytes());
        assert_eq!(cards[0].issuer(), "https://issuer.example");
        assert_eq!(cards[0].issued(), Some(Timestamp::from_seconds(1_620_992_383)));
        assert_eq!(cards[0].expires(), Some(Timestamp::from_seconds(1_700_000_000)));
    }
}

#[test]
fn a_moment_is_the_same_however_its_number_is_written() {
    for expires in ["1700000000", "1700000000.9", "1.7e9", "17E8"] {
        let cards = cards(&card(HEADER, &claims(&format!(r#","exp":{expires}"#))));
        let expected = Some(Timestamp::from_seconds(1_700_000_000));
        assert_eq!(cards[0].expires(), expected, "{expires}");
    }
}

#[test]
fn what_only_speaks_of_cards_and_links_is_left_to_the_importer() {
    for text in [
        "",
        "{}",
        r#"{"resourceType":"Parameters","parameter":[{"name":"verifiableCredential"}]}"#,
        r#"{"resourceType":"Basic","id":"shlink:/e30"}"#,
        "see shlink:/e30",
        "https://viewer.example/?shlink:/e30",
        "eyJ.x",
    ] {
        assert!(matches!(recognise(text.as_bytes()), Ok(Received::Fhir)), "{text}");
    }
    assert!(matches!(recognise(b"\xff\xfe"), Ok(Received::Fhir)));
}

#[test]
fn cards_that_are_not_the_standards_are_refused() {
    for header in [
        r#"{"zip":"DEF","alg":"none"}"#,
        r#"{"zip":"DEF","alg":"HS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"zip":"DEF","alg":"ES256","crit":["exp"]}"#,
    ] {
        assert_eq!(refused(&card(header, &claims(""))), SmartError::Algorithm, "{header}");
    }
    for payload in [
        "{}",
        r#"{"iss":"x","iss":"y","vc":{"credentialSubject":{"fhirBundle":{}}}}"#,
        r#"{"iss":"x","nbf":"soon","vc":{"credentialSubject":{"fhirBundle":{}}}}"#,
        r#"{"iss":"x","exp":1e99,"vc":{"credentialSubject":{"fhirBundle":{}}}}"#,
    ] {
        assert_eq!(refused(&card(HEADER, payload)), SmartError::Card, "{payload}");
    }
    let bomb = card(HEADER, &" ".repeat(limits::INFLATED + 1));
    assert!(bomb.len() < 100_000);
    assert_eq!(refused(&bomb), SmartError::TooLarge);
    let jws = card(HEADER, &claims(""));
    let many =
        format!("{{\"verifiableCredential\":[{}\"{jws}\"]}}", format!("\"{jws}\",").repeat(64));
    assert_eq!(refused(&many), SmartError::TooLarge);
    assert_eq!(refused(r#"{"verifiableCredential":[]}"#), SmartError::Card);
    for end in 3..jws.len() {
        if let Ok(found) = recognise(&jws.as_bytes()[..end]) {
            // What is left is text, or a card whose signature is cut.
            assert!(matches!(found, Received::Fhir | Received::Cards(_)), "{end}");
        }
    }
    for bytes in [&b"x"[..], b"{}", br#"{"keys":[]}"#, br#"{"keys":[{"kty":"RSA"}]}"#] {
        assert_eq!(IssuerKeys::from_json(bytes), Err(SmartError::Keys));
    }
}

#[test]
fn a_link_reads_as_it_was_written_behind_any_viewer() {
    let made = HealthLink {
        url: "https://relay.example/shl/x".into(),
        key: [5; 32].into(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        flags: Flags { long: true, passcode: true, direct: false },
        label: "For the pharmacy".into(),
    };
    let text = made.to_text().unwrap();
    let json = BASE64URL.decode(text.strip_prefix("shlink:/").unwrap().as_bytes()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let key = BASE64URL.encode(&[5; 32]);
    let expected = serde_json::json!({
        "url": made.url, "flag": "LP", "exp": 1_800_000_000, "key": key,
        "label": "For the pharmacy", "v": 1,
    });
    assert_eq!(json, expected);
    for prefix in ["", "https://viewer.example#", "http://127.0.0.1:80/view?a=b#"] {
        let read = link(&format!("{prefix}{}\n", *text));
        assert_eq!((read.url, read.flags, read.until), (made.url.clone(), made.flags, made.until));
        assert_eq!((read.key, read.label), (made.key.clone(), made.label.clone()));
    }
    let plain = |json: &str| format!("shlink:/{}", BASE64URL.encode(json.as_bytes()));
    let least = format!(r#"{{"url":"https://a.example","key":"{key}","flag":"UX","more":{{}}}}"#);
    let least = link(&plain(&least));
    assert_eq!(least.flags, Flags { direct: true, ..Flags::default() });
    for json in [
        "{}".to_owned(),
        format!(r#"{{"url":"https://a.example","key":"{key}","v":2}}"#),
        format!(r#"{{"url":"https://a.example","key":"{key}","key":"{key}"}}"#),
        format!(r#"{{"url":"https://a.example","key":"{}"}}"#, &key[1..]),
        format!(r#"{{"url":"{}","key":"{key}"}}"#, "a".repeat(limits::NAME + 1)),
    ] {
        assert_eq!(refused(&plain(&json)), SmartError::Link, "{json}");
    }
    assert_eq!(refused("shlink:/%"), SmartError::Link);
}

/// A JWE as the standard has it, made by hand.
fn sealed(header: &str, plain: &[u8]) -> String {
    let header = BASE64URL.encode(header.as_bytes());
    let sealing = Payload { msg: plain, aad: header.as_bytes() };
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    let sealed = cipher.encrypt(&[9; 12].into(), sealing).unwrap();
    let (content, tag) = sealed.split_at(sealed.len() - 16);
    let [iv, content, tag] = [&[9; 12], content, tag].map(|part| BASE64URL.encode(part));
    format!("{header}..{iv}.{content}.{tag}")
}

#[test]
fn a_file_opens_with_its_key_alone_and_inflates_to_a_limit() {
    let jwe = jwe::encrypt(&[7; 32], &[9; 12], b"{}").unwrap();
    let opened = jwe::decrypt(&jwe, &[7; 32]).unwrap();
    assert_eq!(opened.bytes, b"{}");
    assert_eq!(opened.content_type.as_deref(), Some("application/fhir+json"));
    assert_eq!(
        jwe,
        sealed(r#"{"alg":"dir","enc":"A256GCM","cty":"application/fhir+json"}"#, b"{}")
    );
    let failed = |jwe: &str, key: u8| match jwe::decrypt(jwe, &[key; 32]) {
        Ok(_) => panic!("opened: {jwe}"),
        Err(error) => error,
    };
    assert_eq!(failed(&jwe, 8), SmartError::Sealed);
    for end in 0..jwe.len() {
        assert_eq!(failed(&jwe[..end], 7), SmartError::Sealed, "{end}");
    }
    let zip = r#"{"alg":"dir","enc":"A256GCM","zip":"DEF","cty":"Application/FHIR+json; x=1"}"#;
    let opened = jwe::decrypt(&sealed(zip, &deflated(b"{}")), &[7; 32]).unwrap();
    assert_eq!(opened.bytes, b"{}");
    assert_eq!(opened.content_type.as_deref(), Some("application/fhir+json"));
    let bomb = deflated(&vec![b' '; limits::INFLATED + 1]);
    assert_eq!(failed(&sealed(zip, &bomb), 7), SmartError::TooLarge);
    assert_eq!(failed(&sealed(zip, b"\xff"), 7), SmartError::Sealed);
    for header in [
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
        r#"{"alg":"dir","enc":"A128GCM"}"#,
        r#"{"alg":"dir","enc":"A256GCM","zip":"BR"}"#,
        r#"{"alg":"dir","enc":"A256GCM","crit":["x"]}"#,
    ] {
        assert_eq!(failed(&sealed(header, b"{}"), 7), SmartError::Algorithm, "{header}");
    }
}

#[test]
fn a_manifest_lists_files_here_and_elsewhere() {
    let list = br#"{"status":"finalized","files":[
        {"contentType":"Application/FHIR+json;fhirVersion=4.0.1","embedded":"a..b"},
        {"contentType":"application/smart-health-card","location":"https://b.example/1"}]}"#;
    let Ok(Manifest { files }) = Manifest::parse(list) else { panic!("refused") };
    assert_eq!(files[0].content_type, "application/fhir+json");
    assert!(files[0].place == Place::Embedded("a..b".into()));
    assert!(files[1].place == Place::Location("https://b.example/1".into()));
    let failed = |text: &str| match Manifest::parse(text.as_bytes()) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    };
    assert_eq!(failed("{}"), SmartError::Manifest);
    assert_eq!(failed(r#"{"files":[{"contentType":"a"}]}"#), SmartError::Manifest);
    let file = r#"{"contentType":"a","embedded":"b"}"#;
    let many = vec![file; limits::FILES + 1].join(",");
    assert_eq!(failed(&format!("{{\"files\":[{many}]}}")), SmartError::TooLarge);
}
