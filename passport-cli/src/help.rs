//! Text that several commands' `--help` share.

use std::fmt::Write as _;

use passport_core::section::table::SECTIONS;

/// Help under the options: examples, then the sections there are.
pub(crate) fn with_sections(examples: &str) -> String {
    let width = SECTIONS.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let mut text = format!("{examples}\n\nSections:\n");
    for section in SECTIONS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:width$}  {}", section.name, section.title);
    }
    let _ = write!(text, "  {:width$}  a section of your own, for example x-diary", "x-…");
    text
}

/// Shown under `passport --help`.
pub(crate) const START: &str = "\
Getting started, as a student:
  passport init --name \"Ada Example\"         makes your passport on this device
  passport add medications --set item=Sertraline --set dose=\"50 mg\"
  passport contact add campus-medical.card   gets to know a service
  passport share medications --with \"Campus Medical\" --purpose \"term-time care\"
  passport sync                              sends and fetches what is new
  passport show                              shows your record

A practice, university service or hospital starts with `passport org --help`.
Nothing is shared until you share it. `passport COMMAND --help` explains each command.

Exit codes: 0 done, 1 something you can put right, 2 wrong usage, 3 output closed,
10 vault locked or wrong passphrase, 11 vault damaged, 20 no grant in force,
21 verification failed, 30 relay unreachable (nothing is lost), 31 relay refused, 70 our bug.";

/// What to do about a section that does not exist.
pub(crate) fn section_hint() -> String {
    let names: Vec<&str> = SECTIONS.iter().map(|s| s.name).collect();
    format!("the sections are {}, and your own, such as x-diary", names.join(", "))
}
