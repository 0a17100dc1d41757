//! Wycheproof's hostile vectors, run against each primitive the way the passport uses it.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use wycheproof::{aead, eddsa, xdh};

#[test]
fn ed25519_strict_accepts_what_is_valid_and_nothing_else() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut ran = 0;
    for group in set.test_groups {
        let key: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
        for test in group.tests {
            let verified = ed25519_dalek::Signature::from_slice(&test.sig)
                .is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok());
            assert_eq!(verified, !test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
            ran += 1;
        }
    }
    assert_eq!(ran, set.number_of_tests);
}

#[test]
fn xchacha20_poly1305_opens_what_is_valid_and_nothing_else() {
    let set = aead::TestSet::load(aead::TestName::XChaCha20Poly1305).unwrap();
    let mut ran = 0;
    for group in set.test_groups {
        for test in group.tests {
            let name = format!("{}: {}", test.tc_id, test.comment);
            ran += 1;
            let Ok(nonce) = <[u8; 24]>::try_from(test.nonce.as_slice()) else {
                assert!(test.result.must_fail(), "{name}");
                continue;
            };
            let cipher = XChaCha20Poly1305::new_from_slice(&test.key).unwrap();
            let nonce = XNonce::from(nonce);
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = cipher.decrypt(&nonce, Payload { msg: &sealed, aad: &test.aad });
            if test.result.must_fail() {
                assert!(opened.is_err(), "{name}");
            } else {
                assert_eq!(opened.unwrap(), test.pt.as_slice(), "{name}");
                let msg = Payload { msg: &test.pt, aad: &test.aad };
                assert_eq!(cipher.encrypt(&nonce, msg).unwrap(), sealed, "{name}");
            }
        }
    }
    assert_eq!(ran, set.number_of_tests);
}

#[test]
fn x25519_agrees_on_every_point() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut ran = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let name = format!("{}: {}", test.tc_id, test.comment);
        ran += 1;
        let Ok(public) = <[u8; 32]>::try_from(test.public_key.as_slice()) else {
            assert_ne!(test.result, wycheproof::TestResult::Valid, "{name}");
            continue;
        };
        let private = test.private_key.as_slice().try_into().unwrap();
        let shared = x25519_dalek::x25519(private, public);
        assert_eq!(shared, test.shared_secret.as_slice(), "{name}");
    }
    assert_eq!(ran, set.number_of_tests);
}

#[test]
fn receiving_keys_whose_x25519_part_yields_zero_are_refused() {
    use passport_core::keys::{ReceivingKey, ReceivingPublicKey};

    let good = *ReceivingKey::from_seed(&[1; 32]).public_key().as_bytes();
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut refused = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let Ok(public) = <[u8; 32]>::try_from(test.public_key.as_slice()) else { continue };
        let mut key = good;
        key[ReceivingPublicKey::LEN - 32..].copy_from_slice(&public);
        let zero = test.shared_secret.iter().all(|byte| *byte == 0);
        assert_eq!(
            ReceivingPublicKey::from_slice(&key).is_err(),
            zero,
            "{}: {}",
            test.tc_id,
            test.comment
        );
        refused += usize::from(zero);
    }
    assert!(refused > 10, "{refused}");
}
