//! Padding of bodies, so that sizes tell little.

use zeroize::Zeroizing;

/// Bytes beside the padded body that are of one length in every envelope: tag (32), authenticator
/// (16), signature (64). They count, so that the smallest envelopes hold little else.
const BESIDE: usize = 32 + 16 + 64;
/// Lengths that can be told apart are so far from each other, or further.
const STEP: usize = 64;

/// The padded length of `len` bytes by the Padmé scheme (Nikitin et al., *Reducing Metadata
/// Leakage from Encrypted Files and Communication with PURBs*, PETS 2019): at most 12% more, and
/// only O(log log len) bits of the length remain visible. Never under 256.
#[must_use]
pub fn padme(len: usize) -> usize {
    const FLOOR: usize = 256;
    if len <= FLOOR { FLOOR } else { len.next_multiple_of(step(len)) }
}

/// How far the Padmé lengths around `len` are from each other.
fn step(len: usize) -> usize {
    let exponent = len.ilog2();
    let bits = exponent.ilog2() + 1;
    1 << (exponent - bits)
}

/// The padded length of a body of `len` bytes: with what else is in every envelope, a length of
/// [`padme`] in whole steps of `STEP`.
#[must_use]
pub fn padded(len: usize) -> usize {
    padme(len + BESIDE).next_multiple_of(STEP) - BESIDE
}

/// Appends 0x80 and zeros up to the padded length (ISO/IEC 7816-4 marking).
pub(super) fn pad(mut body: Vec<u8>) -> Zeroizing<Vec<u8>> {
    let target = padded(body.len() + 1);
    body.push(0x80);
    body.resize(target, 0);
    Zeroizing::new(body)
}

/// The body inside its padding; `None` unless padded exactly as [`pad`] does.
pub(super) fn unpad(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().rposition(|b| *b != 0)?;
    if bytes.get(end) != Some(&0x80) || padded(end + 1) != bytes.len() {
        return None;
    }
    bytes.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_exact_and_reversible() {
        for len in [0, 1, 142, 143, 144, 254, 255, 256, 257, 1000, 65_535, 200_000] {
            let body = vec![0x80; len];
            let sealed = pad(body.clone());
            let whole = sealed.len() + BESIDE;
            let least = len + 1 + BESIDE;
            assert_eq!(whole % STEP, 0, "{len}");
            assert!(whole <= 256 || whole * 100 <= least * 112 + 100 * STEP, "{len}");
            assert_eq!(unpad(&sealed), Some(&body[..]));
            let mut longer = sealed.to_vec();
            longer.push(0);
            assert_eq!(unpad(&longer), None, "{len}: one zero too many");
        }
        assert_eq!(unpad(&[0; 144]), None);
    }

    #[test]
    fn every_small_body_looks_like_every_other() {
        assert_eq!([0, 1, 58, 143].map(|len| pad(vec![7; len]).len()), [144; 4]);
        assert_eq!(pad(vec![7; 144]).len(), 208);
        // Nothing shrinks, and steps are never closer than before.
        let all: std::collections::BTreeSet<usize> = (1..70_000).map(padded).collect();
        let apart = all.iter().zip(all.iter().skip(1)).map(|(a, b)| b - a).min();
        assert_eq!(apart, Some(STEP));
    }
}
