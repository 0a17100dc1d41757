//! `passport quarantine show`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::Quarantined;
use passport_core::section::display::neutralise_line;

use crate::app::App;
use crate::error::CliError;
use crate::passport;

/// Shows what something held back says, before you decide about it
///
/// Only you see it. Nobody vouches for it: it may be a mistake, or made to mislead you.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport quarantine show 4f2a91c3")]
pub(crate) struct Show {
    /// The item: the first letters of its id
    #[arg(value_name = "ID")]
    id: String,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { id } = self;
        let mut passport = passport::open(app)?;
        let held = super::named(&mut passport, &id)?;
        let mut answer = super::one(&held);
        if let Some(members) = answer.as_object_mut() {
            members.insert("contents".to_owned(), serde_json::json!(held.edits));
        }
        app.output().answer(&answer, |_| words(&held))
    }
}

fn words(held: &Quarantined) -> String {
    let mut text = format!(
        "From {}, for {}, {}: {}\n",
        neutralise_line(&held.author),
        held.section,
        held.at.date(),
        super::reason(held),
    );
    for edit in &held.edits {
        let field = edit.field.as_ref().map(|f| format!(" {}", neutralise_line(f)));
        let value = edit.value.as_ref().map(|v| format!(": {}", neutralise_line(v)));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {}{}{}",
            edit.what,
            field.unwrap_or_default(),
            value.unwrap_or_default()
        );
    }
    text
}
