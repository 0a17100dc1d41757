//! The table of elements of FHIR R4, read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("r4.txt")));

/// Types by name.
pub(in crate::fhir) struct Schema(BTreeMap<&'static str, Type>);

/// Elements by the element that they are in; those of the type itself under the empty name.
pub(in crate::fhir) type Type = BTreeMap<&'static str, Vec<Element>>;

/// One element.
pub(in crate::fhir) struct Element {
    /// Its name, of a choice without the type.
    pub(in crate::fhir) name: &'static str,
    /// Whether its type is part of its name, as in `onsetDateTime`.
    pub(in crate::fhir) is_choice: bool,
    pub(in crate::fhir) required: bool,
    pub(in crate::fhir) repeats: bool,
    /// What it may be; empty for anything.
    pub(in crate::fhir) kinds: Vec<Kind>,
    /// The codes that it may have; each with its system, empty for a plain code.
    pub(in crate::fhir) codes: Vec<(&'static str, Vec<&'static str>)>,
}

/// One type an element may have.
pub(in crate::fhir) struct Kind {
    pub(in crate::fhir) name: &'static str,
    /// Of a reference: the resources that it may name.
    pub(in crate::fhir) targets: Vec<&'static str>,
}

impl Schema {
    pub(in crate::fhir) fn get() -> &'static Self {
        &SCHEMA
    }

    /// A type of this name.
    pub(in crate::fhir) fn of(&self, name: &str) -> Option<&Type> {
        self.0.get(name)
    }

    fn parse(table: &'static str) -> Self {
        let mut types: BTreeMap<&'static str, Type> = BTreeMap::new();
        let mut current = "";
        for line in table.lines().filter(|l| !l.starts_with('#')) {
            if let Some(name) = line.strip_prefix('@') {
                current = name;
                types.insert(current, Type::new());
            } else if let Some((parent, element)) = element(line) {
                types.entry(current).or_default().entry(parent).or_default().push(element);
            }
        }
        Self(types)
    }
}

/// The element that a member is, of a choice with the kind that its name says; no kind where it may
/// be anything.
pub(in crate::fhir) fn find(
    elements: &'static [Element],
    member: &str,
) -> Option<(&'static Element, Option<&'static Kind>)> {
    elements.iter().find_map(|e| match e.form(member) {
        _ if !e.is_choice && e.name == member => Some((e, e.kinds.first())),
        Some(_) if e.kinds.is_empty() => Some((e, None)),
        Some(form) => e.kind_of(form).map(|kind| (e, Some(kind))),
        None => None,
    })
}

/// The types of members that every resource may have.
pub(in crate::fhir) const OF_RESOURCES: [(&str, &str); 4] =
    [("meta", "Meta"), ("text", "Narrative"), ("implicitRules", "uri"), ("language", "code")];

/// Elements of STU3 that R4 has not, and that JSON has a list of (by the definitions of STU3).
const LISTS_OF_STU3: [(&str, &[&str]); 12] = [
    ("CarePlan", &["definition"]),
    ("Communication", &["definition"]),
    ("DiagnosticReport", &["codedDiagnosis", "image"]),
    ("Encounter", &["incomingReferral", "reason"]),
    ("Immunization", &["practitioner", "vaccinationProtocol"]),
    ("Medication", &["image"]),
    ("MedicationRequest", &["definition"]),
    ("MedicationStatement", &["reasonNotTaken"]),
    ("Observation", &["related"]),
    ("Procedure", &["definition"]),
    ("ProcedureRequest", OF_REQUESTS),
    ("ReferralRequest", OF_REQUESTS),
];
/// The same, of the two requests that R4 has one of in their place.
const OF_REQUESTS: &[&str] = &[
    "basedOn",
    "bodySite",
    "category",
    "definition",
    "identifier",
    "note",
    "reasonCode",
    "reasonReference",
    "recipient",
    "relevantHistory",
    "replaces",
    "serviceRequested",
    "specimen",
    "supportingInfo",
];

