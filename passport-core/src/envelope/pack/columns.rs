//! Bodies of edits laid out so that they compress: what people wrote by itself, numbers as
//! differences.
//!
//! A body is walked item by item of its CBOR. Texts of more than [`SHORT`] bytes go into one
//! stream, everything else into another, where an unsigned integer of 2, 4 or 8 bytes is written
//! as the difference from the last of that width. Whoever reads walks along in the same way:
//! every byte of a body has one place. What is not CBOR is carried over byte by byte.

/// Longest text that stays beside what is around it, in bytes: names of fields, codes.
const SHORT: usize = 23;

/// The two streams that bodies become.
#[derive(Default)]
pub(super) struct Columns {
    /// Everything but long texts.
    pub(super) plain: Vec<u8>,
    /// Long texts, one after the other.
    pub(super) text: Vec<u8>,
}

impl Drop for Columns {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.plain);
        zeroize::Zeroize::zeroize(&mut self.text);
    }
}

/// The last numbers of 2, 4 and 8 bytes.
#[derive(Default)]
struct Numbers {
    two: u64,
    four: u64,
    eight: u64,
}

impl Numbers {
    fn last(&mut self, width: usize) -> &mut u64 {
        match width {
            2 => &mut self.two,
            4 => &mut self.four,
            _ => &mut self.eight,
        }
    }
}

/// Where the bytes of a body come from and go to.
trait Ends {
    /// Moves so many bytes of the body between it and the plain stream, and shows them.
    fn plain(&mut self, len: usize) -> Option<&[u8]>;
    /// Moves so many bytes between the body and the text stream.
    fn text(&mut self, len: usize) -> Option<()>;
    /// Moves a number of so many bytes, written in the plain stream as a difference.
    fn number(&mut self, width: usize) -> Option<()>;
}

/// Moves a whole body.
fn walk(len: usize, ends: &mut impl Ends) -> Option<()> {
    let mut left = len;
    while left > 0 {
        let head = *ends.plain(1)?.first()?;
        left -= 1;
        let (major, short) = (head >> 5, usize::from(head & 31));
        let width = match short {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        if width > left {
            ends.plain(left)?;
            break;
        }
        left -= width;
        let said = if major == 0 && width > 1 {
            ends.number(width)?;
            0
        } else {
            let said = be(ends.plain(width)?);
            if width == 0 && short < 24 { short as u64 } else { said }
        };
        let payload = if matches!(major, 2 | 3) { said } else { 0 };
        let payload = usize::try_from(payload).unwrap_or(usize::MAX).min(left);
        left -= payload;
        if major == 3 && payload > SHORT {
            ends.text(payload)?;
        } else {
            ends.plain(payload)?;
        }
    }
    Some(())
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| (n << 8) | u64::from(*byte))
}

/// The last bytes of a number, as many as are asked for.
fn low(number: u64, width: usize) -> Vec<u8> {
    let all = number.to_be_bytes();
    all.iter().skip(all.len().saturating_sub(width)).copied().collect()
}

/// Takes bodies apart.
pub(super) fn apart<'a>(bodies: impl IntoIterator<Item = &'a [u8]>) -> Columns {
    let mut writer = Writer { body: &[], columns: Columns::default(), numbers: Numbers::default() };
    for body in bodies {
        writer.body = body;
        // A walk never asks for more than is left.
        let _whole = walk(body.len(), &mut writer);
    }
    writer.columns
}

/// Puts bodies of these lengths together again; none if the streams do not hold exactly that.
pub(super) fn together(
    plain: &[u8],
    text: &[u8],
    lengths: impl IntoIterator<Item = usize>,
) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader { plain, text, body: Vec::new(), numbers: Numbers::default() };
    let mut bodies = Vec::new();
    for len in lengths {
        if len > plain.len() + text.len() {
            return None;
        }
        reader.body = Vec::with_capacity(len);
        walk(len, &mut reader)?;
        bodies.push(core::mem::take(&mut reader.body));
    }
    (reader.plain.is_empty() && reader.text.is_empty()).then_some(bodies)
}

struct Writer<'a> {
    body: &'a [u8],
    columns: Columns,
    numbers: Numbers,
}

