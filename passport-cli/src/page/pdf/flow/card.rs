//! The emergency card on a sheet: two sides of 85.6 × 54 mm (ISO/IEC 7810 ID-1), to cut out and
//! fold.

use qrcode::{Color, EcLevel, QrCode};

use super::super::PdfError;
use super::{Area, Content, Element, Flow, Fonts, Ink, LOST, Laid, MARGIN, Role, Sheet, Style};
use super::{Weight, wrap};
use crate::page::card::Card;
use crate::page::pdf::sheet::Figure;

const WIDTH: f32 = 242.65;
const HEIGHT: f32 = 153.07;
const PAD: f32 = 8.0;
/// About 27 mm.
const CODE: f32 = 76.0;
const TOP: f32 = 130.0;

const LEADING: f32 = 1.2;
/// Where a side has no room for all of a text.
const MORE: &str = "… more in the record";

const HEAD: Style = Style::new(Weight::Bold, 7.0, Ink::Mark);
const NAME: Style = Style::new(Weight::Bold, 11.0, Ink::Text);
/// A name that takes more lines than [`NAME_LINES`].
const LONG_NAME: Style = Style::new(Weight::Bold, 8.0, Ink::Text);
const NAME_LINES: usize = 2;
/// Lines that a text keeps, however long the ones before it are.
const KEPT_LINES: usize = 2;
const LABEL: Style = Style::new(Weight::Bold, 6.5, Ink::Heading);
const SMALL: Style = Style::new(Weight::Regular, 7.0, Ink::Text);

impl<'a> Flow<'a> {
    /// Lays a card out.
    ///
    /// # Errors
    /// Returns [`PdfError::Code`] when its text is more than a code holds.
    pub(in crate::page::pdf) fn card(fonts: &'a Fonts<'a>, card: &Card) -> Result<Laid, PdfError> {
        let mut flow = Self { fonts, laid: Laid::default(), y: super::TOP };
        flow.laid.sheets.push(Sheet::default());
        // Whose it is stands on the card, however long that name is.
        let title = flow.heading(1, super::TITLE, "Emergency card");
        let how = "Cut along the outer lines and fold in the middle. Whoever holds it can read it.";
        let how = flow.text(super::PLAIN, how);
        let (left, right) = (MARGIN, MARGIN + WIDTH);
        for x in [left, right] {
            flow.frame(x);
        }
        let inner = WIDTH - 2.0 * PAD;
        let back = format!("EMERGENCY, {}", card.as_of);
        let mut front = flow.side(left, inner - CODE - 4.0, "EMERGENCY", &card.name, &card.front);
        let alt = format!("A code that says: {}", card.code);
        let leaf = flow.code(right - PAD - CODE, TOP + HEIGHT - PAD - CODE, &card.code)?;
        front.content.push(Content::Element(Element::over(Role::Figure(alt), vec![leaf])));
        let back = flow.side(right, inner, &back, "", &card.back);
        flow.laid.tree.extend([title, how, front, back]);
        if !flow.laid.lost.is_empty() {
            flow.y = TOP + HEIGHT + 14.0;
            let lost = flow.text(super::ASIDE, LOST);
            flow.laid.tree.push(lost);
        }
        flow.laid.bookmarks.truncate(1);
        Ok(flow.laid)
    }

    /// The outline of a side.
    fn frame(&mut self, x: f32) {
        for (dx, dy, width, height) in [
            (0.0, 0.0, WIDTH, 0.5),
            (0.0, HEIGHT, WIDTH, 0.5),
            (0.0, 0.0, 0.5, HEIGHT),
            (WIDTH, 0.0, 0.5, HEIGHT),
        ] {
            self.fill(x + dx, TOP + dy, width, height, Ink::Rule);
        }
    }

