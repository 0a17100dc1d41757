//! `passport history`.

use clap::Args;
use passport_core::id::EntryId;
use passport_core::section::SectionName;
use passport_core::view::HistoryEvent;

use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::passport;
use crate::table::table;

/// Lists who changed what, and when
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport history\n\
\x20 passport history medications")]
pub(crate) struct History {
    /// A section or an entry; everything when left out
    #[arg(value_name = "SECTION|ENTRY")]
    what: Option<String>,
}

impl History {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { what } = self;
        let what = what.map(|w| (w.parse::<SectionName>(), w));
        let named: Vec<SectionName> = what.iter().filter_map(|(s, _)| s.clone().ok()).collect();
        let mut passport = passport::open_for(app, &named)?;
        let (mut sections, mut only) = (passport.sections(), None);
        match what {
            None => {}
            Some((Ok(section), _)) => sections = vec![section],
            Some((Err(_), name)) => {
                // What was removed has no name any more, but still an id.
                if let Ok(id) = name.parse::<EntryId>() {
                    only = Some(id);
                } else {
                    let (section, entry) = passport::entry(&mut passport, &name)?;
                    (sections, only) = (vec![section], Some(entry.id));
                }
            }
        }
        let mut events: Vec<HistoryEvent> = Vec::new();
        for section in &sections {
            events.extend(passport.history(section)?);
        }
        events.retain(|e| only.is_none_or(|id| e.entry == id));
        events.sort_by_key(|e| (e.at, e.envelope));
        app.output().answer(&events, |events| {
            let rows: Vec<[String; 5]> = events.iter().map(row).collect();
            table(["when", "who", "what", "entry", "said"], &rows)
        })
    }
}

fn row(event: &HistoryEvent) -> [String; 5] {
    let said = match (&event.field, &event.value) {
        (Some(field), Some(value)) => format!("{field}: {value}"),
        (Some(field), None) => format!("{field}: (cleared)"),
        (None, Some(value)) => value.clone(),
        (None, None) => String::new(),
    };
    let entry = format!("{} {}", event.section, short(&event.entry.to_string()));
    [event.at.to_string(), event.author.name.clone(), event.what.to_owned(), entry, said]
}
