//! Consent: to whom, what they get, and how it ends.

use passport_core::keys::{OrganisationKind, verification_phrase};
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::time::Timestamp;
use passport_core::vault::MemoryVault;
use passport_sync::client::exchange::Exchange;
use passport_sync::session::BackoffPolicy;
use passport_tests::Relay;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::{NOBODY, NOW, begun};

/// A university service, and its card in a file.
pub(crate) fn card(folder: &tempfile::TempDir, url: &str) -> (String, Organisation<MemoryVault>) {
    let profile = OrganisationProfile {
        name: "Campus Medical".to_owned(),
        kind: OrganisationKind::University,
        ods: None,
        relays: vec![url.to_owned()],
    };
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let now: Timestamp = NOW.parse().unwrap();
    let organisation = Organisation::create(MemoryVault::new(), &profile, now, &mut rng).unwrap();
    let file = folder.path().join("campus.card");
    std::fs::write(&file, organisation.card().to_text()).unwrap();
    (file.to_str().unwrap().to_owned(), organisation)
}

/// `seed` differs from one exchange to the next: a relay takes no request twice.
pub(crate) fn sync(organisation: &mut Organisation<MemoryVault>, url: &str, seed: u8) -> usize {
    let mut exchange = Exchange {
        now: NOW.parse().unwrap(),
        policy: BackoffPolicy { budget: 1, ..BackoffPolicy::default() },
        pause: &mut |_| {},
        config: passport_sync::client::RemoteConfig::default(),
        progress: &mut |_| {},
    };
    let mut rng = ChaCha20Rng::from_seed([seed; 32]);
    let done = exchange.with_relay(organisation, url, &mut rng).unwrap();
    assert!(done.failed.is_none(), "{done:?}");
    done.received
}

#[test]
fn nothing_is_shared_with_a_contact_whose_words_were_never_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (phone, _) = begun(&folder, "phone", NOBODY);
    let (file, organisation) = card(&folder, NOBODY);
    let _ = phone.run(&["contact", "add", &file]).success();
    let share =
        ["share", "allergies", "--with", "campus medical", "--purpose", "care", "--yes", "--json"];
    let refused = phone.run(&share);
    assert_eq!(refused.code, Some(21), "{refused:#?}");
    assert_eq!(phone.run(&["grants", "--json"]).success().json(), serde_json::json!([]));
    let wrong = phone.run(&["contact", "verify", "campus medical", "--phrase", "a b c d"]);
    assert_eq!(wrong.code, Some(21), "{wrong:#?}");
    let words = verification_phrase(&organisation.card().id()).unwrap().to_string();
    let verified =
        phone.run(&["contact", "verify", "campus medical", "--phrase", &words, "--json"]);
    assert_eq!(verified.success().json()["verified"], true);
    let without_yes = phone.run(&share[..6]);
    assert_eq!(without_yes.code, Some(1), "there is nobody to ask: {without_yes:#?}");
    let grants = phone.run(&share).success().json();
    assert_eq!(grants[0]["contact"]["name"], "Campus Medical");
    assert_eq!(grants[0]["until"], "2027-07-31T23:59:59Z", "with the academic year");
    assert_eq!(grants[0]["state"], "active");
    // Whoever changes what others read is told who, and asked.
    let add = ["add", "allergies", "--set", "agent=Latex", "--set", "reaction=Rash", "--yes"];
    let _ = phone.run(&add).success();
    for change in [
        &["edit", "latex", "--set", "reaction=Hives"][..],
        &["annotate", "latex", "since childhood"],
        &["remove", "latex"],
    ] {
        let unasked = phone.run(change);
        assert_eq!(unasked.code, Some(1), "{unasked:#?}");
        assert!(unasked.stderr.contains("Campus Medical (Allergies"), "{unasked:#?}");
    }
    let again = phone.run(&share);
    assert!(again.stderr.contains("Rash"), "the preview shows what they will read: {again:#?}");
}

#[test]
fn what_can_never_be_shared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (phone, _) = begun(&folder, "phone", NOBODY);
    let (file, _) = card(&folder, NOBODY);
    let _ = phone.run(&["contact", "add", &file]).success();
    let share = ["--with", "campus medical", "--purpose", "x", "--yes", "--unverified"];
    let private = phone.run(&[&["share", "private"][..], &share].concat());
    assert_eq!(private.code, Some(1), "{private:#?}");
    let ended = [&["share", "allergies", "--until", "2020"][..], &share].concat();
    assert_eq!(phone.run(&ended).code, Some(2));
    assert_eq!(phone.run(&["grants", "--json"]).success().json(), serde_json::json!([]));
}

