//! `passport export`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::ValueEnum as _;
use passport_core::fhir::export::{ExportSubject, Summary, bundle, summary};
use passport_core::section::{Attachment, SectionName};
use passport_core::view::View;

use crate::app::App;
use crate::choice::Format;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::exporting::{self, FILES_BYTES};
use crate::files;
use crate::help;
use crate::holder::show::{Shown, who};
use crate::pack::{self, Pack};
use crate::page::card::Card;
use crate::page::{self, Page};
use crate::passport::{self, Passport};
use serde::Serialize;
use serde_json::json;

/// Writes your record to a file that others can read
///
/// The file is not encrypted: whoever has it can read it.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport export --format pdf -o record.pdf\n\
\x20 passport export --format card -o card.pdf\n\
\x20 passport export --format json -o record.json\n\
\x20 passport export --format practice-pack -o for-my-practice\n\
\x20 passport export --format ips medications allergies problems -o summary.json"))]
pub(crate) struct Export {
    /// The form
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Format,
    /// The sections; everything but `private` and `risks` when left out
    #[arg(value_name = "SECTION")]
    sections: Vec<SectionName>,
    /// The file to write; `-` is standard output; a new folder for `practice-pack`
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: PathBuf,
}

impl Export {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { format, sections, output } = self;
        let mut passport = passport::open_for(app, &sections)?;
        let sections = if sections.is_empty() {
            let all = passport.sections().into_iter();
            // Sections of the holder's own making are theirs to take along.
            all.filter(|s| s.spec().shareable && s.as_str() != "risks").collect()
        } else {
            sections
        };
        let views = passport::views(&mut passport, &sections)?;
        let name = format.to_possible_value().map(|v| v.get_name().to_owned());
        let content = match format {
            Format::Json => json_text(&Shown::of(&mut passport, &views, false)?)?,
            Format::Fhir => json_text(&fhir(app, &mut passport, &views, false, FILES_BYTES)?)?,
            Format::Ips => json_text(&fhir(app, &mut passport, &views, true, FILES_BYTES)?)?,
            Format::Html | Format::Pdf => {
                let page = Page::of(&who(&mut passport, false)?, &views, app.now());
                if format == Format::Html {
                    page::html::write(&page).into_bytes()
                } else {
                    page::pdf::write(&page, app.now())?
                }
            }
            Format::Card => {
                let card = Card::of(&who(&mut passport, false)?, &views, app.now());
                page::pdf::write_card(&card, app.now())?
            }
            Format::PracticePack => return packed(app, &mut passport, &views, &output),
        };
        files::write(&output, &content)?;
        if output.as_os_str() == "-" {
            return Ok(());
        }
        app.output().say("The file is not encrypted: whoever has it can read it.");
        let answer = json!({"file": output, "format": name, "sections": sections, "conflicts": exporting::conflicts(&views)});
        app.output().answer(&answer, |_| format!("Written: {}", output.display()))
    }
}

/// Writes a folder for a practice whose system takes documents.
fn packed(
    app: &App,
    passport: &mut Passport,
    views: &[View],
    folder: &Path,
) -> Result<(), CliError> {
    let who = who(passport, false)?;
    let page = Page::of(&who, views, app.now());
    let pack = Pack {
        name: who.get("name").cloned().unwrap_or_default(),
        pdf: page::pdf::write(&page, app.now())?,
        html: page::html::write(&page).into_bytes(),
        ips: json_text(&fhir(app, passport, views, true, FILES_BYTES)?)?,
        fhir: json_text(&fhir(app, passport, views, false, FILES_BYTES)?)?,
        codes: pack::codes(views)?,
        at: app.now(),
    };
    let files = pack.write(folder)?;
    let sections: Vec<&SectionName> = views.iter().map(|v| &v.section).collect();
    let conflicts = exporting::conflicts(views);
    let answer = json!({
        "file": folder, "format": "practice-pack", "files": files, "sections": sections,
        "conflicts": conflicts,
    });
    app.output().answer(&answer, |_| {
        format!("Written: {}, {} files. They are not encrypted.", folder.display(), files.len())
    })
}

/// A document as JSON, for people to look at too.
fn json_text(document: &impl Serialize) -> Result<Vec<u8>, CliError> {
    let text = serde_json::to_string_pretty(document).map_err(|source| {
        CliError::new(ExitCode::Bug, "the record has no JSON form").caused_by(source)
    })?;
    Ok(format!("{text}\n").into_bytes())
}

/// The sections as a FHIR bundle, with so many bytes of files at most. Every value of a field in conflict is in its
/// narrative, and that is told.
pub(super) fn fhir(
    app: &App,
    passport: &mut Passport,
    views: &[View],
    is_summary: bool,
    room: u64,
) -> Result<serde_json::Value, CliError> {
    let mut who = who(passport, false)?;
    let subject = ExportSubject {
        name: who.remove("name"),
        date_of_birth: who.remove("date_of_birth").and_then(|d| d.parse().ok()),
        nhs_number: who.remove("nhs_number"),
    };
    let mut entries = exporting::entries(views, passport.passport());
    let read = |file: &Attachment| exporting::content(passport.file(file));
    let out = exporting::enclose(&mut entries, room, read)?;
    exporting::tell_left_out(app, out, "passport save");
    let open = exporting::conflicts(views).len();
    if open > 0 {
        app.output().say(&format!(
            "{open} fields have several values, which stand in the narrative alone; `passport conflicts` lists them."
        ));
    }
    if !is_summary {
        return Ok(bundle(&subject, &entries, app.now()));
    }
    let sections: Vec<SectionName> = views.iter().map(|v| v.section.clone()).collect();
    Ok(summary(&Summary {
        subject: &subject,
        entries: &entries,
        sections: &sections,
        organisation: None,
        consents: &[],
        at: app.now(),
    }))
}
