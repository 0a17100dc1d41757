//! What is between resources: addresses, references, documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::profile;
use super::walk::{Reference, Walk};
use crate::fhir::json;

/// The resources of a bundle by the names that references use.
#[derive(Default)]
pub(in crate::fhir) struct Index<'a> {
    by_name: BTreeMap<String, &'a Json>,
}

impl<'a> Index<'a> {
    pub(in crate::fhir) fn of(bundle: &'a Json) -> Self {
        let mut by_name = BTreeMap::new();
        for entry in json::list(bundle, "entry") {
            let Some(resource) = entry.get("resource") else { continue };
            let kind = json::text(resource, "resourceType").unwrap_or_default();
            if let Some(url) = json::text(entry, "fullUrl") {
                by_name.entry(url.to_owned()).or_insert(resource);
                let mut parts = url.rsplit('/');
                if let (Some(id), Some(kind)) = (parts.next(), parts.next()) {
                    by_name.entry(format!("{kind}/{id}")).or_insert(resource);
                }
            }
            if let Some(id) = json::text(resource, "id") {
                by_name.entry(format!("{kind}/{id}")).or_insert(resource);
            }
        }
        Self { by_name }
    }

    /// What a reference names, if it is in the bundle.
    pub(in crate::fhir) fn find(&self, target: &str) -> Option<&'a Json> {
        let target = target.split("/_history/").next().unwrap_or(target);
        let target = target.split('#').next().unwrap_or(target);
        self.by_name.get(target).copied()
    }
}

/// Where a resource stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// What its references may name; nothing for a resource alone.
    index: Option<&'a Index<'a>>,
    /// Whether it is a document's Composition, whose references all lead into the document.
    leads: bool,
}

/// Checks a resource and, of a bundle, everything in it.
pub(super) fn check(root: &Json, walk: &mut Walk<'_>) {
    let kind = json::text(root, "resourceType").unwrap_or("file").to_owned();
    if kind != "Bundle" {
        return one(root, &kind, Place { index: None, leads: false }, walk);
    }
    let index = Index::of(root);
    let place = Place { index: Some(&index), leads: false };
    one(root, &kind, place, walk);
    let is_document = json::text(root, "type") == Some("document");
    let mut seen = BTreeSet::new();
    for (n, entry) in json::list(root, "entry").iter().enumerate() {
        let at = format!("{kind}.entry[{n}]");
        if let Some(url) = json::text(entry, "fullUrl") {
            address(entry, url, &at, walk);
            let version = entry.pointer("/resource/meta/versionId").and_then(Json::as_str);
            if !seen.insert((url, version)) {
                walk.found.error(&at, "bdl-7", "has the address of another entry");
            }
        } else if is_document {
            walk.found.error(&at, "fullurl", "has no fullUrl, by which others could refer to it");
        }
        if let Some(resource) = entry.get("resource") {
            let place = Place { leads: is_document && n == 0, ..place };
            one(resource, &format!("{at}.resource"), place, walk);
        }
    }
    profile::document(root, &index, walk);
}

fn address(entry: &Json, url: &str, at: &str, walk: &mut Walk<'_>) {
    if !url.contains(':') {
        walk.found.error(at, "fullurl", "has a fullUrl that is no absolute address");
    }
    if url.contains("/_history/") {
        walk.found.error(at, "bdl-8", "has a version in its fullUrl");
    }
    let id = entry.get("resource").and_then(|r| json::text(r, "id"));
    let says = url.rsplit('/').next();
    if url.starts_with("http") && id.is_some() && says != id {
        walk.found.error(at, "fullurl", "has a fullUrl that does not end with the resource's id");
    }
}

fn one(resource: &Json, path: &str, place: Place<'_>, walk: &mut Walk<'_>) {
    if !walk.resource(resource, path) {
        return;
    }
    profile::claimed(resource, path, walk.found);
    nested(resource, path, walk);
    for reference in core::mem::take(&mut walk.references) {
        resolve(&reference, resource, place, walk);
    }
}

/// Rules on resources within resources.
fn nested(resource: &Json, path: &str, walk: &mut Walk<'_>) {
    let named: BTreeSet<&str> =
        walk.references.iter().filter_map(|r| r.target.strip_prefix('#')).collect();
    for (n, one) in json::list(resource, "contained").iter().enumerate() {
        let at = format!("{path}.contained[{n}]");
        if !json::list(one, "contained").is_empty() {
            walk.found.error(&at, "dom-2", "contains resources itself");
        }
        match json::text(one, "id") {
            // A part that refers to the whole need not be referred to.
            Some(id) if named.contains(id) || named.contains("") => {}
            Some(_) => walk.found.error(&at, "dom-3", "is referred to from nowhere"),
            None => walk.found.error(&at, "dom-3", "has no id to refer to it by"),
        }
    }
}

fn resolve(reference: &Reference, resource: &Json, place: Place<'_>, walk: &mut Walk<'_>) {
    let Reference { path, target, allowed } = reference;
    if let Some(id) = target.strip_prefix('#') {
        let contained = json::list(resource, "contained").iter();
        let mut found = contained.filter(|c| json::text(c, "id") == Some(id));
        match found.next() {
            Some(found) => of_kind(found, allowed, path, walk),
            None if id.is_empty() => {}
            None => walk.found.error(path, "ref-1", "refers to something that is not contained"),
        }
        return;
    }
    if let Some(found) = place.index.and_then(|i| i.find(target)) {
        return of_kind(found, allowed, path, walk);
    }
    let plain = target.split("/_history/").next().unwrap_or(target);
    let kind =
        plain.rsplit_once('/').map(|(before, _)| before.rsplit('/').next().unwrap_or(before));
    let is_absolute = target.contains(':');
    if place.index.is_some() && target.starts_with("urn:") {
        walk.found.error(path, "unresolved", "refers to something that is not in the file");
    } else if kind.is_none() && !is_absolute {
        walk.found.error(path, "reference", "is no reference: neither an address nor kind and id");
    } else if !is_absolute && kind.is_some_and(|k| !allowed.is_empty() && !allowed.contains(&k)) {
        walk.found.error(path, "target", "refers to a resource of a kind that it may not name");
    } else if place.leads {
        walk.found.error(path, "unresolved", "refers to something that is not in the document");
    }
}

fn of_kind(found: &Json, allowed: &[&str], path: &str, walk: &mut Walk<'_>) {
    let kind = json::text(found, "resourceType").unwrap_or_default();
    if !allowed.is_empty() && !allowed.contains(&kind) {
        walk.found.error(path, "target", "refers to a resource of a kind that it may not name");
    }
}
