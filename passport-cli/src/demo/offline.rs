//! Everybody writes apart, and what they wrote comes together.

use super::people::{AMINA, Cast};
use super::stage::{DONE, Expected, Stage};
use super::start::days_ago;
use crate::error::CliError;
use crate::exit_code::ExitCode;

/// What the university must not learn.
const WHY: &[&str] = &["depressive", "Fernwood", "Sertraline", "Acute asthma"];

/// No network: everybody goes on writing.
pub(super) fn apart(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "Everybody writes, and there is no network",
        "The relay is switched off. Amina's phone says so and loses nothing.\n\
         Elm Street raises the dose to 100 mg, and records that Amina left Fernwood Hospital.\n\
         Amina, told otherwise on the ward, notes 75 mg. Neither knows of the other.",
    )?;
    stage.stop_relay();
    stage.run(&cast.phone, &["sync"], &Expected::code(ExitCode::RelayUnreachable))?;
    stage.run(
        &cast.elm,
        &["org", "--actor", "dr.patel", "edit", "Sertraline", "--set", "dose=100 mg"],
        &DONE,
    )?;
    let left = format!("discharged_on={}", days_ago(stage, 2));
    let due = format!("follow_up_due={}", days_ago(stage, -1));
    let discharge = [
        "org",
        "--actor",
        "dr.patel",
        "contribute",
        AMINA,
        "discharges",
        "--set",
        &left,
        "--set",
        "hospital=Fernwood Hospital",
        "--set",
        "setting=mental-health",
        "--set",
        "reason=Severe depressive episode",
        "--set",
        &due,
        "--set",
        "follow_up_with=Elm Street Surgery",
    ];
    let both = Expected::says(&["Recorded in discharges", "Recorded in discharge-notice"]);
    stage.run(&cast.elm, &discharge, &both)?;
    stage.run(&cast.phone, &["edit", "Sertraline", "--set", "dose=75 mg", "--yes"], &DONE)?;
    let note = "Confirmed with the student at registration";
    let annotate = ["org", "--actor", "nurse.lee", "annotate", "Penicillin", note];
    stage.run(&cast.campus, &annotate, &DONE)?;
    let about = "matters_most=Finishing my first year, and my sister Leila";
    stage.run(&cast.laptop, &["add", "about-me", "--set", about], &DONE)?;
    Ok(())
}

/// The exchanges run in no particular order, one of them by a folder.
pub(super) fn together_again(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "Together again, in any order",
        "Laptop and phone exchange by a folder, as if on a USB stick. Then the relay is back,\n\
         and everybody exchanges with it in whatever order they come.",
    )?;
    let stick = stage.dir().join("usb-stick");
    std::fs::create_dir_all(&stick)
        .map_err(|e| CliError::user("the folder cannot be made").caused_by(e))?;
    for device in [&cast.laptop, &cast.phone] {
        stage.run(device, &["sync", "--via", "usb-stick"], &DONE)?;
    }
    stage.run(&cast.phone, &["show", "about-me"], &Expected::says(&["my sister Leila"]))?;
    stage.start_relay()?;
    stage.run(&cast.campus, &["org", "sync"], &DONE)?;
    stage.run(&cast.phone, &["sync"], &DONE)?;
    stage.run(&cast.elm, &["org", "sync"], &DONE)?;
    stage.run(&cast.wellbeing, &["org", "sync"], &DONE)?;
    stage.run(&cast.phone, &["sync"], &DONE)?;
    stage.run(&cast.laptop, &["sync"], &DONE)?;
    Ok(())
}

/// What the university sees, and what not.
pub(super) fn university(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "The university asks",
        "The wellbeing service was never given the medicines: it is refused.\n\
         It learns that Amina left hospital, and by when somebody should see her; not why.",
    )?;
    let service = &cast.wellbeing;
    let show = ["org", "--actor", "m.okafor", "show", AMINA, "medications"];
    let refused = Expected::code(ExitCode::NoGrant).never(&["Sertraline"]);
    stage.run(service, &show, &refused)?;
    let says = [
        "1 student shares discharges with you",
        "Within 72 hours of discharge: 1",
        "recorded by Elm Street Surgery, unaltered",
        "No entry does not mean no discharge.",
    ];
    let check = ["org", "--actor", "m.okafor", "discharges"];
    stage.run(service, &check, &Expected::says(&says).never(WHY))?;
    let whole = ["org", "--actor", "m.okafor", "show", AMINA];
    stage.run(service, &whole, &Expected::says(&["Notice of discharge"]).never(WHY))?;
    Ok(())
}

/// Two doses, neither lost; Amina decides, and all see the same.
pub(super) fn conflict(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "Two doses, and who decides",
        "Neither value was lost, and neither won by being later. Amina rings the practice,\n\
         hears that 100 mg is right, and chooses it. Then everybody sees the same.",
    )?;
    let both = ["100 mg", "75 mg", "Elm Street Surgery"];
    stage.run(&cast.phone, &["conflicts"], &Expected::says(&both))?;
    let resolve = ["resolve", "Sertraline", "dose", "--value", "100 mg"];
    stage.run(&cast.phone, &resolve, &DONE)?;
    stage.run(&cast.phone, &["conflicts"], &Expected::says(&["No conflicts"]))?;
    stage.run(&cast.phone, &["sync"], &DONE)?;
    stage.run(&cast.laptop, &["sync"], &DONE)?;
    stage.run(&cast.elm, &["org", "sync"], &DONE)?;
    stage.run(&cast.campus, &["org", "sync"], &DONE)?;
    let own = ["show", "medications", "--json"];
    let mut views = Vec::new();
    for device in [&cast.phone, &cast.laptop] {
        views.push(sections(&stage.run(device, &own, &Expected::says(&["100 mg"]))?.stdout));
    }
    for (service, actor) in [(&cast.elm, "dr.patel"), (&cast.campus, "nurse.lee")] {
        let theirs = ["org", "--actor", actor, "show", AMINA, "medications", "--json"];
        views.push(sections(&stage.run(service, &theirs, &Expected::says(&["100 mg"]))?.stdout));
    }
    let same = views
        .first()
        .is_some_and(|first| !first.is_empty() && views.iter().all(|view| view == first));
    stage.check("phone, laptop and both practices show the same medicines, to the byte", same)
}

/// The sections of an answer, as they were printed.
fn sections(stdout: &str) -> String {
    let at = stdout.find("\"sections\":");
    at.and_then(|at| stdout.get(at..)).unwrap_or_default().trim_end().to_owned()
}