/// Where an element stands in the table, as far as the table has it.
pub(in crate::fhir) struct Place {
    /// Its type, and the way within it.
    of: Option<(&'static Type, String)>,
    is_resource: bool,
    repeats: bool,
    /// What type it is, as its kind or its name says.
    kind: String,
}

impl Place {
    /// A resource of this kind.
    pub(in crate::fhir) fn resource(kind: &str) -> Self {
        Self { is_resource: true, ..Self::typed(kind, false) }
    }

    /// Whether it may occur more than once.
    pub(in crate::fhir) const fn repeats(&self) -> bool {
        self.repeats
    }

    /// Whether it is a text, a number or the like, and no element with members of its own.
    pub(in crate::fhir) fn is_primitive(&self) -> bool {
        self.kind.starts_with(|c: char| c.is_ascii_lowercase()) && self.kind != "xhtml"
    }

    /// Its type; empty where the table does not say.
    pub(in crate::fhir) fn kind(&self) -> &str {
        &self.kind
    }

    /// An element in this one.
    pub(in crate::fhir) fn child(&self, name: &str) -> Self {
        let of_resources = || OF_RESOURCES.iter().find(|(n, _)| *n == name);
        match name {
            "extension" | "modifierExtension" => return Self::typed("Extension", true),
            "contained" => return Self::typed("Resource", true),
            _ if self.is_resource
                && let Some((_, kind)) = of_resources() =>
            {
                return Self::typed(kind, false);
            }
            _ => {}
        }
        let Some((of, within)) = &self.of else { return self.guess(name) };
        let elements = of.get(within.as_str()).map(Vec::as_slice).unwrap_or_default();
        match find(elements, name) {
            None => self.guess(name),
            Some((element, None)) => {
                let form = element.form(name).unwrap_or_default();
                let (first, rest) = form.split_at(form.len().min(1));
                let is_type = Schema::get().of(form).is_some();
                let lower = format!("{}{rest}", first.to_ascii_lowercase());
                Self::typed(if is_type { form } else { &lower }, element.repeats)
            }
            Some((element, Some(kind))) if kind.name == "_" => {
                let way = [within.as_str(), element.name];
                let way: Vec<&str> = way.into_iter().filter(|p| !p.is_empty()).collect();
                let of = Some((*of, way.join(".")));
                Self { of, is_resource: false, repeats: element.repeats, kind: String::new() }
            }
            Some((element, Some(kind))) => Self::typed(kind.name, element.repeats),
        }
    }

    fn typed(kind: &str, repeats: bool) -> Self {
        let like = kind.strip_prefix('@').unwrap_or(kind);
        let (name, within) = like.split_once('.').unwrap_or((like, ""));
        let of = Schema::get().of(name).map(|of| (of, within.to_owned()));
        Self { of, is_resource: false, repeats, kind: name.to_owned() }
    }

    /// An element that the table does not have.
    fn guess(&self, name: &str) -> Self {
        let lists = LISTS_OF_STU3.iter().find(|(kind, _)| self.is_resource && *kind == self.kind);
        let repeats = lists.is_some_and(|(_, names)| names.contains(&name));
        Self { repeats, ..Self::guessed(name) }
    }

