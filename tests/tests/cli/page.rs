//! The record as a document for people.

use std::process::Command;

use super::{NOBODY, begun};

/// The text of a PDF, as another program reads it; none where that is not installed.
fn pdf_text(file: &str) -> Option<String> {
    let read = Command::new("pdftotext").args(["-layout", file, "-"]).output();
    let Ok(read) = read else {
        println!("SKIPPED: pdftotext is not installed, nothing else reads the PDF");
        return None;
    };
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    Some(String::from_utf8(read.stdout).unwrap())
}

#[test]
fn both_forms_say_what_matters_first_and_tell_none_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let add = |section: &str, fields: &[&str]| {
        let sets = fields.iter().flat_map(|f| ["--set", f]);
        let arguments: Vec<&str> = ["add", section].into_iter().chain(sets).collect();
        let _ = cli.run(&arguments).success();
    };
    add("allergies", &["agent=Penicillin", "reaction=<b>swollen</b> face", "criticality=high"]);
    add("allergies", &["agent=花生 peanut"]);
    add("medications", &["item=Sertraline", "dose=50 mg", "status=active"]);
    add("medications", &["item=Diazepam", "status=stopped"]);
    add("contacts", &["name=محمد يوسف", "phone=07700 900123", "emergency=yes"]);
    add("safety-plan", &["who_to_call=Mum first"]);
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let export = |form: &str, file: &str, sections: &[&str]| {
        let arguments = [&["export", "--format", form, "-o", file, "--json"], sections].concat();
        cli.run(&arguments).success().json()
    };

    let html = place("record.html");
    assert_eq!(export("html", &html, &[])["format"], "html");
    let html = std::fs::read_to_string(&html).unwrap();
    let glance = html.split("</section>").next().unwrap();
    let names = ["花生 peanut", "محمد يوسف"];
    for expected in
        ["Penicillin", "50 mg", "Mum first", "1 more, not taken now", "999"].iter().chain(&names)
    {
        assert!(glance.contains(expected), "{expected}\n{glance}");
    }
    assert!(glance.contains("&lt;b&gt;swollen&lt;/b&gt; face") && !html.contains("<b>"));
    // Nobody wrote anything of conditions; that is not the same as none.
    assert!(glance.contains("Nothing recorded here."), "{glance}");

    let (pdf, again) = (place("record.pdf"), place("again.pdf"));
    export("pdf", &pdf, &["allergies", "medications"]);
    export("pdf", &again, &["allergies", "medications"]);
    assert!(std::fs::read(&pdf).unwrap() == std::fs::read(&again).unwrap());
    if let Some(text) = pdf_text(&pdf) {
        let first = text.split('\u{c}').next().unwrap();
        for expected in ["Ada Example", "2005-03-14", "<b>swollen</b> face", "50 mg", "sheet 1 of"]
        {
            assert!(first.contains(expected), "{expected}\n{text}");
        }
        assert!(first.contains("Not part of this document."), "{text}");
        assert!(!first.contains("Mum first"), "a section that was not asked for: {text}");
        // A font of the machine shows it; where there is none, it is replaced and every sheet
        // says so.
        if !first.contains("花生 peanut") {
            assert!(first.contains("\u{fffd}\u{fffd} peanut"), "{text}");
            for sheet in text.trim_end_matches('\u{c}').split('\u{c}') {
                assert!(
                    sheet.contains("\u{fffd}: a character that this document has no letter"),
                    "{sheet}"
                );
            }
        }
    }
}

#[test]
fn somebodys_word_that_there_are_none_is_told_with_who_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let none = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{
        "resourceType":"AllergyIntolerance","id":"none","clinicalStatus":{"coding":[{
        "system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
        "code":"active"}]},"code":{"coding":[{"system":"http://snomed.info/sct",
        "code":"716186003","display":"No known allergy"}]},"patient":{"reference":"Patient/a"}}}]}"#;
    let file = folder.path().join("none.json");
    std::fs::write(&file, none).unwrap();
    let _ = cli.run(&["import", file.to_str().unwrap(), "--yes"]).success();
    let html = cli.run(&["export", "--format", "html", "-o", "-"]).success().stdout;
    assert!(html.contains("no known allergies: as recorded by the student, 2026-11-22."), "{html}");
}

#[test]
fn the_code_on_an_emergency_card_is_read_by_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let _ = cli.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (card, picture) = (place("card.pdf"), place("card"));
    let _ = cli.run(&["export", "--format", "card", "-o", &card]).success();
    let drawn = Command::new("pdftoppm")
        .args(["-r", "200", "-png", "-singlefile", &card, &picture])
        .output();
    let read = Command::new("zbarimg").args(["-q", &format!("{picture}.png")]).output();
    let (Ok(_), Ok(read)) = (drawn, read) else {
        println!("SKIPPED: pdftoppm or zbarimg is not installed, nothing else reads the code");
        return;
    };
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.contains("EMERGENCY Ada Example\n"), "{read}");
    assert!(read.contains("Allergies: Penicillin\n"), "{read}");
}
