//! What the domain refused, in an organisation's words.

use passport_core::party::PartyError;
use passport_core::replica::Refusal;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;

use crate::error::CliError;
use crate::exit_code::ExitCode;

/// Why the organisation's vault or record would not do it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is said as to a student, in one place"
)]
pub(super) fn refused(error: PartyError) -> CliError {
    match error {
        PartyError::NotOrganisation | PartyError::NotHolder => {
            CliError::user("this vault is not an organisation's")
                .hint("it holds a student's passport: use the commands without `org`")
                .hint("or name the organisation's directory with --home DIR")
        }
        PartyError::NoGrant | PartyError::NoEpoch => {
            CliError::new(ExitCode::NoGrant, "no consent in force allows this").hint(STUDENTS)
        }
        PartyError::NotHere => CliError::user("not all of this section has come yet")
            .hint("`passport org sync` fetches the rest; nothing was changed"),
        PartyError::NoEntry => CliError::user("there is no such entry in what is shared with you"),
        PartyError::Refused(refusal) => edit(refusal),
        PartyError::Card(source) => {
            CliError::usage("others would not accept this card").caused_by(source)
        }
        PartyError::Damaged | PartyError::Journal(_) => {
            CliError::new(ExitCode::VaultDamaged, "the vault's records do not fit together")
                .caused_by(error)
                .hint("restore it from a backup; what was sent is with the student too")
        }
        other => other.into(),
    }
}

const STUDENTS: &str = "`passport org students` lists what is shared with you, and until when";

/// Nothing of a section was ever shared.
pub(super) fn never_shared(student: &str, section: &SectionName) -> CliError {
    let said =
        format!("{} does not share `{section}` with this organisation", neutralise_line(student));
    CliError::new(ExitCode::NoGrant, said)
        .hint(STUDENTS)
        .hint("only the student can share it: ask them, and run `passport org sync` afterwards")
}

/// Why an entry could not be written about.
pub(super) fn writing(error: PartyError, student: &str, section: &SectionName) -> CliError {
    if error == PartyError::NoGrant { not_writable(student, section) } else { refused(error) }
}

/// There is consent to read, or was to write, but none to write now.
pub(super) fn not_writable(student: &str, section: &SectionName) -> CliError {
    let said = format!(
        "{} gives this organisation no consent in force to add to `{section}`",
        neutralise_line(student)
    );
    CliError::new(ExitCode::NoGrant, said)
        .hint(STUDENTS)
        .hint("the student can allow it: passport share … --can contribute")
}

fn edit(refusal: Refusal) -> CliError {
    if matches!(refusal, Refusal::NotOwn | Refusal::Right) {
        return CliError::user("the change was not accepted; nothing was changed")
            .caused_by(refusal)
            .hint("an organisation changes only what it recorded itself")
            .hint("suggest it instead: passport org suggest STUDENT ENTRY --set FIELD=VALUE");
    }
    if matches!(refusal, Refusal::Contested) {
        return CliError::user("the change was not accepted; nothing was changed")
            .caused_by(refusal)
            .hint("several values stand in this field; the student chooses one");
    }
    PartyError::Refused(refusal).into()
}
