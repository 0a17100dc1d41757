//! The forms of FHIR's primitive types (HL7 FHIR R4, *Data Types*).

use serde_json::Value as Json;

/// What is wrong with a value of a primitive type, in words; nothing if it is right.
pub(super) fn wrong(kind: &str, value: &Json) -> Option<&'static str> {
    let text = match (kind, value) {
        ("boolean", Json::Bool(_)) => return None,
        ("boolean", _) => return Some("is neither true nor false"),
        ("decimal" | "integer" | "positiveInt" | "unsignedInt", Json::Number(number)) => {
            number.to_string()
        }
        ("decimal" | "integer" | "positiveInt" | "unsignedInt", _) => {
            return Some("is not a number");
        }
        (_, Json::String(text)) => text.clone(),
        _ => return Some("is not a text"),
    };
    let right = match kind {
        "decimal" => text.parse::<f64>().is_ok_and(f64::is_finite),
        "integer" => text.parse::<i32>().is_ok(),
        "positiveInt" => text.parse::<i32>().is_ok_and(|n| n > 0),
        "unsignedInt" => text.parse::<i32>().is_ok_and(|n| n >= 0),
        "date" => is_date(&text),
        "dateTime" => is_date(&text) || is_instant(&text),
        "instant" => is_instant(&text),
        "time" => is_time(&text),
        "id" => {
            (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        }
        "code" => !text.is_empty() && text.trim() == text && !text.contains("  "),
        "uri" | "url" | "canonical" => {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace())
        }
        "oid" => text.starts_with("urn:oid:"),
        "uuid" => text.starts_with("urn:uuid:"),
        "base64Binary" => {
            let mut bytes = text.bytes().filter(|b| !b.is_ascii_whitespace());
            bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
        }
        _ => !text.trim().is_empty(),
    };
    if right { None } else { Some(words(kind)) }
}

fn words(kind: &str) -> &'static str {
    match kind {
        "decimal" => "is not a number",
        "integer" | "positiveInt" | "unsignedInt" => "is not a whole number in its range",
        "date" => "is not a date such as 2026, 2026-10 or 2026-10-03",
        "dateTime" => "is not a date, nor a moment with its time zone",
        "instant" => "is not a moment with its time zone",
        "time" => "is not a time of day",
        "id" => "is not an identifier of up to 64 letters, digits, hyphens and dots",
        "code" => "is not a code: it is empty or has stray spaces",
        "uri" | "url" | "canonical" | "oid" | "uuid" => "is not an address",
        "base64Binary" => "is not in base 64",
        _ => "is empty",
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let digits = |part: &str, len: usize| -> Option<u32> {
        let right = part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if right { part.parse().ok() } else { None }
    };
    let Some(year) = parts.next().and_then(|p| digits(p, 4)) else { return false };
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return false;
    }
    let Some(month) = month else { return true };
    let Some(month) = digits(month, 2) else { return false };
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    day.is_none_or(|day| digits(day, 2).is_some_and(|day| (1..=days).contains(&day)))
}

fn is_instant(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone);
    let zone_is_right = zone == "Z"
        || zone
            .strip_prefix(['+', '-'])
            .is_some_and(|z| z.len() == 5 && is_time(&format!("{z}:00")));
    date.len() == 10 && is_date(date) && is_time(time) && zone_is_right
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<_> = clock.split(':').collect();
    let within =
        |part: &str, most: u32| part.len() == 2 && part.parse::<u32>().is_ok_and(|n| n <= most);
    // A leap second counts as one.
    matches!(parts.as_slice(), [h, m, s] if within(h, 23) && within(m, 59) && within(s, 60))
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_are_told_apart() {
        for (kind, right, wrong_ones) in [
            ("date", vec!["2026", "2024-02-29"], vec!["2026-13", "2025-02-29", "26", "2026-1-1"]),
            ("dateTime", vec!["2026-10", "2026-10-03T10:00:00Z"], vec!["2026-10-03T10:00", "x"]),
            (
                "instant",
                vec!["2026-10-03T10:00:00.5+01:00"],
                vec!["2026-10-03", "2026-10-03T10:00:00"],
            ),
            ("id", vec!["a-1.b"], vec!["", "a b", "ü"]),
            ("code", vec!["active"], vec!["", " active"]),
            ("uri", vec!["urn:x"], vec!["a b"]),
            ("time", vec!["10:00:00"], vec!["25:00:00"]),
            ("string", vec!["x"], vec![" "]),
        ] {
            for text in right {
                assert_eq!(wrong(kind, &json!(text)), None, "{kind} {text}");
            }
            for text in wrong_ones {
                assert!(wrong(kind, &json!(text)).is_some(), "{kind} {text}");
            }
        }
        assert!(wrong("boolean", &json!("true")).is_some());
        assert!(wrong("positiveInt", &json!(0)).is_some());
        assert!(wrong("decimal", &json!(0.5)).is_none());
    }
}
