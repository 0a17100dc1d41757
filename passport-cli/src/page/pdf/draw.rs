//! A layout as a PDF.

use core::num::NonZeroU16;
use std::collections::BTreeMap;

use krilla::color::rgb;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup,
    TagKind, TagTree,
};
use krilla::{Document, SerializeSettings};
use passport_core::time::Timestamp;

use super::PdfError;
use super::flow::{HEIGHT, WIDTH};
use super::font::Fonts;
use super::sheet::{Area, Bookmark, Content, Element, Ink, Laid, Line, Role};
use crate::page::LANGUAGE;

/// What a PDF says of itself.
pub(super) struct Described<'a> {
    /// Its title.
    pub(super) title: &'a str,
    /// When it was made.
    pub(super) now: Timestamp,
}

/// Each leaf's place in the PDF.
type Leaves = BTreeMap<usize, Identifier>;

/// Draws every sheet, and says what is what.
///
/// # Errors
/// Returns [`PdfError`].
pub(super) fn write(
    fonts: &Fonts<'_>,
    laid: &Laid,
    described: &Described<'_>,
) -> Result<Vec<u8>, PdfError> {
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| PdfError::Refused(format!("{error:?}")))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..Default::default() });
    let mut leaves = Leaves::new();
    for sheet in &laid.sheets {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or(PdfError::Measure)?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for area in &sheet.areas {
            let kind = Artifact::with_kind(ArtifactType::Layout);
            surface.start_tagged(ContentTag::Artifact(kind));
            draw(&mut surface, core::slice::from_ref(area))?;
            surface.end_tagged();
        }
        for figure in &sheet.figures {
            let identifier = surface.start_tagged(ContentTag::Other);
            draw(&mut surface, &figure.areas)?;
            surface.end_tagged();
            leaves.insert(figure.leaf, identifier);
        }
        for line in &sheet.lines {
            set(&mut surface, fonts, line, &mut leaves);
        }
        surface.finish();
        page.finish();
    }
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.to_owned()));
    for element in &laid.tree {
        tree.push(group(element, &mut leaves));
    }
    document.set_tag_tree(tree);
    document.set_outline(outline(&laid.bookmarks));
    document.set_metadata(metadata(described));
    document.finish().map_err(|error| PdfError::Refused(format!("{error:?}")))
}

fn metadata(described: &Described<'_>) -> Metadata {
    Metadata::new()
        .title(described.title.to_owned())
        .language(LANGUAGE.to_owned())
        .creator("passport".to_owned())
        .creation_date(date(described.now))
}

/// A moment, in UTC.
fn date(at: Timestamp) -> DateTime {
    let text = at.to_string();
    let part =
        |range| text.get(range).and_then(|digits: &str| digits.parse::<u8>().ok()).unwrap_or(0);
    let year = text.get(0..4).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    DateTime::new(year)
        .month(part(5..7))
        .day(part(8..10))
        .hour(part(11..13))
        .minute(part(14..16))
        .second(part(17..19))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn paint(ink: Ink) -> Fill {
    let (red, green, blue) = ink.rgb();
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}

/// Fills rectangles, in the colour of the first.
fn draw(surface: &mut Surface<'_>, areas: &[Area]) -> Result<(), PdfError> {
    let mut path = PathBuilder::new();
    for area in areas {
        let rect = Rect::from_xywh(area.x, area.y, area.width, area.height);
        path.push_rect(rect.ok_or(PdfError::Measure)?);
    }
    let path = path.finish().ok_or(PdfError::Measure)?;
    surface.set_fill(areas.first().map(|area| paint(area.ink)));
    surface.draw_path(&path);
    Ok(())
}

fn set(surface: &mut Surface<'_>, fonts: &Fonts<'_>, line: &Line, leaves: &mut Leaves) {
    if line.text.is_empty() {
        return;
    }
    let tag = match line.leaf {
        Some(_) => ContentTag::Span(SpanTag::empty()),
        None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)),
    };
    let identifier = surface.start_tagged(tag);
    surface.set_fill(Some(paint(line.ink)));
    let mut x = line.x;
    for run in fonts.runs(line.weight, &line.text) {
        let start = Point::from_xy(x, line.y);
        surface.draw_glyphs(start, &run.glyphs, run.font, &run.text, line.size, false);
        x += run.ems * line.size;
    }
    surface.end_tagged();
    leaves.extend(line.leaf.map(|leaf| (leaf, identifier)));
}

fn group(element: &Element, leaves: &mut Leaves) -> TagGroup {
    let mut group = TagGroup::new(tag(&element.role));
    for content in &element.content {
        match content {
            Content::Element(element) => group.push(self::group(element, leaves)),
            // An empty line has no place in the PDF.
            Content::Leaf(leaf) => group.children.extend(leaves.remove(leaf).map(Node::from)),
        }
    }
    group
}

fn tag(role: &Role) -> TagKind {
    match role {
        Role::Section => Tag::Section.into(),
        Role::Heading(level, words) => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(words.clone())).into()
        }
        Role::Figure(alt) => Tag::Figure(Some(alt.clone())).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Table => Tag::Table.into(),
        Role::TableRow => Tag::TR.into(),
        Role::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
        Role::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
        Role::Cell => Tag::TD.into(),
    }
}

/// Headings of parts, with those of entries below them.
fn outline(bookmarks: &[Bookmark]) -> Outline {
    let mut outline = Outline::new();
    let mut open: Option<OutlineNode> = None;
    for bookmark in bookmarks {
        let (sheet, y) = bookmark.place;
        let there = XyzDestination::new(sheet, Point::from_xy(0.0, y));
        let node = OutlineNode::new(bookmark.title.clone(), there);
        match (&mut open, bookmark.level) {
            (Some(part), 3..) => part.push_child(node),
            _ => {
                if let Some(part) = open.replace(node) {
                    outline.push_child(part);
                }
            }
        }
    }
    if let Some(part) = open {
        outline.push_child(part);
    }
    outline
}
