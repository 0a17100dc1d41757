//! Sections, kinds of entry and their typed fields: one table.
//!
//! Validation, display, help, import and documents all derive from [`table`]; a section, kind or
//! field exists nowhere else. Sections the holder makes (`x-…`) have one kind, `note`.

pub mod display;
mod file;
mod name;
pub mod parse;
pub mod table;
mod value;

pub use file::{Attachment, FileKey};
pub use name::{ParseSectionNameError, SectionName};
pub use value::{Code, PartialDate, Period, Quantity, Value, ValueError, limits};

/// The version of the table; a charter names the one its epoch was founded under.
pub const SCHEMA_VERSION: u16 = 1;

/// A section of the passport.
#[derive(Debug)]
pub struct SectionSpec {
    /// Its name on the command line and on the wire.
    pub name: &'static str,
    /// Its heading for people.
    pub title: &'static str,
    /// One plain sentence on what it holds.
    pub gloss: &'static str,
    /// Whether contributors may edit any entry, not only their own.
    pub collaborative: bool,
    /// Whether it can be shared at all.
    pub shareable: bool,
    /// Whether "share everything" includes it; risks must be named.
    pub in_share_all: bool,
    /// The standard heading code (system, code, display), where there is one.
    pub heading: Option<CodeSpec>,
    /// The FHIR R4 resources it maps to.
    pub fhir: &'static str,
    /// The kinds of entry it may hold; the first is the default for `add`.
    pub kinds: &'static [KindSpec],
}

/// A kind of entry.
#[derive(Debug)]
pub struct KindSpec {
    /// Its name in edits and JSON.
    pub name: &'static str,
    /// What people call one.
    pub title: &'static str,
    /// The field that names an entry when it is listed.
    pub label: &'static str,
    /// Its fields, in order of display.
    pub fields: &'static [FieldSpec],
}

/// A field of an entry.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Its name in edits, JSON and `--set`.
    pub name: &'static str,
    /// Its label for people.
    pub title: &'static str,
    /// What it means, in plain words.
    pub gloss: &'static str,
    /// What it may hold.
    pub kind: FieldKind,
    /// Whether an entry cannot be added without it.
    pub required: bool,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A short text, replaced as a whole.
    Text,
    /// A long text that several people can edit at once.
    Prose,
    /// A coded term, or its words alone.
    Code,
    /// A year, month, day or instant.
    Date,
    /// A start and an end, either open.
    Period,
    /// A number with a unit.
    Quantity,
    /// Yes or no.
    Boolean,
    /// One of a fixed list.
    Choice(&'static [ChoiceSpec]),
    /// Another entry of the passport.
    Entry,
    /// A file.
    Attachment,
    /// Incoming content kept verbatim because no field fits it.
    Source,
}

/// One value a choice may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoiceSpec {
    /// Its name in edits and JSON.
    pub name: &'static str,
    /// What it means, in plain words.
    pub gloss: &'static str,
}

/// A code in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeSpec {
    /// The code system's canonical URL.
    pub system: &'static str,
    /// The code.
    pub code: &'static str,
    /// The system's own display for it.
    pub display: &'static str,
}

impl SectionSpec {
    /// The kind of this name. What cannot be shared takes in whatever the holder keeps back,
    /// from any section.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&'static KindSpec> {
        let own = self.kinds.iter().find(|k| k.name == name);
        let others = || table::SECTIONS.iter().flat_map(|s| s.kinds).find(|k| k.name == name);
        own.or_else(|| if self.shareable { None } else { others() })
    }

    /// Whether its entries may have files.
    #[must_use]
    pub fn holds_files(&self) -> bool {
        !self.shareable || self.kinds.iter().any(|kind| kind.file().is_some())
    }
}

impl KindSpec {
    /// The field that holds a file, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|f| f.kind == FieldKind::Attachment)
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|f| f.name == name)
    }
}

impl FieldKind {
    /// Whether a value is of this kind; its limits are [`Value::check`]'s.
    #[must_use]
    pub fn admits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text, Value::Text(_))
            | (Self::Prose, Value::Prose(_))
            | (Self::Code, Value::Code(_))
            | (Self::Date, Value::Date(_))
            | (Self::Period, Value::Period(_))
            | (Self::Quantity, Value::Quantity(_))
            | (Self::Boolean, Value::Boolean(_))
            | (Self::Entry, Value::Entry(_))
            | (Self::Attachment, Value::Attachment(_))
            | (Self::Source, Value::Source { .. }) => true,
            (Self::Choice(choices), Value::Choice(v)) => choices.iter().any(|c| c.name == v),
            _ => false,
        }
    }
}
