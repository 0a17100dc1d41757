//! Mutations of text and bytes that know no more than a few marks.

use rand_chacha::ChaCha20Rng;

use super::{below, one};

/// What has broken readers before.
const PIECES: &[&str] = &[
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\\u0000",
    "\\ud800",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "<",
    ">",
    "&",
    "&#0;",
    "&a;",
    "<!DOCTYPE x [<!ENTITY a \"b\">]>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "<?xml version=\"1.0\" encoding=\"utf-16\"?>",
    "xmlns=\"x\"",
    "1e999",
    "-0",
    "0.0000001",
    "NaN",
    "99999999999999999999999999",
    "null",
    "true",
    "\n",
    "\r",
    "\u{85}",
    "Patient/",
    "#",
    "shc:/",
    "shlink:/",
    "urn:uuid:",
    "9999-12-31",
    "0000-00-00",
    "2026-02-30T25:61:61+99:99",
    "é",
    "李",
    "\u{1d15e}",
];

/// One to four changes: bits, bytes, cuts, repeats, pieces, and parts of another text.
pub(super) fn bytes(good: &[u8], other: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=below(rng, 4) {
        let at = below(rng, bytes.len());
        let end = (at + below(rng, 24)).min(bytes.len());
        match below(rng, 9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << below(rng, 8),
            1 if !bytes.is_empty() => bytes[at] = u8::try_from(below(rng, 256)).unwrap(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let again: Vec<u8> = bytes[at..end].repeat(1 + below(rng, 40));
                bytes.splice(at..at, again).for_each(drop);
            }
            5 => {
                let from = below(rng, other.len());
                let to = (from + below(rng, 200)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied()).for_each(drop);
            }
            6 => {
                let piece = one(rng, PIECES).repeat(1 + below(rng, 3));
                bytes.splice(at..end, piece.into_bytes()).for_each(drop);
            }
            7 => {
                let nest = one(rng, &["[", "{\"a\":", "<a>", "(", "\\"]).repeat(below(rng, 400));
                bytes.splice(at..at, nest.into_bytes()).for_each(drop);
            }
            _ => {
                let piece = one(rng, PIECES);
                bytes.splice(at..at, piece.bytes()).for_each(drop);
            }
        }
    }
    bytes
}

/// Changes to whole tags: taken out, repeated, moved, taken from another document, given other
/// values.
pub(super) fn xml(good: &str, other: &str, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut tags: Vec<String> = good.split_inclusive('>').map(str::to_owned).collect();
    let others: Vec<&str> = other.split_inclusive('>').collect();
    for _ in 0..=below(rng, 4) {
        if tags.is_empty() {
            break;
        }
        let at = below(rng, tags.len());
        let end = (at + 1 + below(rng, 6)).min(tags.len());
        match below(rng, 7) {
            0 => drop(tags.drain(at..end)),
            1 => {
                let times = 1 + below(rng, 8);
                let again: Vec<String> =
                    core::iter::repeat_n(&tags[at..end], times).flatten().cloned().collect();
                tags.splice(at..at, again).for_each(drop);
            }
            2 => {
                let to = below(rng, tags.len());
                tags.swap(at, to);
            }
            3 => {
                let from = below(rng, others.len());
                let to = (from + 1 + below(rng, 12)).min(others.len());
                tags.splice(at..at, others[from..to].iter().map(ToString::to_string))
                    .for_each(drop);
            }
            4 => {
                let piece = one(rng, PIECES);
                if let Some((before, _)) = tags[at].split_once("value=\"") {
                    tags[at] = format!("{before}value=\"{piece}\"/>");
                }
            }
            5 => tags[at] = tags[at].replace("/>", "><extension url=\"u\"/></x>"),
            _ => tags[at] += *one(rng, PIECES),
        }
    }
    tags.concat().into_bytes()
}
