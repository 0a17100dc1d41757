//! Finds what a person means: a unique prefix of an id, or a unique name.

use passport_core::section::display::neutralise_line;

use crate::error::CliError;

/// Candidates listed when several fit.
const LISTED_MAX: usize = 10;

/// Characters of an id shown to people, and enough to name it again.
pub(crate) const SHORT_ID: usize = 8;

/// Something that can be named: an entry, a student, a contact, a grant.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Its id in full.
    pub(crate) id: String,
    /// Its name or label, as its author wrote it.
    pub(crate) name: String,
}

/// The place among `candidates` of the one that `text` names. `noun` says what they are.
///
/// A full id wins; otherwise ids that begin so and names that are equal, letters' case aside,
/// count alike, so that nobody can take over another's id by choosing a name.
///
/// # Errors
/// Returns an error when none fits, or several; then it lists them.
pub(crate) fn resolve(noun: &str, text: &str, candidates: &[Candidate]) -> Result<usize, CliError> {
    if let Some(place) = candidates.iter().position(|c| c.id == text) {
        return Ok(place);
    }
    let wanted = text.trim().to_lowercase();
    let found: Vec<(usize, &Candidate)> =
        candidates.iter().enumerate().filter(|(_, c)| fits(c, &wanted)).collect();
    match found.as_slice() {
        [(place, _)] => Ok(*place),
        [] => Err(CliError::user(format!("there is no {noun} called `{}`", neutralise_line(text)))
            .hint(listed(candidates.iter()))),
        several => Err(CliError::user(format!(
            "`{}` can mean {} {noun} records",
            neutralise_line(text),
            several.len()
        ))
        .hint(listed(several.iter().map(|(_, c)| *c)))
        .hint("use more of the id")),
    }
}

fn fits(candidate: &Candidate, wanted: &str) -> bool {
    let named = candidate.name.trim().to_lowercase() == wanted;
    !wanted.is_empty() && (named || candidate.id.starts_with(wanted))
}

/// An id as shown to people.
pub(crate) fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

fn listed<'a>(candidates: impl ExactSizeIterator<Item = &'a Candidate>) -> String {
    let more = candidates.len().saturating_sub(LISTED_MAX);
    let mut lines: Vec<String> = candidates
        .take(LISTED_MAX)
        .map(|c| format!("{}  {}", short(&c.id), neutralise_line(&c.name)))
        .collect();
    if lines.is_empty() {
        return "there are none yet".to_owned();
    }
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    format!("there are:\n  {}", lines.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        [
            ("a1b2c3d4e5f6", "Elm Street Surgery"),
            ("a1ffc3d4e5f6", "Campus Medical"),
            ("b2000000", "a1b2c3"),
        ]
        .map(|(id, name)| Candidate { id: id.to_owned(), name: name.to_owned() })
        .to_vec()
    }

    #[test]
    fn a_unique_prefix_or_name_is_found() {
        assert_eq!(resolve("contact", "a1f", &candidates()).unwrap(), 1);
        assert_eq!(resolve("contact", "elm street surgery", &candidates()).unwrap(), 0);
        assert_eq!(resolve("contact", "a1b2c3d4e5f6", &candidates()).unwrap(), 0);
    }

    #[test]
    fn an_ambiguous_prefix_lists_the_candidates() {
        let text = resolve("contact", "a1", &candidates()).unwrap_err().to_text();
        assert!(text.contains("a1b2c3d4  Elm Street Surgery"), "{text}");
        assert!(text.contains("a1ffc3d4  Campus Medical"), "{text}");
    }

    #[test]
    fn a_name_cannot_take_over_an_id() {
        assert!(resolve("contact", "a1b2c3", &candidates()).is_err());
        let mut all = candidates();
        all.push(Candidate { id: "c3".to_owned(), name: "a1ffc3d4e5f6".to_owned() });
        assert_eq!(resolve("contact", "a1ffc3d4e5f6", &all).unwrap(), 1);
    }

    #[test]
    fn nothing_fits_nothing() {
        for text in ["", " ", "zz"] {
            assert!(resolve("contact", text, &candidates()).is_err(), "{text:?}");
        }
        assert!(resolve("contact", "a", &[]).is_err());
    }
}
