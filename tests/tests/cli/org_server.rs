//! What a practice sends to its own FHIR server: to a stand-in, to servers that do not take it, and
//! to a real one where there is one.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::TcpListener;

use passport_core::epoch::Right;
use passport_core::section::Value as Field;
use passport_sync::client::{RemoteConfig, fetch_page};
use passport_tests::fhir_server::{Request, TOKEN, read, respond, server};
use serde_json::{Value, json};

use crate::org_kit::{NOW, Story, at};

fn story(seed: u64, sections: &[&str]) -> Story {
    let mut story = Story::begin(seed);
    story.medicine("Sertraline", "50 mg");
    story.share(sections, Right::Contribute);
    story
}

/// What the organisation's own log says was done, in order.
fn noted(story: &Story) -> Vec<String> {
    let log = story.org(&["audit", "--json"]).success().json();
    log.as_array().unwrap().iter().map(|l| l["what"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_record_sent_twice_creates_nothing_twice() {
    let story = story(31, &["medications", "identity"]);
    let (base, told) = server(4);
    let token = story.home().join("token");
    let send = ["export", "Amina Yusuf", "--format", "fhir", "--to", &base, "--json"];
    let refused = story.org(&send);
    assert_eq!(refused.code, Some(31), "{refused:#?}");
    assert_eq!(noted(&story), ["attempted", "attempted"], "of two sections");
    assert!(refused.stderr.contains("--token-file") && !refused.stderr.contains('\u{1b}'));
    let with_token = [&send[..], &["--token-file", token.to_str().unwrap()]].concat();
    std::fs::write(&token, "another\n").unwrap();
    let another = story.org(&with_token);
    assert_eq!(another.code, Some(31), "{another:#?}");
    assert!(another.stderr.contains("the token in that file"), "{}", another.stderr);
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let first = story.org(&with_token).success();
    assert!(first.stderr.contains("confirmed no NHS number"), "{}", first.stderr);
    let first = first.json();
    assert!(first["created"].as_u64().unwrap() >= 2, "{first}");
    assert_eq!((&first["there"], &first["left_out"][0]), (&json!(0), &json!("Provenance")));
    let again = story.org(&with_token).success().json();
    assert_eq!((&again["created"], &again["there"]), (&json!(0), &first["created"]));
    let requests: Vec<Request> = told.iter().take(4).collect();
    assert_eq!(requests[2].bundle, requests[3].bundle);
    assert_eq!(requests[2].bundle["type"], "transaction");
    assert!(requests[2].bundle.to_string().contains("Sertraline"));
    let each = ["attempted", "attempted", "exported", "exported"];
    assert_eq!(noted(&story)[4..], [each, each].concat());
    let ips = ["export", "Amina Yusuf", "--format", "ips", "--to", &base];
    assert_eq!(story.org(&ips).code, Some(2));
    let away = ["export", "Amina Yusuf", "--format", "fhir", "--to", "http://fhir.example/r4"];
    assert_eq!(story.org(&away).code, Some(2), "not in the open");
}

/// Gives these answers, one to each request, and ends; nothing where an answer is empty.
fn answering(answers: Vec<(&'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/r4", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _read = read(&stream);
            if !status.is_empty() {
                respond(&mut stream, status, &body);
            }
        }
    });
    base
}

#[test]
fn what_a_server_did_not_take_is_noted_as_attempted_and_what_it_may_have_as_exported() {
    let story = story(34, &["medications"]);
    let outcome = |words: &str| {
        let issue = json!([
            { "severity": "warning", "diagnostics": "no narrative" },
            { "severity": "error", "details": { "text": words }, "expression": ["Patient.name"] },
        ]);
        json!({ "resourceType": "OperationOutcome", "issue": issue }).to_string()
    };
    let page = "<html>Please log in</html>".to_owned();
    let halves = json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": [
        { "response": { "status": "201 Created" } },
        { "response": { "status": "400", "outcome": serde_json::from_str::<Value>(&outcome("no such code")).unwrap() } },
    ] });
    // What the server answers, what is said of it, and whether it may have the record.
    let cases = [
        ("404 Not Found", page.clone(), "https://fhir.example/r4", false),
        ("405 Method Not Allowed", outcome("no transactions"), "no transactions", false),
        ("422 Unprocessable Entity", outcome("bad name"), "bad name (Patient.name)", false),
        // As Helios 0.2.7 says what HTTP has a status for.
        ("400 Bad Request", outcome("Entry failed with status 412"), "several patients", false),
        ("307 Temporary Redirect", String::new(), "points elsewhere", false),
        ("413 Payload Too Large", String::new(), "more than this server takes", false),
        ("200 OK", page, "not how a FHIR server answers", true),
        ("200 OK", halves.to_string(), "did not take 1 of 2", true),
        ("502 Bad Gateway", String::new(), "may have taken", true),
        ("", String::new(), "did not answer", true),
    ];
    let base = answering(cases.iter().map(|(status, body, ..)| (*status, body.clone())).collect());
    let send = ["export", "Amina Yusuf", "--format", "fhir", "--to", &base];
    let mut before = 0;
    for (status, _, said, taken) in &cases {
        let failed = story.org(&send);
        assert_eq!(failed.code, Some(if status.is_empty() { 30 } else { 31 }), "{failed:#?}");
        assert!(failed.stderr.contains(said), "{status}: {}", failed.stderr);
        assert!(!failed.stderr.contains("no narrative"), "{}", failed.stderr);
        let log = noted(&story);
        let expected: &[&str] = if *taken { &["attempted", "exported"] } else { &["attempted"] };
        assert_eq!(log[before..], *expected, "{status}");
        before = log.len();
    }
    // Nobody listens there any more.
    let unreachable = story.org(&send);
    assert_eq!(unreachable.code, Some(30));
    assert!(unreachable.stderr.contains("nothing was sent"), "{}", unreachable.stderr);
    assert_eq!(noted(&story)[before..], ["attempted"]);
}

