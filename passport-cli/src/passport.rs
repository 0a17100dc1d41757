//! The holder's vault, opened, and what commands look up in it.

use std::time::Duration;

use passport_core::edit::{Remark, RemarkContent};
use passport_core::holder::{Holder, PendingDevice};
use passport_core::id::{OrganisationId, RemarkId};
use passport_core::ledger::{Contact, is_kept_back};
use passport_core::replica::EntryNow;
use passport_core::section::SectionName;
use passport_core::section::display::display_value;
use passport_core::vault::{KdfParams, SqliteVault, VaultError};
use passport_core::view::View;
use rand_core::CryptoRng;

use crate::app::App;
use crate::error::CliError;
use crate::names::{Candidate, resolve};
use crate::rng::os_rng;

/// How long a command waits for another to let go of the vault.
pub(crate) const WAIT: Duration = Duration::from_secs(10);

/// A student's passport on this device.
pub(crate) type Passport = Holder<SqliteVault>;

/// What is in a vault of the holder's side.
pub(crate) enum Opened {
    /// A device of the passport.
    Holder(Box<Passport>),
    /// A device that waits to be let in.
    Pending(Box<PendingDevice<SqliteVault>>),
}

/// Opens the vault in the home directory.
///
/// # Errors
/// Returns an error when there is none, or the passphrase does not open it.
pub(crate) fn unlock(app: &App) -> Result<SqliteVault, CliError> {
    app.home().existing_vault()?;
    let passphrase = app.passphrases().existing()?;
    Ok(SqliteVault::open(app.home().dir(), &passphrase, WAIT)?)
}

/// Opens the passport, and what is kept back too if its passphrase was given or `--private` says
/// so.
///
/// # Errors
/// As [`unlock`]; or the vault is somebody else's; or nothing is kept back under the passphrase.
pub(crate) fn open(app: &App) -> Result<Passport, CliError> {
    if app.opens_kept_back()? { open_kept_back(app) } else { open_without_kept_back(app) }
}

/// Opens the passport for these sections: with what is kept back, if that is among them.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_for(app: &App, sections: &[SectionName]) -> Result<Passport, CliError> {
    if sections.iter().any(is_kept_back) { open_kept_back(app) } else { open(app) }
}

/// Opens the passport and what is kept back.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_kept_back(app: &App) -> Result<Passport, CliError> {
    let mut passport = open_without_kept_back(app)?;
    let passphrase = app.kept_back().existing()?;
    passport.open_kept_back(&passphrase, app.now(), &mut os_rng()?)?;
    Ok(passport)
}

/// Opens the passport alone.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_without_kept_back(app: &App) -> Result<Passport, CliError> {
    match open_any(app)? {
        Opened::Holder(holder) => Ok(*holder),
        Opened::Pending(_) => Err(CliError::user("this device was not let in yet")
            .hint("approve it on another device with `passport device approve CODE`")
            .hint("then `passport sync` there, and here")),
    }
}

/// Opens the passport, or the device that waits to join one.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_any(app: &App) -> Result<Opened, CliError> {
    opened(unlock(app)?)
}

/// What is in a vault.
///
/// # Errors
/// As [`open`].
pub(crate) fn opened(vault: SqliteVault) -> Result<Opened, CliError> {
    if PendingDevice::is_in(&vault)? {
        return Ok(Opened::Pending(Box::new(PendingDevice::open(vault)?)));
    }
    Ok(Opened::Holder(Box::new(Holder::open(vault)?)))
}

/// Makes a vault, and something in it with `fill`; when that fails, no vault is left.
///
/// # Errors
/// Returns what `fill` does, or why there can be no vault.
pub(crate) fn create<T>(
    app: &App,
    rng: &mut dyn CryptoRng,
    fill: impl FnOnce(SqliteVault, &mut dyn CryptoRng) -> Result<T, CliError>,
) -> Result<T, CliError> {
    if app.home().existing_vault().is_ok() {
        return Err(VaultError::Exists.into());
    }
    // Asked for first: without a passphrase not even a directory is made.
    let passphrase = app.passphrases().chosen()?;
    app.home().new_vault()?;
    let vault = SqliteVault::create(app.home().dir(), &passphrase, KdfParams::default(), rng)?;
    // Nothing of worth is in it yet.
    fill(vault, rng).inspect_err(|_| app.home().delete_vault())
}

/// What this device is called when nobody says: the machine's own name, if it tells.
pub(crate) fn device_name() -> String {
    let named = ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let file = || std::fs::read_to_string("/etc/hostname").ok();
    let name = named.or_else(file).map(|n| n.trim().chars().take(60).collect::<String>());
    name.filter(|n| !n.is_empty()).unwrap_or_else(|| "device".to_owned())
}

