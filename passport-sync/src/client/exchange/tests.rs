use super::*;

#[test]
fn only_what_can_never_be_taken_is_given_up() {
    for (rejection, verdict_of) in [
        (Rejection::Malformed, Verdict::Refused),
        (Rejection::BadSignature, Verdict::Refused),
        (Rejection::TooLarge, Verdict::Refused),
        (Rejection::NotPermitted, Verdict::Later),
        (Rejection::UnknownChannel, Verdict::Later),
        (Rejection::QuotaExceeded, Verdict::Later),
        (Rejection::UnknownVersion, Verdict::Later),
    ] {
        assert_eq!(verdict(rejection.into()), verdict_of, "{rejection}");
    }
    assert_eq!(verdict(Outcome::Rejected { code: 999 }), Verdict::Later);
    assert_eq!(verdict(Outcome::Known), Verdict::Kept);
}
