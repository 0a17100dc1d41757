//! The organisation's installation, opened for one command, and whom and what a command names.

use passport_core::id::PassportId;
use passport_core::organisation::{AuditRecord, HeldGrant, HeldState, Organisation, StudentName};
use passport_core::party::PartyError;
use passport_core::receipt::Access;
use passport_core::replica::EntryNow;
use passport_core::section::{SectionName, display::neutralise_line};
use passport_core::time::Timestamp;
use passport_core::vault::SqliteVault;
use passport_core::view::View;

use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::names::{self, Candidate};
use crate::passport;

/// An organisation whose vault is a file.
pub(super) type Party = Organisation<SqliteVault>;

/// Opens the organisation of the home directory.
///
/// # Errors
/// Returns an error when there is none, or the passphrase is wrong.
pub(super) fn open(app: &App) -> Result<Party, CliError> {
    Organisation::open(passport::unlock(app)?).map_err(fault::refused)
}

/// Students who ever shared something, by name.
pub(super) fn students(party: &Party) -> Vec<StudentName> {
    let mut ids: Vec<PassportId> = party.grants().iter().map(|g| g.grant.passport).collect();
    ids.dedup();
    let mut all: Vec<StudentName> =
        ids.into_iter().map(|id| StudentName { id, name: party.student_name(id) }).collect();
    all.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    all
}

/// The student that `text` names.
///
/// # Errors
/// Returns an error when none or several fit; exit code 20 for a passport that shares nothing.
pub(super) fn student(party: &Party, text: &str) -> Result<StudentName, CliError> {
    let mut all = students(party);
    let known = |id: PassportId| all.iter().any(|s| s.id == id);
    let foreign = text.trim().parse::<PassportId>().is_ok_and(|id| !known(id));
    if all.is_empty() || foreign {
        let said = format!("`{}` shares nothing with this organisation", neutralise_line(text));
        return Err(CliError::new(ExitCode::NoGrant, said)
            .hint("fetch what students shared with `passport org sync`")
            .hint("only the student can share; give them your card: passport org card -o FILE"));
    }
    let candidates: Vec<Candidate> =
        all.iter().map(|s| Candidate { id: s.id.to_string(), name: s.name.clone() }).collect();
    let place = names::resolve("student", text, &candidates)?;
    Ok(all.swap_remove(place))
}

/// An entry, where it is and whose.
pub(super) struct FoundEntry {
    pub(super) student: StudentName,
    pub(super) section: SectionName,
    pub(super) entry: EntryNow,
}

/// The entry that `text` names, of one student or of all.
///
/// # Errors
/// Returns an error when none or several fit.
pub(super) fn entry(
    party: &mut Party,
    of: Option<&StudentName>,
    text: &str,
) -> Result<FoundEntry, CliError> {
    let students = of.map_or_else(|| students(party), |s| vec![s.clone()]);
    let mut all = Vec::new();
    for student in students {
        for view in views(party, &student)? {
            for entry in view.entries {
                let section = view.section.clone();
                all.push(FoundEntry { student: student.clone(), section, entry });
            }
        }
    }
    let candidates: Vec<Candidate> = all
        .iter()
        .map(|f| Candidate {
            id: f.entry.id.to_string(),
            name: passport::label(&f.section, &f.entry),
        })
        .collect();
    let place = names::resolve("entry", text, &candidates)?;
    Ok(all.swap_remove(place))
}

/// Every section of a student that can be read, in the table's order.
///
/// # Errors
/// Returns an error when the vault is damaged.
pub(super) fn views(party: &mut Party, student: &StudentName) -> Result<Vec<View>, CliError> {
    let mut views = Vec::new();
    for section in party.sections(student.id) {
        match party.view(student.id, &section) {
            Ok(view) => views.push(view),
            // Its first envelope has not come yet.
            Err(PartyError::NoGrant) => {}
            Err(error) => return Err(fault::refused(error)),
        }
    }
    Ok(views)
}

/// How the consent for a section ended, if no other is in force.
pub(super) struct Ended {
    /// When.
    pub(super) at: Timestamp,
    /// Whether the student took it back; otherwise it ran out.
    pub(super) withdrawn: bool,
}

/// Whether and how the consent for a section has ended.
pub(super) fn ended(
    party: &Party,
    student: PassportId,
    section: &SectionName,
    now: Timestamp,
) -> Option<Ended> {
    let grants = party.grants();
    let of: Vec<&&HeldGrant> = grants
        .iter()
        .filter(|g| g.grant.passport == student && g.grant.section == *section)
        .collect();
    if of.iter().any(|g| g.state(now) == HeldState::Active) {
        return None;
    }
    let ends = of.iter().filter_map(|g| match g.withdrawn_at {
        Some(at) => Some(Ended { at, withdrawn: true }),
        None => g.grant.until.map(|at| Ended { at, withdrawn: false }),
    });
    ends.max_by_key(|e| e.at)
}

/// Notes in the organisation's own log who did what with sections of a student, and for the
/// student that it was done.
///
/// # Errors
/// Returns an error when nobody is named, or nothing could be written; then the record must not
/// be shown.
pub(super) fn audit<'a>(
    party: &mut Party,
    app: &App,
    student: PassportId,
    sections: impl IntoIterator<Item = &'a SectionName>,
    what: Access,
) -> Result<(), CliError> {
    let opened: Vec<_> = sections.into_iter().map(|s| (student, s.clone())).collect();
    audit_all(party, app, &opened, what)
}

/// Notes the same of sections of several students, all or none.
///
/// # Errors
/// As [`audit`].
pub(super) fn audit_all(
    party: &mut Party,
    app: &App,
    opened: &[(PassportId, SectionName)],
    what: Access,
) -> Result<(), CliError> {
    let actor = app.actor()?;
    if opened.is_empty() {
        return Ok(());
    }
    let record = |(student, section): &(PassportId, SectionName)| AuditRecord {
        at: app.now(),
        actor: actor.to_owned(),
        role: app.role().to_owned(),
        student: *student,
        section: section.clone(),
        what,
    };
    let records: Vec<AuditRecord> = opened.iter().map(record).collect();
    party.audit(&records).map_err(fault::refused)
}