    /// Of the type that its name ends with.
    fn guessed(name: &str) -> Self {
        let ends_with = |kind: &str| {
            let end = name.len().checked_sub(kind.len()).and_then(|at| name.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(kind))
        };
        let types = Schema::get().0.keys().filter(|kind| ends_with(kind));
        Self::typed(types.max_by_key(|t| t.len()).unwrap_or(&""), false)
    }
}

fn element(line: &'static str) -> Option<(&'static str, Element)> {
    let mut parts = line.splitn(4, ' ');
    let (path, least, most, types) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (types, codes) = types.split_once('=').unwrap_or((types, ""));
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let kinds = if types == "*" { Vec::new() } else { types.split('|').map(kind).collect() };
    let codes = codes.split(';').filter(|c| !c.is_empty()).map(|set| {
        let (system, codes) = set.split_once('#').unwrap_or(("", set));
        (system, codes.split('|').collect())
    });
    let element = Element {
        name: name.strip_suffix("[x]").unwrap_or(name),
        is_choice: name.ends_with("[x]"),
        required: least != "0",
        repeats: most == "*",
        kinds,
        codes: codes.collect(),
    };
    Some((parent, element))
}

fn kind(text: &'static str) -> Kind {
    let (name, targets) = text.split_once('(').unwrap_or((text, ""));
    let targets = targets.trim_end_matches(')').split(',').filter(|t| !t.is_empty()).collect();
    Kind { name, targets }
}

impl Element {
    /// The type in a member's name, if the member is a form of this choice.
    pub(in crate::fhir) fn form<'a>(&self, member: &'a str) -> Option<&'a str> {
        let form = member.strip_prefix(self.name)?;
        (self.is_choice && form.starts_with(|c: char| c.is_ascii_uppercase())).then_some(form)
    }

    /// The kind that a form's name stands for, `DateTime` for `dateTime`.
    pub(in crate::fhir) fn kind_of(&self, form: &str) -> Option<&Kind> {
        self.kinds.iter().find(|k| k.name.eq_ignore_ascii_case(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads() {
        let schema = Schema::get();
        let condition = schema.of("Condition").unwrap();
        let top = condition.get("").unwrap();
        let find = |name: &str| top.iter().find(|e| e.name == name).unwrap();
        assert!(find("subject").required && !find("subject").repeats);
        assert_eq!(find("subject").kinds[0].targets, ["Patient", "Group"]);
        assert_eq!(find("clinicalStatus").codes[0].1.len(), 6);
        let onset = find("onset");
        assert_eq!(onset.kind_of(onset.form("onsetDateTime").unwrap()).unwrap().name, "dateTime");
        assert!(condition.get("stage").unwrap().iter().any(|e| e.name == "summary"));
        assert!(schema.of("Extension").unwrap().get("").unwrap()[1].kinds.is_empty());
    }

    #[test]
    fn a_place_knows_what_repeats_and_of_what_type_it_is() {
        let patient = Place::resource("Patient");
        assert!(patient.child("name").repeats() && patient.child("name").child("given").repeats());
        assert!(!patient.child("name").child("family").repeats());
        assert_eq!(patient.child("multipleBirthInteger").kind(), "integer");
        assert_eq!(patient.child("active").kind(), "boolean");
        let extension = patient.child("birthDate").child("extension");
        assert_eq!(extension.child("valueString").kind(), "string");
        let dose = Place::resource("MedicationStatement").child("dosage").child("doseAndRate");
        assert!(dose.repeats());
        assert_eq!(dose.child("doseQuantity").child("value").kind(), "decimal");
        let bundle = Place::resource("Bundle");
        assert!(bundle.child("entry").child("link").child("relation").kind() == "string");
        // Where FHIR STU3 has what R4 has not.
        let older = Place::resource("MedicationStatement").child("dosage").child("doseQuantity");
        assert_eq!(older.child("value").kind(), "decimal");
        assert!(Place::resource("Encounter").child("reason").repeats());
        assert!(Place::resource("ReferralRequest").child("serviceRequested").repeats());
        assert!(!Place::resource("ReferralRequest").child("subject").repeats());
        assert!(!Place::resource("Basic").child("anything").repeats());
    }

    #[test]
    fn every_type_that_an_element_has_is_known() {
        let schema = Schema::get();
        for (name, of) in &schema.0 {
            for kind in of.values().flatten().flat_map(|e| &e.kinds) {
                let known = schema.of(kind.name).is_some()
                    || kind.name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                    || ["Resource", "Expression"].contains(&kind.name)
                    || kind.name.strip_prefix('@').is_some();
                assert!(known, "{name}: {}", kind.name);
            }
        }
    }
}
