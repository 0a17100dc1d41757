//! Attestations: an organisation's signature on what it recorded.
//!
//! An attestation signs a list of salted commitments, one per field, so that it survives copies,
//! epochs and exports even after a field was changed: values that are still as signed travel with
//! their salts, a changed one leaves only its commitment, which tells nothing of what it was (the idea of selective disclosure in SD-JWT, RFC 9901).

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::codec;
use crate::domain;
use crate::id::{EntryId, OrganisationId, PassportId, RemarkId, VerificationKey};
use crate::keys::{Signature, SigningKey, VerifyError, verify};
use crate::section::Value;
use crate::time::Timestamp;

/// What an organisation says of an entry, signed by one of its instances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Attestation {
    /// The organisation.
    #[n(0)]
    pub organisation: OrganisationId,
    /// The instance that signs.
    #[n(1)]
    pub signer: VerificationKey,
    /// When it was recorded, by the instance's clock.
    #[n(2)]
    pub at: Timestamp,
    /// Whether `fields` are all the entry had, or only those this organisation set.
    #[n(3)]
    pub whole: bool,
    /// The fields, ascending by name.
    #[n(4)]
    pub fields: Vec<AttestedField>,
    /// Ed25519 over subject and commitments.
    #[n(5)]
    pub signature: Signature,
}

/// One field of an attestation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct AttestedField {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// BLAKE3 of salt, name and value: what is signed.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub commitment: [u8; 32],
    /// The salt, unless the signed value is withheld.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub salt: Option<[u8; 16]>,
}

/// What an attestation is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The passport.
    pub passport: PassportId,
    /// The entry.
    pub entry: EntryId,
    /// The entry's kind.
    pub kind: &'a str,
}

/// What is signed, as CBOR.
#[derive(Encode)]
#[cbor(array)]
struct Statement<'a> {
    #[n(0)]
    passport: PassportId,
    #[n(1)]
    entry: EntryId,
    #[n(2)]
    kind: &'a str,
    #[n(3)]
    organisation: OrganisationId,
    #[n(4)]
    at: Timestamp,
    #[n(5)]
    whole: bool,
    #[n(6)]
    fields: Vec<Committed<'a>>,
}

#[derive(Encode)]
#[cbor(array)]
struct Committed<'a> {
    #[n(0)]
    name: &'a str,
    #[cbor(n(1), with = "minicbor::bytes")]
    commitment: [u8; 32],
}

impl Attestation {
    /// Signs `fields` (ascending by name) of an entry.
    pub fn new<'a>(
        subject: Subject<'_>,
        organisation: OrganisationId,
        at: Timestamp,
        whole: bool,
        fields: impl IntoIterator<Item = (&'a str, &'a Value)>,
        key: &SigningKey,
        rng: &mut dyn CryptoRng,
    ) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| {
                let mut salt = [0; 16];
                rng.fill_bytes(&mut salt);
                let commitment = commitment(name, &salt, value);
                AttestedField { name: name.to_owned(), commitment, salt: Some(salt) }
            })
            .collect();
        let mut attestation = Self {
            organisation,
            signer: key.verification_key(),
            at,
            whole,
            fields,
            signature: Signature::from_bytes([0; 64]),
        };
        attestation.signature = key.sign(domain::ATTESTATION, &attestation.payload(subject));
        attestation
    }

    /// Checks the signature. Which values it covers is [`Attestation::covers`]; that `signer` is
    /// an instance of `organisation` is the caller's to check against a card.
    ///
    /// # Errors
    /// Returns [`VerifyError`].
    pub fn verify(&self, subject: Subject<'_>) -> Result<(), VerifyError> {
        let ordered =
            self.fields.iter().zip(self.fields.iter().skip(1)).all(|(a, b)| a.name < b.name);
        if !ordered {
            return Err(VerifyError::Signature);
        }
        verify(&self.signer, domain::ATTESTATION, &self.payload(subject), &self.signature)
    }

    /// Whether this field had this value when it was signed.
    #[must_use]
    pub fn covers(&self, name: &str, value: &Value) -> bool {
        self.field(name).is_some_and(|f| {
            f.salt.is_some_and(|salt| commitment(name, &salt, value) == f.commitment)
        })
    }

    /// Leaves out the salts of the fields for which `shown` is false: their signed values can no
    /// longer be checked, nor guessed.
    pub fn withhold(&mut self, shown: impl Fn(&str) -> bool) {
        for field in &mut self.fields {
            if !shown(&field.name) {
                field.salt = None;
            }
        }
    }

    /// The attested field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&AttestedField> {
        self.fields.iter().find(|f| f.name == name)
    }

    fn payload(&self, subject: Subject<'_>) -> Vec<u8> {
        codec::encode(&Statement {
            passport: subject.passport,
            entry: subject.entry,
            kind: subject.kind,
            organisation: self.organisation,
            at: self.at,
            whole: self.whole,
            fields: self
                .fields
                .iter()
                .map(|f| Committed { name: &f.name, commitment: f.commitment })
                .collect(),
        })
    }
}

/// Signs a note or suggestion on an entry: `content` is its canonical encoding.
#[must_use]
pub fn sign_remark(
    passport: PassportId,
    entry: EntryId,
    remark: RemarkId,
    content: &[u8],
    key: &SigningKey,
) -> Signature {
    key.sign(domain::ATTESTATION, &remark_payload(passport, entry, remark, content))
}

/// Checks a signature of [`sign_remark`].
///
/// # Errors
/// Returns [`VerifyError`].
pub fn verify_remark(
    passport: PassportId,
    entry: EntryId,
    remark: RemarkId,
    content: &[u8],
    key: &VerificationKey,
    signature: &Signature,
) -> Result<(), VerifyError> {
    verify(key, domain::ATTESTATION, &remark_payload(passport, entry, remark, content), signature)
}

fn remark_payload(
    passport: PassportId,
    entry: EntryId,
    remark: RemarkId,
    content: &[u8],
) -> Vec<u8> {
    domain::REMARK
        .hash(&[passport.as_bytes(), entry.as_bytes(), remark.as_bytes(), content])
        .to_vec()
}

fn commitment(name: &str, salt: &[u8; 16], value: &Value) -> [u8; 32] {
    domain::ATTESTED_FIELD.hash(&[salt, name.as_bytes(), &codec::encode(value)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    #[test]
    fn holds_until_a_value_changes_and_survives_withholding_it() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = SigningKey::generate(&mut rng);
        let subject = Subject {
            passport: PassportId::from_bytes([1; 32]),
            entry: EntryId::from_bytes([2; 16]),
            kind: "medication",
        };
        let (dose, item) = (Value::Text("20 mg".into()), Value::Text("fluoxetine".into()));
        let fields = [("dose", &dose), ("item", &item)];
        let a = Attestation::new(
            subject,
            OrganisationId::from_bytes([3; 32]),
            Timestamp::from_seconds(0),
            true,
            fields,
            &key,
            &mut rng,
        );
        assert!(a.verify(subject).is_ok());
        let other = Subject { entry: EntryId::from_bytes([9; 16]), ..subject };
        assert!(a.verify(other).is_err());
        assert!(a.covers("dose", &dose));
        assert!(!a.covers("dose", &Value::Text("40 mg".into())));

        let mut withheld = a.clone();
        withheld.withhold(|n| n != "dose");
        assert!(withheld.verify(subject).is_ok());
        assert!(withheld.covers("item", &item));
        assert!(!withheld.covers("dose", &dose));
        let mut tampered = a;
        tampered.fields[0].commitment = tampered.fields[1].commitment;
        assert!(tampered.verify(subject).is_err());
    }
}
