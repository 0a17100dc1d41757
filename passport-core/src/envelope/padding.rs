//! Padding of bodies, so that sizes tell little.

use zeroize::Zeroizing;

/// The padded length of `len` bytes by the Padmé scheme (Nikitin et al., *Reducing Metadata
/// Leakage from Encrypted Files and Communication with PURBs*, PETS 2019): at most 12% more, and
/// only O(log log len) bits of the length remain visible. Never under 256.
#[must_use]
pub fn padme(len: usize) -> usize {
    const FLOOR: usize = 256;
    if len <= FLOOR {
        return FLOOR;
    }
    let exponent = len.ilog2();
    let bits = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent - bits)) - 1;
    (len + mask) & !mask
}

/// Appends 0x80 and zeros up to the Padmé length (ISO/IEC 7816-4 marking).
pub(super) fn pad(mut body: Vec<u8>) -> Zeroizing<Vec<u8>> {
    let target = padme(body.len() + 1);
    body.push(0x80);
    body.resize(target, 0);
    Zeroizing::new(body)
}

/// The body inside its padding; `None` unless padded exactly as [`pad`] does.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|b| *b != 0)?;
    if padded.get(end) != Some(&0x80) || padme(end + 1) != padded.len() {
        return None;
    }
    padded.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_exact_and_reversible() {
        for len in [0, 1, 254, 255, 256, 257, 1000, 65_535, 200_000] {
            let body = vec![0x80; len];
            let padded = pad(body.clone());
            assert!(padded.len() <= 256 || padded.len() * 100 <= (len + 1) * 112, "{len}");
            assert_eq!(unpad(&padded), Some(&body[..]));
            let mut longer = padded.to_vec();
            longer.push(0);
            assert_eq!(unpad(&longer), None, "{len}: one zero too many");
        }
        assert_eq!(unpad(&[0; 256]), None);
    }
}
