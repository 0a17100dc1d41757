//! `passport share`.

use clap::Args;
use passport_core::epoch::Right;
use passport_core::grant::Grant;
use passport_core::ledger::Contact;
use passport_core::party::PartyError;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;

use crate::app::App;
use crate::choice::Can;
use crate::consent::{self, GrantLine};
use crate::duration::When;
use crate::error::CliError;
use crate::help;
use crate::passport::{self, Passport};
use crate::render::{self, Reader, Section};
use crate::rng::os_rng;

/// Shares sections with a contact, until a date
///
/// You are shown what the contact will see, and asked, before anything is shared. It ends by
/// itself: after 12 months, at a university with the academic year, unless you say otherwise.
/// You can end it at any time with `passport revoke`; what was read before may have been kept.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport share medications allergies --with \"Campus Medical\" --purpose \"term-time care\"\n\
\x20 passport share discharge-notice --with Wellbeing --purpose \"after hospital\" --until 2027-07\n\
\x20 passport share plan --with Wellbeing --purpose \"shared plan\" --can contribute --until \"6 months\""))]
pub(crate) struct Share {
    /// The sections to share
    #[arg(value_name = "SECTION", required = true)]
    sections: Vec<SectionName>,
    /// Who will see them
    #[arg(long = "with", value_name = "CONTACT")]
    contact: String,
    /// What for, in your words; the contact sees it
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// What the contact may do
    #[arg(long, value_enum, default_value = "read", value_name = "RIGHT")]
    can: Can,
    /// When it ends: a date, or a span such as 30d or "6 months"
    #[arg(long, value_name = "DATE|DURATION")]
    until: Option<When>,
    /// Also shows what the sections said before, not only what they say now
    #[arg(long)]
    include_history: bool,
    /// Shares although the contact's four words were never compared
    #[arg(long)]
    unverified: bool,
}

impl Share {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { mut sections, contact, purpose, can, until, include_history, unverified } = self;
        let far = |e| CliError::usage("`--until` has no end").caused_by(e);
        let until = until.map(|until| until.until(app.now())).transpose().map_err(far)?;
        if purpose.trim().is_empty() || purpose.len() > Grant::PURPOSE {
            return Err(CliError::usage("say in a few words what for")
                .hint("for example --purpose \"term-time care\""));
        }
        sections.sort();
        sections.dedup();
        let mut passport = passport::open(app)?;
        let (organisation, contact) = passport::contact(&passport, &contact)?;
        let end = consent::default_end(contact.card.kind, app.now()).map_err(far)?;
        let share = passport_core::holder::Share {
            sections,
            organisation,
            can: can.into(),
            until: Some(until.unwrap_or(end)),
            purpose,
            history: include_history,
            nhs_number: None,
            unverified,
        };
        // First what no --unverified would change.
        if share.sections.iter().any(|s| !s.spec().shareable) {
            return Err(PartyError::NotShareable.into());
        }
        if !contact.verified && !unverified {
            return Err(PartyError::UnverifiedContact.into());
        }
        if share.until.is_some_and(|until| until <= app.now()) {
            return Err(PartyError::Ended.into());
        }
        app.output().say(&preview(&mut passport, &contact, &share)?);
        app.confirm().ask("Share this?")?;
        let ids = passport.share(&share, app.now(), &mut os_rng()?)?;
        let grants = passport.grants(app.now());
        let lines: Vec<GrantLine> =
            grants.iter().filter(|g| ids.contains(&g.grant.id)).map(GrantLine::of).collect();
        app.output().say("It takes effect with the next `passport sync`.");
        app.output().answer(&lines, |lines| consent::words(lines))
    }
}

/// What the contact will see: what `show --as-seen-by` would show once it is shared.
fn preview(
    passport: &mut Passport,
    contact: &Contact,
    share: &passport_core::holder::Share,
) -> Result<String, CliError> {
    let name = neutralise_line(&contact.card.name);
    let mut lines = vec![match share.can {
        Right::Read => format!("{name} will read:"),
        Right::Contribute => format!("{name} will read, add to, and suggest changes in:"),
        Right::Deposit => format!("{name} will leave entries in, and read nothing of:"),
    }];
    let mut shown = Vec::new();
    for (section, entries) in passport.preview(&share.sections)? {
        let title = section.spec().title;
        let now = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        lines.push(format!("  {title} ({section}): {now} now, and what is added later"));
        shown.extend(Some(passport.view(&section)?).filter(|_| entries > 0));
    }
    if share.can != Right::Deposit && !shown.is_empty() {
        let shown: Vec<Section> = shown.iter().map(Section::of).collect();
        lines.push(format!("\nAs {name} will see it:\n"));
        lines.push(render::screen(&shown, Reader::Organisation));
    }
    if share.history {
        lines.push("It will also see what these sections said before.".to_owned());
    }
    let until =
        share.until.map_or_else(|| "for ever".to_owned(), |u| format!("until {}", u.date()));
    lines.push(format!("For: {}; {until}.", neutralise_line(&share.purpose)));
    lines.push("It learns your name, and who else may write in these sections.".to_owned());
    Ok(lines.join("\n"))
}
