//! Where everything stands: blocks become lines on sheets, and a tree that says what they are.
//!
//! Measures are points (1/72 inch) from the top left corner.

mod card;

use super::font::{Fonts, Weight};
use super::sheet::{Area, Bookmark, Content, Element, Ink, Laid, Line, Role, Sheet};
use super::wrap::wrap;
use crate::page::{ATTENTION, BETWEEN, Block, Foot, Page, Part, Row, Table};

/// A4 (ISO 216).
pub(super) const WIDTH: f32 = 595.276;
pub(super) const HEIGHT: f32 = 841.89;

const MARGIN: f32 = 48.0;
const TOP: f32 = 48.0;
const BOTTOM: f32 = HEIGHT - 64.0;
const INNER: f32 = WIDTH - 2.0 * MARGIN;
const LABEL: f32 = 132.0;
const GAP: f32 = 6.0;

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    weight: Weight,
    size: f32,
    ink: Ink,
}

impl Style {
    pub(super) const fn new(weight: Weight, size: f32, ink: Ink) -> Self {
        Self { weight, size, ink }
    }

    fn height(self) -> f32 {
        self.size * 1.35
    }
}

const TITLE: Style = Style::new(Weight::Bold, 19.0, Ink::Heading);
const PART: Style = Style::new(Weight::Bold, 14.0, Ink::Heading);
const ENTRY: Style = Style::new(Weight::Bold, 11.0, Ink::Heading);
const PLAIN: Style = Style::new(Weight::Regular, 9.5, Ink::Text);
const STRONG: Style = Style::new(Weight::Bold, 9.5, Ink::Text);
const ASIDE: Style = Style::new(Weight::Regular, 8.5, Ink::Aside);

/// Said on every sheet of a document in which a character was replaced.
const LOST: &str =
    "\u{fffd}: a character that this document has no letter for; the HTML page shows it";

/// Stands for the rest of a text.
const MORE: &str = " …";

/// A cell: where it begins, how wide it is, what it says.
struct Cell<'a> {
    x: f32,
    width: f32,
    style: Style,
    text: &'a str,
}

/// Sheets that are being filled.
pub(super) struct Flow<'a> {
    fonts: &'a Fonts<'a>,
    laid: Laid,
    y: f32,
}

impl<'a> Flow<'a> {
    /// Lays a document out.
    pub(super) fn of(fonts: &'a Fonts<'a>, page: &Page) -> Laid {
        let mut flow = Self { fonts, laid: Laid::default(), y: TOP };
        flow.laid.sheets.push(Sheet::default());
        let title = flow.heading(1, TITLE, &page.title);
        let facts = flow.rows(&page.facts);
        flow.laid.tree.extend([title, facts]);
        for part in &page.parts {
            let element = flow.part(part);
            flow.laid.tree.push(element);
        }
        flow.feet(&page.foot);
        flow.laid
    }

    fn part(&mut self, part: &Part) -> Element {
        let mut section = Element::of(Role::Section, []);
        let mut title = Some(part.title.as_str());
        let is_heading = |block: &Block| matches!(block, Block::Heading(_));
        // What stands under one heading; what stands before the first, with the first, unless it is
        // too long for that.
        let begins = part.blocks.iter().position(is_heading).unwrap_or(part.blocks.len());
        let (before, rest) = part.blocks.split_at(begins);
        let mut groups: Vec<&[Block]> = rest.chunk_by(|_, next| !is_heading(next)).collect();
        let first = [before, groups.first().copied().unwrap_or_default()].concat();
        let together = before.is_empty() || self.height(title, &first).is_some();
        if together && !groups.is_empty() {
            groups.splice(..1, [first.as_slice()]);
        } else {
            groups.insert(0, before);
        }
        for group in groups {
            if let Some(height) = self.height(title, group) {
                self.need(height);
            }
            let group = self.group(title.take(), group);
            section.content.extend(group.into_iter().map(Content::Element));
        }
        if part.ends_sheet {
            self.y = BOTTOM;
        }
        section
    }

    /// How high a group is, if it fits half of a sheet: then it is not divided.
    fn height(&self, title: Option<&str>, group: &[Block]) -> Option<f32> {
        let mut trial = Flow { fonts: self.fonts, laid: Laid::default(), y: TOP };
        trial.laid.sheets.push(Sheet::default());
        let _elements = trial.group(title, group);
        let height = trial.y - TOP;
        (trial.laid.sheets.len() == 1 && height < (BOTTOM - TOP) / 2.0).then_some(height)
    }

