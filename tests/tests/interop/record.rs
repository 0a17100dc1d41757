//! The fullest record and the emptiest, written by the real program in every form of FHIR.

use std::path::Path;

use passport_core::fhir::export::{ExportSubject, bundle};
use passport_core::section::table::SECTIONS;
use passport_core::time::Timestamp;
use passport_tests::fhir_server::{TOKEN, server};
use passport_tests::{Person, Stage};

use crate::every_kind::of_every_kind;

const NOW: &str = "2026-11-22T10:00:00Z";

/// Writes every form into the folder.
pub(crate) fn write(folder: &Path) {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    holder(&phone, &[], "empty", folder);
    let sections: Vec<&str> = SECTIONS.iter().filter(|s| s.shareable).map(|s| s.name).collect();
    let sections = [&sections[..], &["x-running-club"]].concat();
    fill(&stage, &phone, &sections);
    let laptop = stage.join("laptop", &phone);
    let practice = stage.organisation("practice", "Elm Street Surgery", "gp");
    phone.meet(&practice);
    phone.share(&sections, &practice, &["--can", "contribute"]);
    disagree(&phone, &laptop);
    practice.sync();
    let _id = practice.record(&phone, "problems", &["condition=Asthma", "status=active"]);
    let _id = practice.record(&phone, "discharges", &["discharged_on=2026-11-20", "setting=acute"]);
    practice.sync();
    phone.sync();
    holder(&phone, &sections, "full", folder);
    for form in ["fhir", "ips"] {
        let place = folder.join(format!("shared-{form}.json"));
        practice.json(&["export", &phone.id, "--format", form, "-o", place.to_str().unwrap()]);
    }
    let (base, told) = server(1);
    let token = stage.path("token");
    std::fs::write(&token, TOKEN).unwrap();
    let token = token.display().to_string();
    let send = ["export", &phone.id, "--format", "fhir", "--to", &base, "--token-file", &token];
    practice.json(&send);
    let told = told.recv().unwrap().bundle.to_string();
    std::fs::write(folder.join("shared-transaction.json"), told).unwrap();
}

/// The holder's own forms; of all but risks where no section is named.
fn holder(phone: &Person, sections: &[&str], name: &str, folder: &Path) {
    for form in ["fhir", "ips"] {
        let place = folder.join(format!("{name}-{form}.json"));
        let place = place.to_str().unwrap();
        phone.json(&[&["export", "--format", form, "-o", place], sections].concat());
    }
}

/// Fills all sections: with what another system sends, and with what is written by hand.
fn fill(stage: &Stage, phone: &Person, sections: &[&str]) {
    let entries = of_every_kind(|field| field.name != "identifier");
    let at = Timestamp::from_seconds(1_790_000_000);
    let received = bundle(&ExportSubject::default(), &entries, at);
    let file = stage.path("received.json");
    std::fs::write(&file, received.to_string()).unwrap();
    phone.json(&["import", file.to_str().unwrap(), "--same-person"]);
    for (section, fields) in [
        ("medications", &["item=Sertraline", "dose=50 mg", "status=active"][..]),
        ("allergies", &["agent=Penicillin", "reaction=Hives", "severity=severe"]),
        ("immunisations", &["vaccine=MenACWY", "given=2023-09-01"]),
        ("results", &["what=PHQ-9", "value=12", "date=2026-10-01"]),
        ("education", &["provider=Northfield University", "course=Physics", "status=enrolled"]),
        ("risks", &["risk=Lives alone"]),
    ] {
        let _id = phone.record(phone, section, fields);
    }
    let letter = stage.path("letter.pdf");
    std::fs::write(&letter, b"%PDF-1.7 a letter").unwrap();
    let letter = letter.to_str().unwrap();
    phone.json(&["add", "documents", "--set", "title=Letter", "--attach", letter]);
    for section in sections {
        assert!(!phone.section(phone, section)["entries"].as_array().unwrap().is_empty());
    }
}

/// Two devices change one dose apart.
fn disagree(phone: &Person, laptop: &Person) {
    phone.sync();
    laptop.sync();
    phone.json(&["edit", "sertraline", "--set", "dose=75 mg"]);
    laptop.json(&["edit", "sertraline", "--set", "dose=100 mg"]);
    for device in [phone, laptop, phone] {
        device.sync();
    }
}
