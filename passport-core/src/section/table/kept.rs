//! Documents, what is kept back, and sections of the holder's own making.

use super::build::{
    IDENTIFIER, NOTE, SOURCE, attachment, code, date, entry, prose, required, text,
};
use crate::section::{KindSpec, SectionSpec};

pub(super) const DOCUMENTS: SectionSpec = SectionSpec {
    name: "documents",
    title: "Letters and documents",
    gloss: "Letters, reports and images as files, and whatever arrived that has no section of its own; a letter may say more than the sections shared beside it.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: None,
    fhir: "DocumentReference, Binary",
    kinds: &[
        KindSpec {
            name: "document",
            title: "document",
            label: "title",
            fields: &[
                required(text("title", "Title", "What it is called.")),
                code("type", "Kind of document", "What sort of letter or report it is."),
                date("date", "Date", "When it was written."),
                text("author", "Written by", "Who wrote it."),
                attachment("file", "File", "The file itself, sealed like everything else."),
                text(
                    "link",
                    "Where it is kept",
                    "Where the sending system keeps the file, if it did not send it.",
                ),
                entry("about", "About", "The entry it belongs to."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "received",
            title: "also received",
            label: "title",
            fields: &[
                required(text("title", "Title", "What arrived.")),
                text(
                    "resource_type",
                    "Sender's kind",
                    "What the sending system calls this kind of record.",
                ),
                date("date", "Date", "The date it carries."),
                IDENTIFIER,
                SOURCE,
            ],
        },
    ],
};

const NOTE_KIND: KindSpec = KindSpec {
    name: "note",
    title: "note",
    label: "title",
    fields: &[
        text("title", "Title", "What it is about."),
        prose("text", "Text", "What it says."),
        date("date", "Date", "When it was or happened."),
        attachment("file", "File", "A file that belongs to it."),
        IDENTIFIER,
        SOURCE,
    ],
};

pub(super) const PRIVATE: SectionSpec = SectionSpec {
    name: "private",
    title: "Kept back",
    gloss: "Whatever the student keeps to themselves; it can never be shared.",
    collaborative: false,
    shareable: false,
    in_share_all: false,
    heading: None,
    fhir: "",
    kinds: &[NOTE_KIND],
};

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
    kinds: &[NOTE_KIND],
};
