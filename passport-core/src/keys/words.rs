//! Short phrases that two people compare aloud.
//!
//! Four BIP39 English words carry 44 bits of Argon2id (RFC 9106; 64 MiB, 3 passes, 1 lane) over
//! what is compared. Somebody who wants a key with the same words has to run that memory-hard
//! function about 2^44 times, for one chosen victim.

use core::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use bip39::Language;

use super::wrap::ReceivingPublicKey;
use crate::domain::{self, Domain};
use crate::id::{OrganisationId, PassportId, VerificationKey};

const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
const WORD_BITS: u32 = 11;

/// The words could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// The 64 MiB that the derivation needs are not to be had.
    #[error("not enough memory for a comparison phrase")]
    Memory,
}

/// Four words to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparisonWords([&'static str; 4]);

impl ComparisonWords {
    /// The words in order.
    #[must_use]
    pub fn words(&self) -> [&'static str; 4] {
        self.0
    }

    /// Whether somebody typed these words: case, spacing, commas and hyphens do not matter.
    #[must_use]
    pub fn matches(&self, typed: &str) -> bool {
        let typed = typed.to_lowercase();
        typed
            .split(|c: char| c.is_whitespace() || matches!(c, '-' | ',' | '\u{2010}'..='\u{2015}'))
            .filter(|word| !word.is_empty())
            .eq(self.0)
    }
}

impl fmt::Display for ComparisonWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// The words that stand for an organisation's card key.
///
/// # Errors
/// Returns [`WordsError`] when memory is short.
pub fn verification_phrase(organisation: &OrganisationId) -> Result<ComparisonWords, WordsError> {
    derive(domain::VERIFICATION_PHRASE, &[organisation.as_bytes()])
}

/// The words that both devices show while one enrols the other: they bind the passport, the
/// approving device and both keys of the new one.
///
/// # Errors
/// Returns [`WordsError`] when memory is short.
pub fn enrolment_words(
    passport: &PassportId,
    approver: &VerificationKey,
    device: &VerificationKey,
    receiving: &ReceivingPublicKey,
) -> Result<ComparisonWords, WordsError> {
    let parts: [&[u8]; 4] =
        [passport.as_bytes(), approver.as_bytes(), device.as_bytes(), receiving.as_bytes()];
    derive(domain::ENROLMENT_WORDS, &parts)
}

/// The password is the domain-separated hash of the parts, the salt the domain's own tag.
fn derive(domain: Domain, parts: &[&[u8]]) -> Result<ComparisonWords, WordsError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| WordsError::Memory)?;
    let mut out = [0; 8];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(&domain.hash(parts), domain.tag().as_bytes(), &mut out)
        .map_err(|_| WordsError::Memory)?;
    let bits = u64::from_be_bytes(out);
    Ok(ComparisonWords([1, 2, 3, 4].map(|nth| word(bits >> (u64::BITS - nth * WORD_BITS)))))
}

/// The word of the lowest 11 bits.
fn word(bits: u64) -> &'static str {
    let index = usize::try_from(bits & 0x7ff).unwrap_or_default();
    Language::English.word_list().get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{ReceivingKey, SigningKey};

    #[test]
    fn typing_is_forgiven_but_words_and_order_are_not() {
        let words = ComparisonWords(["able", "baby", "cabin", "dad"]);
        assert!(words.matches("  ABLE-baby, Cabin\tdad\n"));
        assert!(words.matches("able baby\u{2011}cabin dad"));
        for bad in [
            "able baby cabin",
            "able baby dad cabin",
            "able baby cabin dae",
            "",
            "able baby cabin dad dad",
            "ablebaby cabin dad",
        ] {
            assert!(!words.matches(bad), "{bad}");
        }
    }

    #[test]
    fn the_words_follow_the_key_and_the_purpose() {
        let a = verification_phrase(&OrganisationId::from_bytes([1; 32])).unwrap();
        let b = verification_phrase(&OrganisationId::from_bytes([2; 32])).unwrap();
        assert_ne!(a, b);
        assert_eq!(a, verification_phrase(&OrganisationId::from_bytes([1; 32])).unwrap());
        assert!(a.words().iter().all(|w| Language::English.find_word(w).is_some()));
        let other = derive(domain::ENROLMENT_WORDS, &[&[1; 32]]).unwrap();
        assert_ne!(a, other);
    }

    #[test]
    fn a_substituted_device_key_of_either_kind_changes_the_words() {
        let passport = PassportId::from_bytes([1; 32]);
        let key = |n| SigningKey::from_seed(&[n; 32]).verification_key();
        let receiving = |n| ReceivingKey::from_seed(&[n; 32]).public_key();
        let words = enrolment_words(&passport, &key(1), &key(2), &receiving(2)).unwrap();
        for other in [
            enrolment_words(&passport, &key(1), &key(3), &receiving(2)),
            enrolment_words(&passport, &key(1), &key(2), &receiving(3)),
            enrolment_words(&passport, &key(3), &key(2), &receiving(2)),
        ] {
            assert_ne!(other.unwrap(), words);
        }
    }
}
