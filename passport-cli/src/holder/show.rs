//! `passport show`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use passport_core::epoch::Right;
use passport_core::holder::Recovered;
use passport_core::section::SectionName;
use passport_core::section::display::display_value;
use passport_core::view::{SectionView, View};
use serde::Serialize;

use crate::app::App;
use crate::attached::{self, Listed};
use crate::error::CliError;
use crate::help;
use crate::holder::recover::caution;
use crate::passport::{self, Passport};
use crate::render::{self, Reader, Section};

/// Shows your record, a section or an entry
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport show\n\
\x20 passport show medications\n\
\x20 passport show --as-seen-by \"Campus Medical\""))]
pub(crate) struct Show {
    /// A section or an entry; everything when left out
    #[arg(value_name = "SECTION|ENTRY")]
    what: Option<String>,
    /// Shows exactly what this contact can see now
    #[arg(long, value_name = "CONTACT")]
    as_seen_by: Option<String>,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { what, as_seen_by } = self;
        let what = what.map(|w| (w.parse::<SectionName>(), w));
        let named: Vec<SectionName> = what.iter().filter_map(|(s, _)| s.clone().ok()).collect();
        let mut passport = passport::open_for(app, &named)?;
        let seen = match as_seen_by {
            None => None,
            Some(contact) => Some(seen_by(app, &passport, &contact)?),
        };
        let reader = if seen.is_some() { Reader::Organisation } else { Reader::Holder };
        let (mut sections, mut only) = (seen.clone().unwrap_or_else(|| passport.sections()), None);
        let whole = what.is_none();
        match what {
            None => {}
            Some((Ok(section), _)) => {
                if !sections.contains(&section) {
                    return Err(not_there(seen.is_some(), &section));
                }
                sections = vec![section];
            }
            Some((Err(_), name)) => {
                let (section, entry) = passport::entry(&mut passport, &name)?;
                if !sections.contains(&section) {
                    return Err(not_there(seen.is_some(), &section));
                }
                sections = vec![section];
                only = Some(entry.id);
            }
        }
        let mut views = passport::views(&mut passport, &sections)?;
        if let Some(id) = only {
            for view in &mut views {
                view.entries.retain(|e| e.id == id);
            }
        }
        let shown = Shown::of(&mut passport, &views, seen.is_some())?;
        app.output().answer(&shown, |_| {
            // Everything at once is long enough without headings of what is empty.
            let filled = views.iter().filter(|v| !whole || !v.entries.is_empty());
            let mut text = render::screen(&filled.map(Section::of).collect::<Vec<_>>(), reader);
            text.push_str(&attached::words(&shown.files, "passport save"));
            // Writing to a String cannot fail.
            if !shown.behind.is_empty() {
                let _ = writeln!(text, "\n{}", behind(&shown.behind));
            }
            if let Some(recovered) = &shown.recovered {
                let _ = writeln!(text, "\n{}", caution(recovered));
            }
            text
        })
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub(crate) struct Shown {
    passport: String,
    holder: BTreeMap<&'static str, String>,
    sections: Vec<SectionView>,
    /// Apart from the sections, which are the same for all who see them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Listed>,
    /// Sections that began anew on another device, of which that has not come here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    behind: Vec<SectionName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<Recovered>,
}

impl Shown {
    /// These views of a passport; `as_seen`: through another's eyes.
    ///
    /// # Errors
    /// Returns an error when the passport cannot be read.
    pub(crate) fn of(
        passport: &mut Passport,
        views: &[View],
        as_seen: bool,
    ) -> Result<Self, CliError> {
        let mut behind = Vec::new();
        for view in views {
            if !passport.is_here(&view.section)? {
                behind.push(view.section.clone());
            }
        }
        Ok(Self {
            behind,
            passport: passport.passport().to_string(),
            holder: who(passport, as_seen)?,
            sections: views.iter().map(View::to_json).collect(),
            files: attached::listed(views, |file| passport.file_state(file)),
            recovered: if as_seen { None } else { passport.recovered()? },
        })
    }
}

fn behind(sections: &[SectionName]) -> String {
    let names: Vec<&str> = sections.iter().map(SectionName::as_str).collect();
    format!(
        "Not all has come yet of: {}. This is how it stood before; `passport sync` fetches the \
         rest.",
        names.join(", ")
    )
}

/// The sections that a contact can read now.
fn seen_by(app: &App, passport: &Passport, name: &str) -> Result<Vec<SectionName>, CliError> {
    let (id, _) = passport::contact(passport, name)?;
    let reads = |section: &SectionName| {
        let mut grants = passport.fold().in_force(section, app.now());
        grants.any(|g| g.grant.organisation == id && g.grant.can != Right::Deposit)
    };
    Ok(passport.sections().into_iter().filter(reads).collect())
}

fn not_there(as_seen: bool, section: &SectionName) -> CliError {
    if as_seen {
        CliError::user(format!("this contact cannot see `{section}`"))
    } else {
        CliError::user(format!("there is nothing in `{section}` yet"))
            .hint(format!("`passport add {section}` begins it"))
    }
}

/// Who the student is: the name alone where others look.
///
/// # Errors
/// Returns an error when the passport cannot be read.
pub(crate) fn who(
    passport: &mut Passport,
    as_seen: bool,
) -> Result<BTreeMap<&'static str, String>, CliError> {
    let mut who = BTreeMap::from([("name", passport.name()?)]);
    let identity = passport.sections().into_iter().find(|s| s.as_str() == "identity");
    let Some(section) = identity.filter(|_| !as_seen) else { return Ok(who) };
    let view = passport.view(&section)?;
    for field in ["date_of_birth", "nhs_number", "pronouns"] {
        let said = view.entries.iter().find_map(|e| e.fields.get(field)?.settled());
        who.extend(said.map(|v| (field, display_value(&v.value))));
    }
    Ok(who)
}
