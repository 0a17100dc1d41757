//! The letters: what they cover, how wide they run, and which way.

use core::ops::Range;
use std::collections::BTreeSet;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use passport_core::section::display::neutralise;
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use super::PdfError;
use super::machine::{Extra, Face};
use crate::page::apart;

/// Stands in for a character that no font here can show.
const MISSING: char = '\u{fffd}';

/// Regular or bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// For what is said.
    Regular,
    /// For headings and labels.
    Bold,
}

/// `DejaVu` Sans Condensed in two weights: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and
/// Arabic, legible in small print. Whatever else is written is set in fonts of this machine.
pub(super) struct Fonts<'a> {
    regular: Vec<Letters<'a>>,
    bold: Vec<Letters<'a>>,
}

/// A font, to measure with and to draw with.
struct Letters<'a> {
    shaper: rustybuzz::Face<'a>,
    font: Font,
}

/// A stretch of one direction and one font, ready to draw at its place in the line.
pub(super) struct Run {
    /// What it says.
    pub(super) text: String,
    /// The font to draw with.
    pub(super) font: Font,
    /// Its glyphs from left to right; measures in ems.
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// How wide it runs, in ems.
    pub(super) ems: f32,
}

impl<'a> Fonts<'a> {
    /// The built-in fonts, and behind them those of this machine that were found to be needed.
    ///
    /// # Errors
    /// Returns [`PdfError::Font`] when a built-in font cannot be read; another is passed over.
    pub(super) fn new(extra: &'a Extra) -> Result<Self, PdfError> {
        Ok(Self {
            regular: Self::all(dejavu::sans_condensed::regular(), &extra.regular)?,
            bold: Self::all(dejavu::sans_condensed::bold(), &extra.bold)?,
        })
    }

    fn all(built_in: &'static [u8], extra: &'a [Face]) -> Result<Vec<Letters<'a>>, PdfError> {
        let first = Letters::of(built_in, 0, built_in.into()).ok_or(PdfError::Font)?;
        let more = extra.iter().filter_map(|face| {
            Letters::of(face.bytes.as_slice(), face.index, face.bytes.clone().into())
        });
        Ok(core::iter::once(first).chain(more).collect())
    }

    fn letters(&self, weight: Weight) -> &[Letters<'a>] {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// Text without anything misleading and without characters that cannot be shown; the latter
    /// are added to `lost`.
    pub(super) fn clean(&self, weight: Weight, text: &str, lost: &mut BTreeSet<char>) -> String {
        let letters = self.letters(weight);
        let show = |c: char| {
            if matches!(c, '\n' | '\u{200e}') || letters.iter().any(|l| l.has(c)) {
                return Some(c);
            }
            // Joiners and variants only modify what stands beside them.
            if matches!(c, '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}') {
                return None;
            }
            if c.is_whitespace() {
                return Some(' ');
            }
            lost.insert(c);
            Some(MISSING)
        };
        apart(&neutralise(text)).chars().filter_map(show).collect()
    }

    /// How wide a text runs on one line, in ems.
    pub(super) fn ems(&self, weight: Weight, line: &str) -> f32 {
        self.runs(weight, line).iter().map(|run| run.ems).sum()
    }

    /// A line's stretches from left to right (Unicode UAX #9).
    pub(super) fn runs(&self, weight: Weight, line: &str) -> Vec<Run> {
        let bidi = BidiInfo::new(line, None);
        let letters = self.letters(weight);
        let mut runs = Vec::new();
        for paragraph in &bidi.paragraphs {
            let (levels, ranges) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for range in ranges {
                let backwards = levels.get(range.start).is_some_and(unicode_bidi::Level::is_rtl);
                let mut shaped: Vec<Run> = stretches(letters, line.get(range).unwrap_or_default())
                    .map(|(letters, text)| letters.shape(text, backwards))
                    .collect();
                if backwards {
                    shaped.reverse();
                }
                runs.append(&mut shaped);
            }
        }
        runs
    }
}

