//! Looks for words in whatever lies around.

use std::path::{Path, PathBuf};

/// A word in every form in which it could lie in a file.
#[must_use]
pub fn forms(word: &str) -> Vec<(String, Vec<u8>)> {
    let raw = word.as_bytes().to_vec();
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = Vec::new();
    for (name, bytes) in [("raw", &raw), ("UTF-16LE", &wide)] {
        all.push((name.to_owned(), bytes.clone()));
        for skip in 0..3_usize {
            // What stands before moves the word within base64's groups of three bytes; only the
            // characters that depend on the word alone can be looked for.
            let mut padded = vec![0; skip];
            padded.extend(bytes.iter());
            let text = data_encoding::BASE64_NOPAD.encode(&padded);
            let from = (skip * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            let inner = text.get(from..to).unwrap_or_default().as_bytes().to_vec();
            let url: Vec<u8> = inner
                .iter()
                .map(|b| match b {
                    b'+' => b'-',
                    b'/' => b'_',
                    other => *other,
                })
                .collect();
            all.push((format!("{name} in base64 at {skip}"), inner));
            all.push((format!("{name} in base64url at {skip}"), url));
        }
    }
    all
}

/// Every form of every word that is in these bytes.
#[must_use]
pub fn found(bytes: &[u8], words: &[String]) -> Vec<String> {
    let mut needles: Vec<(String, Vec<u8>)> = Vec::new();
    for word in words {
        needles.extend(forms(word).into_iter().map(|(form, n)| (format!("{word}, {form}"), n)));
    }
    // One pass for all needles: where their first two bytes stand, they are looked for.
    let mut starts = vec![false; 1 << 16];
    for (_, needle) in &needles {
        if let Some(start) = pair(needle).and_then(|first| starts.get_mut(first)) {
            *start = true;
        }
    }
    let mut found = Vec::new();
    for (at, two) in bytes.windows(2).enumerate() {
        if pair(two).and_then(|p| starts.get(p)) != Some(&true) {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        for (name, needle) in &needles {
            if rest.starts_with(needle) && !found.contains(name) {
                found.push(name.clone());
            }
        }
    }
    found
}

fn pair(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [first, second, ..] => Some(usize::from(*first) << 8 | usize::from(*second)),
        _ => None,
    }
}

/// Every file below a folder, or the file itself.
#[must_use]
pub fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(path) else { return vec![path.to_owned()] };
    folder.flatten().flat_map(|entry| files(&entry.path())).collect()
}
