//! Plain tables: columns aligned by what a terminal shows.

use passport_core::section::display::neutralise_line;
use unicode_width::UnicodeWidthStr as _;

/// Lays rows out under headings, two spaces apart. Cells are neutralised.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let clean: Vec<[String; N]> = std::iter::once(headings.map(str::to_owned))
        .chain(rows.iter().map(|row| row.each_ref().map(|cell| neutralise_line(cell))))
        .collect();
    let mut widths = [0_usize; N];
    for row in &clean {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    clean.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        let padding = width.saturating_sub(cell.width()).saturating_add(2);
        line.extend(std::iter::repeat_n(' ', padding));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_for_wide_letters_and_control_characters_are_gone() {
        let rows = [
            ["王小明".to_owned(), "read".to_owned()],
            ["Elm\u{1b}[2J".to_owned(), "contribute".to_owned()],
        ];
        let expected = "who      can\n王小明   read\nElm\u{fffd}[2J  contribute\n";
        assert_eq!(table(["who", "can"], &rows), expected);
    }
}