    /// What stands under one heading, and that of the part above it.
    fn group(&mut self, title: Option<&str>, group: &[Block]) -> Vec<Element> {
        let mut elements = Vec::new();
        if let Some(title) = title {
            self.y += 14.0;
            elements.push(self.heading(2, PART, title));
        }
        for block in group {
            elements.push(match block {
                Block::Heading(words) => {
                    self.y += 5.0;
                    self.heading(3, ENTRY, words)
                }
                Block::Text(words) => self.text(PLAIN, words),
                Block::Aside(words) => self.text(ASIDE, words),
                Block::Notice(words) => self.notice(words),
                Block::Rows(rows) => self.rows(rows),
                Block::Table(table) => self.table(table),
            });
        }
        elements
    }

    fn heading(&mut self, level: u16, style: Style, words: &str) -> Element {
        // A heading at the foot of a sheet would be parted from what it heads.
        self.need(style.height() + 56.0);
        let words = self.clean(style, words);
        let place = (self.laid.sheets.len().saturating_sub(1), self.y);
        self.laid.bookmarks.push(Bookmark { title: words.clone(), level, place });
        let leaves = self.set(MARGIN, INNER, style, &words, None);
        self.y += 2.0;
        Element::over(Role::Heading(level, words), leaves)
    }

    fn text(&mut self, style: Style, words: &str) -> Element {
        let words = self.clean(style, words);
        let leaves = self.set(MARGIN, INNER, style, &words, None);
        self.y += 4.0;
        Element::over(Role::Paragraph, leaves)
    }

    fn notice(&mut self, words: &str) -> Element {
        let words = self.clean(STRONG, &format!("{ATTENTION} {words}"));
        let inner = INNER - 2.0 * GAP;
        let leaves = self.set(MARGIN + GAP, inner, STRONG, &words, Some(Ink::Notice));
        self.y += 4.0;
        Element::over(Role::Paragraph, leaves)
    }

    fn rows(&mut self, rows: &[Row]) -> Element {
        let mut table = Element::of(Role::Table, []);
        for row in rows {
            let cells = [
                Cell { x: MARGIN, width: LABEL, style: STRONG, text: &row.label },
                Cell { x: MARGIN + LABEL, width: INNER - LABEL, style: PLAIN, text: &row.value },
            ];
            table.content.push(Content::Element(self.row(
                &cells,
                &[Role::RowHeader, Role::Cell],
                None,
            )));
        }
        self.y += 4.0;
        table
    }

    fn table(&mut self, table: &Table) -> Element {
        let widths = self.widths(table);
        let mut element = Element::of(Role::Table, []);
        let heads = vec![Role::ColumnHeader; table.columns.len()];
        let head =
            self.spread(&widths, table.columns.iter().copied(), STRONG, &heads, Some(Ink::Head));
        element.content.push(Content::Element(head));
        let mut roles = vec![Role::Cell; table.columns.len()];
        if let Some(first) = roles.first_mut() {
            *first = Role::RowHeader;
        }
        for row in &table.rows {
            let texts = row.iter().map(String::as_str);
            let row = self.spread(&widths, texts, PLAIN, &roles, None);
            element.content.push(Content::Element(row));
        }
        self.y += 4.0;
        element
    }

