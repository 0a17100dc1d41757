//! Finding the resources of a file, and one from another by reference.

use core::cell::Cell;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value as Json, value::RawValue};

use super::letter::Said;
use super::{ImportError, SkipReason, limits, xml};
use crate::fhir::json::{self, Fault, Members};
use crate::fhir::known;
use crate::fhir::marker;
use crate::fhir::original::{self, Original, Release};
use crate::section::display::neutralise_line;

/// A resource by its place in the file, not parsed yet.
pub(super) struct Head<'a> {
    kind: String,
    id: Option<String>,
    full_url: Option<String>,
    raw: &'a str,
    /// A bundle's own members, without its entries; or what an export of ours enclosed, since it
    /// may not stand there itself.
    shell: Option<String>,
    /// The release of FHIR, as far as it or the file says.
    release: Option<Release>,
    /// The release that its elements are of, as far as they tell.
    told: Option<Release>,
    /// What an export of ours enclosed it in.
    outer: Option<Json>,
}

/// One thing found in a file.
pub(super) enum Entered<'a> {
    /// Something that says it is a resource.
    Resource(Head<'a>),
    /// Something that does not.
    Unreadable { name: String, reason: SkipReason },
}

/// A resource, parsed.
pub(super) struct Resource<'a> {
    head: &'a Head<'a>,
    pub(super) json: Json,
    /// The original that an export of ours put into it.
    carried: Option<Original>,
}

/// What a file holds.
pub(super) struct Collected<'a> {
    pub(super) entered: Vec<Entered<'a>>,
    /// Text of each resource by every name that a reference may use.
    pub(super) index: BTreeMap<String, &'a str>,
}

/// What a discharge document says of where it was written.
#[derive(Clone, Default)]
pub(super) struct DischargeDocument {
    /// Its title and the services that it names, in lower case.
    pub(super) words: Vec<String>,
    /// The organisation that keeps it.
    pub(super) custodian: Option<String>,
    /// What its sections say.
    pub(super) said: Said,
}

/// Every resource of a file, for references.
pub(super) struct Resources<'a> {
    index: &'a BTreeMap<String, &'a str>,
    budget: Cell<usize>,
    /// The same, of files.
    files: Cell<usize>,
    /// What `DocumentReference`s name as their files.
    attached: BTreeSet<*const u8>,
    /// What discharge documents say of where they were written, by where the text of the
    /// encounter that they are about begins.
    discharges: BTreeMap<*const u8, DischargeDocument>,
}

/// A list of entries that stops counting at the limit.
struct Entries<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a list of entries")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = seq.next_element()? {
                    // One more than allowed, so that the caller can tell.
                    if entries.len() > limits::RESOURCES {
                        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                        break;
                    }
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        d.deserialize_seq(Visitor).map(Entries)
    }
}

/// A file as JSON text.
pub(in crate::fhir) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, ImportError> {
    if bytes.len() > limits::FILE {
        return Err(ImportError::TooLarge { len: bytes.len() });
    }
    let text = core::str::from_utf8(bytes).map_err(|_| ImportError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return xml::to_json(text).map(Cow::Owned).map_err(|_| ImportError::NotJson);
    }
    Ok(Cow::Borrowed(text))
}

/// Finds every resource of a file.
pub(super) fn collect(text: &str) -> Result<Collected<'_>, ImportError> {
    let mut collected = Collected { entered: Vec::new(), index: BTreeMap::new() };
    let mut any = false;
    for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let document = document.map_err(|_| ImportError::NotJson)?;
        let before = collected.entered.len();
        match head(document.get(), None) {
            Ok(head) => collected.add(head, 0)?,
            Err(SkipReason::NotAResource) => return Err(ImportError::NotFhir),
            Err(reason) => return Err(ImportError::Nothing { reason }),
        }
        collected.settle_release(before);
        any = true;
    }
    if any { Ok(collected) } else { Err(ImportError::NotJson) }
}