#[test]
fn a_contact_gets_what_was_shared_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, _) = begun(&folder, "phone", relay.url());
    let (file, mut campus) = card(&folder, relay.url());
    let _ = phone.run(&["contact", "add", &file]).success();
    let _ = phone.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let share = ["share", "allergies", "--with", "campus medical", "--purpose", "care"];
    let _ = phone.run(&[&share[..], &["--unverified", "--yes"]].concat()).success();
    let seen = phone.run(&["show", "--as-seen-by", "campus medical", "--json"]).success().json();
    assert_eq!(seen["sections"].as_array().unwrap().len(), 1);
    assert_eq!(seen["holder"], serde_json::json!({"name": "Ada Example"}));
    let _ = phone.run(&["sync"]).success();
    assert!(sync(&mut campus, relay.url(), 10) > 0);
    // From now on every addition says who will see it.
    let unasked = phone.run(&["add", "allergies", "--set", "agent=Nuts"]);
    assert_eq!(unasked.code, Some(1), "{unasked:#?}");
    assert!(unasked.stderr.contains("Campus Medical"), "{unasked:#?}");
    let _ = phone.run(&["add", "allergies", "--set", "agent=Nuts", "--yes"]).success();
    let _ = phone.run(&["sync"]).success();
    assert_eq!(sync(&mut campus, relay.url(), 11), 1);
    let revoked = phone.run(&["revoke", "campus medical", "--json"]).success().json();
    assert_eq!(revoked[0]["state"], "revoked");
    let _ = phone.run(&["add", "allergies", "--set", "agent=Latex"]).success();
    let _ = phone.run(&["sync"]).success();
    // Only the word that it ended.
    assert_eq!(sync(&mut campus, relay.url(), 12), 1);
    let again = phone.run(&["revoke", "campus medical"]);
    assert_eq!(again.code, Some(20), "{again:#?}");
}

#[test]
fn an_altered_card_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (phone, _) = begun(&folder, "phone", NOBODY);
    let (file, _) = card(&folder, NOBODY);
    let mut text = std::fs::read_to_string(&file).unwrap();
    let at = text.len() - 40;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    text.replace_range(at..=at, other);
    std::fs::write(&file, text).unwrap();
    let refused = phone.run(&["contact", "add", &file]);
    assert_eq!(refused.code, Some(21), "{refused:#?}");
}

/// A page on this machine, for as many requests as there are answers.
fn page(answers: Vec<String>) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/medical.card", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            // Whoever has read enough may hang up.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn answer(status: &str, body: &str) -> String {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}")
}

#[test]
fn a_card_comes_from_the_web_and_goes_as_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let (phone, _) = begun(&folder, "phone", NOBODY);
    let (file, _) = card(&folder, NOBODY);
    let text = std::fs::read_to_string(file).unwrap();
    let moved = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n".to_owned();
    let url = page(vec![
        answer("404 Not Found", "none"),
        moved,
        answer("200 OK", &"x".repeat(300 << 10)),
        answer("200 OK", "no card"),
        answer("200 OK", &text),
    ]);
    for code in [1, 1, 1, 21] {
        let refused = phone.run(&["contact", "add", &url]);
        assert_eq!(refused.code, Some(code), "{refused:#?}");
    }
    let _ = phone.run(&["contact", "add", &url]).success();
    for (address, code) in
        [("http://campus.example/x", 2), ("ftp://127.0.0.1/x", 2), ("http://127.0.0.1:9/x", 30)]
    {
        let refused = phone.run(&["contact", "add", address, "--json"]);
        assert_eq!(refused.code, Some(code), "{refused:#?}");
    }
    let listed = phone.run(&["contact", "list", "--json"]).success().json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    for (name, begins) in [("code.svg", &b"<svg "[..]), ("code", b"<svg "), ("c.PNG", b"\x89PNG")] {
        let picture = folder.path().join(name);
        let _ = phone.run(&["code", "--qr", picture.to_str().unwrap()]).success();
        assert!(std::fs::read(picture).unwrap().starts_with(begins), "{name}");
    }
    let drawn = phone.run(&["code", "--qr", "-"]).success();
    assert!(drawn.stdout.starts_with("passport-student:") && drawn.stderr.contains('█'));
}
