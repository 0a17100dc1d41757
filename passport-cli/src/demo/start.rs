//! A passport, a second device, three services, and consent.

use serde_json::Value;

use super::people::{AMINA, CAMPUS, Cast, ELM, Person, WELLBEING};
use super::stage::{DONE, Expected, Stage};
use crate::error::CliError;
use crate::exit_code::ExitCode;

/// A day some days ago.
pub(super) fn days_ago(stage: &Stage<'_>, days: i64) -> String {
    stage.now().plus_days(-days).date()
}

fn text(json: &Value, member: &str) -> String {
    json.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A relay that carries, and a passport on a phone.
pub(super) fn relay_and_phone(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "A passport on a phone",
        "A relay carries sealed envelopes between people; it cannot open them.\n\
         Amina Yusuf is about to go to university. Her passport begins on her phone.",
    )?;
    let url = stage.start_relay()?;
    let init = ["init", "--name", AMINA, "--dob", "2006-03-14", "--remote", &url];
    stage.run(&cast.phone, &init, &Expected::says(&["recovery phrase"]))?;
    Ok(())
}

/// The laptop is let in, and both devices show the same four words.
pub(super) fn second_device(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "A second device",
        "The laptop asks to be let in. Both devices must show the same four words;\n\
         a relay that put another key in between could not make them match.",
    )?;
    let url = format!("http://{}", stage.relay_authority());
    let asked = stage.run(&cast.laptop, &["device", "add", "--remote", &url, "--json"], &DONE)?;
    let code = text(&asked.json(), "code");
    let approve = ["device", "approve", &code, "--name", "laptop", "--yes", "--json"];
    let approved = stage.run(&cast.phone, &approve, &DONE)?;
    let words = text(&approved.json(), "words");
    stage.run(&cast.phone, &["sync"], &DONE)?;
    let joined = stage.run(&cast.laptop, &["sync", "--yes"], &DONE)?;
    let same = !words.is_empty() && joined.stderr.contains(&words);
    stage.check(&format!("both devices show \"{words}\""), same)
}

/// What the hospital gave her goes in.
pub(super) fn hospital_record(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "What others wrote before",
        "Amina has a FHIR file from her last hospital stay. It goes in once, section by section.",
    )?;
    let record = include_str!("record.json")
        .replace("@EARLIER-IN@", &days_ago(stage, 75))
        .replace("@EARLIER-OUT@", &days_ago(stage, 70));
    stage.write("hospital.json", &record)?;
    let says = ["Medicines", "Allergies", "Discharges in full", "Notice of discharge"];
    stage.run(&cast.phone, &["import", "hospital.json"], &Expected::says(&says))?;
    Ok(())
}

/// Three services are set up; their cards are exchanged and their words compared.
pub(super) fn services(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "Three services and their cards",
        "Each service has a card that anybody may have, and four words that it tells in person.\n\
         Words that do not match are refused: the card could be somebody else's.",
    )?;
    let url = format!("http://{}", stage.relay_authority());
    let services: [(&Person, &str, &str); 3] = [
        (&cast.elm, "gp", "elm.card"),
        (&cast.campus, "gp", "campus.card"),
        (&cast.wellbeing, "university", "wellbeing.card"),
    ];
    for (at, (service, kind, file)) in services.into_iter().enumerate() {
        let init = ["org", "init", "--name", service.name, "--kind", kind, "--remote", &url];
        stage.run(service, &init, &DONE)?;
        let card = stage.run(service, &["org", "card", "-o", file, "--json"], &DONE)?;
        let phrase = text(&card.json(), "phrase");
        if at == 0 {
            let wrong = ["contact", "add", file, "--phrase", "never told by anybody"];
            let refused = Expected::code(ExitCode::VerificationFailed);
            stage.run(&cast.phone, &wrong, &refused)?;
        }
        let add = ["contact", "add", file, "--phrase", &phrase];
        stage.run(&cast.phone, &add, &Expected::says(&[service.name]))?;
    }
    Ok(())
}

/// Who may see what.
pub(super) fn consent(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "Consent, section by section",
        "Nothing was shared so far. Both practices may read and add to medicines and allergies.\n\
         Both learn of discharges in full. The university learns only that there was one.",
    )?;
    let shares: [(&[&str], &str, &str, &str); 4] = [
        (&["medications", "allergies"], ELM, "contribute", "care at home"),
        (&["medications", "allergies"], CAMPUS, "contribute", "care in term time"),
        (&["discharges", "discharge-notice"], ELM, "contribute", "after hospital"),
        (&["discharge-notice"], WELLBEING, "read", "support after hospital"),
    ];
    for (sections, with, can, purpose) in shares {
        let options = ["--with", with, "--can", can, "--purpose", purpose, "--yes"];
        let arguments = [&["share"], sections, &options].concat();
        stage.run(&cast.phone, &arguments, &Expected::says(&["active"]))?;
    }
    let full = ["share", "discharges", "--with", CAMPUS, "--purpose", "after hospital", "--yes"];
    stage.run(&cast.phone, &full, &Expected::says(&["active"]))?;
    Ok(())
}

/// Everybody receives what is meant for them, and the home practice writes its first entry.
pub(super) fn first_exchange(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "The first exchange",
        "What was shared reaches those it was shared with. Elm Street Surgery adds a medicine,\n\
         signed with its own key.",
    )?;
    stage.run(&cast.phone, &["sync"], &DONE)?;
    for service in [&cast.elm, &cast.campus, &cast.wellbeing] {
        stage.run(service, &["org", "sync"], &DONE)?;
    }
    stage.run(&cast.elm, &["org", "students"], &Expected::says(&[AMINA, "medications"]))?;
    let contribute = [
        "org",
        "--actor",
        "dr.patel",
        "contribute",
        AMINA,
        "medications",
        "--set",
        "item=Sertraline",
        "--set",
        "dose=50 mg",
    ];
    stage.run(&cast.elm, &contribute, &Expected::says(&["Recorded in medications"]))?;
    stage.run(&cast.elm, &["org", "sync"], &DONE)?;
    stage.run(&cast.phone, &["sync"], &DONE)?;
    let says = ["Sertraline", "recorded by Elm Street Surgery, unaltered", "Salbutamol"];
    stage.run(&cast.phone, &["show", "medications"], &Expected::says(&says))?;
    Ok(())
}
