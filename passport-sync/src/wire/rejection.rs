//! Why a relay says no: small numbers, never reused.

use passport_core::codec::DecodeError;

/// Why a relay refused a request or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// 1: not of the expected form.
    #[error("malformed")]
    Malformed,
    /// 2: larger than the format allows.
    #[error("too large")]
    TooLarge,
    /// 3: a signature is missing or does not verify.
    #[error("signature does not verify")]
    BadSignature,
    /// 4: the relay has no access list for the channel.
    #[error("channel is not known to the relay")]
    UnknownChannel,
    /// 5: the key has no such right, or no longer.
    #[error("no right in force")]
    NotPermitted,
    /// 6: another access list is current; the response holds it if the asker may see it.
    #[error("another access list is current")]
    AccessConflict,
    /// 7: the channel or mailbox is full.
    #[error("quota exhausted")]
    QuotaExceeded,
    /// 8: too much today; again tomorrow.
    #[error("rate limit reached")]
    RateLimited,
    /// 9: the epoch is still live in the current access list.
    #[error("epoch is still live")]
    EpochLive,
    /// 10: the request was seen before, or its time is off by more than a minute.
    #[error("request is stale or replayed")]
    Stale,
    /// 11: meant for another relay.
    #[error("request is meant for another relay")]
    WrongAuthority,
    /// 12: no such object.
    #[error("object is not there")]
    NotFound,
    /// 13: the relay failed and kept nothing of this; again later.
    #[error("relay is unwell")]
    Unavailable,
    /// 14: written by newer software than the relay's.
    #[error("version is not known to the relay")]
    UnknownVersion,
    /// 15: the asker has not read all there is of the epoch.
    #[error("epoch has envelopes that were not read yet")]
    Unread,
}

/// Every rejection with its number.
const CODES: [(u16, Rejection); 15] = [
    (1, Rejection::Malformed),
    (2, Rejection::TooLarge),
    (3, Rejection::BadSignature),
    (4, Rejection::UnknownChannel),
    (5, Rejection::NotPermitted),
    (6, Rejection::AccessConflict),
    (7, Rejection::QuotaExceeded),
    (8, Rejection::RateLimited),
    (9, Rejection::EpochLive),
    (10, Rejection::Stale),
    (11, Rejection::WrongAuthority),
    (12, Rejection::NotFound),
    (13, Rejection::Unavailable),
    (14, Rejection::UnknownVersion),
    (15, Rejection::Unread),
];

impl Rejection {
    /// Of what does not decode.
    pub(super) fn of_form(error: DecodeError) -> Self {
        let too_large = matches!(error, DecodeError::TooLarge { .. });
        if too_large { Self::TooLarge } else { Self::Malformed }
    }

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        CODES.iter().find(|(_, r)| *r == self).map_or(0, |(code, _)| *code)
    }

    /// The rejection of a number, if this software knows it.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        CODES.iter().find(|(c, _)| *c == code).map(|(_, r)| *r)
    }

    /// Whether the same thing may succeed later, unchanged.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::QuotaExceeded
                | Self::Unavailable
                | Self::Stale
                | Self::Unread
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rejections_are_one_to_one() {
        for (code, rejection) in CODES {
            assert_eq!(rejection.code(), code);
            assert_eq!(Rejection::from_code(code), Some(rejection));
        }
        assert_eq!(Rejection::from_code(0), None);
    }
}
