//! What a discharge says to those who may not know why.

use crate::section::{PartialDate, Value};

/// The fields of the notice that goes with a discharge: that it was, when, from what kind of
/// setting, and what follow-up is due. No diagnosis, no reason, no legal status.
#[must_use]
pub fn notice_of(discharge: &[(String, Value)]) -> Vec<(String, Value)> {
    const SHARED: [&str; 4] = ["discharged_on", "setting", "follow_up_due", "follow_up_with"];
    let mut notice: Vec<(String, Value)> = discharge
        .iter()
        .filter(|(name, _)| SHARED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), to_the_day(value)))
        .collect();
    // What was arranged may say why; that something was does not.
    let arranged = ["follow_up_due", "follow_up_with", "follow_up"];
    let due = discharge.iter().any(|(name, _)| arranged.contains(&name.as_str()));
    let state = if due { "follow-up-due" } else { "unknown" };
    notice.push(("state".to_owned(), Value::Choice(state.to_owned())));
    notice
}

/// The day is enough, and the hour may say more.
fn to_the_day(value: &Value) -> Value {
    let day = |date: &PartialDate| date.as_str().get(..10).and_then(|d| d.parse().ok());
    match value {
        Value::Date(date) => Value::Date(day(date).unwrap_or_else(|| date.clone())),
        Value::Text(_)
        | Value::Prose(_)
        | Value::Code(_)
        | Value::Period(_)
        | Value::Quantity(_)
        | Value::Boolean(_)
        | Value::Choice(_)
        | Value::Entry(_)
        | Value::Attachment(_)
        | Value::Source { .. } => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_when_and_not_why() {
        let field = |n: &str, v: Value| (n.to_owned(), v);
        let discharge = [
            field("discharged_on", Value::Date("2026-11-20T15:40:00Z".parse().unwrap())),
            field("diagnoses", Value::Prose("depression".into())),
            field("follow_up", Value::Prose("see the crisis team".into())),
            field("follow_up_due", Value::Date("2026-11-23".parse().unwrap())),
        ];
        let notice = notice_of(&discharge);
        assert_eq!(notice.len(), 3);
        assert_eq!(notice[0].1, Value::Date("2026-11-20".parse().unwrap()));
        assert_eq!(notice[2].1, Value::Choice("follow-up-due".into()));
        let kind = &crate::section::table::find("discharge-notice").unwrap().kinds[0];
        assert!(notice.iter().all(|(n, v)| kind.field(n).is_some_and(|f| f.kind.admits(v))));
    }
}
