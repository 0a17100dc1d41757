use super::*;

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

const TARGET: Target<'_> =
    Target { method: "POST", authority: "relay.example:7700", path: "/v1/sync" };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn signed() -> SignatureHeaders {
    sign(&TARGET, b"body", &key(), at(1000), &[3; 16])
}

/// RFC 9421, appendix B.2.6, with the key of appendix B.1.4.
#[test]
fn the_rfc_example_is_reproduced() {
    let seed = BASE64.decode(b"n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=").unwrap();
    let key = SigningKey::from_seed(&seed.try_into().unwrap());
    let public = BASE64.decode(b"JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
    assert_eq!(key.verification_key().as_bytes().as_slice(), public);
    let params = concat!(
        r#"("date" "@method" "@path" "@authority" "content-type" "content-length")"#,
        r#";created=1618884473;keyid="test-key-ed25519""#
    );
    let base = signature_base(
        &[
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@method", "POST"),
            ("@path", "/foo"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
            ("content-length", "18"),
        ],
        params,
    );
    let expected = concat!(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1",
        "u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    );
    assert_eq!(BASE64.encode(&sign_base(&key, &base)), expected);
    let signature = BASE64.decode(expected.as_bytes()).unwrap();
    assert_eq!(verify_base(&key.verification_key(), &base, &signature), Ok(()));
}

/// RFC 9530, appendix B.1: the digest of `{"hello": "world"}` and a newline.
#[test]
fn the_content_digest_is_that_of_the_rfc() {
    assert_eq!(
        digest(b"{\"hello\": \"world\"}\n"),
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    );
}

#[test]
fn a_request_verifies_as_its_key() {
    let expected =
        Authenticated { key: key().verification_key(), created: at(1000), nonce: [3; 16] };
    assert_eq!(verify(&TARGET, &signed()), Ok(expected));
}

#[test]
fn another_method_authority_path_or_body_is_refused() {
    for target in [
        Target { method: "PUT", ..TARGET },
        Target { authority: "other.example:7700", ..TARGET },
        Target { path: "/v1/objects/00", ..TARGET },
    ] {
        assert_eq!(verify(&target, &signed()), Err(SignatureError::Signature));
    }
    assert_eq!(check_body(&signed(), b"body"), Ok(()));
    assert_eq!(check_body(&signed(), b"Body"), Err(SignatureError::Digest));
    let with_digest = SignatureHeaders { content_digest: digest(b"Body"), ..signed() };
    assert_eq!(verify(&TARGET, &with_digest), Err(SignatureError::Signature));
}

#[test]
fn every_other_signature_input_is_refused() {
    let input = signed().signature_input;
    for (from, to) in [
        ("created=1000", "created=1001"),
        ("created=1000", "created=01000"),
        ("0303", "0304"),
        ("ed25519", "rsa-v1_5-sha256"),
        ("v1 request", "v1 receipt"),
        (" \"content-digest\"", ""),
        ("passport=", "other="),
        (";alg", ";extra=1;alg"),
    ] {
        let changed = input.replacen(from, to, 1);
        assert_ne!(changed, input, "{from}");
        let headers = SignatureHeaders { signature_input: changed, ..signed() };
        assert!(verify(&TARGET, &headers).is_err(), "{from}");
    }
    for signature in ["", "passport=::", "passport=:AAAA:", "passport=:!:"] {
        let headers = SignatureHeaders { signature: signature.into(), ..signed() };
        assert!(verify(&TARGET, &headers).is_err(), "{signature}");
    }
}

#[test]
fn a_small_order_key_signs_nothing() {
    let mut weak = [0; 32];
    weak[0] = 1;
    let key = VerificationKey::from_bytes(weak);
    let mut signature = [0; 64];
    signature[0] = 1;
    assert_eq!(verify_base(&key, "anything", &signature), Err(SignatureError::Signature));
}

#[test]
fn a_request_is_admitted_once_and_only_within_its_minute() {
    let mut guard = ReplayGuard::new(3);
    let request = |created, nonce| Authenticated {
        key: key().verification_key(),
        created: at(created),
        nonce: [nonce; 16],
    };
    assert_eq!(guard.admit(&request(1000, 1), at(1000)), Ok(()));
    assert_eq!(guard.admit(&request(1000, 1), at(1000)), Err(SignatureError::Replayed));
    assert_eq!(guard.admit(&request(1000, 1), at(1060)), Err(SignatureError::Replayed));
    assert_eq!(guard.admit(&request(1000, 2), at(1060)), Ok(()));
    assert_eq!(guard.admit(&request(1000, 3), at(1061)), Err(SignatureError::Stale));
    assert_eq!(guard.admit(&request(1121, 3), at(1060)), Err(SignatureError::Stale));
    assert_eq!(guard.admit(&request(1120, 3), at(1060)), Ok(()));
    assert_eq!(guard.admit(&request(1120, 4), at(1060)), Err(SignatureError::Overloaded));
    assert_eq!(guard.admit(&request(1150, 4), at(1150)), Ok(()), "the old are forgotten");
}
