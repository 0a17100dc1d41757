//! Drafts in the making: only what fits the table leaves here.

use std::collections::BTreeMap;

use super::bundle::Resource;
use super::{Draft, Enclosed, SkipReason, Skipped};
use crate::fhir::json;
use crate::section::{Code, KindSpec, PartialDate, SectionName, Value, limits};

/// The media type of a source.
pub(in crate::fhir) const MEDIA_TYPE: &str = "application/fhir+json";

/// The fields of one entry.
#[derive(Default)]
pub(super) struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    pub(super) fn set(&mut self, name: &'static str, value: Option<Value>) -> &mut Self {
        if let Some(value) = value {
            self.0.insert(name, value);
        }
        self
    }

    pub(super) fn text(&mut self, name: &'static str, text: Option<&str>) -> &mut Self {
        self.set(name, text.and_then(json::short))
    }

    pub(super) fn code(&mut self, name: &'static str, code: Option<Code>) -> &mut Self {
        self.set(name, code.map(Value::Code))
    }

    pub(super) fn date(&mut self, name: &'static str, date: Option<PartialDate>) -> &mut Self {
        self.set(name, date.map(Value::Date))
    }

    pub(super) fn choice(&mut self, name: &'static str, choice: Option<&str>) -> &mut Self {
        self.set(name, choice.map(|c| Value::Choice(c.to_owned())))
    }
}

/// What one resource becomes.
pub(super) struct Drafts<'a> {
    resource: &'a Resource<'a>,
    drafts: Vec<Draft>,
    skipped: Vec<Skipped>,
}

/// What one resource became.
pub(super) struct Made {
    pub(super) drafts: Vec<Draft>,
    pub(super) skipped: Vec<Skipped>,
}

impl<'a> Drafts<'a> {
    pub(super) const fn new(resource: &'a Resource<'a>) -> Self {
        Self { resource, drafts: Vec::new(), skipped: Vec::new() }
    }

    /// Adds an entry with the resource's identifier, and the resource as its source.
    pub(super) fn add(&mut self, section: &str, kind: &str, fields: Fields) {
        let identifier = self.resource.identifier();
        let source = self.resource.verbatim().to_owned();
        self.add_as(section, kind, fields, identifier.as_deref(), Some(source), None);
    }

    /// Adds an entry with an identifier and source of its own.
    pub(super) fn add_as(
        &mut self,
        section: &str,
        kind: &str,
        mut fields: Fields,
        identifier: Option<&str>,
        source: Option<String>,
        enclosed: Option<Enclosed>,
    ) {
        let Ok(section) = section.parse::<SectionName>() else { return };
        let Some(kind) = section.spec().kind(kind) else { return };
        fields.text("identifier", identifier);
        let fits = source.as_ref().is_none_or(|s| s.len() <= limits::SOURCE);
        if let Some(content) = source.filter(|_| fits) {
            fields.set("source", Some(Value::Source { media_type: MEDIA_TYPE.into(), content }));
        }
        if let Some(fields) = checked(kind, fields) {
            let resource = self.resource.name();
            if !fits {
                let reason = SkipReason::OriginalTooLarge;
                self.skipped.push(Skipped { resource: resource.clone(), reason });
            }
            self.drafts.push(Draft { section, kind: kind.name, fields, resource, enclosed });
        }
    }

    pub(super) fn finish(self) -> Made {
        Made { drafts: self.drafts, skipped: self.skipped }
    }
}

/// The fields that fit the table, if all that are required are among them.
fn checked(kind: &KindSpec, fields: Fields) -> Option<BTreeMap<&'static str, Value>> {
    let fits = |name: &str, value: &Value| {
        kind.field(name).is_some_and(|spec| spec.kind.admits(value)) && value.check().is_ok()
    };
    let mut fields = fields.0;
    fields.retain(|name, value| fits(name, value));
    let complete = kind.fields.iter().all(|f| !f.required || fields.contains_key(f.name));
    // An entry of nothing but its origin says nothing.
    let says = fields.keys().any(|name| !matches!(*name, "identifier" | "source"));
    if complete && says { Some(fields) } else { None }
}
