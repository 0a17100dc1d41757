//! `passport explain`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use passport_core::glossary::{self, Audience, Explanation, Found, Sort};
use passport_core::section::display::neutralise_line;

use crate::app::App;
use crate::error::CliError;

/// Says in plain words what a heading, a status, a code or a word of services means
///
/// Needs no passport.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport explain crisis team\n\
\x20 passport explain section 2 --audience university\n\
\x20 passport explain discharge-notice")]
pub(crate) struct Explain {
    /// The word, or the beginning of it
    #[arg(value_name = "TERM", required = true)]
    term: Vec<String>,
    /// Only what matters to one of you
    #[arg(long, value_enum, value_name = "AUDIENCE")]
    audience: Option<To>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// A student
    Student,
    /// A practice or hospital
    Gp,
    /// A university's staff
    University,
}

impl From<To> for Audience {
    fn from(to: To) -> Self {
        match to {
            To::Student => Self::Student,
            To::Gp => Self::Gp,
            To::University => Self::University,
        }
    }
}

impl Explain {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { term, audience } = self;
        let term = term.join(" ");
        let mut found = match glossary::explain(&term) {
            Found::Named(found) => found,
            Found::Near(near) => {
                let said = format!("`{}` is explained nowhere here", neutralise_line(&term));
                return Err(CliError::user(said)
                    .hint(format!("these are near: {}", near.join(", ")))
                    .hint("docs/GLOSSARY.md lists all words"));
            }
        };
        if let Some(audience) = audience.map(Audience::from) {
            for explanation in &mut found {
                explanation.said.retain(|said| said.to == audience);
            }
        }
        app.output().answer(&found, |found| found.iter().map(words).collect::<Vec<_>>().join("\n"))
    }
}

fn words(explanation: &Explanation) -> String {
    let mut text = format!("{}\n  {}\n", explanation.term, explanation.plain);
    // Writing to a String cannot fail, here and below.
    if let Some(not) = explanation.not {
        let _ = match explanation.sort {
            Sort::Passport => writeln!(text, "  Not to be called: {not}"),
            Sort::Service | Sort::Section | Sort::Field | Sort::Choice => {
                writeln!(text, "  It does not mean: {not}")
            }
        };
    }
    for said in &explanation.said {
        let _ = writeln!(text, "  {}: {}", whom(said.to), said.words);
    }
    let _ = writeln!(text, "  Source: {}", explanation.source);
    text
}

const fn whom(audience: Audience) -> &'static str {
    match audience {
        Audience::Student => "For a student",
        Audience::Gp => "For a practice",
        Audience::University => "For a university",
    }
}