fn head(raw: &str, full_url: Option<String>) -> Result<Head<'_>, SkipReason> {
    if !raw.starts_with('{') {
        return Err(SkipReason::NotAResource);
    }
    let members = Members::of(raw)?;
    let kind = members.get("resourceType").and_then(string).ok_or(SkipReason::NotAResource)?;
    if kind.len() > 64 || !kind.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(SkipReason::NotAResource);
    }
    let id = members.get("id").and_then(string).map(|id| json::bounded(&id, 128));
    let meta = members.get("meta").and_then(|meta| json::parse(meta.get()).ok());
    let release = meta.as_ref().and_then(Release::claimed);
    let told = Release::told(&kind, &members);
    Ok(Head { kind, id, full_url, raw, shell: None, release, told, outer: None })
}

/// The text of a raw JSON string.
fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str::<String>(raw.get()).ok().filter(|s| !s.is_empty())
}

impl<'a> Collected<'a> {
    fn add(&mut self, mut head: Head<'a>, depth: usize) -> Result<(), ImportError> {
        if self.entered.len() >= limits::RESOURCES {
            return Err(ImportError::TooMany);
        }
        if let Some(enclosed) = enclosed(&head) {
            self.entered.push(Entered::Resource(enclosed));
            return Ok(());
        }
        if head.kind != "Bundle" {
            for name in head.names() {
                self.index.entry(name).or_insert(head.raw);
            }
            self.entered.push(Entered::Resource(head));
            return Ok(());
        }
        let name = head.name();
        if depth >= limits::BUNDLES {
            self.entered.push(Entered::Unreadable { name, reason: SkipReason::TooDeep });
            return Ok(());
        }
        let Some((entries, shell)) = divided(head.raw) else {
            self.entered.push(Entered::Unreadable { name, reason: SkipReason::NotAResource });
            return Ok(());
        };
        head.shell = Some(shell);
        self.entered.push(Entered::Resource(head));
        for entry in entries {
            self.add_entry(entry.get(), depth)?;
        }
        Ok(())
    }

    /// What claims no release itself is of the one that the rest of its document claims: one is not
    /// made of several. Where nothing of it claims any, elements that one release alone has tell.
    fn settle_release(&mut self, from: usize) {
        let document = self.entered.get_mut(from..).unwrap_or_default();
        let mut heads: Vec<&mut Head<'a>> = document
            .iter_mut()
            .filter_map(|entered| match entered {
                Entered::Resource(head) if head.outer.is_none() => Some(head),
                Entered::Resource(_) | Entered::Unreadable { .. } => None,
            })
            .collect();
        let claims = |release| heads.iter().any(|head| head.release == Some(release));
        let tells = |release| heads.iter().any(|head| head.told == Some(release));
        // What a passport gave out has R4 and, beside it, what it is made of, each as what it is.
        let ours = || heads.iter().any(|head| head.raw.contains(marker::URL));
        let of_stu3 =
            claims(Release::Stu3) || (tells(Release::Stu3) && !tells(Release::R4) && !ours());
        if of_stu3 && !claims(Release::R4) {
            for head in &mut heads {
                head.release = Some(Release::Stu3);
            }
        }
    }

    fn add_entry(&mut self, raw: &'a str, depth: usize) -> Result<(), ImportError> {
        if self.entered.len() >= limits::RESOURCES {
            return Err(ImportError::TooMany);
        }
        let found = Members::of(raw).map_err(SkipReason::from).and_then(|entry| {
            let resource = entry.get("resource").ok_or(SkipReason::NotAResource)?;
            head(resource.get(), entry.get("fullUrl").and_then(string))
        });
        match found {
            Ok(head) => self.add(head, depth + 1),
            Err(reason) => {
                let name = "Bundle.entry".into();
                self.entered.push(Entered::Unreadable { name, reason });
                Ok(())
            }
        }
    }
}

impl From<Fault> for ImportError {
    fn from(fault: Fault) -> Self {
        if fault == Fault::Malformed {
            Self::NotJson
        } else {
            Self::Nothing { reason: fault.into() }
        }
    }
}

impl From<Fault> for SkipReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::NotAResource,
            Fault::TooDeep => Self::TooDeep,
            Fault::TooLarge => Self::TooLarge,
            Fault::Twice => Self::Twice,
        }
    }
}

