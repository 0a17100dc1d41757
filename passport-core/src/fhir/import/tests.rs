//! Mapping rules, and what a hostile file can do: nothing.

use super::*;
use crate::section::display::display_value;

fn read_text(json: &str) -> Import {
    match read(json.as_bytes()) {
        Ok(import) => import,
        Err(error) => panic!("{error}: {json}"),
    }
}

fn only(json: &str) -> Draft {
    let mut drafts = read_text(json).drafts;
    assert_eq!(drafts.len(), 1, "{json}");
    drafts.remove(0)
}

fn placed(json: &str) -> (String, &'static str) {
    let draft = only(json);
    (draft.section.to_string(), draft.kind)
}

fn shown(draft: &Draft, field: &str) -> String {
    draft.fields.get(field).map(display_value).unwrap_or_default()
}

fn refused(bytes: &[u8]) -> ImportError {
    match read(bytes) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

#[test]
fn a_number_keeps_its_precision_and_a_comparator_its_meaning() {
    let weight = only(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"Weight"},
            "valueQuantity":{"value":70.50,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}"#,
    );
    assert_eq!(shown(&weight, "value"), "70.50 kg");
    let crp = only(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"CRP"},
            "valueQuantity":{"value":5,"comparator":"<","unit":"mg/L"}}"#,
    );
    assert_eq!(shown(&crp, "text"), "< 5 mg/L");
    assert!(!crp.fields.contains_key("value"));
    let pressure = only(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"Blood pressure"},"component":[
            {"code":{"text":"Systolic"},"valueQuantity":{"value":120,"unit":"mmHg"}},
            {"code":{"text":"Diastolic"},"valueQuantity":{"value":80,"unit":"mmHg"}}]}"#,
    );
    assert_eq!(shown(&pressure, "text"), "Systolic: 120 mmHg; Diastolic: 80 mmHg");
}

#[test]
fn medicines_are_found_wherever_they_are_named() {
    let bundle = |reference: &str, extra: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[
            {{"fullUrl":"urn:uuid:m","resource":{{"resourceType":"Medication","id":"m",
              "code":{{"text":"Sertraline 50 mg"}}}}}},
            {{"resource":{{"resourceType":"MedicationStatement","status":"active",{extra}
              "medicationReference":{{"reference":"{reference}"}}}}}}]}}"#
        )
    };
    let contained =
        r#""contained":[{"resourceType":"Medication","id":"in","code":{"text":"Inside"}}],"#;
    for (reference, expected) in [
        ("urn:uuid:m", "Sertraline 50 mg"),
        ("Medication/m", "Sertraline 50 mg"),
        ("https://example.org/fhir/Medication/m/_history/2", "Sertraline 50 mg"),
        ("#in", "Inside"),
    ] {
        let import = read_text(&bundle(reference, contained));
        let drafts: Vec<_> =
            import.drafts.iter().filter(|d| d.section.as_str() == "medications").collect();
        assert_eq!(drafts.len(), 1, "{reference}");
        assert_eq!(shown(drafts[0], "item"), expected);
    }
    // A medicine that cannot be found is kept whole rather than listed without a name.
    let lost = read_text(&bundle("Medication/elsewhere", ""));
    assert!(lost.drafts.iter().all(|d| d.kind == "received"));
}

#[test]
fn none_known_is_said_and_not_known_is_told_apart() {
    const IPS: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";
    let condition = |system: &str, code: &str| {
        placed(&format!(
            r#"{{"resourceType":"Condition","code":{{"coding":[{{"system":"{system}","code":"{code}"}}]}}}}"#
        ))
    };
    assert_eq!(condition(IPS, "no-known-problems"), ("problems".into(), "none-known"));
    assert_eq!(condition(IPS, "no-problem-info"), ("problems".into(), "no-information"));
    assert_eq!(condition("http://snomed.info/sct", "35489007").1, "problem");
    let allergy = |rest: &str| {
        placed(&format!(
            r#"{{"resourceType":"AllergyIntolerance",{rest},"code":{{"coding":[
            {{"system":"http://snomed.info/sct","code":"716186003","display":"No known allergy"}}]}}}}"#
        ))
    };
    assert_eq!(allergy(r#""id":"1""#), ("allergies".into(), "none-known"));
    // Said by mistake, it is no statement at all.
    let mistake = r#""verificationStatus":{"coding":[{"code":"entered-in-error"}]}"#;
    assert_eq!(allergy(mistake), ("documents".into(), "received"));
    let words = r#"{"resourceType":"MedicationStatement","status":"active",
        "medicationCodeableConcept":{"text":"No known current medications"}}"#;
    assert_eq!(placed(words), ("medications".into(), "none-known"));
}

