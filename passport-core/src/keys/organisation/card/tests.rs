//! What a card may and may not say.

use super::*;
use crate::keys::ReceivingKey;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn certificate(card: &SigningKey, n: u8) -> Signed<InstanceCertificate> {
    let id = OrganisationId::of_card_key(&card.verification_key());
    let receiving = ReceivingKey::from_seed(&[n; 32]).public_key();
    let at = Timestamp::from_seconds(5);
    Signed::new(&InstanceCertificate::new(id, key(n).verification_key(), receiving, at), card)
}

fn card() -> Card {
    let kind = OrganisationKind::Gp;
    let at = Timestamp::from_seconds(9);
    let mut card = Card::new(key(1).verification_key(), "Elm Street Surgery".into(), kind, at);
    card.ods = Some("A81001".into());
    card.relays = vec!["https://relay.example:7700/a".into()];
    card.contact = Some("Ring 01632 960001\nor call in".into());
    card.instances = vec![certificate(&key(1), 2), certificate(&key(1), 3)];
    card
}

fn refusal(change: impl FnOnce(&mut Card)) -> Option<CardError> {
    let mut card = card();
    change(&mut card);
    card.sign(&key(1)).err()
}

#[test]
fn a_card_round_trips_as_text_even_when_wrapped() {
    let card = card().sign(&key(1)).unwrap();
    let text = card.to_text();
    assert_eq!(VerifiedCard::from_text(&text).unwrap(), card);
    let mut wrapped = String::from("\n  ");
    for (at, c) in text.chars().enumerate() {
        wrapped.push(c);
        if at % 70 == 69 {
            wrapped.push_str("\r\n");
        }
    }
    assert_eq!(VerifiedCard::from_text(&wrapped).unwrap(), card);
    assert_eq!(card.instances().len(), 2);
    assert_eq!(card.id(), OrganisationId::of_card_key(&key(1).verification_key()));
}

#[test]
fn cut_altered_or_foreign_text_is_refused() {
    let text = card().sign(&key(1)).unwrap().to_text();
    for at in (0..text.len()).step_by(61) {
        assert!(VerifiedCard::from_text(&text[..at]).is_err(), "cut at {at}");
        let mut bad = text.clone().into_bytes();
        bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
        let bad = String::from_utf8(bad).unwrap();
        assert!(VerifiedCard::from_text(&bad).is_err(), "altered at {at}");
    }
    assert_eq!(VerifiedCard::from_text("hello"), Err(ParseCardError::Text));
    let endless = "passport-card:".to_owned() + &"A".repeat(1 << 20);
    assert_eq!(VerifiedCard::from_text(&endless), Err(ParseCardError::Text));
}

#[test]
fn a_card_signed_by_another_key_or_for_another_purpose_is_refused() {
    assert_eq!(
        card().sign(&key(9)).err(),
        Some(CardError::Signature(VerifyError::UnexpectedSigner))
    );
    // A certificate's signature is no card's.
    let bytes = codec::encode(&certificate(&key(1), 2));
    let signed: Signed<Card> = codec::decode(&bytes, 4096).unwrap();
    assert_eq!(Card::verify(signed).err(), Some(CardError::Signature(VerifyError::Signature)));
}

#[test]
fn instances_vouched_for_by_others_for_others_or_twice_are_refused() {
    let mixed = refusal(|card| card.instances[1] = certificate(&key(9), 3));
    let source = VerifyError::UnexpectedSigner;
    assert_eq!(mixed, Some(CardError::Instance { position: 2, source }));
    let elsewhere = InstanceCertificate::new(
        OrganisationId::from_bytes([0; 32]),
        key(4).verification_key(),
        ReceivingKey::from_seed(&[4; 32]).public_key(),
        Timestamp::from_seconds(0),
    );
    assert_eq!(
        refusal(|card| card.instances.push(Signed::new(&elsewhere, &key(1)))),
        Some(CardError::ForeignInstance { position: 3 })
    );
    assert_eq!(
        refusal(|card| card.instances.push(certificate(&key(1), 2))),
        Some(CardError::ForeignInstance { position: 3 })
    );
    assert_eq!(
        refusal(|card| card.instances = (2..=18).map(|n| certificate(&key(1), n)).collect()),
        Some(CardError::TooMany)
    );
}

#[test]
fn texts_that_are_empty_too_long_or_deceptive_are_refused() {
    for name in ["", " Elm", "Elm\nStreet", "Elm\u{202e}teertS", "Elm\u{1b}[2J", "E\u{200b}lm"] {
        let part = CardText::Name;
        assert_eq!(refusal(|card| card.name = name.into()), Some(CardError::Text { part }));
    }
    assert!(refusal(|card| card.name = "x".repeat(NAME_CHARS)).is_none());
    assert!(refusal(|card| card.name = "x".repeat(NAME_CHARS + 1)).is_some());
    for ods in ["", "a81001", "A81001A81001A", "A8 1"] {
        assert!(refusal(|card| card.ods = Some(ods.into())).is_some(), "{ods}");
    }
    for url in ["", "ftp://x", "https://", "https:///x", "https://a b", "http://u:p@host"] {
        assert!(refusal(|card| card.relays = vec![url.into()]).is_some(), "{url}");
    }
    assert!(refusal(|card| card.contact = Some("y".repeat(TEXT_CHARS + 1))).is_some());
    assert!(refusal(|card| card.services = Some("a\u{7}".into())).is_some());
    let nine = vec!["https://a".to_owned(); RELAYS + 1];
    assert_eq!(refusal(|card| card.relays = nine), Some(CardError::TooMany));
}

#[test]
fn a_newer_version_is_named_as_such() {
    assert_eq!(refusal(|card| card.version = 2), Some(CardError::UnknownVersion));
}

#[test]
fn the_higher_serial_of_the_same_organisation_supersedes() {
    let old = card().sign(&key(1)).unwrap();
    let mut newer = card();
    newer.serial = 2;
    let new = newer.sign(&key(1)).unwrap();
    assert!(new.supersedes(&old));
    assert!(!old.supersedes(&new));
    assert!(!old.supersedes(&old));
}
