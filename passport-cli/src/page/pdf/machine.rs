//! Fonts of the machine at hand, for names in scripts that are not built in.
//!
//! Chinese, Japanese and Korean alone would make the program ten times as large; a machine on
//! which somebody writes in a script has letters for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use fontdb::{Database, FaceInfo, Style};
use rustybuzz::ttf_parser::{self, GlyphId, OutlineBuilder, Permissions};

/// Faces to go on with where the built-in ones end.
#[derive(Default)]
pub(super) struct Extra {
    /// For what is said.
    pub(super) regular: Vec<Face>,
    /// For headings and labels.
    pub(super) bold: Vec<Face>,
}

/// A font file, and which of its faces.
pub(super) struct Face {
    /// The file.
    pub(super) bytes: Arc<Vec<u8>>,
    /// The face's number in it.
    pub(super) index: u32,
}

/// All fonts that are installed.
pub(super) fn fonts() -> Database {
    let mut machine = Database::new();
    machine.load_system_fonts();
    machine
}

/// Just these fonts.
#[cfg(test)]
pub(super) fn fonts_of<const N: usize>(files: [&[u8]; N]) -> Database {
    let mut machine = Database::new();
    for file in files {
        machine.load_font_data(file.to_vec());
    }
    machine
}

impl Extra {
    /// As few faces as show all of these characters, or as many of them as can be shown.
    pub(super) fn covering(wanted: &BTreeSet<char>, machine: &Database) -> Self {
        let chosen = |weight| chosen(wanted, machine, weight);
        Self { regular: chosen(fontdb::Weight::NORMAL), bold: chosen(fontdb::Weight::BOLD) }
    }
}

/// Of equally many characters the face that is nearest in weight, then the first by name: the same
/// on every machine with the same fonts.
fn chosen(wanted: &BTreeSet<char>, machine: &Database, weight: fontdb::Weight) -> Vec<Face> {
    let upright = machine.faces().filter(|face| face.style == Style::Normal);
    let mut faces: Vec<(&FaceInfo, BTreeSet<char>)> = upright
        .map(|face| (face, covered(machine, face, wanted)))
        .filter(|(_, covered)| !covered.is_empty())
        .collect();
    faces.sort_by_key(|(face, _)| {
        (face.weight.0.abs_diff(weight.0), face.monospaced, &face.post_script_name)
    });
    let (mut chosen, mut open) = (Vec::new(), wanted.clone());
    loop {
        let gain = |(_, covered): &&(_, BTreeSet<char>)| covered.intersection(&open).count();
        // Of equals, `max_by_key` takes the last.
        let Some((face, covered)) = faces.iter().rev().max_by_key(gain) else { break };
        if covered.is_disjoint(&open) {
            break;
        }
        open.retain(|c| !covered.contains(c));
        chosen.extend(machine.with_face_data(face.id, |bytes, index| Face {
            bytes: Arc::new(bytes.to_vec()),
            index,
        }));
    }
    chosen
}

/// Which of these characters a face has an outline for, if its maker lets it be embedded.
fn covered(machine: &Database, face: &FaceInfo, wanted: &BTreeSet<char>) -> BTreeSet<char> {
    let covered = |bytes: &[u8], index| {
        let Ok(face) = ttf_parser::Face::parse(bytes, index) else { return BTreeSet::new() };
        let may = face.permissions() != Some(Permissions::Restricted)
            && face.is_subsetting_allowed()
            && face.is_outline_embedding_allowed();
        let shows = |c: &&char| face.glyph_index(**c).is_some_and(|glyph| drawn(&face, glyph));
        wanted.iter().filter(|_| may).filter(shows).copied().collect()
    };
    machine.with_face_data(face.id, covered).unwrap_or_default()
}

/// Whether a glyph is an outline: a picture, as of many emoji, would come out as nothing.
fn drawn(face: &ttf_parser::Face<'_>, glyph: GlyphId) -> bool {
    struct Nothing;
    impl OutlineBuilder for Nothing {
        fn move_to(&mut self, _: f32, _: f32) {}
        fn line_to(&mut self, _: f32, _: f32) {}
        fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {}
        fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {}
        fn close(&mut self) {}
    }
    face.outline_glyph(glyph, &mut Nothing).is_some()
}