#[test]
fn an_encounter_is_a_discharge_only_when_it_says_so() {
    let encounter = |class: &str, status: &str, rest: &str| {
        read_text(&format!(
            r#"{{"resourceType":"Encounter","status":"{status}","class":{{"code":"{class}"}},
            "period":{{"start":"2026-10-01","end":"2026-10-09T14:00:00Z"}}{rest}}}"#
        ))
        .drafts
    };
    let home = r#","hospitalization":{"dischargeDisposition":{"text":"Home"}},
        "serviceType":{"text":"Adult mental health service"},"reasonCode":[{"text":"Overdose"}],
        "diagnosis":[{"condition":{"display":"Severe depression"}}]"#;
    let method = r#","extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DischargeMethod",
        "valueCodeableConcept":{"text":"On clinical advice"}}]"#;
    let sections =
        |d: Vec<Draft>| d.iter().map(|d| d.section.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(sections(encounter("IMP", "finished", home)), "discharges discharge-notice");
    assert_eq!(sections(encounter("IMP", "finished", method)), "discharges discharge-notice");
    assert_eq!(sections(encounter("IMP", "in-progress", home)), "care-history");
    assert_eq!(sections(encounter("IMP", "cancelled", home)), "care-history");
    let visit = encounter("EMER", "finished", home);
    assert_eq!(shown(&visit[0], "class"), "attendance");
    assert!(!visit[0].fields.contains_key("possible_discharge") && visit.len() == 1);
    let stay = encounter("IMP", "finished", "");
    assert_eq!(shown(&stay[0], "possible_discharge"), "yes");
    let clinic = encounter("AMB", "finished", "");
    assert!(!clinic[0].fields.contains_key("possible_discharge"));

    let full = encounter("IMP", "finished", home);
    assert_eq!(shown(&full[0], "diagnoses"), "Severe depression");
    let notice = &full[1];
    assert_eq!(shown(notice, "discharged_on"), "2026-10-09");
    assert_eq!(shown(notice, "setting"), "mental-health");
    let all = format!("{:?}", notice.fields).to_lowercase();
    assert!(!all.contains("depress") && !all.contains("overdose") && !all.contains("home"));
}

#[test]
fn a_discharge_summary_makes_its_stay_a_discharge() {
    let bundle = |kind: &str| {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"document","entry":[
            {{"resource":{{"resourceType":"Composition","status":"final",
              "type":{{"coding":[{{"code":"{kind}"}}]}},"encounter":{{"reference":"urn:uuid:e"}}}}}},
            {{"fullUrl":"urn:uuid:e","resource":{{"resourceType":"Encounter","id":"e","status":"finished",
              "class":{{"code":"IMP"}},"period":{{"end":"2026-10-09"}}}}}}]}}"#
        );
        let sections = read_text(&bundle).drafts.into_iter().map(|d| d.section.to_string());
        sections.filter(|s| s != "documents").collect::<Vec<_>>().join(" ")
    };
    assert_eq!(bundle("373942005"), "discharges discharge-notice");
    assert_eq!(bundle("371530004"), "care-history");
}

