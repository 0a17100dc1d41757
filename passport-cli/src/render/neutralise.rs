//! Makes what others wrote harmless to a terminal.

/// Stands where a character was that a terminal would obey, hide or reorder by.
const REPLACEMENT: char = '\u{fffd}';

/// The text without control characters, terminal escapes and invisible direction marks; line
/// feeds stay, tabs become spaces.
pub(crate) fn neutralise(text: &str) -> String {
    text.replace("\r\n", "\n").chars().map(harmless).collect()
}

/// The text, neutralised, on one line.
pub(crate) fn one_line(text: &str) -> String {
    neutralise(text).replace('\n', " ")
}

/// Whether a terminal would obey the character, hide it or reorder by it.
pub(crate) fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn harmless(c: char) -> char {
    match c {
        '\n' => c,
        '\t' => ' ',
        c if misleads(c) => REPLACEMENT,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_direction_marks_are_replaced() {
        for bad in [
            '\u{1b}', '\u{7}', '\u{8}', '\r', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}',
            '\u{200f}',
        ] {
            assert_eq!(neutralise(&format!("a{bad}b")), "a\u{fffd}b", "{bad:?}");
        }
        assert_eq!(neutralise("two\r\nlines\tand"), "two\nlines and");
        assert_eq!(one_line("two\nlines"), "two lines");
    }

    #[test]
    fn the_worlds_letters_stay() {
        for good in ["Zoë", "שלום", "مرحبا", "王小明", "क्‍ष", "👩‍⚕️"]
        {
            assert_eq!(neutralise(good), good);
        }
    }
}
