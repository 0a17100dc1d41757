//! The emergency card: what somebody needs who finds a student ill, in the size of a bank card.

use passport_core::time::Timestamp;
use passport_core::view::View;

use super::{Who, apart, glance, nhs_number, order};

/// Most bytes of the code's text: more would print too small to scan (about 0.4 mm a module).
const CODE_BYTES: usize = 280;

/// Stands between two things in one line.
const BETWEEN: &str = "; ";

/// Stands for what is missing.
const MISSING: &str = "…";

/// A card of two sides.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// Whose it is.
    pub(super) name: String,
    /// What stands on the front, below the name: labels and what they say.
    pub(super) front: Vec<(&'static str, String)>,
    /// From when it is.
    pub(super) as_of: String,
    /// What stands on the back.
    pub(super) back: Vec<(&'static str, String)>,
    /// What the code says to whoever scans it, without any network.
    pub(super) code: String,
}

impl Card {
    /// What these views say that matters in an emergency.
    pub(crate) fn of(who: &Who, views: &[View], now: Timestamp) -> Self {
        let views = &order::ordered(views);
        let given = |key: &str| who.get(key).cloned();
        let name = given("name").unwrap_or_else(|| "unnamed".to_owned());
        let born = given("date_of_birth").unwrap_or_else(|| "not given".to_owned());
        let number = given("nhs_number").map(|n| nhs_number(&n, views));
        let mut front = vec![("Born", born)];
        front.extend(number.map(|number| ("NHS number", number)));
        front.push(("Allergies", glance::brief(views, "allergies")));
        front.push(("Call", glance::brief(views, "contacts")));
        let mut back = vec![
            ("Medicines", glance::brief(views, "medications")),
            ("Conditions", glance::brief(views, "problems")),
        ];
        back.extend(glance::crisis_words(views).map(|words| ("In a crisis", words)));
        let as_of = format!("as of {}; it may have changed since", now.date());
        let code = code(&name, &as_of, front.iter().chain(&back));
        Self { name, front, as_of, back, code }
    }
}

/// As many things as one code holds well, and a sign in each line of which some are missing.
fn code<'a>(
    name: &str,
    as_of: &str,
    lines: impl Iterator<Item = &'a (&'static str, String)>,
) -> String {
    let mut text = format!("EMERGENCY {name}\n{as_of}");
    // The last sign has room too.
    let bytes_max = CODE_BYTES - "\n".len() - MISSING.len();
    let mut whole = true;
    for (label, words) in lines {
        let mut line = format!("\n{label}: ");
        for (place, words) in words.split(BETWEEN).enumerate() {
            let before = if place > 0 { BETWEEN } else { "" };
            let words = apart(words);
            let sign = BETWEEN.len() + MISSING.len();
            if text.len() + line.len() + before.len() + words.len() + sign > bytes_max {
                line.push_str(before);
                line.push_str(MISSING);
                break;
            }
            line.push_str(before);
            line.push_str(&words);
        }
        if text.len() + line.len() <= bytes_max {
            text.push_str(&line);
        } else {
            whole = false;
        }
    }
    if !whole {
        text.push('\n');
        text.push_str(MISSING);
    }
    text
}
