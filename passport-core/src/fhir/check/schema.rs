//! The table of elements of FHIR R4, read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("r4.txt")));

/// Types by name.
pub(super) struct Schema(BTreeMap<&'static str, Type>);

/// Elements by the element that they are in; those of the type itself under the empty name.
pub(super) type Type = BTreeMap<&'static str, Vec<Element>>;

/// One element.
pub(super) struct Element {
    /// Its name, of a choice without the type.
    pub(super) name: &'static str,
    /// Whether its type is part of its name, as in `onsetDateTime`.
    pub(super) is_choice: bool,
    pub(super) required: bool,
    pub(super) repeats: bool,
    /// What it may be; empty for anything.
    pub(super) kinds: Vec<Kind>,
    /// The codes that it may have; each with its system, empty for a plain code.
    pub(super) codes: Vec<(&'static str, Vec<&'static str>)>,
}

/// One type an element may have.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Of a reference: the resources that it may name.
    pub(super) targets: Vec<&'static str>,
}

impl Schema {
    pub(super) fn get() -> &'static Self {
        &SCHEMA
    }

    /// A type of this name.
    pub(super) fn of(&self, name: &str) -> Option<&Type> {
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
    pub(super) fn form<'a>(&self, member: &'a str) -> Option<&'a str> {
        let form = member.strip_prefix(self.name)?;
        (self.is_choice && form.starts_with(|c: char| c.is_ascii_uppercase())).then_some(form)
    }

    /// The kind that a form's name stands for, `DateTime` for `dateTime`.
    pub(super) fn kind_of(&self, form: &str) -> Option<&Kind> {
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