    /// A row of cells side by side, under their columns.
    fn spread<'t>(
        &mut self,
        widths: &[f32],
        texts: impl Iterator<Item = &'t str>,
        style: Style,
        roles: &[Role],
        band: Option<Ink>,
    ) -> Element {
        let mut x = MARGIN;
        let mut cells = Vec::new();
        for (text, width) in texts.zip(widths) {
            cells.push(Cell { x, width: *width, style, text });
            x += width;
        }
        self.row(&cells, roles, band)
    }

    /// Columns as wide as what they hold asks for, together as wide as the sheet. No word is
    /// divided while there is room for it.
    fn widths(&self, table: &Table) -> Vec<f32> {
        let fair = table.columns.iter().fold(0.0, |count, _| count + 1.0);
        let fair = INNER / f32::max(fair, 1.0);
        let (mut least, mut wanted) = (Vec::new(), Vec::new());
        for (place, head) in table.columns.iter().enumerate() {
            let cells = table.rows.iter().filter_map(|row| row.get(place));
            let texts = cells.map(|cell| (PLAIN, cell.as_str())).chain([(STRONG, *head)]);
            let (mut word, mut line): (f32, f32) = (0.0, 0.0);
            for (style, text) in texts {
                let width = |text: &str| self.fonts.ems(style.weight, text) * style.size + GAP;
                word = text.split_whitespace().map(width).fold(word, f32::max);
                line = text.split('\n').map(width).fold(line, f32::max);
            }
            let word = word.min(fair);
            least.push(word);
            wanted.push(line.clamp(word, f32::max(word, 190.0)) - word);
        }
        let left = INNER - least.iter().sum::<f32>();
        let wishes = wanted.iter().sum::<f32>();
        let part = |wish: f32| if wishes > 0.0 { wish / wishes } else { fair / INNER };
        least.iter().zip(&wanted).map(|(least, wish)| least + left * part(*wish)).collect()
    }

    /// A row of a table. One that fits a sheet is not divided; a longer one goes on over sheets.
    fn row(&mut self, cells: &[Cell<'_>], roles: &[Role], band: Option<Ink>) -> Element {
        let height = cells.iter().map(|c| c.style.height()).fold(0.0, f32::max);
        let mut wrapped = Vec::new();
        for cell in cells {
            let words = self.clean(cell.style, cell.text);
            wrapped.push(self.wrap(cell.style, cell.width - GAP, &words));
        }
        let lines = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        let whole: f32 = (0..lines).map(|_| height).sum();
        if whole < (BOTTOM - TOP) / 2.0 {
            self.need(whole + 5.0);
        }
        self.y += 2.0;
        let mut leaves: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
        for place in 0..lines {
            self.need(height);
            if let Some(ink) = band {
                self.fill(MARGIN, self.y, INNER, height + 2.0, ink);
            }
            for ((cell, texts), leaves) in cells.iter().zip(&wrapped).zip(&mut leaves) {
                if let Some(text) = texts.get(place) {
                    leaves.push(self.line(cell.x + GAP / 2.0, cell.style, text));
                }
            }
            self.y += height;
        }
        self.y += 2.0;
        self.fill(MARGIN, self.y, INNER, 0.4, Ink::Rule);
        let each = leaves.into_iter().zip(roles.iter().cloned());
        let cells = each.map(|(leaves, role)| Element::over(role, leaves));
        Element::of(Role::TableRow, cells)
    }

    /// Sets a text on as many lines as it takes, on a band of colour if one is given.
    fn set(
        &mut self,
        x: f32,
        width: f32,
        style: Style,
        text: &str,
        band: Option<Ink>,
    ) -> Vec<usize> {
        let mut leaves = Vec::new();
        for line in self.wrap(style, width, text) {
            self.need(style.height());
            if let Some(ink) = band {
                self.fill(MARGIN, self.y, INNER, style.height() + 0.5, ink);
                self.fill(MARGIN, self.y, 3.0, style.height() + 0.5, Ink::Mark);
            }
            leaves.push(self.line(x, style, &line));
            self.y += style.height();
        }
        leaves
    }

    fn line(&mut self, x: f32, style: Style, text: &str) -> usize {
        let leaf = self.laid.leaves;
        self.laid.leaves = leaf.saturating_add(1);
        let y = self.y + style.size;
        self.put(Line {
            x,
            y,
            weight: style.weight,
            size: style.size,
            ink: style.ink,
            text: text.to_owned(),
            leaf: Some(leaf),
        });
        leaf
    }

    fn put(&mut self, line: Line) {
        if let Some(sheet) = self.laid.sheets.last_mut() {
            sheet.lines.push(line);
        }
    }

    fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        if let Some(sheet) = self.laid.sheets.last_mut() {
            sheet.areas.push(Area { x, y, width, height, ink });
        }
    }

    /// Goes on to a new sheet unless this much fits.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.laid.sheets.push(Sheet::default());
            self.y = TOP;
        }
    }

    /// As much of a text as fits so many ems, and a sign where that is not all.
    fn shortened(&self, weight: Weight, ems: f32, text: &str) -> String {
        if self.fonts.ems(weight, text) <= ems {
            return text.to_owned();
        }
        let room = ems - self.fonts.ems(weight, MORE);
        let first = wrap(self.fonts, weight, room, text).into_iter().next().unwrap_or_default();
        format!("{first}{MORE}")
    }

    fn clean(&mut self, style: Style, text: &str) -> String {
        self.fonts.clean(style.weight, text, &mut self.laid.lost)
    }

    fn wrap(&self, style: Style, width: f32, text: &str) -> Vec<String> {
        wrap(self.fonts, style.weight, width / style.size, text)
    }

    /// Whose sheet it is, and which, at the foot of each.
    fn feet(&mut self, foot: &Foot) {
        let name = self.clean(ASIDE, &foot.name);
        let told_by = self.clean(ASIDE, &format!("{BETWEEN}{}", foot.told_by));
        // Of a name that is too long the end is missing, and never what tells two of one name apart.
        let room = (INNER - 80.0) / ASIDE.size - self.fonts.ems(ASIDE.weight, &told_by);
        let foot = format!("{}{told_by}", self.shortened(ASIDE.weight, room, &name));
        // On a line of its own, so that no long name pushes it out.
        let lost = if self.laid.lost.is_empty() { "" } else { LOST };
        let sheets = self.laid.sheets.len();
        for (place, sheet) in self.laid.sheets.iter_mut().enumerate() {
            let y = HEIGHT - 34.0;
            let number = format!("sheet {} of {sheets}", place.saturating_add(1));
            let width = self.fonts.ems(ASIDE.weight, &number) * ASIDE.size;
            let (weight, size, ink) = (ASIDE.weight, ASIDE.size, ASIDE.ink);
            for (x, y, text) in [
                (MARGIN, y, foot.clone()),
                (WIDTH - MARGIN - width, y, number),
                (MARGIN, y + ASIDE.height(), lost.to_owned()),
            ] {
                sheet.lines.push(Line { x, y, weight, size, ink, text, leaf: None });
            }
            let (width, height) = (INNER, 0.4);
            sheet.areas.push(Area { x: MARGIN, y: y - 12.0, width, height, ink: Ink::Rule });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::Extra;
    use super::*;

    /// The sheets of a document of one part.
    fn sheets(name: &str, blocks: Vec<Block>) -> Vec<Vec<String>> {
        let page = Page {
            title: "Student passport".to_owned(),
            facts: Vec::new(),
            foot: Foot { name: name.to_owned(), told_by: "born 2005-03-14".to_owned() },
            parts: vec![Part { title: "Results".to_owned(), blocks, ends_sheet: false }],
        };
        let extra = Extra::default();
        let laid = Flow::of(&Fonts::new(&extra).unwrap(), &page);
        let texts = |sheet: &Sheet| sheet.lines.iter().map(|line| line.text.clone()).collect();
        laid.sheets.iter().map(texts).collect()
    }

    #[test]
    fn an_entry_stands_on_one_sheet_and_its_part_begins_with_it() {
        let entry = |n: usize| {
            let row = |label: usize| Row::new("Value", format!("{n}.{label}"));
            [Block::Heading(format!("Entry {n}")), Block::Rows((0..7).map(row).collect())]
        };
        for above in 0..12 {
            let mut blocks = vec![Block::Aside("What it is about. ".repeat(60 * above))];
            blocks.extend((0..20).flat_map(entry));
            let sheets = sheets("Ada Example", blocks);
            assert!(sheets.len() > 2);
            for n in 0..20 {
                let with = sheets.iter().filter(|s| s.iter().any(|t| t == &format!("Entry {n}")));
                let with: Vec<_> = with.collect();
                assert_eq!(with.len(), 1);
                let rows = with[0].iter().filter(|t| t.starts_with(&format!("{n}.")));
                assert_eq!(rows.count(), 7, "entry {n} below {above}: {with:?}");
            }
        }
    }

    #[test]
    fn a_long_name_leaves_room_at_the_foot_for_what_tells_people_apart() {
        let long = "Ada Wilhelmina ".repeat(20);
        for (name, foot) in [
            ("Ada Example", "Ada Example · born 2005-03-14"),
            (long.as_str(), " … · born 2005-03-14"),
        ] {
            let sheets = sheets(name, Vec::new());
            let found = sheets[0].iter().find(|text| text.contains("born")).unwrap();
            assert!(found.starts_with("Ada ") && found.ends_with(foot), "{found}");
        }
    }
}
