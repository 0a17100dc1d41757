//! Every element held against the table: known, of its type, as often as allowed.

use serde_json::{Map, Value as Json};

use super::schema::{self, Element, Kind, OF_RESOURCES, Schema, Type};
use super::{Found, datatype, primitive, resource};
use crate::fhir::json;

/// A reference, to be resolved when all resources are known.
pub(super) struct Reference {
    pub(super) path: String,
    pub(super) target: String,
    /// What it may name; empty for any resource.
    pub(super) allowed: Vec<&'static str>,
}

/// What is read, and what was found.
pub(super) struct Walk<'a> {
    pub(super) found: &'a mut Found,
    pub(super) references: Vec<Reference>,
}

impl Walk<'_> {
    /// Checks one resource, without what is between resources; says whether it knows the kind.
    pub(super) fn resource(&mut self, resource: &Json, path: &str) -> bool {
        let Some(kind) = json::text(resource, "resourceType") else {
            self.found.error(path, "resource", "says no resourceType");
            return false;
        };
        let (Some(of), Some(members)) = (Schema::get().of(kind), resource.as_object()) else {
            self.found.warning(path, "unknown-resource", "is of a kind that is not checked");
            return false;
        };
        self.members(members, of, "", path, true);
        resource::invariants(resource, kind, path, self.found);
        true
    }

    fn members(
        &mut self,
        members: &Map<String, Json>,
        of: &'static Type,
        within: &str,
        path: &str,
        is_resource: bool,
    ) {
        if members.is_empty() {
            return self.found.error(path, "ele-1", "is empty");
        }
        let elements = of.get(within).map(Vec::as_slice).unwrap_or_default();
        for (name, value) in members {
            let at = format!("{path}.{name}");
            if !(is_resource && self.of_resource(name, value, &at)) {
                self.member(name, value, (of, within, elements), &at);
            }
        }
        for element in elements {
            let is_form = |name: &String| {
                let name = name.strip_prefix('_').unwrap_or(name);
                name == element.name || element.form(name).is_some()
            };
            let forms = members.keys().filter(|n| !n.starts_with('_') && is_form(n)).count();
            if element.required && !members.keys().any(is_form) {
                let at = format!("{path}.{}", element.name);
                self.found.error(&at, "required", "is required, and missing");
            }
            if element.is_choice && forms > 1 {
                let at = format!("{path}.{}", element.name);
                self.found.error(&at, "choice", "is there in several forms; one is allowed");
            }
        }
    }

    /// Members that every resource may have.
    fn of_resource(&mut self, name: &str, value: &Json, at: &str) -> bool {
        if let Some((_, kind)) = OF_RESOURCES.iter().find(|(n, _)| *n == name) {
            self.value(value, kind, &[], at);
            return true;
        }
        match name {
            "resourceType" => {}
            "id" => self.value(value, "id", &[], at),
            "contained" => {
                for (at, one) in self.items(value, true, at) {
                    self.resource(one, &at);
                }
            }
            _ => return false,
        }
        true
    }

    fn member(
        &mut self,
        name: &str,
        value: &Json,
        (of, within, elements): (&'static Type, &str, &'static [Element]),
        at: &str,
    ) {
        match name {
            "id" => return self.value(value, "string", &[], at),
            "extension" | "modifierExtension" => {
                for (at, one) in self.items(value, true, at) {
                    self.value(one, "Extension", &[], &at);
                }
                return;
            }
            "fhir_comments" => return,
            _ => {}
        }
        let plain = name.strip_prefix('_').unwrap_or(name);
        let Some((element, kind)) = schema::find(elements, plain) else {
            return self.found.error(at, "unknown", "is not an element that belongs here");
        };
        if plain != name {
            return;
        }
        for (at, one) in self.items(value, element.repeats, at) {
            match kind {
                _ if one.is_null() && element.repeats => {}
                Some(Kind { name: "_", .. }) => {
                    let inner = [within, element.name].into_iter().filter(|p| !p.is_empty());
                    self.object(one, of, &inner.collect::<Vec<_>>().join("."), &at);
                }
                Some(kind) => {
                    self.value(one, kind.name, &kind.targets, &at);
                    self.codes(one, element, &at);
                }
                None => self.anything(one, element.form(plain).unwrap_or_default(), &at),
            }
        }
    }

    /// A value that may be of any type, which is in its name.
    fn anything(&mut self, value: &Json, form: &str, at: &str) {
        if Schema::get().of(form).is_some() {
            return self.value(value, form, &[], at);
        }
        let (first, rest) = form.split_at(form.len().min(1));
        self.value(value, &format!("{}{rest}", first.to_ascii_lowercase()), &[], at);
    }

    /// What a member holds, each with its path.
    fn items<'v>(&mut self, value: &'v Json, repeats: bool, at: &str) -> Vec<(String, &'v Json)> {
        match value {
            Json::Array(items) if repeats => {
                if items.is_empty() {
                    self.found.error(at, "ele-1", "is an empty list");
                }
                items.iter().enumerate().map(|(n, one)| (format!("{at}[{n}]"), one)).collect()
            }
            Json::Array(_) => {
                self.found.error(at, "shape", "is a list, and one is allowed");
                Vec::new()
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
                if repeats {
                    self.found.error(at, "shape", "is not a list");
                }
                vec![(at.to_owned(), value)]
            }
        }
    }

    fn object(&mut self, value: &Json, of: &'static Type, within: &str, at: &str) {
        match value.as_object() {
            Some(members) => self.members(members, of, within, at, false),
            None => self.found.error(at, "shape", "is not an element with members"),
        }
    }

    fn value(&mut self, value: &Json, kind: &str, targets: &[&'static str], at: &str) {
        let schema = Schema::get();
        if let Some(like) = kind.strip_prefix('@') {
            let (name, within) = like.split_once('.').unwrap_or((like, ""));
            if let Some(of) = schema.of(name) {
                self.object(value, of, within, at);
            }
            return;
        }
        match kind {
            // The entries of a bundle are visited one by one.
            "Resource" => {}
            "Reference" => {
                self.object_of("Reference", value, at);
                if let Some(target) = json::text(value, "reference") {
                    self.references.push(Reference {
                        path: at.to_owned(),
                        target: target.to_owned(),
                        allowed: targets.iter().copied().filter(|t| *t != "Resource").collect(),
                    });
                }
            }
            "xhtml" => {
                if let Some(wrong) = value.as_str().map_or(Some("is not a text"), datatype::xhtml) {
                    self.found.error(at, "txt-1", wrong);
                }
            }
            _ if schema.of(kind).is_some() => {
                self.object_of(kind, value, at);
                datatype::invariants(kind, value, at, self.found);
            }
            _ => {
                if let Some(wrong) = primitive::wrong(kind, value) {
                    self.found.error(at, "form", wrong);
                }
            }
        }
    }

    fn object_of(&mut self, kind: &str, value: &Json, at: &str) {
        if let Some(of) = Schema::get().of(kind) {
            self.object(value, of, "", at);
        }
    }

    /// The codes of a required binding.
    fn codes(&mut self, value: &Json, element: &Element, at: &str) {
        if element.codes.is_empty() {
            return;
        }
        let is_one = |system: Option<&str>, code: &str| {
            element.codes.iter().any(|(of, codes)| {
                codes.contains(&code) && (of.is_empty() || system.is_none_or(|s| s == *of))
            })
        };
        let right = value.as_str().map_or_else(
            || {
                let codings = json::list(value, "coding");
                let lone = codings.is_empty() && value.get("code").is_some();
                let codings = if lone { core::slice::from_ref(value) } else { codings };
                codings.iter().any(|c| {
                    json::text(c, "code").is_some_and(|code| is_one(json::text(c, "system"), code))
                })
            },
            |code| is_one(None, code),
        );
        if !right {
            self.found.error(at, "binding", "has none of the codes that are allowed here");
        }
    }
}