#[test]
fn alerts_never_land_among_documents() {
    let flag = r#"{"resourceType":"Flag","status":"active","subject":{"reference":"Patient/1"}}"#;
    assert_eq!(placed(flag), ("risks".into(), "risk"));
    // Of a discharge document they are called as its heading is, in words.
    let section = |code: &str| {
        let document = format!(
            r#"{{"resourceType":"Composition","type":{{"coding":[{{"code":"373942005"}}]}},"section":[
                {{"title":"Safety alerts","code":{{"coding":[{{"code":"886931000000107"{code}}}]}},
                  "text":{{"div":"<div>Has taken an overdose.</div>"}}}}]}}"#
        );
        let drafts = read_text(&document).drafts;
        let risk = drafts.iter().find(|d| d.section.as_str() == "risks").unwrap();
        shown(risk, "risk")
    };
    assert_eq!(section(""), "Safety alerts");
    assert_eq!(section(r#","display":"Alerts""#), "Alerts");
}

#[test]
fn a_person_is_not_repeated_where_only_a_name_is_shared() {
    let import = read_text(
        r#"{"resourceType":"Patient","name":[{"family":"Khan","given":["Amina"]}],
            "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"943 476 5919"}],
            "contact":[{"name":{"text":"Sara Khan"},"relationship":[{"text":"Mother"}]}],
            "address":[{"line":["1 High Street"],"city":"Leeds","postalCode":"LS1 1AA","use":"home"}],
            "generalPractitioner":[{"display":"Elm Street Surgery"}]}"#,
    );
    let sections: Vec<_> = import.drafts.iter().map(|d| d.section.as_str()).collect();
    assert_eq!(sections, ["identity", "identity", "registrations", "contacts"]);
    let Some(Value::Source { content, .. }) = import.drafts[0].fields.get("source") else {
        panic!("no source")
    };
    assert!(!content.contains("Sara") && !content.contains("Leeds") && !content.contains("Elm"));
    assert_eq!(shown(&import.drafts[0], "nhs_number"), "9434765919");
    assert_eq!(shown(&import.drafts[0], "nhs_number_status"), "asserted");
    assert_eq!(import.subject.names, ["Amina Khan"]);
}

#[test]
fn a_patient_without_a_name_is_kept_whole() {
    let import = read_text(
        r#"{"resourceType":"Patient","id":"1","birthDate":"2005-03-04",
            "telecom":[{"system":"phone","value":"0113 496 0000","use":"mobile"}]}"#,
    );
    let kinds: Vec<_> = import.drafts.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, ["contact-point", "received"]);
    assert_eq!(shown(&import.drafts[0], "system"), "mobile");
    let Some(Value::Source { content, .. }) = import.drafts[1].fields.get("source") else {
        panic!("no source")
    };
    assert!(content.contains("2005-03-04"));
}

