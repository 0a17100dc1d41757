//! Domain tags: what a signature, hash or derived key is *for*.
//!
//! A value made under one tag is never valid under another. Tags are frozen; a changed meaning
//! gets a new tag.

/// A purpose of a signature or a plain hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain(&'static str);

impl Domain {
    /// The tag as text, unique per purpose.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.0
    }

    /// BLAKE3 in key-derivation mode with this tag as context: a 32-byte digest of `parts`,
    /// each preceded by its length (u64, little-endian), so no two lists of parts collide.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(self.0);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// The bytes that are signed for `payload`: tag length (one byte), tag, payload.
    #[must_use]
    pub fn message(self, payload: &[u8]) -> Vec<u8> {
        let tag = self.0.as_bytes();
        let mut message = Vec::with_capacity(1 + tag.len() + payload.len());
        // Tags are short constants (a test holds them under 128 bytes).
        message.push(u8::try_from(tag.len()).unwrap_or(u8::MAX));
        message.extend_from_slice(tag);
        message.extend_from_slice(payload);
        message
    }
}

macro_rules! domains {
    ($($(#[$doc:meta])* $name:ident = $tag:literal;)*) => {
        $($(#[$doc])* pub const $name: Domain = Domain(concat!("student-passport v1 ", $tag));)*

        #[cfg(test)]
        const ALL: &[Domain] = &[$($name),*];
    };
}

domains! {
    /// A link's passcode, as a relay keeps it.
    LINK_PASSCODE = "link passcode";
    /// A short-lived address of a link's file.
    LINK_TICKET = "link ticket";
    /// Identity of a passport, from its root key.
    PASSPORT = "passport";
    /// Identity of an organisation, from its card key.
    ORGANISATION = "organisation";
    /// Identity of a channel, from its control key and nonce.
    CHANNEL = "channel";
    /// Identity and signature of an envelope.
    ENVELOPE = "envelope";
    /// Keyed tag that commits an envelope to its key and content.
    BODY_TAG = "body tag";
    /// Key that seals bodies, derived from a phase key.
    BODY_SEAL = "body seal";
    /// Nonce of a body that is sealed alike by whoever seals it, from its content.
    BODY_NONCE = "body nonce";
    /// Identity of an epoch's archive, from the epoch and the archive's key.
    ARCHIVE = "archive";
    /// Key of an epoch's archive, from those of its phases.
    ARCHIVE_KEY = "archive key";
    /// Key that signs the packs of an archive, derived from the archive's key.
    ARCHIVE_AUTHOR = "archive author";
    /// Digest of a file's size and of the digests of its parts.
    ATTACHMENT = "attachment";
    /// Digest of one part of a file.
    ATTACHMENT_PART = "attachment part";
    /// Identity of a file's stream, from the channel and the file's key.
    ATTACHMENT_STREAM = "attachment stream";
    /// Key that signs the envelopes of a file, derived from the file's key.
    ATTACHMENT_AUTHOR = "attachment author";
    /// Commitment to a phase key in a charter.
    PHASE_COMMITMENT = "phase commitment";
    /// Identity and signature of a charter.
    CHARTER = "charter";
    /// Digest of a founding snapshot.
    SNAPSHOT = "snapshot";
    /// Signature of an HPKE wrap.
    WRAP = "wrap";
    /// HPKE info of a phase-key wrap.
    WRAP_INFO = "wrap info";
    /// Identity and signature of a ledger statement.
    STATEMENT = "statement";
    /// Signature of a grant.
    GRANT = "grant";
    /// Signature of a withdrawal of grants.
    WITHDRAWAL = "withdrawal";
    /// Signature of a new key of the ledger.
    LEDGER_KEY = "ledger key";
    /// Identity of a generation of the ledger.
    LEDGER = "ledger";
    /// Identity and signature of an access list.
    ACCESS_LIST = "access list";
    /// Signature of a statement that an epoch may be forgotten by relays.
    DROP_EPOCH = "drop epoch";
    /// Signature of an organisation's card.
    CARD = "card";
    /// Signature of one organisation about another.
    ENDORSEMENT = "endorsement";
    /// Signature of an instance certificate.
    INSTANCE_CERTIFICATE = "instance certificate";
    /// Signature of a device certificate.
    DEVICE_CERTIFICATE = "device certificate";
    /// Signature of an old root that another takes its place.
    SUCCESSION = "succession";
    /// Signature of a receipt.
    RECEIPT = "receipt";
    /// Signature of an attestation.
    ATTESTATION = "attestation";
    /// Commitment to one attested field.
    ATTESTED_FIELD = "attested field";
    /// Signature of an HTTP request.
    REQUEST = "request";
    /// HPKE info and signature of a mailbox message.
    MAILBOX = "mailbox message";
    /// Identity of an entry, from its author and nonce.
    ENTRY = "entry";
    /// Identity of a note or suggestion, from its author and nonce.
    REMARK = "remark";
    /// Automerge actor of an author in an epoch.
    ACTOR = "actor";
    /// Canonical digest of a view.
    VIEW = "view";
    /// Root signing key from the recovery phrase.
    ROOT_KEY = "root key";
    /// Recovery receiving key from the recovery phrase.
    RECOVERY_KEY = "recovery key";
    /// Nonce of the channel of a section, from the control key.
    CHANNEL_NONCE = "channel nonce";
    /// Key that signs the passport's access lists, from the recovery phrase.
    CONTROL_KEY = "control key";
    /// Key of the passport's recovery mailbox, from the recovery phrase.
    LOCATOR_KEY = "locator key";
    /// Words compared by two people for a card.
    VERIFICATION_PHRASE = "verification phrase";
    /// A device's request to be enrolled.
    ENROLMENT = "enrolment";
    /// Words compared on two devices at enrolment.
    ENROLMENT_WORDS = "enrolment words";
    /// Identity of a content-addressed object at the relay.
    OBJECT = "object";
    /// Vault: associated data of a sealed value.
    VAULT_VALUE = "vault value";
    /// Vault: sealed names of records.
    VAULT_NAME = "vault name";
    /// Vault: the vault's own key, sealed under the passphrase.
    VAULT_KEY = "vault key";
    /// Vault: nonces of sealed values.
    VAULT_NONCE = "vault nonce";
    /// Salt of a passphrase for what is kept back, from the passport.
    COMPARTMENT_SALT = "compartment salt";
    /// Associated data of compartment keys sealed under a passphrase.
    COMPARTMENT_LOCK = "compartment lock";
    /// Associated data of phase keys sealed under a compartment's key.
    COMPARTMENT_KEYS = "compartment keys";
    /// What an original of another release of FHIR stands beside.
    FHIR_ORIGINAL = "fhir original";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_short_and_distinct() {
        let mut tags: Vec<_> = ALL.iter().map(|d| d.tag()).collect();
        assert!(tags.iter().all(|t| t.len() < 128));
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), ALL.len());
    }

    #[test]
    fn parts_cannot_be_shifted_between_each_other() {
        assert_ne!(ENTRY.hash(&[b"ab", b"c"]), ENTRY.hash(&[b"a", b"bc"]));
    }
}