/// What an export of ours enclosed in a `DocumentReference`.
fn enclosed<'a>(outer: &Head<'a>) -> Option<Head<'a>> {
    if outer.kind != "DocumentReference" || !outer.raw.contains(original::URL) {
        return None;
    }
    if json::tokens(outer.raw) > limits::TOKENS {
        return None;
    }
    let json = json::parse(outer.raw).ok()?;
    json::text(json::extension(&json, original::URL)?, "valueCode")?;
    let attachment = json.pointer("/content/0/attachment")?;
    let data = json::text(attachment, "data")?;
    let text = String::from_utf8(BASE64.decode(data.as_bytes()).ok()?).ok()?;
    let Head { kind, id, told, .. } = head(&text, None).ok()?;
    let full_url = outer.full_url.clone();
    let release = json::text(attachment, "contentType").map(Release::of_media_type);
    let (raw, shell, outer) = (outer.raw, Some(text), Some(json));
    Some(Head { kind, id, full_url, raw, shell, release, told, outer })
}

/// A bundle's entries, and the rest of it as JSON.
fn divided(raw: &str) -> Option<(Vec<&RawValue>, String)> {
    let mut members = Members::of(raw).ok()?;
    let entries: Option<Entries<'_>> = match members.remove("entry") {
        Some(entries) => serde_json::from_str(entries.get()).ok()?,
        None => None,
    };
    Some((entries.map(|e| e.0).unwrap_or_default(), serde_json::to_string(&members).ok()?))
}

impl Head<'_> {
    /// What to call it in reports, safe to show.
    pub(super) fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("{}/{}", self.kind, neutralise_line(id)),
            None => self.kind.clone(),
        }
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) const fn is_enclosed(&self) -> bool {
        self.outer.is_some()
    }

    /// What an export of ours enclosed it in.
    pub(super) const fn outer(&self) -> Option<&Json> {
        self.outer.as_ref()
    }

    pub(super) const fn raw(&self) -> &str {
        self.raw
    }

    fn names(&self) -> Vec<String> {
        let by_id = self.id.as_ref().map(|id| format!("{}/{id}", self.kind));
        by_id.into_iter().chain(self.full_url.clone()).collect()
    }
}

impl<'a> Resource<'a> {
    /// Parses a resource.
    pub(super) fn open(head: &'a Head<'a>) -> Result<Self, SkipReason> {
        let raw = head.shell.as_deref().unwrap_or(head.raw);
        if json::tokens(raw) > limits::TOKENS {
            return Err(SkipReason::TooLarge);
        }
        let json = json::parse(raw)?;
        let carried = if head.is_enclosed() { None } else { original::carried(&json) };
        Ok(Self { head, json, carried })
    }

    pub(super) fn kind(&self) -> &str {
        &self.head.kind
    }

    pub(super) fn name(&self) -> String {
        self.head.name()
    }

    pub(super) const fn head(&self) -> &Head<'a> {
        self.head
    }

    /// The resource word for word; of a bundle, all but its entries.
    pub(super) fn verbatim(&self) -> &str {
        self.head.shell.as_deref().unwrap_or(self.head.raw)
    }

    /// The original that an export of ours put into it; otherwise that `own` is one.
    pub(super) fn original(&self, own: impl Into<String>) -> Original {
        match &self.carried {
            Some(Original { release, text }) => Original::new(*release, text.as_str()),
            None => Original::new(self.release(), own),
        }
    }

    /// The release of FHIR that it is of.
    pub(super) fn release(&self) -> Release {
        self.head.release.or(self.head.told).unwrap_or(Release::R4)
    }

    /// What the sending system calls it: its first identifier, else its id, else its address.
    pub(super) fn identifier(&self) -> Option<String> {
        let outer = self.head.outer.as_ref().and_then(json::identifier);
        let stated = outer.or_else(|| json::identifier(&self.json));
        let by_id = || self.head.id.as_ref().map(|id| format!("{}/{id}", self.head.kind));
        // In a health card, resources are called by their place, which names nothing elsewhere.
        let by_url = || self.head.full_url.clone().filter(|url| !url.starts_with("resource:"));
        stated.or_else(by_id).or_else(by_url)
    }
}