#[test]
fn what_stands_for_a_name_is_kept_unless_it_says_that_there_is_none() {
    let phone = r#""telecom":[{"system":"phone","value":"0113 496 0000"}]"#;
    let absent = r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#;
    let of = |said: &str| format!(r#"{{"resourceType":"Patient",{said},{phone}}}"#);
    for json in [
        of(r#""name":{"coding":[{"code":"kept"}]}"#),
        of(r#""name":[{"line":[["kept"]]}]"#),
        of(r#""name":"kept""#),
        of(r#""name":[{"_text":{"extension":[{"url":"u","valueString":"kept"}]}}]"#),
        of(r#""_birthDate":{"extension":[{"url":"u","valueDateTime":"kept"}]}"#),
        r#"{"resourceType":"Patient","name":[{"period":{"start":"kept"}}]}"#.to_owned(),
    ] {
        let kept = read_text(&json).drafts.into_iter().any(|d| match d.fields.get("source") {
            Some(Value::Source { content, .. }) => content.contains("kept"),
            _ => false,
        });
        assert!(kept, "{json}");
    }
    for unsaid in [
        format!(r#""name":[{{"_text":{absent}}}],"_birthDate":{absent}"#),
        format!(r#""name":[{absent}]"#),
        r#""id":"1","meta":{"versionId":"2"}"#.to_owned(),
    ] {
        let kinds: Vec<_> = read_text(&of(&unsaid)).drafts.iter().map(|d| d.kind).collect();
        assert_eq!(kinds, ["contact-point"], "{unsaid}");
    }
}

#[test]
fn files_about_several_people_are_refused_and_strays_reported() {
    let two = r#"{"resourceType":"Patient","id":"1","name":[{"text":"Amina Khan"}],"birthDate":"2005-03-04"}
        {"resourceType":"Patient","id":"2","name":[{"text":"Sara Khan"}],"birthDate":"2005-03-04"}"#;
    assert_eq!(refused(two.as_bytes()), ImportError::SeveralPeople);
    let bare = r#"{"resourceType":"Condition","code":{"text":"A"},"subject":{"reference":"Patient/1"}}
        {"resourceType":"Condition","code":{"text":"B"},"subject":{"reference":"Patient/2"}}"#;
    assert_eq!(refused(bare.as_bytes()), ImportError::SeveralPeople);
    let stray = read_text(
        r#"{"resourceType":"Patient","id":"1","name":[{"text":"Amina Khan"}]}
        {"resourceType":"Condition","id":"c","code":{"text":"B"},"subject":{"reference":"Patient/2"}}"#,
    );
    let expected = Skipped { resource: "Condition/c".into(), reason: SkipReason::AnotherPerson };
    assert_eq!(stray.skipped, [expected]);
    let number = read_text(
        r#"{"resourceType":"Condition","code":{"text":"A"},"subject":{"identifier":
        {"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9434765919"}}}"#,
    );
    assert_eq!(number.subject.nhs_number, "9434765919".parse().ok());
}

#[test]
fn enclosed_files_come_out_and_leave_the_original_light() {
    let document = only(
        r#"{"resourceType":"DocumentReference","status":"current","description":"Letter",
            "content":[{"attachment":{"contentType":"text/plain","title":"Letter.txt","data":"aGVsbG8="}}]}"#,
    );
    let enclosed = document.enclosed.as_ref().unwrap();
    assert_eq!((enclosed.bytes.as_slice(), enclosed.title.as_str()), (&b"hello"[..], "Letter.txt"));
    let Some(Value::Source { content, .. }) = document.fields.get("source") else { panic!() };
    assert!(!content.contains("aGVsbG8=") && content.contains("Letter.txt"));
}

#[test]
fn what_is_not_fhir_is_refused() {
    for (bytes, error) in [
        (&b""[..], ImportError::NotJson),
        (b"   ", ImportError::NotJson),
        (b"%PDF-1.7", ImportError::NotJson),
        (b"\xff\xfe{}", ImportError::NotUtf8),
        ("{\0\"\0}\0".as_bytes(), ImportError::NotJson),
        (b"{\"resourceType\":\"Patient\"", ImportError::NotJson),
        (b"{}", ImportError::NotFhir),
        (b"[]", ImportError::NotFhir),
        (b"[\"Patient\",\"1\"]", ImportError::NotFhir),
        (b"null", ImportError::NotFhir),
        (b"{\"resourceType\":7}", ImportError::NotFhir),
        (b"{\"resourceType\":\"../../etc\"}", ImportError::NotFhir),
    ] {
        assert_eq!(refused(bytes), error, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn depth_breadth_and_size_are_bounded() {
    let deep = "[".repeat(50_000_000);
    assert_eq!(refused(deep.as_bytes()), ImportError::NotJson);
    let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let inside = format!(r#"{{"resourceType":"Patient","id":"p","x":{}}}"#, nest(5_000_000));
    let nothing = |reason| ImportError::Nothing { reason };
    assert_eq!(refused(inside.as_bytes()), nothing(SkipReason::TooLarge));
    let inside = format!(r#"{{"resourceType":"Basic","id":"p","x":{}}}"#, nest(500));
    assert_eq!(refused(inside.as_bytes()), nothing(SkipReason::TooDeep));

    let wide = format!(r#"{{"resourceType":"Bundle","entry":[{}null]}}"#, "null,".repeat(200_000));
    assert_eq!(refused(wide.as_bytes()), ImportError::TooMany);
    let matryoshka = (0..50).fold(r#"{"resourceType":"Basic"}"#.to_owned(), |inner, _| {
        format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{inner}}}]}}"#)
    });
    let skipped = read_text(&matryoshka).skipped;
    assert!(matches!(skipped[..], [Skipped { reason: SkipReason::TooDeep, .. }]));
    let large = vec![b' '; limits::FILE + 1];
    assert_eq!(refused(&large), ImportError::TooLarge { len: limits::FILE + 1 });

    let long = format!(
        r#"{{"resourceType":"Condition","code":{{"text":"{}"}}}}"#,
        "ü".repeat(crate::section::limits::SOURCE)
    );
    let import = read_text(&long);
    assert!(shown(&import.drafts[0], "condition").ends_with('…'));
    assert!(matches!(import.skipped[..], [Skipped { reason: SkipReason::OriginalTooLarge, .. }]));
}

#[test]
fn what_says_two_things_is_not_read_and_the_rest_is() {
    let twice = |json: &str| refused(json.as_bytes());
    let nothing = ImportError::Nothing { reason: SkipReason::Twice };
    for json in [
        r#"{"resourceType":"Patient","resourceType":"Flag"}"#,
        r#"{"resourceType":"Patient","id":"a","\u0069d":"b"}"#,
        r#"{"resourceType":"Basic","code":{"text":"a","text":"b"}}"#,
        r#"{"resourceType":"Bundle","entry":[],"entry":[]}"#,
        r#"{"resourceType":"Bundle","meta":{"tag":[],"tag":[]},"entry":[]}"#,
        r#"{"resourceType":"Basic"} {"resourceType":"Basic","id":"a","id":"b"}"#,
    ] {
        assert_eq!(twice(json), nothing, "{json}");
    }
    let rest = read_text(
        r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"MedicationStatement","id":"m","dosage":[
          {"text":"one tablet","text":"ten tablets"}],"medicationCodeableConcept":{"text":"A"}}},
        {"resource":{"resourceType":"Basic"},"resource":{"resourceType":"Flag"}},
        {"resource":{"resourceType":"Flag","id":"f","code":{"text":"Lives alone"}}},
        {"resource":{"resourceType":"MedicationStatement","medicationReference":{
          "reference":"Medication/x"},"contained":[]}},
        {"resource":{"resourceType":"Medication","id":"x","code":{"text":"A","text":"B"}}}]}"#,
    );
    let skipped: Vec<&str> = rest.skipped.iter().map(|s| s.resource.as_str()).collect();
    assert_eq!(skipped, ["MedicationStatement/m", "Bundle.entry", "Medication/x"]);
    assert!(rest.skipped.iter().all(|s| s.reason == SkipReason::Twice));
    assert!(!rest.drafts.iter().any(|d| d.section.as_str() == "medications"));
    assert!(rest.drafts.iter().any(|d| d.section.as_str() == "risks"));
}

#[test]
fn two_cards_places_are_not_one_entry() {
    let card = |vaccine: &str| {
        only(&format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"resource:1",
            "resource":{{"resourceType":"Immunization","vaccineCode":{{"text":"{vaccine}"}}}}}}]}}"#
        ))
    };
    assert!(!card("A").fields.contains_key("identifier"));
}

