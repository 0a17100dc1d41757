//! What stands where on which sheet, and what it is: the layout, before it is a PDF.

use std::collections::BTreeSet;

use super::font::Weight;

/// A document, laid out.
#[derive(Default)]
pub(super) struct Laid {
    /// Its sheets.
    pub(super) sheets: Vec<Sheet>,
    /// What its lines and areas are, in reading order.
    pub(super) tree: Vec<Element>,
    /// Its headings.
    pub(super) bookmarks: Vec<Bookmark>,
    /// How many lines and areas belong to the tree; each has a number below this.
    pub(super) leaves: usize,
    /// Characters that there were no letters for.
    pub(super) lost: BTreeSet<char>,
}

/// One sheet.
#[derive(Default)]
pub(super) struct Sheet {
    /// What lies below the text.
    pub(super) areas: Vec<Area>,
    /// Pictures, each of one colour.
    pub(super) figures: Vec<Figure>,
    /// The text.
    pub(super) lines: Vec<Line>,
}

/// A line of text; measures in points from the top left corner.
pub(super) struct Line {
    /// Where it begins.
    pub(super) x: f32,
    /// Its baseline.
    pub(super) y: f32,
    /// Regular or bold.
    pub(super) weight: Weight,
    /// Its size.
    pub(super) size: f32,
    /// Its colour.
    pub(super) ink: Ink,
    /// What it says.
    pub(super) text: String,
    /// Its number in the tree; none for what is not content, such as the number of a sheet.
    pub(super) leaf: Option<usize>,
}

/// A filled rectangle; measures as in [`Line`]. No reader hears of it.
pub(super) struct Area {
    /// Its left edge.
    pub(super) x: f32,
    /// Its upper edge.
    pub(super) y: f32,
    /// How wide it is.
    pub(super) width: f32,
    /// How high it is.
    pub(super) height: f32,
    /// Its colour.
    pub(super) ink: Ink,
}

/// A picture made of rectangles of one colour.
pub(super) struct Figure {
    /// The rectangles; there is at least one.
    pub(super) areas: Vec<Area>,
    /// Its number in the tree.
    pub(super) leaf: usize,
}

/// Colours. Text has a contrast of 7:1 or more on everything it stands on (WCAG 2.2, 1.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text.
    Text,
    /// What is said about other text.
    Aside,
    /// Headings.
    Heading,
    /// Lines between rows.
    Rule,
    /// Below headings of columns.
    Head,
    /// Below what must not be overlooked.
    Notice,
    /// Beside what must not be overlooked.
    Mark,
}

impl Ink {
    /// Red, green and blue.
    pub(super) const fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0x1a, 0x1a, 0x1a),
            Self::Aside => (0x40, 0x40, 0x40),
            Self::Heading => (0x12, 0x35, 0x5b),
            Self::Rule => (0x76, 0x76, 0x76),
            Self::Head => (0xe8, 0xee, 0xf5),
            Self::Notice => (0xff, 0xf4, 0xd6),
            Self::Mark => (0x8a, 0x4b, 0x00),
        }
    }
}

/// A part of the document's structure (PDF 1.7, 14.8.4).
pub(super) struct Element {
    /// What it is.
    pub(super) role: Role,
    /// What it is made of, in reading order.
    pub(super) content: Vec<Content>,
}

/// What an element is made of.
pub(super) enum Content {
    /// A line or area, by its number.
    Leaf(usize),
    /// Another element.
    Element(Element),
}

/// What an element is.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// A part of the document.
    Section,
    /// A heading, how deep, and its words.
    Heading(u16, String),
    /// A picture, and what it shows in words.
    Figure(String),
    /// A paragraph.
    Paragraph,
    /// A table.
    Table,
    /// A row of a table.
    TableRow,
    /// A cell that names its row.
    RowHeader,
    /// A cell that names its column.
    ColumnHeader,
    /// Any other cell.
    Cell,
}

impl Element {
    /// An element made of others.
    pub(super) fn of(role: Role, elements: impl IntoIterator<Item = Self>) -> Self {
        Self { role, content: elements.into_iter().map(Content::Element).collect() }
    }

    /// An element made of lines.
    pub(super) fn over(role: Role, leaves: Vec<usize>) -> Self {
        Self { role, content: leaves.into_iter().map(Content::Leaf).collect() }
    }
}

/// A heading as a viewer lists it.
pub(super) struct Bookmark {
    /// Its words.
    pub(super) title: String,
    /// How deep it is; the document's own is 1.
    pub(super) level: u16,
    /// Its sheet, from 0, and how far down.
    pub(super) place: (usize, f32),
}