/// What people call an entry: its label, or else its kind.
pub(crate) fn label(section: &SectionName, entry: &EntryNow) -> String {
    let kind = section.spec().kind(&entry.kind);
    let field = kind.and_then(|k| entry.fields.get(k.label)?.versions.first());
    field.map_or_else(|| entry.kind.clone(), |v| display_value(&v.value))
}

/// The entry that `text` names, and its section.
///
/// # Errors
/// Returns an error when none fits, or several.
pub(crate) fn entry(
    passport: &mut Passport,
    text: &str,
) -> Result<(SectionName, EntryNow), CliError> {
    let mut all = Vec::new();
    for section in passport.sections() {
        let view = passport.view(&section)?;
        all.extend(view.entries.into_iter().map(|e| (section.clone(), e)));
    }
    let candidates: Vec<Candidate> = all
        .iter()
        .map(|(section, e)| Candidate { id: e.id.to_string(), name: label(section, e) })
        .collect();
    let place = resolve("entry", text, &candidates)?;
    Ok(all.swap_remove(place))
}

/// The contact that `text` names.
///
/// # Errors
/// Returns an error when none fits, or several.
pub(crate) fn contact(
    passport: &Passport,
    text: &str,
) -> Result<(OrganisationId, Contact), CliError> {
    let all: Vec<(&OrganisationId, &Contact)> = passport.fold().contacts.iter().collect();
    let candidates: Vec<Candidate> = all
        .iter()
        .map(|(id, c)| Candidate { id: id.to_string(), name: c.card.name.clone() })
        .collect();
    let place = resolve("contact", text, &candidates)?;
    let found = all.get(place).map(|(id, c)| (**id, (*c).clone()));
    found.ok_or_else(|| CliError::user("there is no such contact"))
}

/// An open suggestion, with where it is.
pub(crate) struct OpenSuggestion {
    /// Its section.
    pub(crate) section: SectionName,
    /// What the entry is called.
    pub(crate) label: String,
    /// The suggestion.
    pub(crate) remark: Remark,
    /// Who suggests it.
    pub(crate) by: String,
}

impl OpenSuggestion {
    /// The field it would change, and to what in words.
    pub(crate) fn change(&self) -> (&str, String) {
        match &self.remark.content {
            RemarkContent::Suggestion { field, value } => {
                (field, value.as_ref().map_or_else(|| "(clear it)".to_owned(), display_value))
            }
            RemarkContent::Note(_) => ("", String::new()),
        }
    }
}

/// Every open suggestion of the passport.
///
/// # Errors
/// Returns an error when a section cannot be read.
pub(crate) fn suggestions(passport: &mut Passport) -> Result<Vec<OpenSuggestion>, CliError> {
    let mut all = Vec::new();
    for section in passport.sections() {
        let view = passport.view(&section)?;
        all.extend(view.open_suggestions().map(|(entry, remark)| OpenSuggestion {
            section: section.clone(),
            label: label(&section, entry),
            remark: remark.clone(),
            by: view.name(remark.author).to_owned(),
        }));
    }
    Ok(all)
}

/// The open suggestion that `text` names.
///
/// # Errors
/// Returns an error when none fits, or several.
pub(crate) fn suggestion(passport: &mut Passport, text: &str) -> Result<RemarkId, CliError> {
    let all = suggestions(passport)?;
    let candidates: Vec<Candidate> = all
        .iter()
        .map(|s| Candidate { id: s.remark.id.to_string(), name: s.label.clone() })
        .collect();
    let place = resolve("suggestion", text, &candidates)?;
    let found = all.get(place).map(|s| s.remark.id);
    found.ok_or_else(|| CliError::user("there is no such suggestion"))
}

/// Views of these sections; sections that are not there yet have none.
///
/// # Errors
/// Returns an error when a section cannot be read.
pub(crate) fn views(
    passport: &mut Passport,
    sections: &[SectionName],
) -> Result<Vec<View>, CliError> {
    sections.iter().map(|section| Ok(passport.view(section)?)).collect()
}

/// Asks before something goes to sections that others read, naming who they are.
///
/// # Errors
/// Returns an error when the answer is no.
pub(crate) fn ask_who_sees(
    app: &App,
    passport: &Passport,
    sections: &[SectionName],
) -> Result<(), CliError> {
    let mut readers: Vec<String> = Vec::new();
    for section in sections {
        for grant in passport.fold().in_force(section, app.now()) {
            if grant.grant.can == passport_core::epoch::Right::Deposit {
                continue;
            }
            let contact = passport.fold().contacts.get(&grant.grant.organisation);
            let name = contact.map_or("a former contact", |c| c.card.name.as_str());
            let line = format!("{name} ({})", section.spec().title);
            if !readers.contains(&line) {
                readers.push(line);
            }
        }
    }
    if readers.is_empty() {
        return Ok(());
    }
    let listed = passport_core::section::display::neutralise_line(&readers.join(", "));
    app.output().say(&format!("This will be seen by: {listed}."));
    app.confirm().ask("Go on?")
}
