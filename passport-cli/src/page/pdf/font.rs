//! The built-in letters: what they cover, how wide they run, and which way.

use core::ops::Range;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use passport_core::section::display::neutralise;
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use super::PdfError;

/// Stands in for a character that the font cannot show.
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
/// Arabic, legible in small print.
pub(super) struct Fonts {
    regular: Letters,
    bold: Letters,
}

/// A font, to measure with and to draw with.
struct Letters {
    shaper: rustybuzz::Face<'static>,
    font: Font,
}

/// A stretch of one direction, ready to draw at its place in the line.
pub(super) struct Run {
    /// What it says.
    pub(super) text: String,
    /// Its glyphs from left to right; measures in ems.
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// How wide it runs, in ems.
    pub(super) ems: f32,
}

impl Fonts {
    /// The built-in fonts.
    ///
    /// # Errors
    /// Returns [`PdfError::Font`].
    pub(super) fn new() -> Result<Self, PdfError> {
        let letters = |data: &'static [u8]| {
            let shaper = rustybuzz::Face::from_slice(data, 0)?;
            Some(Letters { shaper, font: Font::new(data.into(), 0)? })
        };
        Ok(Self {
            regular: letters(dejavu::sans_condensed::regular()).ok_or(PdfError::Font)?,
            bold: letters(dejavu::sans_condensed::bold()).ok_or(PdfError::Font)?,
        })
    }

    const fn letters(&self, weight: Weight) -> &Letters {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The font to draw with.
    pub(super) fn font(&self, weight: Weight) -> Font {
        self.letters(weight).font.clone()
    }

    /// Text without anything misleading and without characters that cannot be shown, and whether
    /// any of the latter was replaced.
    pub(super) fn clean(&self, weight: Weight, text: &str) -> (String, bool) {
        let face = &self.letters(weight).shaper;
        let mut lost = false;
        let show = |c: char| {
            let c = if c == '\t' { ' ' } else { c };
            if c == '\n' || face.glyph_index(c).is_some() {
                return Some(c);
            }
            // Joiners and variants only modify what stands beside them.
            if matches!(c, '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}') {
                return None;
            }
            lost = true;
            Some(MISSING)
        };
        let clean = neutralise(text).chars().filter_map(show).collect();
        (clean, lost)
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
                let text = line.get(range).unwrap_or_default();
                runs.push(letters.shape(text, backwards));
            }
        }
        runs
    }
}

impl Letters {
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
        Run { text: text.to_owned(), glyphs, ems }
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

    #[test]
    fn what_cannot_be_shown_is_replaced_and_said() {
        let fonts = Fonts::new().unwrap();
        let clean = |text| fonts.clean(Weight::Regular, text);
        assert_eq!(
            clean("Zoë Łukasz Ελένη Ольга שלום محمد"),
            ("Zoë Łukasz Ελένη Ольга שלום محمد".to_owned(), false)
        );
        assert_eq!(clean("李\u{202e}x"), ("\u{fffd}\u{fffd}x".to_owned(), true));
        for weight in [Weight::Regular, Weight::Bold] {
            assert!(!fonts.clean(weight, "\u{fffd} · — ‘’ “” … • £ é ż محمد").1);
        }
    }

    #[test]
    fn text_in_both_directions_is_set_in_visual_order() {
        let fonts = Fonts::new().unwrap();
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
}
