//! Whether a file is about the holder, before anything is merged.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::import::Subject;
use crate::nhs_number::NhsNumber;
use crate::section::PartialDate;

/// The person whose passport it is, as far as it says.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it names a person")]
pub struct Holder {
    /// Every name, former ones included.
    pub names: Vec<String>,
    /// Date of birth.
    pub date_of_birth: Option<PartialDate>,
    /// NHS number; one that fails its check digit cannot be given here.
    pub nhs_number: Option<NhsNumber>,
}

/// Whether two descriptions are of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// They agree on a number, or on name and date of birth.
    Same,
    /// Nothing contradicts, and not enough is said to be sure.
    Unknown,
    /// They contradict each other: ask before merging.
    Other {
        /// In what.
        why: Mismatch,
    },
}

/// In what two descriptions of a person contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Both have a valid NHS number, and they differ.
    #[error("the NHS number differs")]
    NhsNumber,
    /// Both have a date of birth, and no day fits both.
    #[error("the date of birth differs")]
    DateOfBirth,
    /// No name of one resembles a name of the other.
    #[error("the name differs")]
    Name,
}

/// Compares the subject of a file with the holder.
///
/// Valid NHS numbers that differ, or dates of birth that no day fits, are two people. With equal
/// numbers the name may differ. Otherwise names must share two parts, or one be contained in the
/// other: a family name and a date of birth alone also fit a twin. A file that names nobody is
/// [`Identity::Unknown`], and may be merged.
#[must_use]
pub fn same_person(subject: &Subject, holder: &Holder) -> Identity {
    compare(
        (&subject.names, subject.date_of_birth.as_ref(), subject.nhs_number.as_ref()),
        (&holder.names, holder.date_of_birth.as_ref(), holder.nhs_number.as_ref()),
    )
}

/// Whether two subjects of one file are certainly one person.
pub(super) fn surely(a: &Subject, b: &Subject) -> bool {
    same_person(
        a,
        &Holder {
            names: b.names.clone(),
            date_of_birth: b.date_of_birth.clone(),
            nhs_number: b.nhs_number.clone(),
        },
    ) == Identity::Same
}

type Person<'a> = (&'a [String], Option<&'a PartialDate>, Option<&'a NhsNumber>);

fn compare(a: Person<'_>, b: Person<'_>) -> Identity {
    let numbers = a.2.zip(b.2).map(|(a, b)| a == b);
    let births = a.1.zip(b.1).map(|(a, b)| compatible(a, b));
    let names = alike(a.0, b.0);
    match (numbers, births, names) {
        (Some(false), ..) => Identity::Other { why: Mismatch::NhsNumber },
        (_, Some(false), _) => Identity::Other { why: Mismatch::DateOfBirth },
        (Some(true), ..) | (None, Some(true), Some(true)) => Identity::Same,
        (None, _, Some(false)) => Identity::Other { why: Mismatch::Name },
        (None, ..) => Identity::Unknown,
    }
}

/// Whether some day fits both dates.
fn compatible(a: &PartialDate, b: &PartialDate) -> bool {
    let day = |d: &PartialDate| d.as_str().get(..10).unwrap_or(d.as_str()).to_owned();
    let (a, b) = (day(a), day(b));
    a.starts_with(&b) || b.starts_with(&a)
}

/// Whether any two names resemble each other; nothing if either side has none.
fn alike(a: &[String], b: &[String]) -> Option<bool> {
    let parts = |names: &[String]| -> Vec<_> {
        names.iter().map(|n| name_parts(n)).filter(|p| !p.is_empty()).collect()
    };
    let (a, b) = (parts(a), parts(b));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let resemble = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        a.intersection(b).count() >= 2 || a.is_subset(b) || b.is_subset(a)
    };
    Some(a.iter().any(|a| b.iter().any(|b| resemble(a, b))))
}

/// The parts of a name, without titles, case and accents.
fn name_parts(name: &str) -> BTreeSet<String> {
    let plain: String = name.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    plain
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|part| !part.is_empty())
        .filter(|part| !matches!(*part, "mr" | "mrs" | "ms" | "miss" | "mx" | "dr" | "prof"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, born: &str, number: &str) -> (Subject, Holder) {
        let names: Vec<_> =
            [name].iter().filter(|n| !n.is_empty()).map(ToString::to_string).collect();
        let date_of_birth: Option<PartialDate> = born.parse().ok();
        let nhs_number: Option<NhsNumber> = number.parse().ok();
        (
            Subject {
                names: names.clone(),
                date_of_birth: date_of_birth.clone(),
                nhs_number: nhs_number.clone(),
            },
            Holder { names, date_of_birth, nhs_number },
        )
    }

    #[test]
    fn people_are_told_apart() {
        use Identity::{Other, Same, Unknown};
        let other = |why| Other { why };
        let holder = person("Amina Khan", "2005-03-04", "943 476 5919").1;
        for (name, born, number, expected) in [
            ("KHAN Amina Jane", "2005-03-04", "", Same),
            ("Ámina Khan", "2005-03", "", Same),
            ("Amina Smith", "2005-03-04", "9434765919", Same),
            ("Amina Khan", "2005-03-04", "9990000018", other(Mismatch::NhsNumber)),
            ("Amina Khan", "2005-03-05", "9434765919", other(Mismatch::DateOfBirth)),
            ("Sara Khan", "2005-03-04", "", other(Mismatch::Name)),
            ("Sara Khan", "", "", other(Mismatch::Name)),
            ("Horace Skelly", "2005-03-04", "", other(Mismatch::Name)),
            ("Amina Khan", "", "", Unknown),
            // A number that fails its check digit decides nothing.
            ("", "", "9434765918", Unknown),
            ("", "", "", Unknown),
        ] {
            let subject = person(name, born, number).0;
            assert_eq!(same_person(&subject, &holder), expected, "{name} {born} {number}");
        }
    }
}
