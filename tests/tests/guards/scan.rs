//! Reading Rust as text: code apart from comments and literals.

/// `text` with comments and the content of string and character literals blanked, line breaks
/// kept, so that line numbers stay true.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + block_comment(rest)
        } else if let Some(len) = raw_string(rest).filter(|_| !after_word) {
            at + len
        } else if rest[0] == b'"' {
            at + quoted(rest, b'"')
        } else if rest[0] == b'\'' && is_char_literal(rest) {
            at + quoted(rest, b'\'')
        } else {
            at += 1;
            continue;
        };
        for byte in &mut out[at..end.min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap()
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Length of the block comment that `rest` starts with; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Length of the raw string that `rest` starts with, if it does.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = [&b"br"[..], b"cr", b"r"].into_iter().find(|p| rest.starts_with(p))?.len();
    let hashes = rest[prefix..].iter().take_while(|b| **b == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [&b"\""[..], &vec![b'#'; hashes]].concat();
    let body = rest[open + 1..].windows(close.len()).position(|w| w == close);
    Some(body.map_or(rest.len(), |at| open + 1 + at + close.len()))
}

/// Length of the literal that `rest` starts with, up to and with its closing quote.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Whether the quote opens a character, not a lifetime.
fn is_char_literal(rest: &[u8]) -> bool {
    if rest.get(1) == Some(&b'\\') {
        return true;
    }
    let end = 2 + rest.iter().skip(2).take_while(|b| **b & 0xc0 == 0x80).count();
    rest.get(end) == Some(&b'\'')
}

/// Lines of `code` in which `needle` stands as a whole word, counted from one.
pub(crate) fn lines_with(code: &str, needle: &str) -> Vec<usize> {
    let first = needle.as_bytes()[0];
    let last = needle.as_bytes()[needle.len() - 1];
    let stands_alone = |line: &str, at: usize| {
        let before = at.checked_sub(1).map(|i| line.as_bytes()[i]);
        let after = line.as_bytes().get(at + needle.len()).copied();
        let joined_before = is_word(first) && before.is_some_and(is_word);
        let joined_after = is_word(last) && after.is_some_and(is_word);
        !joined_before && !joined_after
    };
    code.lines()
        .enumerate()
        .filter(|(_, line)| line.match_indices(needle).any(|(at, _)| stands_alone(line, at)))
        .map(|(number, _)| number + 1)
        .collect()
}

pub(crate) fn places(name: &str, code: &str, needle: &str) -> Vec<String> {
    lines_with(code, needle).into_iter().map(|n| format!("{name}:{n}: {needle}")).collect()
}

#[test]
fn the_scanner_tells_code_from_words() {
    let text = r##"let a = "todo!( // no"; // todo!( no
let b = r#"todo!( " no"#; let c = '"'; todo!(); /* todo! /* no */ todo! */ fn f<'a>() {}
let d = b"\"todo!"; let e = '\''; let bar = br"todo!"; let g = 'é'; todo!(x)"##;
    let code = code(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(lines_with(&code, "todo!"), [2, 3]);
    assert!(code.contains("fn f<'a>() {}"));
    assert_eq!(lines_with("Instantly\nSomeInstant\na::Instant;", "Instant"), [3]);
}
