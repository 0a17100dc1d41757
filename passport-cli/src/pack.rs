//! A folder for practices whose system takes documents: a document for people, a list of codes,
//! and the same record for systems that take more.

use std::path::Path;

use passport_core::section::display::display_value;
use passport_core::section::{SectionName, Value};
use passport_core::time::Timestamp;
use passport_core::view::View;

use crate::error::CliError;
use crate::spreadsheet;

/// What goes into the folder.
pub(crate) struct Pack {
    /// The student's name, for the names of files.
    pub(crate) name: String,
    /// A document for people.
    pub(crate) pdf: Vec<u8>,
    /// The same as a page.
    pub(crate) html: Vec<u8>,
    /// A patient summary.
    pub(crate) ips: Vec<u8>,
    /// Everything, as FHIR.
    pub(crate) fhir: Vec<u8>,
    /// What has a code, for whoever types it in.
    pub(crate) codes: Vec<u8>,
    /// When it was made.
    pub(crate) at: Timestamp,
}

impl Pack {
    /// Writes the folder, whole or not at all; returns the names of the files.
    ///
    /// # Errors
    /// Returns an error when it is there already, or cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<Vec<String>, CliError> {
        if folder.exists() || folder.as_os_str() == "-" {
            return Err(CliError::user(format!("{} cannot be a new folder", folder.display()))
                .hint("name a folder that is not there yet with -o DIR"));
        }
        let stem = format!("{}-student-passport-{}", plain(&self.name), self.at.date());
        let files = [
            (format!("{stem}.pdf"), &self.pdf),
            (format!("{stem}.html"), &self.html),
            (format!("{stem}-codes.csv"), &self.codes),
            (format!("{stem}-summary.json"), &self.ips),
            (format!("{stem}-fhir.json"), &self.fhir),
        ];
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let written = || -> std::io::Result<()> {
            let parent = folder.parent().filter(|p| !p.as_os_str().is_empty());
            let new = tempfile::TempDir::new_in(parent.unwrap_or(Path::new(".")))?;
            for (name, content) in &files {
                std::fs::write(new.path().join(name), content)?;
            }
            std::fs::write(new.path().join("README.txt"), readme(&names))?;
            std::fs::rename(new.keep(), folder)
        };
        written().map_err(|source| {
            CliError::user(format!("{} cannot be written", folder.display())).caused_by(source)
        })?;
        Ok(names.into_iter().chain(["README.txt".to_owned()]).collect())
    }
}

fn readme(names: &[String]) -> String {
    let [pdf, html, codes, ips, fhir] = [0, 1, 2, 3, 4].map(|n| names.get(n).cloned());
    let says =
        |name: Option<String>, what: &str| format!("{}\n  {what}\n", name.unwrap_or_default());
    [
        "A student passport for a practice\n".to_owned(),
        says(pdf, "For the document inbox: one sheet of what matters first, then all of it."),
        says(html, "The same as one page, for a browser."),
        says(codes, "Every entry that has a code, one a line, for whoever types it in."),
        says(ips, "An International Patient Summary (HL7 FHIR R4), for systems that take one."),
        says(fhir, "Everything as a FHIR R4 Bundle; `passport verify` says what is as signed."),
        "Never tried with EMIS Web, SystmOne, Medicus, GP Connect, MESH, Docman or any other \
         system of a practice. See on a test system first how yours files these.\n"
            .to_owned(),
        "These files are not encrypted: they are yours to protect, and to delete once filed.\n"
            .to_owned(),
        "No entry does not mean that there is nothing.\n".to_owned(),
    ]
    .join("\n")
}

/// A name that every file system takes.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = name.chars().take(60).map(kept).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "student".to_owned() } else { parts.join("-") }
}

/// Every value of the entries as a table for a spreadsheet.
///
/// # Errors
/// Returns an error when it cannot be written.
pub(crate) fn table(views: &[View]) -> Result<Vec<u8>, CliError> {
    rows(views, false)
}

/// Every value that has a code.
///
/// # Errors
/// Returns an error when it cannot be written.
pub(crate) fn codes(views: &[View]) -> Result<Vec<u8>, CliError> {
    rows(views, true)
}

fn rows(views: &[View], coded: bool) -> Result<Vec<u8>, CliError> {
    let headings = [
        "section",
        "kind",
        "entry",
        "field",
        "value",
        "code_system",
        "code",
        "said_by",
        "recorded_at",
        "attested",
        "one_of_several",
    ];
    let mut rows = Vec::new();
    for view in views {
        for entry in &view.entries {
            let kind = view.section.spec().kind(&entry.kind);
            let attested =
                entry.own_attestation().is_some() && entry.changed_since_signed().is_empty();
            // In the table's order, as a screen has them.
            let fields = kind.into_iter().flat_map(|k| k.fields);
            for field in fields.filter(|f| f.name != "source") {
                let versions = entry.fields.get(field.name).map(|f| &f.versions[..]);
                let versions = versions.unwrap_or_default();
                for version in versions {
                    let (system, code) = code_of(&version.value);
                    if coded && code.is_empty() {
                        continue;
                    }
                    rows.push([
                        section(&view.section),
                        entry.kind.clone(),
                        entry.id.to_string(),
                        field.title.to_owned(),
                        display_value(&version.value),
                        system,
                        code,
                        view.name(entry.author).to_owned(),
                        entry.recorded_at.to_string(),
                        attested.to_string(),
                        (versions.len() > 1).to_string(),
                    ]);
                }
            }
        }
    }
    spreadsheet::csv(headings, &rows)
}

fn section(name: &SectionName) -> String {
    name.as_str().to_owned()
}

fn code_of(value: &Value) -> (String, String) {
    let Value::Code(code) = value else { return Default::default() };
    (code.system.clone().unwrap_or_default(), code.code.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_whole_and_never_over_another() {
        let home = tempfile::tempdir().unwrap();
        let pack = Pack {
            name: "Amina ../Yusuf".to_owned(),
            pdf: vec![1],
            html: vec![2],
            ips: vec![3],
            fhir: vec![4],
            codes: vec![5],
            at: "2026-11-22T10:00:00Z".parse().unwrap(),
        };
        let folder = home.path().join("pack");
        let names = pack.write(&folder).unwrap();
        assert_eq!(names[0], "Amina-Yusuf-student-passport-2026-11-22.pdf");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), names.len());
        let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
        assert!(readme.contains("EMIS Web, SystmOne") && readme.contains("-codes.csv"), "{readme}");
        assert!(pack.write(&folder).is_err());
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "nothing else is left");
    }
}
