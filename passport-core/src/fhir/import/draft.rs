//! Drafts in the making: only what fits the table leaves here.

use std::collections::{BTreeMap, BTreeSet};

use super::bundle::Resource;
use super::{Draft, Enclosed, SkipReason, Skipped};
use serde_json::Value as Json;

use crate::fhir::json;
use crate::fhir::marker::{self, Mark};
use crate::fhir::original::{Original, Release};
use crate::section::{Code, KindSpec, PartialDate, SectionName, Value, limits};

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

    /// Sets a field that is not set yet.
    pub(super) fn or_set(&mut self, name: &'static str, value: Option<Value>) -> &mut Self {
        if let Some(value) = value {
            self.0.entry(name).or_insert(value);
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
    made: Made,
}

/// What one resource became.
#[derive(Default)]
pub(super) struct Made {
    pub(super) drafts: Vec<Draft>,
    pub(super) skipped: Vec<Skipped>,
    /// Elements that became entries of their own, by member and number.
    pub(super) parts: BTreeSet<(&'static str, usize)>,
}

impl<'a> Drafts<'a> {
    pub(super) fn new(resource: &'a Resource<'a>) -> Self {
        Self { resource, made: Made::default() }
    }

    /// Adds an entry with the resource's identifier, and the resource as its source.
    pub(super) fn add(&mut self, section: &str, kind: &str, fields: Fields) {
        let identifier = self.resource.identifier();
        let source = self.resource.original(self.resource.verbatim());
        self.add_as(section, kind, fields, identifier.as_deref(), Some(source), None);
    }

    /// Adds an entry with an identifier and source of its own.
    pub(super) fn add_as(
        &mut self,
        section: &str,
        kind: &str,
        mut fields: Fields,
        identifier: Option<&str>,
        source: Option<Original>,
        enclosed: Option<Enclosed>,
    ) {
        let Ok(section) = section.parse::<SectionName>() else { return };
        let Some(kind) = section.spec().kind(kind) else { return };
        fields.text("identifier", identifier);
        let fits = source.as_ref().is_none_or(|s| s.text.len() <= limits::SOURCE);
        if let Some(source) = source.filter(|_| fits) {
            fields.set("source", Some(source.into_value()));
        }
        if let Some(fields) = checked(kind, fields) {
            let resource = self.resource.name();
            if !fits {
                let reason = SkipReason::OriginalTooLarge;
                self.made.skipped.push(Skipped { resource: resource.clone(), reason });
            }
            self.made.drafts.push(Draft { section, kind: kind.name, fields, resource, enclosed });
        }
    }

    /// Adds an entry made of one element of the resource, which may carry a mark of its own.
    pub(super) fn add_part(
        &mut self,
        section: &str,
        kind: &str,
        fields: Fields,
        (member, number, element): (&'static str, usize, &Json),
        source: String,
    ) {
        let fields = marked(section, kind, fields, element);
        let before = self.made.drafts.len();
        // A part of a Patient is the same in every release.
        let source = Original::new(Release::R4, source);
        self.add_as(section, kind, fields, None, Some(source), None);
        if self.made.drafts.len() > before {
            self.made.parts.insert((member, number));
        }
    }

    /// Obeys the mark that an export of this software left on the resource: which entry it was,
    /// and the fields that FHIR has no place for.
    pub(super) fn obey_mark(&mut self) {
        if self.resource.kind() == "Patient" {
            // Its parts are entries of their own, each with its mark.
            return;
        }
        let Some(mark) = Mark::of(&self.resource.json) else { return };
        let Some(kind) = spec(&mark.section, &mark.kind) else { return };
        let is_it = |d: &Draft| d.section.as_str() == mark.section && d.kind == mark.kind;
        let enclosed = self.made.drafts.iter_mut().find_map(|d| d.enclosed.take());
        let at = self.made.drafts.iter().position(is_it);
        let draft = at.map(|at| self.made.drafts.swap_remove(at));
        let mut fields = draft.map(|d| d.fields).unwrap_or_default();
        if self.resource.kind() == "QuestionnaireResponse" {
            fields.extend(marker::answers(kind, &self.resource.json));
        }
        mark.apply(kind, &mut fields);
        fields.remove("source");
        self.made.drafts.clear();
        self.made.skipped.clear();
        let identifier = self.resource.identifier();
        let source = self.resource.original(self.resource.verbatim());
        let source = kind.field("source").map(|_| source);
        let (section, name) = (mark.section.clone(), kind.name);
        self.add_as(&section, name, Fields(fields), identifier.as_deref(), source, enclosed);
    }

    pub(super) fn finish(self) -> Made {
        self.made
    }
}

/// Fields with those of the element's mark in place of what was read otherwise.
pub(super) fn marked(section: &str, kind: &str, mut fields: Fields, element: &Json) -> Fields {
    if let (Some(mark), Some(spec)) = (Mark::of(element), spec(section, kind)) {
        mark.apply(spec, &mut fields.0);
    }
    fields
}

/// The kind of this name in a section that can be written from outside.
fn spec(section: &str, kind: &str) -> Option<&'static KindSpec> {
    let section = section.parse::<SectionName>().ok()?.spec();
    if section.shareable { section.kind(kind) } else { None }
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
