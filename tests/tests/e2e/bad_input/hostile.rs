//! Files that are made to break what reads them: each is refused in words, in a bounded time, with
//! no more memory than a small machine has, and changes nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use passport_tests::{Cli, Output, Stage};

use super::{NOW, refused};

/// Address space of the program, in KiB: 1 GiB, of which its own code and the vault take a part.
const MEMORY_KIB: usize = 1024 * 1024;
/// No file takes longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_mins(1);
const MIB: usize = 1024 * 1024;

/// Runs the program with no more memory than allowed.
fn bounded(cli: &Cli, arguments: &[&str]) -> Output {
    let plain = cli.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"")]);
    shell.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.stdin(Stdio::null()).output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn nested(kind: &str, depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    format!("{{\"resourceType\":\"{kind}\",\"x\":{open}{close}}}")
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    core::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
}

/// Attributes, each of another name.
fn attributes(n: usize) -> String {
    (0..n).flat_map(|n| [" a".to_owned(), n.to_string(), "=\"b\"".to_owned()]).collect()
}

/// Elements within elements, each with a prefix of its own.
fn prefixes(n: usize) -> String {
    let open = |n: usize| ["<a xmlns:n".to_owned(), n.to_string(), "=\"u\">".to_owned()];
    let open: String = (0..n).flat_map(open).collect();
    format!("<Patient>{open}{}</Patient>", "</a>".repeat(n))
}

const PATIENT: &str = r#"{"resourceType":"Patient","name":[{"text":"Ada Example"}],
    "birthDate":"2005-03-14"}"#;
const LAUGHS: &str = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
    <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Patient><name><text value="&c;"/></name></Patient>"#;

/// Files of which nothing can be taken in, and a word of why.
fn hopeless() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |name, text: &str, why| (name, text.as_bytes().to_vec(), why);
    let bundle = |entries: &str| format!("{{\"resourceType\":\"Bundle\",\"entry\":[{entries}]}}");
    let latin: Vec<u8> =
        PATIENT.replace("Ada", "Zo#").bytes().map(|b| if b == b'#' { 0xeb } else { b }).collect();
    let xml =
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Patient><id value=\"Ã©\"/></Patient>";
    let members: String =
        (0..3_000_000).flat_map(|n| [",\"".to_owned(), n.to_string(), "\":0".to_owned()]).collect();
    let digits = format!("shc:/{}", "56".repeat(25 * MIB));
    vec![
        text("twice", r#"{"resourceType":"Patient","id":"a","id":"b"}"#, "twice"),
        text(
            "twice, deep inside",
            r#"{"resourceType":"MedicationStatement","dosage":[{"text":"one","text":"ten"}]}"#,
            "twice",
        ),
        text("deep", &nested("Patient", 25 * MIB), "too large"),
        text("deeper than read", &nested("Basic", 200), "too deeply"),
        text("entities", LAUGHS, "neither JSON nor XML"),
        text(
            "a file by entity",
            r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Patient><id value="&a;"/></Patient>"#,
            "neither",
        ),
        text("tags", &"<a>".repeat(5 * MIB), "neither"),
        text("attributes", &format!("<Patient><a{}/></Patient>", attributes(1_000_000)), "neither"),
        text("prefixes", &prefixes(60_000), "neither"),
        text(
            "a number",
            &format!("{{\"resourceType\":\"Basic\",\"x\":1{}}}", "0".repeat(50 * MIB)),
            "too large",
        ),
        text("many entries", &bundle(&vec!["{}"; 200_000].join(",")), "more than"),
        text(
            "a long list",
            &format!("{{\"resourceType\":\"Basic\",\"x\":[{}0]}}", "0,".repeat(20 * MIB)),
            "too large",
        ),
        text("many members", &format!("{{\"resourceType\":\"Basic\"{members}}}"), "too large"),
        text("cut", &PATIENT[..PATIENT.len() - 1], "neither"),
        text("a cut tag", "<Patient><name><text value=\"Ada", "neither"),
        text("NUL in a name", &PATIENT.replace("Ada", "A\0a"), "neither"),
        ("NULs", vec![0; MIB], "neither"),
        ("UTF-16", utf16(PATIENT, false), "UTF-8"),
        ("UTF-16, the other way", utf16(PATIENT, true), "UTF-8"),
        ("Latin-1", latin, "UTF-8"),
        text("letters that say they are others", xml, "neither"),
        text(
            "a long line",
            &format!("{{\"resourceType\":\"Basic\",\"x\":\"{}\"}}", "x".repeat(50 * MIB)),
            "too large",
        ),
        ("too large", vec![b' '; 64 * MIB + 1], "larger than"),
        text("digits", &digits, "health card"),
        text("lines of nothing", &"\n".repeat(50 * MIB), "neither"),
    ]
}

