//! Lines out of texts.

use super::font::{Fonts, Weight};

/// Divides a text into lines at most this many ems wide, between words where it can.
pub(super) fn wrap(fonts: &Fonts<'_>, weight: Weight, ems: f32, text: &str) -> Vec<String> {
    let space = fonts.ems(weight, " ");
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let (mut line, mut used) = (String::new(), 0.0);
        for word in paragraph.split(' ').filter(|w| !w.is_empty()) {
            for piece in pieces(fonts, weight, ems, word) {
                let width = fonts.ems(weight, &piece);
                if !line.is_empty() && used + space + width > ems {
                    lines.push(core::mem::take(&mut line));
                    used = 0.0;
                }
                if !line.is_empty() {
                    line.push(' ');
                    used += space;
                }
                line.push_str(&piece);
                used += width;
            }
        }
        lines.push(line);
    }
    lines
}

/// A word, or its pieces where it is wider than a line.
fn pieces(fonts: &Fonts<'_>, weight: Weight, ems: f32, word: &str) -> Vec<String> {
    if fonts.ems(weight, word) <= ems {
        return vec![word.to_owned()];
    }
    let (mut pieces, mut piece, mut used) = (Vec::new(), String::new(), 0.0);
    for c in word.chars() {
        let width = fonts.ems(weight, c.encode_utf8(&mut [0; 4]));
        if used + width > ems && !piece.is_empty() {
            pieces.push(core::mem::take(&mut piece));
            used = 0.0;
        }
        piece.push(c);
        used += width;
    }
    pieces.push(piece);
    pieces
}
