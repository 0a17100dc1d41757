//! The recovery phrase and the keys that come from it.
//!
//! A phrase is 24 English words (BIP39): 256 bits of entropy and an 8-bit checksum. Every key is
//! BLAKE3 in key-derivation mode over the entropy, each under its own domain. No passphrase is
//! stretched: the entropy is already full-strength.

use core::fmt;

use bip39::{Language, Mnemonic};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::SigningKey;
use super::wrap::ReceivingKey;
use crate::domain::{self, Domain};
use crate::id::{PassportId, VerificationKey};

/// Words in a recovery phrase.
pub const PHRASE_WORDS: usize = 24;

/// Why a phrase was refused. Positions only: never the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// A phrase has 24 words.
    #[error("a recovery phrase has {PHRASE_WORDS} words, not {count}")]
    WordCount {
        /// Words given.
        count: usize,
    },
    /// A word is not on the BIP39 English list.
    #[error("word {position} is not a word of recovery phrases")]
    UnknownWord {
        /// Which word, counted from 1.
        position: usize,
    },
    /// Every word is known, but they do not belong together in this order.
    #[error("the words do not belong together: one is wrong, or the order is")]
    Checksum,
}

/// A recovery phrase. Zeroized on drop; shown only word by word on purpose.
#[derive(Clone)]
pub struct RecoveryPhrase(Mnemonic);

impl RecoveryPhrase {
    /// Makes a new phrase.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_entropy(&super::random_secret(rng))
    }

    /// The phrase of 32 bytes of entropy, as guardians' shares restore them.
    #[must_use]
    pub fn from_entropy(entropy: &[u8; 32]) -> Self {
        match Mnemonic::from_entropy_in(Language::English, entropy) {
            Ok(mnemonic) => Self(mnemonic),
            // Only a wrong length is refused, and 256 bits is a right one.
            Err(_) => unreachable!("32 bytes are 24 words"),
        }
    }

    /// Reads a phrase: case, and how words are spaced, do not matter.
    ///
    /// # Errors
    /// Returns [`PhraseError`], which names at most a position.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let count = text.split_whitespace().count();
        if count != PHRASE_WORDS {
            return Err(PhraseError::WordCount { count });
        }
        let lower = Zeroizing::new(text.to_lowercase());
        let mut plain = Zeroizing::new(String::with_capacity(PHRASE_WORDS * 9));
        for (at, word) in lower.split_whitespace().enumerate() {
            let index = Language::English
                .find_word(word)
                .ok_or(PhraseError::UnknownWord { position: at + 1 })?;
            let known = Language::English.word_list().get(usize::from(index)).copied();
            plain.push_str(known.unwrap_or_default());
            plain.push(' ');
        }
        Mnemonic::parse_in_normalized(Language::English, plain.trim_end())
            .map(Self)
            .map_err(|_| PhraseError::Checksum)
    }

    /// The words, to be shown once and written down.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }

    /// The entropy, to be split among guardians.
    #[must_use]
    pub fn to_entropy(&self) -> Zeroizing<[u8; 32]> {
        let (all, _) = self.0.to_entropy_array();
        let all = Zeroizing::new(all);
        let mut entropy = Zeroizing::new([0; 32]);
        for (to, from) in entropy.iter_mut().zip(all.iter()) {
            *to = *from;
        }
        entropy
    }

    /// Derives the passport's root keys.
    #[must_use]
    pub fn root_keys(&self) -> RootKeys {
        let entropy = self.to_entropy();
        let seed = |domain: Domain| Zeroizing::new(domain.hash(&[entropy.as_slice()]));
        RootKeys {
            root: SigningKey::from_seed(&seed(domain::ROOT_KEY)),
            locator: SigningKey::from_seed(&seed(domain::LOCATOR_KEY)),
            receiving: ReceivingKey::from_seed(&seed(domain::RECOVERY_KEY)),
        }
    }
}

impl fmt::Debug for RecoveryPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryPhrase(redacted)")
    }
}

/// The keys of a recovery phrase.
#[derive(Clone, Debug)]
pub struct RootKeys {
    /// Certifies devices and replaces a stolen phrase; then it is forgotten.
    pub root: SigningKey,
    /// Signs requests to the passport's recovery mailbox.
    pub locator: SigningKey,
    /// Receives ledger and phase keys, so that phrase and relay suffice to recover.
    pub receiving: ReceivingKey,
}

impl RootKeys {
    /// The passport these keys are the root of.
    #[must_use]
    pub fn passport(&self) -> PassportId {
        PassportId::of_root(&self.root.verification_key())
    }
}

impl PassportId {
    /// The passport whose root verification key this is.
    #[must_use]
    pub fn of_root(root: &VerificationKey) -> Self {
        Self::from_bytes(domain::PASSPORT.hash(&[root.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    fn sample() -> (RecoveryPhrase, Vec<&'static str>) {
        let phrase = RecoveryPhrase::generate(&mut ChaCha20Rng::seed_from_u64(1));
        let words = phrase.words().collect();
        (phrase, words)
    }

    #[test]
    fn a_phrase_survives_shouting_and_spacing() {
        let (phrase, words) = sample();
        assert_eq!(words.len(), PHRASE_WORDS);
        let text = format!("\n {} ", words.join(" \t").to_uppercase());
        let back = RecoveryPhrase::parse(&text).unwrap();
        assert_eq!(*back.to_entropy(), *phrase.to_entropy());
        assert_eq!(back.root_keys().passport(), phrase.root_keys().passport());
    }

    #[test]
    fn every_cut_is_refused_by_count() {
        let (_, words) = sample();
        for count in 0..PHRASE_WORDS {
            assert_eq!(
                RecoveryPhrase::parse(&words[..count].join(" ")).err(),
                Some(PhraseError::WordCount { count })
            );
        }
    }

    #[test]
    fn one_letter_off_names_only_the_position() {
        let (_, mut words) = sample();
        words[6] = "zzzz";
        let error = RecoveryPhrase::parse(&words.join(" ")).err().unwrap();
        assert_eq!(error, PhraseError::UnknownWord { position: 7 });
        assert!(!error.to_string().contains("zzzz"));
    }

    #[test]
    fn swapped_or_replaced_words_fail_the_checksum() {
        let (_, words) = sample();
        let mut swapped = words.clone();
        swapped.swap(2, 3);
        assert_eq!(RecoveryPhrase::parse(&swapped.join(" ")).err(), Some(PhraseError::Checksum));
        let mut other = words;
        other[0] = if other[0] == "zoo" { "zone" } else { "zoo" };
        assert_eq!(RecoveryPhrase::parse(&other.join(" ")).err(), Some(PhraseError::Checksum));
    }

    #[test]
    fn the_three_keys_differ() {
        let keys = sample().0.root_keys();
        let mut seeds =
            vec![*keys.root.to_seed(), *keys.locator.to_seed(), *keys.receiving.to_seed()];
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 3);
    }

    #[test]
    fn debug_shows_nothing() {
        let (phrase, words) = sample();
        let shown = format!("{phrase:?} {:?}", phrase.root_keys());
        assert!(words.iter().all(|w| !shown.split(|c: char| !c.is_alphabetic()).any(|s| s == *w)));
    }
}