#[test]
fn hostile_files_are_refused_in_words_within_bounds() {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let before = phone.json(&["show"]);
    let mut wrong = Vec::new();
    for (name, bytes, why) in hopeless() {
        let file = stage.path("hostile");
        std::fs::write(&file, &bytes).unwrap();
        let file = file.to_str().unwrap();
        let began = now();
        let output = bounded(&phone.cli, &["import", file, "--json", "--yes"]);
        let took = began.elapsed();
        println!("{name}: {} bytes, {took:?}", bytes.len());
        wrong.extend(refused(name, &output, 1));
        if !output.stderr.contains(why) || took > PATIENCE {
            wrong.push(format!("{name}: {took:?}, not for {why}: {}", output.stderr));
        }
        let checked = bounded(&phone.cli, &["check", file, "--json"]);
        if !matches!(checked.code, Some(1 | 21)) {
            wrong.push(format!("{name}, checked: {:?} {}", checked.code, checked.stderr));
        }
    }
    assert_eq!(phone.json(&["show"]), before, "something was taken in");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "whether a file ends in time is what is tested")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn what_is_only_partly_hostile_is_taken_in_for_the_rest() {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let import = |text: &str| {
        let file = stage.path("hostile.ndjson");
        std::fs::write(&file, text).unwrap();
        bounded(&phone.cli, &["import", file.to_str().unwrap(), "--json", "--yes"]).success().json()
    };
    // A line of 50 MiB among lines.
    let flag = r#"{"resourceType":"Flag","code":{"text":"Lives alone"}}"#;
    let long = format!("{{\"resourceType\":\"Basic\",\"x\":\"{}\"}}", "x".repeat(50 * MIB));
    let taken = import(&format!("{flag}\n{long}\n"));
    assert_eq!(taken["entries"][0]["section"], "risks");
    assert_eq!(taken["skipped"][0]["reason"], "too large");
    // References that lead around in a circle lead nowhere.
    let circle = r##"{"resourceType":"Bundle","type":"document","entry":[
        {"resource":{"resourceType":"Composition","id":"c","encounter":{"reference":"Composition/c"},
          "type":{"coding":[{"code":"373942005"}]},"custodian":{"reference":"Organization/o"}}},
        {"resource":{"resourceType":"Organization","id":"o","partOf":{"reference":"Organization/o"}}},
        {"resource":{"resourceType":"MedicationStatement","id":"m","contained":[{"resourceType":
          "Medication","id":"m","ingredient":[{"itemReference":{"reference":"#m"}}]}],
          "medicationReference":{"reference":"#m"},"partOf":[{"reference":"MedicationStatement/m"}]}},
        {"resource":{"resourceType":"Encounter","id":"e","partOf":{"reference":"Encounter/e"},
          "diagnosis":[{"condition":{"reference":"Condition/d"}}]}},
        {"resource":{"resourceType":"Condition","id":"d","code":{"text":"Asthma"},
          "evidence":[{"detail":[{"reference":"Condition/d"}]}]}}]}"##;
    let taken = import(circle);
    assert!(taken["entries"].to_string().contains("problems"), "{taken}");
    // Numbers beyond all measure are kept as they came and believed nowhere.
    let number = r#"{"resourceType":"Observation","code":{"text":"Weight"},
        "valueQuantity":{"value":1e999999999,"unit":"kg"}}"#;
    assert_eq!(import(number)["entries"][0]["section"], "results");
    let shown = phone.json(&["show", "results"]);
    let fields = &shown["sections"][0]["entries"][0]["fields"];
    assert!(fields.get("value").is_none(), "{fields}");
    assert!(
        fields["source"].to_string().contains("1e999999999")
            || fields["source"].to_string().contains("1e+999999999"),
        "{fields}"
    );
}
