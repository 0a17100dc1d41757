//! Consent is withdrawn, and the relay is searched.

use super::people::{AMINA, CAMPUS, Cast};
use super::search;
use super::stage::{DONE, Expected, RELAY_FILE, Stage};
use crate::error::CliError;
use crate::exit_code::ExitCode;

/// What must not be found at the relay.
const WORDS: &[&str] =
    &["Amina", "Yusuf", "Sertraline", "Mirtazapine", "Penicillin", "Fernwood", "depressive"];

/// The campus practice loses its consent, and what comes after stays closed to it.
pub(super) fn revoked(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "Consent is withdrawn",
        "Amina moves practices and withdraws what Campus Medical Centre may see. What it read\n\
         before it may have kept; what comes after is sealed with keys that it never gets.",
    )?;
    stage.run(&cast.phone, &["revoke", CAMPUS], &Expected::says(&["revoked"]))?;
    let add = ["add", "medications", "--set", "item=Mirtazapine", "--set", "dose=15 mg", "--yes"];
    stage.run(&cast.phone, &add, &DONE)?;
    stage.run(&cast.phone, &["sync"], &DONE)?;
    stage.run(&cast.elm, &["org", "sync"], &DONE)?;
    stage.run(&cast.campus, &["org", "sync"], &DONE)?;
    let elm = ["org", "--actor", "dr.patel", "show", AMINA, "medications"];
    stage.run(&cast.elm, &elm, &Expected::says(&["Mirtazapine", "Sertraline"]))?;
    let show = ["org", "--actor", "nurse.lee", "show", AMINA, "medications"];
    let before = Expected::says(&["withdrawn by the student", "Sertraline"]);
    stage.run(&cast.campus, &show, &before.never(&["Mirtazapine"]))?;
    stage
        .tell("Everything that its vault can open, edit by edit, knows nothing of the new one:")?;
    let history = ["org", "--actor", "nurse.lee", "history", AMINA];
    let told = Expected::says(&["Sertraline"]).never(&["Mirtazapine"]);
    stage.run(&cast.campus, &history, &told)?;
    let write = ["contribute", AMINA, "medications", "--set", "item=Fluoxetine"];
    let write = [&["org", "--actor", "nurse.lee"][..], &write].concat();
    stage.run(&cast.campus, &write, &Expected::code(ExitCode::NoGrant))?;
    Ok(())
}

/// All that the relay has is searched for what it must not know.
pub(super) fn blind_relay(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    stage.scene(
        "What the relay knows",
        "The relay carried all of it. Its whole database is searched for Amina's name, her\n\
         medicines and the hospital; then the same search runs over an unsealed copy.",
    )?;
    stage.stop_relay();
    let export = ["export", "--format", "json", "-o", "unsealed.json"];
    stage.run(&cast.phone, &export, &DONE)?;
    let (bytes, at_relay) = search::files(stage.dir(), RELAY_FILE, WORDS)?;
    let (_, unsealed) = search::files(stage.dir(), "unsealed.json", WORDS)?;
    let claim = format!("{bytes} bytes of the relay hold none of: {}", WORDS.join(", "));
    stage.check(&claim, bytes > 0 && at_relay.is_empty())?;
    stage.check("the same search finds all of them in the unsealed copy", unsealed == WORDS)
}
