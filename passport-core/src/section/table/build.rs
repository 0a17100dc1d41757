//! Short constructors, so that the table reads as a table.

use crate::section::{ChoiceSpec, CodeSpec, FieldKind, FieldSpec};

const fn field(
    name: &'static str,
    title: &'static str,
    gloss: &'static str,
    kind: FieldKind,
) -> FieldSpec {
    FieldSpec { name, title, gloss, kind, required: false }
}

/// Makes a field one that an entry cannot be added without.
pub(super) const fn required(spec: FieldSpec) -> FieldSpec {
    FieldSpec { required: true, ..spec }
}

macro_rules! field_kinds {
    ($($name:ident $kind:ident;)*) => {
        $(pub(super) const fn $name(
            name: &'static str,
            title: &'static str,
            gloss: &'static str,
        ) -> FieldSpec {
            field(name, title, gloss, FieldKind::$kind)
        })*
    };
}

field_kinds! {
    text Text;
    prose Prose;
    code Code;
    date Date;
    period Period;
    quantity Quantity;
    boolean Boolean;
    entry Entry;
    attachment Attachment;
}

pub(super) const fn choice(
    name: &'static str,
    title: &'static str,
    gloss: &'static str,
    choices: &'static [ChoiceSpec],
) -> FieldSpec {
    field(name, title, gloss, FieldKind::Choice(choices))
}

/// One value of a choice.
pub(super) const fn one(name: &'static str, gloss: &'static str) -> ChoiceSpec {
    ChoiceSpec { name, gloss }
}

/// What the sending system calls the entry; an import recognises by it what it already has.
pub(super) const IDENTIFIER: FieldSpec = field(
    "identifier",
    "Sender's reference",
    "What the system that sent this calls it, so that the same item is not added twice.",
    FieldKind::Text,
);

/// What arrived and found no field.
pub(super) const SOURCE: FieldSpec = field(
    "source",
    "Also received",
    "What arrived with this entry, kept word for word because no field here fits it.",
    FieldKind::Source,
);

/// Anything that fits nowhere else.
pub(super) const NOTE: FieldSpec =
    field("note", "Note", "Anything else worth knowing about this.", FieldKind::Prose);

/// A heading of LOINC.
pub(super) const fn loinc(code: &'static str, display: &'static str) -> CodeSpec {
    CodeSpec { system: "http://loinc.org", code, display }
}

/// A heading of the UK Core record standard.
pub(super) const fn heading(code: &'static str, display: &'static str) -> CodeSpec {
    CodeSpec {
        system: "https://fhir.hl7.org.uk/CodeSystem/UKCore-RecordStandardHeadings",
        code,
        display,
    }
}
