//! What a discharge says to those who may not know why.

use std::collections::BTreeMap;

use crate::id::EntryId;
use crate::replica::EntryNow;
use crate::section::{PartialDate, Value};

/// The section of discharges in full.
pub const DISCHARGES: &str = "discharges";
/// The section of notices.
pub const NOTICES: &str = "discharge-notice";

/// Fields of a discharge that its notice repeats.
const SHARED: [&str; 4] = ["discharged_on", "setting", "follow_up_due", "follow_up_with"];
/// Fields that say something was arranged.
const ARRANGED: [&str; 3] = ["follow_up_due", "follow_up_with", "follow_up"];

/// Whether an entry is a stay that may have ended in a discharge, of which nobody has said.
pub(crate) fn is_possible(entry: &EntryNow) -> bool {
    let possible = entry.fields.get("possible_discharge").and_then(|f| f.settled());
    entry.kind == "encounter" && possible.is_some_and(|v| v.value == Value::Boolean(true))
}

/// The fields of the discharge that a stay ended in, as far as the stay tells; none when its last
/// day is not known. `setting` is the kind of place, which a stay does not say.
pub(crate) fn discharge_of(stay: &EntryNow, setting: Option<&str>) -> Option<Vec<(String, Value)>> {
    const SAME: [(&str, &str); 3] =
        [("service", "specialty"), ("provider", "hospital"), ("reason", "reason")];
    if stay.kind != "encounter" {
        return None;
    }
    let says = settled(stay);
    let Some(Value::Period(period)) = says.get("period") else { return None };
    let mut fields = vec![("discharged_on".to_owned(), Value::Date(period.end.clone()?))];
    let admitted = period.start.clone();
    fields.extend(admitted.map(|day| ("admitted".to_owned(), Value::Date(day))));
    fields.push(("setting".to_owned(), Value::Choice(setting.unwrap_or("other").to_owned())));
    let same = SAME.iter().filter_map(|(of, to)| Some(((*to).to_owned(), says.get(*of)?.clone())));
    fields.extend(same);
    Some(fields)
}

/// What became of the notice of a discharge that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeAfter {
    /// It has nothing of what was changed, or the entry was no discharge.
    Same,
    /// It says now what the discharge says.
    Updated {
        /// The notice.
        notice: EntryId,
    },
    /// It still says what it said: none is surely the discharge's, or it is not the editor's to
    /// change.
    Left,
}

/// Whether the notice of a discharge depends on this field of it.
#[must_use]
pub fn is_noticed(field: &str) -> bool {
    SHARED.contains(&field) || ARRANGED.contains(&field)
}

/// What a change of a discharge changes in its notice: the fields, in order, none where there is
/// nothing to change. `notices` are those the editor may change. Its notice is the only one that
/// says the day that the discharge said before. What somebody has written into the notice since
/// stays.
pub(crate) fn notice_changes(
    discharge: &EntryNow,
    changes: &[(String, Option<Value>)],
    notices: &[EntryNow],
) -> Result<Option<(EntryId, NoticeChanges)>, NoNotice> {
    if discharge.kind != "discharge" || !changes.iter().any(|(field, _)| is_noticed(field)) {
        return Ok(None);
    }
    let mut fields = settled(discharge);
    let before: BTreeMap<_, _> = notice_of(&pairs(&fields)).into_iter().collect();
    for (field, value) in changes {
        match value {
            Some(value) => fields.insert(field.clone(), value.clone()),
            None => fields.remove(field),
        };
    }
    let after: BTreeMap<_, _> = notice_of(&pairs(&fields)).into_iter().collect();
    let differ = |name: &&String| before.get(*name) != after.get(*name);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).filter(differ).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(None);
    }
    let day = before.get("discharged_on");
    let of_that_day = |n: &&EntryNow| day.is_some() && settled(n).get("discharged_on") == day;
    let mut its = notices.iter().filter(of_that_day);
    let (Some(notice), None) = (its.next(), its.next()) else { return Err(NoNotice) };
    let says = settled(notice);
    names.retain(|name| {
        let contested = notice.fields.get(*name).is_some_and(|f| f.settled().is_none());
        !contested && says.get(*name) == before.get(*name)
    });
    let changes = names.into_iter().map(|name| (name.clone(), after.get(name).cloned()));
    Ok(Some((notice.id, changes.collect())))
}

/// Fields of a notice and their new values; none clears one.
pub(crate) type NoticeChanges = Vec<(String, Option<Value>)>;

/// No notice, or more than one, may be that of a discharge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoNotice;

/// The fields of an entry that have one value.
pub(crate) fn settled(entry: &EntryNow) -> BTreeMap<String, Value> {
    let settled = |(name, field): (&String, &crate::replica::FieldNow)| {
        Some((name.clone(), field.settled()?.value.clone()))
    };
    entry.fields.iter().filter_map(settled).collect()
}

fn pairs(fields: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The fields of the notice that goes with a discharge: that it was, when, from what kind of
/// setting, and what follow-up is due. No diagnosis, no reason, no legal status.
#[must_use]
pub fn notice_of(discharge: &[(String, Value)]) -> Vec<(String, Value)> {
    let mut notice: Vec<(String, Value)> = discharge
        .iter()
        .filter(|(name, _)| SHARED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), to_the_day(value)))
        .collect();
    // What was arranged may say why; that something was does not.
    let due = discharge.iter().any(|(name, _)| ARRANGED.contains(&name.as_str()));
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