impl<'a> Writer<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.body.split_at_checked(len)?;
        self.body = rest;
        Some(taken)
    }
}

impl Ends for Writer<'_> {
    fn plain(&mut self, len: usize) -> Option<&[u8]> {
        let taken = self.take(len)?;
        self.columns.plain.extend_from_slice(taken);
        Some(taken)
    }

    fn text(&mut self, len: usize) -> Option<()> {
        let taken = self.take(len)?;
        self.columns.text.extend_from_slice(taken);
        Some(())
    }

    fn number(&mut self, width: usize) -> Option<()> {
        let number = be(self.take(width)?);
        let last = self.numbers.last(width);
        self.columns.plain.extend(low(number.wrapping_sub(*last), width));
        *last = number;
        Some(())
    }
}

struct Reader<'a> {
    plain: &'a [u8],
    text: &'a [u8],
    body: Vec<u8>,
    numbers: Numbers,
}

impl Ends for Reader<'_> {
    fn plain(&mut self, len: usize) -> Option<&[u8]> {
        let (taken, rest) = self.plain.split_at_checked(len)?;
        self.plain = rest;
        self.body.extend_from_slice(taken);
        Some(taken)
    }

    fn text(&mut self, len: usize) -> Option<()> {
        let (taken, rest) = self.text.split_at_checked(len)?;
        self.text = rest;
        self.body.extend_from_slice(taken);
        Some(())
    }

    fn number(&mut self, width: usize) -> Option<()> {
        let (taken, rest) = self.plain.split_at_checked(width)?;
        self.plain = rest;
        let last = self.numbers.last(width);
        let number = low(be(taken).wrapping_add(*last), width);
        *last = be(&number);
        self.body.extend(number);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    fn back(bodies: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
        let columns = apart(bodies.iter().map(Vec::as_slice));
        together(&columns.plain, &columns.text, bodies.iter().map(Vec::len))
    }

    #[test]
    fn any_bytes_come_back_as_they_were() {
        let mut rng = ChaCha20Rng::seed_from_u64(40);
        let mut bodies: Vec<Vec<u8>> = vec![
            Vec::new(),
            vec![0x19],
            vec![0x1a, 1, 2],
            vec![0x78, 200, b'a'],
            vec![0x7b, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            [&[0x78, 30][..], &[b'x'; 30], &[0x19, 0, 9]].concat(),
            vec![0x5f, 0x1c, 0xff],
        ];
        for len in 0..300 {
            let mut body = vec![0; len];
            rng.fill_bytes(&mut body);
            bodies.push(body);
        }
        assert_eq!(back(&bodies), Some(bodies));
    }

    #[test]
    fn numbers_that_go_up_alike_look_alike_and_texts_stand_together() {
        let body = |n: u16| {
            let [high, low] = n.to_be_bytes();
            [&[0x82, 0x19, high, low, 0x78, 24][..], &[b'a'; 24]].concat()
        };
        let columns = apart([body(300), body(358), body(416)].iter().map(Vec::as_slice));
        let step: &[u8] = &[0x82, 0x19, 0, 58, 0x78, 24];
        assert_eq!(columns.plain, [&[0x82, 0x19, 1, 44, 0x78, 24], step, step].concat());
        assert_eq!(columns.text, [b'a'; 72]);
    }

    #[test]
    fn too_much_or_too_little_is_refused() {
        let bodies = [[&[0x78, 30][..], &[b'x'; 30]].concat()];
        let columns = || apart(bodies.iter().map(Vec::as_slice));
        for (plain, text) in [(0, 1), (1, 0)] {
            let mut more = columns();
            more.plain.extend(vec![0; plain]);
            more.text.extend(vec![0; text]);
            assert_eq!(together(&more.plain, &more.text, [32]), None);
            let mut less = columns();
            less.plain.truncate(2 - plain);
            less.text.truncate(30 - text);
            assert_eq!(together(&less.plain, &less.text, [32]), None);
        }
        for len in [31, 33, usize::MAX] {
            let columns = columns();
            assert_eq!(together(&columns.plain, &columns.text, [len]), None);
        }
    }
}
