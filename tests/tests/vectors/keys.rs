//! Frozen: what a phrase, a key, a certificate or a card becomes must never change.

use core::convert::Infallible;

use data_encoding::HEXLOWER;
use passport_core::codec;
use passport_core::id::{ObjectId, OrganisationId, PassportId};
use passport_core::keys::{
    Card, CertificateChain, DeviceCertificate, EnrolmentRequest, InstanceCertificate,
    OrganisationKind, PhaseKey, ReceivingKey, RecoveryPhrase, Signed, SigningKey, enrolment_words,
    unwrap, verification_phrase, wrap,
};
use passport_core::time::Timestamp;
use rand_core::TryRng;
use serde_json::{Value, json};

/// Compares with the frozen file, naming the first difference.
fn assert_frozen(name: &str, actual: &Value) {
    let frozen: Value = serde_json::from_str(include_str!("keys.json")).unwrap();
    let shown = serde_json::to_string_pretty(actual).unwrap();
    assert_eq!(&frozen[name], actual, "{name} is now\n{shown}");
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn receiving(n: u8) -> ReceivingKey {
    ReceivingKey::from_seed(&[n; 32])
}

fn digest(bytes: &[u8]) -> String {
    ObjectId::of(bytes).to_string()
}

#[test]
fn phrases_derive_the_same_keys() {
    let phrases = [[0; 32], [0x7f; 32], [0xff; 32]].map(|entropy| {
        let phrase = RecoveryPhrase::from_entropy(&entropy);
        let keys = phrase.root_keys();
        json!({
            "words": phrase.words().collect::<Vec<_>>().join(" "),
            "passport": keys.passport(),
            "root": keys.root.verification_key(),
            "locator": keys.locator.verification_key(),
            "receiving": digest(keys.receiving.public_key().as_bytes()),
        })
    });
    assert_frozen("phrases", &Value::from(phrases.to_vec()));
}

#[test]
fn comparison_words_stay_the_same() {
    let organisation = OrganisationId::of_card_key(&key(1).verification_key());
    let passport = PassportId::of_root(&key(1).verification_key());
    let device = key(3).verification_key();
    let approver = key(2).verification_key();
    let enrolment =
        enrolment_words(&passport, &approver, &device, &receiving(3).public_key()).unwrap();
    let actual = json!({
        "organisation": verification_phrase(&organisation).unwrap().to_string(),
        "enrolment": enrolment.to_string(),
    });
    assert_frozen("words", &actual);
}

#[test]
fn certificates_cards_and_requests_keep_their_encoding() {
    let at = Timestamp::from_seconds(1_790_000_000);
    let passport = PassportId::of_root(&key(1).verification_key());
    let device = |n: u8, expires| {
        let public = receiving(n).public_key();
        DeviceCertificate::new(passport, key(n).verification_key(), public, at, expires)
    };
    let chain = CertificateChain::first(&device(2, None), &key(1))
        .extend(&device(3, Some(at.plus_days(1))), &key(2));
    assert!(chain.verify(&passport).is_ok());
    let mut card =
        Card::new(key(1).verification_key(), "Elm Street".into(), OrganisationKind::Gp, at);
    let instance = InstanceCertificate::new(
        card.id(),
        key(4).verification_key(),
        receiving(4).public_key(),
        at,
    );
    card.instances = vec![Signed::new(&instance, &key(1))];
    card.ods = Some("A81001".into());
    card.relays = vec!["https://relay.example".into()];
    card.contact = Some("01632 960001".into());
    card.succeeds = Some(OrganisationId::from_bytes([5; 32]));
    let card = card.sign(&key(1)).unwrap();
    let request = EnrolmentRequest {
        device: key(3).verification_key(),
        receiving: receiving(3).public_key(),
        nonce: [6; 16],
        expires: None,
    };
    let (request, code) = request.sign(&key(3));
    let actual = json!({
        "chain": digest(&codec::encode(&chain)),
        "chain_len": codec::encode(&chain).len(),
        "card": digest(card.to_text().as_bytes()),
        "card_start": card.to_text().get(..60),
        "card_hash": HEXLOWER.encode(&card.payload_hash()),
        "organisation": card.id(),
        "request": digest(&request),
        "code": code.to_string(),
        "commitment": HEXLOWER.encode(&PhaseKey::from_bytes(&[7; 32]).commitment()),
    });
    assert_frozen("encodings", &actual);
}

/// Gives out fixed bytes once, in place of randomness.
struct Fixed(Vec<u8>);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unimplemented!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unimplemented!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed {}

/// Seed and encapsulation randomness are those of the X-Wing draft's first test vector; key and
/// encapsulation were compared with it in full, and the ciphertext with an independent run of
/// RFC 9180's key schedule over the draft's shared secret.
#[test]
fn a_wrap_is_hpke_over_x_wing() {
    let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
    let seed = hex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26");
    let randomness = hex(concat!(
        "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2",
        "35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
    ));
    let ciphertext = concat!(
        "9baf8ba01d5388205411111e97d7e7bd339b7f958216338ad8c705b1730146ad",
        "c0078e2a1d0bc967f58accfa1785b516",
    );
    let key = ReceivingKey::from_seed(seed.as_slice().try_into().unwrap());
    let secret: Vec<u8> = (0..32).collect();
    let info = b"student-passport vector info";
    let sealed = wrap(&key.public_key(), info, b"aad", &secret, &mut Fixed(randomness)).unwrap();
    assert_eq!(HEXLOWER.encode(&sealed.ciphertext), ciphertext);
    assert_eq!(unwrap(&key, info, b"aad", &sealed).unwrap().as_slice(), secret);
    let actual = json!({
        "public_key": digest(key.public_key().as_bytes()),
        "enc": digest(&sealed.enc),
    });
    assert_frozen("wrap", &actual);
}
