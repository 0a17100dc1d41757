//! NHS numbers: ten digits of which the last checks the others.

use core::{fmt, str::FromStr};

/// An NHS number whose check digit is right (NHS Data Model and Dictionary, *NHS NUMBER*).
///
/// Only such a number may be compared to find or match a person. That it is well formed says
/// nothing of whether it is *this* person's: until a practice confirms it, it is asserted. A
/// number that fails the check is kept as text and flagged, and never becomes one of these.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NhsNumber(String);

/// Why text is not an NHS number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseNhsNumberError {
    /// Not ten digits, with or without spaces.
    #[error("not ten digits")]
    Shape,
    /// Ten digits of which the last does not fit the others.
    #[error("the digits do not add up: one of them is probably mistyped")]
    CheckDigit,
}

impl NhsNumber {
    /// The ten digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for NhsNumber {
    type Err = ParseNhsNumberError;

    /// Reads ten digits, ignoring white space and hyphens between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(11).collect();
        if digits.len() != 10 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseNhsNumberError::Shape);
        }
        let value = |b: u8| u32::from(b - b'0');
        let sum: u32 =
            digits.bytes().zip((2..=10).rev()).map(|(b, w): (u8, u32)| value(b) * w).sum();
        let check = match 11 - sum % 11 {
            11 => 0,
            // No digit can stand for ten: such numbers are never issued.
            10 => return Err(ParseNhsNumberError::CheckDigit),
            check => check,
        };
        if digits.bytes().last().map(value) == Some(check) {
            Ok(Self(digits))
        } else {
            Err(ParseNhsNumberError::CheckDigit)
        }
    }
}

impl fmt::Display for NhsNumber {
    /// In the usual groups, `943 476 5919`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |range| self.0.get(range).unwrap_or_default();
        write!(f, "{} {} {}", part(0..3), part(3..6), part(6..10))
    }
}

impl fmt::Debug for NhsNumber {
    /// The number names a person, so it is not shown in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_numbers_are_read_however_they_are_spaced() {
        for text in ["9434765919", "943 476 5919", " 943-476-5919 "] {
            let number: NhsNumber = text.parse().unwrap();
            assert_eq!(number.digits(), "9434765919");
            assert_eq!(number.to_string(), "943 476 5919");
        }
        // A check digit of eleven is written as nought.
        assert!("0000000000".parse::<NhsNumber>().is_ok());
        assert!(!format!("{:?}", "9434765919".parse::<NhsNumber>().unwrap()).contains("943"));
    }

    #[test]
    fn every_mistyped_digit_and_every_swap_of_neighbours_is_noticed() {
        let good = *b"9434765919";
        for place in 0..10 {
            for digit in b'0'..=b'9' {
                let mut bad = good;
                bad[place] = digit;
                let text = core::str::from_utf8(&bad).unwrap();
                assert_eq!(text.parse::<NhsNumber>().is_ok(), bad == good, "{text}");
            }
        }
        for place in 0..9 {
            let mut bad = good;
            bad.swap(place, place + 1);
            let text = core::str::from_utf8(&bad).unwrap();
            assert_eq!(text.parse::<NhsNumber>().is_ok(), bad == good, "{text}");
        }
    }

    #[test]
    fn what_is_not_ten_digits_is_no_number() {
        for text in ["", "943476591", "94347659190", "94347659l9", "９４３４７６５９１９"]
        {
            assert_eq!(text.parse::<NhsNumber>(), Err(ParseNhsNumberError::Shape), "{text}");
        }
        // Weighted sum 1: the check digit would have to be ten.
        for last in 0..10 {
            let text = format!("000000006{last}");
            let sum = 6 * 2;
            assert_eq!(11 - sum % 11, 10);
            assert_eq!(text.parse::<NhsNumber>(), Err(ParseNhsNumberError::CheckDigit));
        }
    }
}