/// A resource of a real server, by its identifier.
fn found(base: &str, resource: &Value) -> Vec<Value> {
    let kind = resource["resourceType"].as_str().unwrap();
    let named = &resource["identifier"];
    let own = named.as_array().map_or(named, |all| all.last().unwrap());
    let part = |name: &str| own[name].as_str().unwrap().to_owned();
    let url = format!("{base}/{kind}?identifier={}%7C{}", part("system"), part("value"));
    let page = fetch_page(&url, 16 << 20, &RemoteConfig::default()).unwrap();
    let found: Value = serde_json::from_slice(&page).unwrap();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    entries.into_iter().map(|e| e["resource"].clone()).collect()
}

/// Says where `sent` is not in `there`, but for what a server writes itself.
fn lost(sent: &Value, there: &Value, place: &str, out: &mut Vec<String>) {
    match (sent, there) {
        (Value::Object(sent), Value::Object(there)) => {
            for (name, value) in sent.iter().filter(|(name, _)| *name != "reference") {
                let at = format!("{place}.{name}");
                lost(value, there.get(name).unwrap_or(&Value::Null), &at, out);
            }
        }
        (Value::Array(sent), Value::Array(there)) if sent.len() == there.len() => {
            for (place_in, (sent, there)) in sent.iter().zip(there).enumerate() {
                lost(sent, there, &format!("{place}[{place_in}]"), out);
            }
        }
        _ if sent == there => {}
        _ => out.push(place.to_owned()),
    }
}

#[test]
fn a_real_server_takes_a_record_once_and_gives_all_of_it_back() {
    let Ok(base) = std::env::var("PASSPORT_FHIR_SERVER") else {
        println!("SKIPPED: PASSPORT_FHIR_SERVER names no FHIR R4 server to send to");
        return;
    };
    // The server keeps what an earlier run sent.
    let mut story = Story::begin(RandomState::new().build_hasher().finish());
    let entry = story.medicine("Sertraline", "50 mg");
    let sections = ["medications", "identity", "allergies", "documents", "education"];
    story.share(&sections, Right::Contribute);
    let letter = story.home().join("letter.pdf");
    std::fs::write(&letter, b"%PDF-1.4 a letter").unwrap();
    let add = |section: &str, rest: &[&str]| {
        let _ = story.org(&[&["contribute", "Amina Yusuf", section], rest].concat()).success();
    };
    add("allergies", &["--set", "agent=Penicillin", "--set", "reaction=rash"]);
    add("documents", &["--set", "title=Letter", "--attach", letter.to_str().unwrap()]);
    add("education", &["--set", "status=enrolled", "--set", "provider=Northfield"]);
    story.exchange();
    let send = ["export", "Amina Yusuf", "--format", "fhir", "--to", &base, "--json"];
    let first = story.org(&send).success().json();
    let created = first["created"].as_u64().unwrap();
    // One of each section; Provenance stays behind.
    assert_eq!((created, &first["there"]), (5, &json!(0)), "{first}");
    assert_eq!(unlike(&story, &base), Vec::<String>::new());

    let again = story.org(&send).success().json();
    assert_eq!((&again["created"], &again["there"]), (&json!(0), &json!(created)));
    let dose = [("dose".to_owned(), Some(Field::Text("75 mg".to_owned())))];
    story.student.edit(entry, &dose, at(NOW), &mut story.rng).unwrap();
    story.exchange();
    let kept = story.org(&send).success();
    assert_eq!(kept.json()["there"], json!(created));
    assert!(!unlike(&story, &base).is_empty(), "what is there stays as it is");
    let updated = story.org(&[&send[..], &["--update"]].concat()).success().json();
    assert_eq!((&updated["created"], &updated["updated"]), (&json!(0), &json!(created)));
    assert_eq!(unlike(&story, &base), Vec::<String>::new());
}

/// Where a server has something else than what would be sent to it now, or has it not just once.
fn unlike(story: &Story, base: &str) -> Vec<String> {
    let (to, told) = server(1);
    let token = story.home().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let send = ["export", "Amina Yusuf", "--format", "fhir", "--to", &to, "--token-file"];
    let _ = story.org(&[&send[..], &[token.to_str().unwrap()]].concat()).success();
    let bundle = told.recv().unwrap().bundle;
    let mut out = Vec::new();
    for resource in bundle["entry"].as_array().unwrap().iter().map(|e| &e["resource"]) {
        let kind = resource["resourceType"].as_str().unwrap();
        match &found(base, resource)[..] {
            [there] => lost(resource, there, kind, &mut out),
            several => out.push(format!("{kind}: {} of them", several.len())),
        }
    }
    out
}
