//! Mutations of JSON that leave it JSON: members and values of one place in another.

use std::sync::LazyLock;

use rand_chacha::ChaCha20Rng;
use serde_json::{Map, Value as Json, json};

use super::{below, one};

/// What the readers look for: members, kinds, codes, addresses.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());
/// Those of them that are kinds of resource, more or less.
static KINDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let is_kind = |word: &&str| word.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    WORDS.iter().copied().filter(is_kind).collect()
});
/// Texts with a meaning nowhere, or one that only looks like it.
const ODD: &[&str] = &[
    "",
    " ",
    "\u{0}",
    "\u{202e}x",
    "#",
    "#a",
    "-",
    "aGVsbG8=",
    "!",
    "<div>x</div>",
    "李",
    "e\u{301}",
];

fn text(rng: &mut ChaCha20Rng) -> &'static str {
    let of: &[&str] = if below(rng, 3) > 0 { &WORDS } else { ODD };
    one::<&str>(rng, of)
}

fn anything(rng: &mut ChaCha20Rng) -> Json {
    match below(rng, 12) {
        0 => Json::Null,
        1 => json!(below(rng, 2) == 0),
        2 => json!([]),
        3 => json!({}),
        4 => json!([null, {}, [[]], "a"]),
        5 => "1e999".parse().unwrap(),
        6 => one(rng, &["-0.00", "1e-400", "123456789012345678901234567890.5"]).parse().unwrap(),
        7 => Json::String("ü".repeat(below(rng, 3000))),
        8 => json!({ "reference": text(rng) }),
        9 => json!({ "coding": [{ "system": text(rng), "code": text(rng) }] }),
        10 => json!({ "resourceType": one(rng, &KINDS), "id": text(rng) }),
        _ => Json::String(text(rng).to_owned()),
    }
}

/// How many values there are in a value, itself included.
fn count(value: &Json) -> usize {
    1 + match value {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(members) => members.values().map(count).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

/// The value of this number, in the order of the text.
fn at<'a>(value: &'a Json, n: &mut usize) -> Option<&'a Json> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Json::Array(items) => items.iter().find_map(|item| at(item, n)),
        Json::Object(members) => members.values().find_map(|member| at(member, n)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

/// The same, to be changed.
fn nth<'a>(value: &'a mut Json, n: &mut usize) -> Option<&'a mut Json> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Json::Array(items) => items.iter_mut().find_map(|item| nth(item, n)),
        Json::Object(members) => members.values_mut().find_map(|member| nth(member, n)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

fn any<'a>(value: &'a mut Json, rng: &mut ChaCha20Rng) -> &'a mut Json {
    let mut n = below(rng, count(value));
    nth(value, &mut n).unwrap()
}

/// One to four changes.
pub(super) fn tree(good: &Json, other: &Json, rng: &mut ChaCha20Rng) -> Json {
    let mut json = good.clone();
    for _ in 0..=below(rng, 4) {
        let graft = at(other, &mut below(rng, count(other))).cloned().unwrap_or_default();
        let new = anything(rng);
        let place = any(&mut json, rng);
        match (below(rng, 8), place) {
            (0, place) => *place = new,
            (1, place) => *place = graft,
            (2, place) => *place = json!([place.take()]),
            (3, Json::Array(items)) if !items.is_empty() => {
                let item = one(rng, items).clone();
                items.extend(core::iter::repeat_n(item, 1 + below(rng, 6)));
            }
            (4, Json::Object(members)) if !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                let value = members.remove(one(rng, &names));
                if below(rng, 2) == 0 {
                    members.insert((*one(rng, &WORDS)).to_owned(), value.unwrap_or_default());
                }
            }
            (5, Json::Object(members)) => put(members, graft, rng),
            (6, Json::Object(members)) => {
                if let Json::Object(theirs) = graft {
                    let n = below(rng, theirs.len());
                    members.extend(theirs.into_iter().nth(n));
                }
            }
            (_, Json::Object(members)) => put(members, new, rng),
            (_, Json::Array(items)) => items.insert(below(rng, items.len() + 1), new),
            (_, place @ Json::String(_)) => *place = Json::String(text(rng).to_owned()),
            (_, place) => *place = new,
        }
    }
    json
}

fn put(members: &mut Map<String, Json>, value: Json, rng: &mut ChaCha20Rng) {
    members.insert((*one(rng, &WORDS)).to_owned(), value);
}

/// JSON as text; now and then with a member twice.
pub(super) fn written(json: &Json, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let text = json.to_string();
    if below(rng, 16) > 0 {
        return text.into_bytes();
    }
    let name = one(rng, &WORDS);
    text.replacen('{', &format!("{{\"{name}\":{},", anything(rng)), 1 + below(rng, 3)).into_bytes()
}