/// Divides a text where another font has to go on. What is no letter of its own, such as a space
/// or a mark, stays with what stands before it.
fn stretches<'l, 't>(
    letters: &'l [Letters<'l>],
    text: &'t str,
) -> impl Iterator<Item = (&'l Letters<'l>, &'t str)> {
    let mut starts: Vec<(usize, &Letters<'_>)> = Vec::new();
    for (at, c) in text.char_indices() {
        let before = starts.last().map(|(_, letters)| *letters);
        let stays = before.filter(|letters| !c.is_alphanumeric() && letters.has(c));
        let first = || letters.iter().find(|l| l.has(c)).or(letters.first());
        let Some(here) = stays.or_else(first) else { continue };
        if !before.is_some_and(|before| core::ptr::eq(before, here)) {
            starts.push((at, here));
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|s| s.0).chain([text.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .filter_map(|((start, letters), end)| Some((letters, text.get(start..end)?)))
}

impl<'a> Letters<'a> {
    fn of(bytes: &'a [u8], index: u32, data: krilla::Data) -> Option<Self> {
        let shaper = rustybuzz::Face::from_slice(bytes, index)?;
        Some(Self { shaper, font: Font::new(data, index)? })
    }

    fn has(&self, c: char) -> bool {
        self.shaper.glyph_index(c).is_some()
    }

    #[expect(clippy::cast_precision_loss, reason = "advances are far below 2^24 font units")]
    fn shape(&self, text: &str, backwards: bool) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if backwards {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        });
        let shaped = rustybuzz::shape(&self.shaper, &[], buffer);
        let mut starts: Vec<u32> = shaped.glyph_infos().iter().map(|i| i.cluster).collect();
        starts.sort_unstable();
        let em = self.font.units_per_em();
        let ems = |units: i32| units as f32 / em;
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).map(|(info, at)| {
            let range = cluster(&starts, info.cluster, text.len());
            let (x, y) = (ems(at.x_offset), ems(at.y_offset));
            let (advance, drop) = (ems(at.x_advance), ems(at.y_advance));
            KrillaGlyph::new(GlyphId::new(info.glyph_id), advance, x, y, drop, range, None)
        });
        let glyphs: Vec<KrillaGlyph> = glyphs.collect();
        let ems = glyphs.iter().map(|g| g.x_advance).sum();
        Run { text: text.to_owned(), font: self.font.clone(), glyphs, ems }
    }
}

/// The bytes that the glyphs of a cluster stand for: up to where the next one starts.
fn cluster(starts: &[u32], start: u32, end: usize) -> Range<usize> {
    let byte = |at: u32| usize::try_from(at).unwrap_or(end);
    let next = starts.iter().find(|s| **s > start).map_or(end, |s| byte(*s));
    byte(start)..next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::pdf::machine::fonts_of;

    fn clean(fonts: &Fonts<'_>, weight: Weight, text: &str) -> (String, BTreeSet<char>) {
        let mut lost = BTreeSet::new();
        (fonts.clean(weight, text, &mut lost), lost)
    }

    #[test]
    fn what_cannot_be_shown_is_replaced_and_said() {
        let extra = Extra::default();
        let fonts = Fonts::new(&extra).unwrap();
        let names = "Zoë Łukasz Ελένη Ольга שלום محمد";
        assert_eq!(clean(&fonts, Weight::Regular, names), (names.to_owned(), BTreeSet::new()));
        assert_eq!(
            clean(&fonts, Weight::Regular, "李\u{202e}x\u{3000}\ty"),
            ("\u{fffd}\u{fffd}x  y".to_owned(), BTreeSet::from(['李']))
        );
        for weight in [Weight::Regular, Weight::Bold] {
            assert!(clean(&fonts, weight, "\u{fffd} · — ‘’ “” … • £ é ż محمد").1.is_empty());
        }
    }

    #[test]
    fn a_font_of_the_machine_goes_on_where_the_built_in_one_ends() {
        // These are in another cut of the same family alone.
        let machine = fonts_of([dejavu::serif::regular()]);
        let wanted = BTreeSet::from(['ᴕ', 'ᴤ', '李']);
        let extra = Extra::covering(&wanted, &machine);
        let fonts = Fonts::new(&extra).unwrap();
        let (text, lost) = clean(&fonts, Weight::Bold, "Ada ᴕᴤ, 李");
        assert_eq!((text.as_str(), lost), ("Ada ᴕᴤ, \u{fffd}", BTreeSet::from(['李'])));
        let runs = fonts.runs(Weight::Bold, &text);
        let texts: Vec<&str> = runs.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(texts, ["Ada ", "ᴕᴤ, \u{fffd}"]);
        let shown = |run: &Run| run.glyphs.iter().all(|g| g.glyph_id != GlyphId::new(0));
        assert!(runs.iter().all(shown));
        assert!(runs[0].font != runs[1].font);
    }

    #[test]
    fn text_in_both_directions_is_set_in_visual_order() {
        let extra = Extra::default();
        let fonts = Fonts::new(&extra).unwrap();
        let runs = fonts.runs(Weight::Regular, "Dr שלום says");
        let texts: Vec<&str> = runs.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(texts, ["Dr ", "שלום", " says"]);
        let hebrew = &runs[1].glyphs;
        // The first letter stands on the right, and each glyph knows its own bytes.
        assert_eq!(hebrew.first().unwrap().text_range, 6..8);
        assert_eq!(hebrew.last().unwrap().text_range, 0..2);
        let sum: f32 = runs.iter().map(|r| r.ems).sum();
        assert!((sum - fonts.ems(Weight::Regular, "Dr שלום says")).abs() < 1e-4);
    }

    #[test]
    fn a_telephone_number_after_a_name_from_right_to_left_keeps_its_order() {
        let extra = Extra::default();
        let fonts = Fonts::new(&extra).unwrap();
        let (text, lost) = clean(&fonts, Weight::Regular, "محمد, 07700 900123");
        assert!(lost.is_empty(), "{lost:?}");
        let shown: String = fonts
            .runs(Weight::Regular, &text)
            .iter()
            .filter(|run| run.text.contains(|c: char| c.is_ascii_digit()))
            .map(|run| run.text.as_str())
            .collect();
        assert!(shown.contains("07700 900123"), "{shown:?}");
    }
}
