//! The table itself.

use super::{FieldKind, FieldSpec, KindSpec, SectionSpec};

/// The section of this name; the holder's own sections are [`OWN`].
#[must_use]
pub fn find(name: &str) -> Option<&'static SectionSpec> {
    SECTIONS.iter().find(|s| s.name == name)
}

/// A section of the holder's own making.
pub static OWN: SectionSpec = SectionSpec {
    name: "x-",
    title: "Own section",
    gloss: "A section of the holder's own making.",
    collaborative: false,
    shareable: true,
    in_share_all: false,
    heading: None,
    fhir: "DocumentReference",
    kinds: &[KindSpec {
        name: "note",
        title: "note",
        label: "title",
        fields: &[
            FieldSpec {
                name: "title",
                title: "Title",
                gloss: "What it is about.",
                kind: FieldKind::Text,
                required: false,
            },
            FieldSpec {
                name: "text",
                title: "Text",
                gloss: "What it says.",
                kind: FieldKind::Prose,
                required: false,
            },
        ],
    }],
};

/// Every section, in the order in which a passport shows them.
pub static SECTIONS: &[SectionSpec] = &[];
