//! Files beside entries, by real processes: in by one, out by another, byte for byte.

use std::path::{Path, PathBuf};

use passport_tests::stage::text;
use passport_tests::{Person, Stage};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

const NOW: &str = "2026-09-20T09:00:00Z";

fn bytes(len: usize, seed: u64) -> Vec<u8> {
    println!("seed {seed}");
    let mut bytes = vec![0; len];
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

fn written(stage: &Stage, name: &str, content: &[u8]) -> String {
    let path = stage.path(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

/// Saves the file of an entry; the student's, to an organisation.
fn saved(person: &Person, of: &[&str], to: &Path) -> Vec<u8> {
    let to = to.display().to_string();
    let arguments = [&["save"], of, &["-o", &to]].concat();
    person.json(&arguments);
    std::fs::read(to).unwrap()
}

fn files(person: &Person, of: &[&str]) -> Vec<Value> {
    let shown = person.json(&[&["show"], of, &["documents"]].concat());
    shown.pointer("/files").and_then(Value::as_array).cloned().unwrap_or_default()
}

#[test]
fn the_largest_file_goes_from_a_phone_to_a_laptop_and_a_practice() {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let content = bytes(25 * 1024 * 1024, 45);
    let file = written(&stage, "scan.pdf", &content);
    let set = "title=Scan of the letter";
    let added = phone.json(&["add", "documents", "--set", set, "--attach", &file]);
    let entry = text(&added, "/entries/0/id");
    phone.meet(&home);
    phone.share(&["documents"], &home, &["--can", "contribute"]);
    phone.sync();
    let laptop = stage.join("laptop", &phone);
    laptop.sync();
    home.sync();

    for (person, of) in [(&laptop, &[][..]), (&home, &[phone.id.as_str()][..])] {
        let [listed] = &files(person, of)[..] else { panic!("not one file") };
        assert_eq!(listed["whole"], json!(true), "{listed:#}");
        assert_eq!(listed["title"], json!("scan.pdf"));
        assert_eq!(listed["size"], json!(content.len()));
        let of = [of, &[entry.as_str()]].concat();
        let to = stage.path(&format!("{}.pdf", person.name));
        assert!(saved(person, &of, &to) == content, "{} has another file", person.name);
    }
    let log = home.json(&["audit"]).to_string();
    assert!(log.contains("exported"), "{log}");
    phone.sync();
    home.sync();
    phone.sync();
    assert!(phone.json(&["access-log"]).to_string().contains("exported"));

    let large = written(&stage, "large.pdf", &[&content[..], &[0]].concat());
    let refused = phone.run(&["add", "documents", "--attach", &large]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert_eq!(files(&phone, &[]).len(), 1, "nothing was added");
}

#[test]
fn what_is_there_is_left_alone_and_no_title_is_a_path() {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let file = written(&stage, "letter.pdf", b"%PDF-1.7 hello");
    let added = phone.json(&["add", "documents", "--attach", &file]);
    let entry = text(&added, "/entries/0/id");
    let there = PathBuf::from(written(&stage, "there.pdf", b"mine"));
    let to = there.display().to_string();
    let refused = phone.run(&["save", &entry, "-o", &to]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert_eq!(std::fs::read(&there).unwrap(), b"mine");
    phone.json(&["save", &entry, "-o", &to, "--force"]);
    assert_eq!(std::fs::read(&there).unwrap(), b"%PDF-1.7 hello");
    let printed = phone.run(&["save", &entry, "-o", "-"]);
    assert_eq!(printed.stdout, "%PDF-1.7 hello");
    let none = phone.record(&phone, "medications", &["item=Sertraline"]);
    assert_eq!(phone.run(&["save", &none]).code, Some(1));
    let refused = phone.run(&["add", "medications", "--set", "item=x", "--attach", &file]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    let empty = written(&stage, "empty.pdf", b"");
    assert_eq!(phone.run(&["add", "documents", "--attach", &empty]).code, Some(1));
}

#[test]
fn files_come_in_with_fhir_or_alone_and_go_out_again() {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let content = bytes(200_000, 46);
    let data = data_encoding::BASE64.encode(&content);
    let reference = json!({
        "resourceType": "DocumentReference", "id": "1", "status": "current",
        "content": [{ "attachment": {
            "contentType": "application/pdf", "title": "Clinic letter", "url": "Binary/2" } }],
    });
    let binary = json!({
        "resourceType": "Binary", "id": "2", "contentType": "application/pdf", "data": data,
    });
    let bundle = json!({ "resourceType": "Bundle", "type": "collection",
        "entry": [{ "resource": reference }, { "resource": binary }] });
    let record = written(&stage, "record.json", bundle.to_string().as_bytes());
    let took = phone.json(&["import", &record]);
    assert_eq!(took["skipped"], json!([]), "{took:#}");
    let entry = text(&took, "/entries/0/id");
    assert!(saved(&phone, &[&entry], &stage.path("one")) == content);
    let again = phone.json(&["import", &record]);
    assert_eq!((&again["entries"], &again["updated"]), (&json!([]), &json!([])), "{again:#}");

    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend(bytes(1000, 47));
    let picture_at = written(&stage, "x-ray.png", &picture);
    let took = phone.json(&["import", &picture_at]);
    let alone = text(&took, "/entries/0/id");
    assert!(saved(&phone, &[&alone], &stage.path("two")) == picture);
    assert_eq!(phone.json(&["import", &picture_at])["kept"].as_array().unwrap().len(), 1);

    let out = stage.path("out.json").display().to_string();
    phone.json(&["export", "--format", "fhir", "documents", "-o", &out]);
    let exported = std::fs::read_to_string(&out).unwrap();
    for held in [&content, &picture] {
        assert!(exported.contains(&data_encoding::BASE64.encode(held)));
    }
    let other = stage.student("other", "Ada Example");
    let took = other.json(&["import", &out]);
    let entries = took["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{took:#}");
    let mut all: Vec<Vec<u8>> = entries
        .iter()
        .enumerate()
        .map(|(n, e)| saved(&other, &[e["id"].as_str().unwrap()], &stage.path(&format!("o{n}"))))
        .collect();
    all.sort_by_key(Vec::len);
    assert!(all == [picture, content], "byte for byte");
}
