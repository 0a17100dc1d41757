//! Who plays in the story.

use passport_core::keys::RecoveryPhrase;

use crate::error::CliError;
use crate::rng::os_rng;

/// A device or installation: a home directory with a vault.
pub(super) struct Person {
    /// Whose it is, for people.
    pub(super) name: &'static str,
    /// Its home directory, inside the story's.
    pub(super) home: &'static str,
    /// What opens its vault.
    pub(super) passphrase: String,
}

/// Everybody.
pub(super) struct Cast {
    pub(super) phone: Person,
    pub(super) laptop: Person,
    pub(super) elm: Person,
    pub(super) campus: Person,
    pub(super) wellbeing: Person,
}

/// The student.
pub(super) const AMINA: &str = "Amina Yusuf";
/// The practice at home.
pub(super) const ELM: &str = "Elm Street Surgery";
/// The practice in term time.
pub(super) const CAMPUS: &str = "Campus Medical Centre";
/// The university's service.
pub(super) const WELLBEING: &str = "Northbridge University Wellbeing";

impl Cast {
    /// Everybody, each with a passphrase made up now.
    ///
    /// # Errors
    /// Returns an error when the machine gives no randomness.
    pub(super) fn new() -> Result<Self, CliError> {
        let person = |name, home| {
            let phrase = RecoveryPhrase::generate(&mut os_rng()?);
            let words: Vec<&str> = phrase.words().take(5).collect();
            Ok::<_, CliError>(Person { name, home, passphrase: words.join("-") })
        };
        Ok(Self {
            phone: person("Amina Yusuf's phone", "phone")?,
            laptop: person("Amina Yusuf's laptop", "laptop")?,
            elm: person(ELM, "elm")?,
            campus: person(CAMPUS, "campus")?,
            wellbeing: person(WELLBEING, "wellbeing")?,
        })
    }

    /// Everybody, in order of appearance.
    pub(super) fn all(&self) -> impl Iterator<Item = &Person> {
        [&self.phone, &self.laptop, &self.elm, &self.campus, &self.wellbeing].into_iter()
    }
}