impl<'a> Resources<'a> {
    pub(super) fn new(collected: &'a Collected<'a>) -> Self {
        let mut all = Self {
            index: &collected.index,
            budget: Cell::new(limits::REFERENCED_TOTAL),
            files: Cell::new(limits::FILE),
            attached: BTreeSet::new(),
            discharges: BTreeMap::new(),
        };
        for entered in &collected.entered {
            let Entered::Resource(head) = entered else { continue };
            let named = if head.kind == "DocumentReference" { urls(head.raw) } else { Vec::new() };
            let found = named.iter().filter_map(|url| all.find(url)).map(str::as_ptr);
            all.attached.extend(found.collect::<Vec<_>>());
        }
        let documents = collected.entered.iter().filter_map(|entered| match entered {
            Entered::Resource(head) if head.kind == "Composition" && !head.is_enclosed() => {
                Resource::open(head).ok()
            }
            Entered::Resource(_) | Entered::Unreadable { .. } => None,
        });
        for document in documents.filter(|d| known::is_discharge_document(&d.json)) {
            let target = document.json.get("encounter").and_then(|e| json::text(e, "reference"));
            let Some(encounter) = target.and_then(|t| all.find(t)) else { continue };
            let said = all.discharge_document(&document);
            all.discharges.insert(encounter.as_ptr(), said);
        }
        all
    }

    /// The discharge document about this encounter.
    pub(super) fn document_of(&self, r: &Resource<'_>) -> Option<&DischargeDocument> {
        self.discharges.get(&r.head.raw.as_ptr())
    }

    fn discharge_document(&self, document: &Resource<'_>) -> DischargeDocument {
        let c = &document.json;
        let keeper = c.get("custodian");
        let custodian = keeper.and_then(|k| {
            let named = || json::text(&self.resolve(document, k)?, "name").map(str::to_owned);
            json::text(k, "display").map(str::to_owned).or_else(named)
        });
        // Care setting is an extension of the ITK documents and of UK Core's Composition.
        let settings = json::list(c, "extension")
            .iter()
            .filter_map(|e| json::concept_in(e, "valueCodeableConcept"))
            .map(|s| s.words().to_lowercase());
        let named = [json::text(c, "title"), custodian.as_deref()];
        let words = settings.chain(named.into_iter().flatten().map(str::to_lowercase)).collect();
        DischargeDocument { words, custodian, said: Said::of(c) }
    }

    /// What a `Reference` points at: inside the resource, or elsewhere in the file.
    pub(super) fn resolve(&self, from: &Resource<'_>, reference: &Json) -> Option<Json> {
        let target = json::text(reference, "reference")?;
        if let Some(id) = target.strip_prefix('#') {
            let mut contained = json::list(&from.json, "contained").iter();
            return contained.find(|c| json::text(c, "id") == Some(id)).cloned();
        }
        let raw = self.find(target)?;
        let left = self.budget.get().checked_sub(raw.len())?;
        if raw.len() > limits::REFERENCED {
            return None;
        }
        self.budget.set(left);
        json::parse(raw).ok()
    }

    /// The Binary that an attachment names, in the resource or elsewhere in the file.
    pub(super) fn binary(&self, from: &Resource<'_>, url: &str) -> Option<Json> {
        if url.starts_with('#') {
            return self.resolve(from, &serde_json::json!({ "reference": url }));
        }
        let raw = self.find(url)?;
        self.files.set(self.files.get().checked_sub(raw.len())?);
        let binary: Json = serde_json::from_str(raw).ok()?;
        (json::text(&binary, "resourceType") == Some("Binary")).then_some(binary)
    }

    /// Whether some `DocumentReference` of the file names this as its file.
    pub(super) fn is_attached(&self, r: &Resource<'_>) -> bool {
        self.attached.contains(&r.head.raw.as_ptr())
    }

    /// Whether a reference names a resource of the file, and which.
    pub(super) fn find(&self, target: &str) -> Option<&'a str> {
        let target = target.split("/_history/").next().unwrap_or(target);
        self.index.get(target).or_else(|| self.index.get(&relative(target)?)).copied()
    }
}

/// What the attachments of a `DocumentReference` name.
fn urls(raw: &str) -> Vec<String> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Reference {
        content: Vec<Content>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Content {
        attachment: Named,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Named {
        url: Option<String>,
    }
    let read = serde_json::from_str::<Reference>(raw).unwrap_or_default();
    read.content.into_iter().filter_map(|content| content.attachment.url).collect()
}

/// `Type/id` of an absolute reference.
pub(super) fn relative(target: &str) -> Option<String> {
    let target = target.split("/_history/").next().unwrap_or(target);
    let mut parts = target.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Some(format!("{kind}/{id}"))
}