#[test]
fn every_cut_and_every_flipped_bit_is_survived() {
    let whole = r#"{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:a","resource":
        {"resourceType":"Patient","id":"a","name":[{"given":["A"],"family":"B"}],"birthDate":"2005-03-04"}},
        {"resource":{"resourceType":"MedicationRequest","status":"active","subject":{"reference":"urn:uuid:a"},
        "medicationCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"1"}]},
        "dosageInstruction":[{"text":"x","doseAndRate":[{"doseQuantity":{"value":1.0,"unit":"mg"}}],
        "timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}}}]}},
        {"resource":{"resourceType":"Encounter","status":"finished","class":{"code":"IMP"},
        "period":{"end":"2026-10-03"},"hospitalization":{"dischargeDisposition":{"text":"Home"}}}}]}"#
        .as_bytes();
    assert_eq!(read(whole).map(|i| i.tally.placed), Ok(4));
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{end}");
    }
    let mut read_all_the_same = 0;
    for place in 0..whole.len() * 8 {
        let mut bytes = whole.to_vec();
        bytes[place / 8] ^= 1 << (place % 8);
        if let Ok(Import { tally, drafts, .. }) = read(&bytes) {
            assert_eq!(tally.resources, tally.placed + tally.kept + tally.skipped);
            assert!(drafts.iter().flat_map(|d| d.fields.values()).all(|v| v.check().is_ok()));
            read_all_the_same += 1;
        }
    }
    assert!(read_all_the_same > 100, "most flips only change a letter");
}

