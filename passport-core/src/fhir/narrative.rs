//! Narrative: XHTML as words, and words as XHTML (HL7 FHIR R4, Narrative).

/// Elements after which a new line begins.
const BREAKS: [&str; 11] = ["br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "caption"];

/// Bytes of an entity, from ampersand to semicolon.
const ENTITY: usize = 10;

/// The words of a `div`, one line for each row, paragraph or item; a heading of a row is followed
/// by a colon. What it cannot read it leaves out; it never fails.
pub(super) fn words(div: &str) -> String {
    let mut out = String::new();
    let mut rest = div;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        push(&mut out, text);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((inside, after)) = tag.split_at(1).1.split_once('>') else {
            rest = "";
            break;
        };
        let closes = inside.starts_with('/') || inside.ends_with('/');
        let name = inside.trim_matches('/').split_whitespace().next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if BREAKS.contains(&name.as_str()) {
            trim(&mut out);
            out.push('\n');
        } else if name == "th" && closes {
            trim(&mut out);
            out.push_str(": ");
        } else if name == "td" && closes {
            out.push(' ');
        }
        rest = after;
    }
    push(&mut out, rest);
    let lines = out.lines().map(|l| l.trim().trim_end_matches(':')).filter(|l| !l.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Adds text with its white space folded and its entities resolved.
fn push(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        fold(out, before);
        // Not looked for further than a name is long: text may be all ampersands.
        let end = entity.bytes().take(ENTITY).position(|b| b == b';');
        let named = end.and_then(|end| Some((entity.get(1..end)?, entity.get(end + 1..)?)));
        let Some((name, after)) = named else {
            out.push('&');
            rest = entity.split_at(1).1;
            continue;
        };
        if let Some(c) = character(name) {
            out.push(c);
        }
        rest = after;
    }
    fold(out, rest);
}

fn fold(out: &mut String, text: &str) {
    for c in text.chars() {
        if !c.is_whitespace() {
            out.push(c);
        } else if !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
}

fn trim(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
}

fn character(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    })
}

/// Text as XHTML shows it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br/>"),
            // Not allowed in XML 1.0, escaped or not.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_paragraphs_become_lines() {
        let div = r#"<div xmlns="http://www.w3.org/1999/xhtml"><table><tr><th>Legal  status</th>
            <td>Informal &amp; well</td></tr><tr><th>Empty</th><td/></tr></table><!-- <p>no</p> -->
            <p>Tom&#39;s &bogus;plan<br/>next</p></div>"#;
        assert_eq!(words(div), "Legal status: Informal & well\nEmpty\nTom's plan\nnext");
        assert_eq!(words("a < b & c"), "a");
        assert_eq!(words("x &#0; &nosuchentity; y"), "x &nosuchentity; y");
    }

    #[test]
    fn what_is_escaped_reads_the_same() {
        let text = "<script>\"a\" & 'b'</script>\nnext";
        assert_eq!(words(&format!("<div>{}</div>", escaped(text))), text);
    }
}