    /// One side: as much of each text as there is room for, and a sign where there is more.
    fn side(
        &mut self,
        x: f32,
        width: f32,
        head: &str,
        name: &str,
        rows: &[(&str, String)],
    ) -> Element {
        self.y = TOP + PAD - 2.0;
        let mut side = Element::of(Role::Section, []);
        let mut texts = vec![(HEAD, head)];
        let is_long = self.lines(NAME, width, name).len() > NAME_LINES;
        let called = if is_long { LONG_NAME } else { NAME };
        texts.extend((!name.is_empty()).then_some((called, name)));
        for (label, words) in rows {
            texts.extend([(LABEL, *label), (SMALL, words.as_str())]);
        }
        let texts: Vec<(Style, Vec<String>)> =
            texts.iter().map(|(style, text)| (*style, self.lines(*style, width, text))).collect();
        let kept = |(style, lines): &(Style, Vec<String>)| {
            let lines = if lines.len() < KEPT_LINES { 1.0 } else { 2.0 };
            style.size * LEADING * lines
        };
        let mut below: f32 = texts.iter().map(kept).sum();
        for text in texts {
            // What comes after keeps its first lines.
            below -= kept(&text);
            let (style, lines) = text;
            let height = style.size * LEADING;
            let bottom = TOP + HEIGHT - PAD - below;
            let mut leaves = Vec::new();
            let last = lines.len().saturating_sub(1);
            for (place, line) in lines.iter().enumerate() {
                let is_cut = place < last && self.y + 2.0 * height > bottom;
                let cut = || match place {
                    // A sign alone would say nothing.
                    0 => self.shortened(style.weight, width / style.size, &lines.join(" ")),
                    _ => MORE.to_owned(),
                };
                let line = if is_cut { cut() } else { line.clone() };
                leaves.push(self.line(x + PAD, style, &line));
                self.y += height;
                if is_cut {
                    break;
                }
            }
            side.content.push(Content::Element(Element::over(Role::Paragraph, leaves)));
        }
        side
    }

    fn lines(&mut self, style: Style, width: f32, text: &str) -> Vec<String> {
        let text = self.clean(style, text);
        wrap(self.fonts, style.weight, width / style.size, &text)
    }

    /// A code of medium error correction, with the quiet zone left to whoever places it.
    fn code(&mut self, x: f32, y: f32, text: &str) -> Result<usize, PdfError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
        let modules = code.width();
        let count = u16::try_from(modules).map_err(|_| PdfError::Measure)?;
        let side = CODE / f32::from(count);
        let mut areas = Vec::new();
        let mut top = y;
        for row in code.to_colors().chunks(modules) {
            let mut left = x;
            for color in row {
                if *color == Color::Dark {
                    areas.push(Area { x: left, y: top, width: side, height: side, ink: Ink::Text });
                }
                left += side;
            }
            top += side;
        }
        let leaf = self.laid.leaves;
        self.laid.leaves = leaf.saturating_add(1);
        if let Some(sheet) = self.laid.sheets.last_mut() {
            sheet.figures.push(Figure { areas, leaf });
        }
        Ok(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::machine::Extra;
    use super::*;

    #[test]
    fn whatever_is_long_leaves_room_for_what_comes_after() {
        let long = |word: &str| format!("{word}, {}", "and more of it; ".repeat(60));
        let card = Card {
            name: "Wilhelmina Maximiliana Oluwaseun-Featherstonehaugh y Montenegro".repeat(2),
            front: vec![
                ("Born", "2005-03-14".to_owned()),
                ("NHS number", "943 476 5919 (as the student gave it)".to_owned()),
                ("Allergies", long("Penicillin")),
                ("Call", "+44 7700 900456, Dr Sara Khan-Featherstonehaugh, Sister".to_owned()),
            ],
            as_of: "as of 2026-10-03".to_owned(),
            back: vec![
                ("Medicines", long("Sertraline")),
                ("Conditions", long("Asthma")),
                ("In a crisis", "Sara, then 999".to_owned()),
            ],
            code: "EMERGENCY".to_owned(),
        };
        let extra = Extra::default();
        let laid = Flow::card(&Fonts::new(&extra).unwrap(), &card).unwrap();
        let lines = &laid.sheets[0].lines;
        let said: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let said = said.join(" ");
        for words in ["Penicillin", "+44 7700 900456", "Sertraline", "Asthma", "then 999", MORE] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let on_card = |line: &&crate::page::pdf::sheet::Line| line.y > TOP;
        let low = lines.iter().filter(on_card).map(|line| line.y).fold(0.0, f32::max);
        assert!(low < TOP + HEIGHT - 2.0, "{low}");
        let above = lines.iter().filter(|line| line.y <= TOP).map(|line| line.y);
        assert!(above.fold(0.0, f32::max) < TOP - 8.0, "what stands above runs into the card");
        assert_eq!(lines.iter().filter(|line| line.y <= TOP).count(), 2);
    }
}