#[test]
fn nonsense_in_every_place_is_kept_and_not_believed() {
    let nonsense = [
        "null",
        "7",
        "-1e999",
        "true",
        "\"\"",
        "\"x\"",
        "[]",
        "[null]",
        "[[[]]]",
        "{}",
        "{\"coding\":[7,{\"code\":{}}]}",
        "[{\"reference\":7}]",
        "{\"reference\":\"#\"}",
        "\"2026-99-99\"",
        "{\"start\":\"yesterday\"}",
        "{\"value\":1e400}",
        "\"\\u0000\\u202e\"",
    ];
    let members = [
        "id",
        "identifier",
        "name",
        "birthDate",
        "code",
        "status",
        "class",
        "period",
        "subject",
        "hospitalization",
        "medicationReference",
        "dosage",
        "reaction",
        "valueQuantity",
        "component",
        "content",
        "section",
        "extension",
        "telecom",
        "address",
        "contact",
        "generalPractitioner",
        "contained",
        "note",
        "verificationStatus",
        "serviceProvider",
    ];
    for kind in [
        "Patient",
        "Condition",
        "AllergyIntolerance",
        "MedicationStatement",
        "Immunization",
        "Observation",
        "Encounter",
        "DocumentReference",
        "Composition",
        "Flag",
        "Bundle",
        "QuestionnaireResponse",
        "Basic",
    ] {
        for member in members {
            for value in nonsense {
                let json = format!(r#"{{"resourceType":"{kind}","{member}":{value}}}"#);
                let Ok(Import { tally, .. }) = read(json.as_bytes()) else { continue };
                assert_eq!(tally.resources, tally.placed + tally.kept + tally.skipped, "{json}");
            }
        }
    }
}

#[test]
fn parts_of_a_person_that_make_no_entry_are_kept_and_not_with_the_name() {
    let person = r#""name":[{"text":"Amina Khan"}],"birthDate":"2005-03-04""#;
    let one = |parts: &str| format!(r#"{{"resourceType":"Patient",{person},{parts}}}"#);
    for json in [
        one(r#""telecom":[{"system":"phone","use":"kept"},{"system":"phone","value":"1"}]"#),
        one(r#""contact":[{"telecom":[{"system":"phone","value":"kept"}]}]"#),
        one(r#""address":"kept""#),
        one(r#""generalPractitioner":[{"type":"kept"},null]"#),
        r#"{"resourceType":"Patient","telecom":[{"system":"phone","use":"kept"}]}"#.to_owned(),
        format!("{}\n{}", one(r#""active":true"#), one(r#""telecom":[{"value":"kept"}]"#)),
    ] {
        let drafts = read_text(&json).drafts;
        let sources = |d: &&Draft| match d.fields.get("source") {
            Some(Value::Source { content, .. }) => content.contains("kept"),
            _ => false,
        };
        let keep: Vec<_> = drafts.iter().filter(sources).map(|d| d.kind).collect();
        assert!(!keep.is_empty() && !keep.contains(&"person"), "{json}: {keep:?}");
    }
}

#[test]
fn each_attachment_is_a_document_with_nothing_of_the_others() {
    let import = read_text(
        r#"{"resourceType":"DocumentReference","id":"a","identifier":[{"system":"urn:x","value":"1"}],
            "status":"current","content":[{"format":{"code":"alone"}},
            {"attachment":{"title":"First","contentType":"text/plain","data":"Zmlyc3Q="}},
            {"attachment":{"title":"Second","contentType":"text/plain","data":"c2Vjb25k"}}]}"#,
    );
    let source = |draft: &Draft| match draft.fields.get("source") {
        Some(Value::Source { content, .. }) => content.clone(),
        _ => panic!("no source"),
    };
    let [first, second] = &import.drafts[..] else { panic!("not two") };
    assert_eq!(first.fields.get("identifier"), Some(&Value::Text("urn:x|1".into())));
    assert_eq!(second.fields.get("identifier"), Some(&Value::Text("urn:x|1#1".into())));
    assert_eq!(second.enclosed.as_ref().unwrap().bytes, b"second");
    let (of_first, of_second) = (source(first), source(second));
    assert!(of_first.contains("First") && of_first.contains("alone"), "{of_first}");
    assert!(!of_first.contains("Second") && !of_second.contains("First"), "{of_second}");
    assert!(of_second.contains("Second") && !of_second.contains("alone"), "{of_second}");
}

#[test]
fn a_document_is_of_the_release_that_it_claims_and_a_resource_of_the_one_that_it_has() {
    let release = |text: &str, title: &str| {
        let drafts = read_text(text).drafts;
        let draft = drafts.iter().find(|d| shown(d, "title").contains(title)).unwrap();
        let Some(Value::Source { media_type, .. }) = draft.fields.get("source") else {
            panic!("{title} has no original")
        };
        media_type.ends_with("fhirVersion=3.0")
    };
    let document = |profile: &str, other: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"document","entry":[
                {{"resource":{{"resourceType":"Organization","name":"A",
                    "meta":{{"profile":["{profile}"]}}}}}},
                {{"resource":{{"resourceType":"Location","name":"B"}}}},
                {{"resource":{{"resourceType":"Device","id":"C",
                    "meta":{{"profile":["{other}"]}}}}}}]}}"#
        )
    };
    let of_stu3 =
        r"https:\/\/fhir.hl7.org.uk\/STU3\/StructureDefinition\/CareConnect-Organization-1";
    let of_r4 = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Organization";
    let unknown = "https://example.org/x";
    for (first, other, expected) in [
        (of_stu3, unknown, [true, true, true]),
        (of_stu3, of_r4, [true, false, false]),
        (of_r4, unknown, [false; 3]),
        (unknown, unknown, [false; 3]),
    ] {
        let text = document(first, other);
        let found = ["Organization", "Location", "Device"].map(|title| release(&text, title));
        assert_eq!(found, expected, "{first} {other}");
        // Documents one after another are not one.
        let lines = format!("{text}\n{{\"resourceType\":\"Substance\",\"id\":\"s\"}}");
        assert!(!release(&lines, "Substance"));
    }
    let procedure = r#"{"resourceType":"Procedure","status":"completed","notDone":false}"#;
    assert!(release(procedure, "Procedure"));
    assert!(!release(&procedure.replace("notDone", "x"), "Procedure"));
    // Nothing in it claims anything: one of it that only STU3 has so tells of the rest, unless
    // another is as only R4 has it.
    let of_both = r#"{"resourceType":"Location","name":"B"}"#;
    let mut encounter = r#"{"resourceType":"Encounter","class":{"code":"IMP"},"reason":[{}]}"#;
    let all = |others: &[&str]| {
        let entries: Vec<String> = core::iter::once(&of_both)
            .chain(others)
            .map(|resource| format!(r#"{{"resource":{resource}}}"#))
            .collect();
        let entries = entries.join(",");
        release(&format!(r#"{{"resourceType":"Bundle","entry":[{entries}]}}"#), "B")
    };
    assert!(!all(&[]));
    assert!(all(&[procedure]) && all(&[encounter]));
    let of_r4 = [
        r#"{"resourceType":"Condition","recordedDate":"2020"}"#,
        r#"{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]}}"#,
        r#"{"resourceType":"ServiceRequest","status":"active"}"#,
        r#"{"resourceType":"Observation","meta":{"profile":["http://hl7.org/fhir/uv/ips/x"]}}"#,
    ];
    for other in of_r4 {
        assert!(!all(&[procedure, other]), "{other}");
    }
    encounter = r#"{"resourceType":"Encounter","class":"inpatient","reason":[{}]}"#;
    assert!(!all(&[encounter]), "DSTU2 has it so");
    // What a passport gave out says of each what it is.
    let ours = r#"{"resourceType":"Basic","extension":[{"url":"urn:student-passport:entry"}]}"#;
    assert!(!all(&[procedure, ours]));
}
