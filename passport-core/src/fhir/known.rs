//! The few codes and addresses that mapping needs, each with its source.

/// SNOMED CT (HL7 FHIR R4, *Using SNOMED CT with FHIR*).
pub(super) const SNOMED: &str = "http://snomed.info/sct";
/// The Unified Code for Units of Measure (HL7 FHIR R4, *Using UCUM with FHIR*).
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
/// International Patient Summary, code system *Absent and unknown data*.
pub(super) const ABSENT_UNKNOWN: &str =
    "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";
/// NHS number (UK Core Patient); the others are older forms still met.
pub(super) const NHS_NUMBER: [&str; 3] = [
    "https://fhir.nhs.uk/Id/nhs-number",
    "http://fhir.nhs.uk/Id/nhs-number",
    "http://fhir.nhs.net/Id/nhs-number",
];
/// The one of [`NHS_NUMBER`] that is in force.
pub(super) const NHS_NUMBER_SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// UK Core: how far an NHS number was checked.
pub(super) const NHS_NUMBER_STATUS: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";
/// Codes of [`NHS_NUMBER_STATUS`] for *number present and verified*.
pub(super) const NHS_NUMBER_VERIFIED: [&str; 2] = ["01", "number-present-and-verified"];
/// UK Core: the same code system as the status extension names it.
pub(super) const NHS_NUMBER_STATUS_SYSTEM: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland";
/// ODS code of an organisation (UK Core Organization).
pub(super) const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// UK Core: how a stay ended; the second is its STU3 predecessor.
pub(super) const DISCHARGE_METHOD: [&str; 2] = [
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DischargeMethod",
    "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-DischargeMethod-1",
];
/// UK Core: legal status under the Mental Health Act.
pub(super) const LEGAL_STATUS: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-LegalStatus";
/// HL7 v3 `ActCode`, the system of `Encounter.class`.
pub(super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// Headings of UK Core's record standard.
pub(super) const RECORD_HEADINGS: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-RecordStandardHeadings";
/// HL7 v3 `RoleClass`, of which [`STUDENT`] is somebody "who is a student of a school". UK Core
/// has no element and no value set for student status, and no SNOMED CT code is sent that was not
/// received.
pub(super) const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";
/// The code of [`ROLE_CLASS`] for a student.
pub(super) const STUDENT: &str = "STD";
/// This project's own codes for the status of a student.
pub(super) const STUDENT_STATUS: &str = "urn:student-passport:student-status";
/// This project's own codes for the parts of an Observation about studies.
pub(super) const STUDIES: &str = "urn:student-passport:studies";
/// The parts of an Observation about studies that are texts.
pub(super) const STUDY_TEXTS: [&str; 5] =
    ["provider", "course", "student_number", "year_of_study", "placement"];
/// HL7 FHIR R4: the extension that says why there is no value.
pub(super) const ABSENT_REASON: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/// HL7 FHIR R4: why there is no value.
pub(super) const DATA_ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
/// The code of [`DATA_ABSENT`] for *asked, and not known*.
pub(super) const ASKED_UNKNOWN: &str = "asked-unknown";

/// How many identifiers a kind of resource has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identifiers {
    None,
    One,
    Many,
}

/// How many identifiers a kind of resource has (HL7 FHIR R4, the definition of each).
pub(super) fn identifiers(kind: &str) -> Identifiers {
    match kind {
        "AuditEvent"
        | "Binary"
        | "CapabilityStatement"
        | "CompartmentDefinition"
        | "GraphDefinition"
        | "ImplementationGuide"
        | "Linkage"
        | "MedicationKnowledge"
        | "MedicinalProductContraindication"
        | "MedicinalProductIndication"
        | "MedicinalProductInteraction"
        | "MedicinalProductManufactured"
        | "MedicinalProductUndesirableEffect"
        | "MessageHeader"
        | "NamingSystem"
        | "OperationDefinition"
        | "OperationOutcome"
        | "Parameters"
        | "Provenance"
        | "SearchParameter"
        | "Subscription"
        | "SubstanceNucleicAcid"
        | "SubstancePolymer"
        | "SubstanceProtein"
        | "SubstanceReferenceInformation"
        | "SubstanceSourceMaterial"
        | "TerminologyCapabilities"
        | "VerificationResult" => Identifiers::None,
        "AdverseEvent"
        | "Bundle"
        | "Composition"
        | "ConceptMap"
        | "MedicinalProductIngredient"
        | "QuestionnaireResponse"
        | "SpecimenDefinition"
        | "SubstanceSpecification"
        | "TestReport"
        | "TestScript" => Identifiers::One,
        _ => Identifiers::Many,
    }
}

/// Whether a Flag or Condition belongs to England's Reasonable Adjustment Flag: it says so by
/// category, or its code is one of the flag's impairments.
pub(super) fn is_adjustment(resource: &serde_json::Value) -> bool {
    const CATEGORY: &str = "national-reasonable-adjustment-flag";
    const IMPAIRMENTS: &str = "https://fhir.nhs.uk/England/CodeSystem/England-ConditionCodeRA";
    let mut codings = super::json::list(resource, "code")
        .iter()
        .flat_map(|concept| super::json::list(concept, "coding"));
    ["category", "code"]
        .iter()
        .any(|member| super::json::codes_in(resource, member).any(|code| code == CATEGORY))
        || codings.any(|c| super::json::text(c, "system") == Some(IMPAIRMENTS))
}

/// What a code says about a whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// Asked, and there are none.
    NoneKnown,
    /// Not known to the sender.
    NoInformation,
}

impl Absence {
    /// The kind of entry that says so.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::NoneKnown => "none-known",
            Self::NoInformation => "no-information",
        }
    }
}

/// Whether a code stands for a whole list being empty.
///
/// SNOMED CT: 716186003 no known allergy, 409137002 no known drug allergy, 428607008 no known
/// environmental allergy, 429625007 no known food allergy, 787481004 no known medications,
/// 160245001 no current problems or disability; 1234391000168107 no known current medicines, of
/// the Australian extension, which the draft UK Patient Summary uses. IPS: `no-known-…` and `no-…-info`.
pub(super) fn absence(system: Option<&str>, code: &str) -> Option<Absence> {
    const NONE: [&str; 7] = [
        "716186003",
        "409137002",
        "428607008",
        "429625007",
        "787481004",
        "160245001",
        "1234391000168107",
    ];
    match system {
        Some(SNOMED) if NONE.contains(&code) => Some(Absence::NoneKnown),
        Some(ABSENT_UNKNOWN) if code.starts_with("no-known-") => Some(Absence::NoneKnown),
        Some(ABSENT_UNKNOWN) if code.starts_with("no-") && code.ends_with("-info") => {
            Some(Absence::NoInformation)
        }
        _ => None,
    }
}

/// What a section's `emptyReason` says (HL7 FHIR R4, *List empty reasons*).
pub(super) fn empty_reason(code: &str) -> Option<Absence> {
    match code {
        "nilknown" => Some(Absence::NoneKnown),
        "notasked" | "withheld" | "unavailable" | "notstarted" | "closed" => {
            Some(Absence::NoInformation)
        }
        _ => None,
    }
}

/// Whether a Composition is a discharge summary: LOINC 18842-5 or SNOMED CT 373942005.
pub(super) fn is_discharge_document(composition: &serde_json::Value) -> bool {
    const TYPES: [&str; 2] = ["18842-5", "373942005"];
    super::json::codes_in(composition, "type").any(|code| TYPES.contains(&code))
}
