//! Tables for spreadsheets: CSV (RFC 4180) of which no cell is taken for a formula.

use csv::{Terminator, WriterBuilder};
use passport_core::section::display::neutralise_line;

use crate::error::CliError;

/// What a spreadsheet takes for the beginning of a formula, wide forms included (OWASP, *CSV
/// Injection*); tabs and line ends are gone before it is asked.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Writes rows under headings.
///
/// # Errors
/// Returns an error when there is no memory for it.
pub(crate) fn csv<const N: usize>(
    headings: [&str; N],
    rows: &[[String; N]],
) -> Result<Vec<u8>, CliError> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let failed = |source| CliError::user("the table cannot be written").caused_by(source);
    writer.write_record(headings).map_err(failed)?;
    for row in rows {
        writer.write_record(row.each_ref().map(|cell| plain(cell))).map_err(failed)?;
    }
    writer.into_inner().map_err(|source| {
        CliError::user("the table cannot be written").caused_by(source.into_error())
    })
}

/// A cell as text alone.
fn plain(cell: &str) -> String {
    let cell = neutralise_line(cell);
    if cell.trim_start().starts_with(FORMULA) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_ends_its_row() {
        let rows = [["=HYPERLINK(\"x\",\"y\")".to_owned(), "Ann, a\nb".to_owned()]];
        let text = String::from_utf8(csv(["a", "b"], &rows).unwrap()).unwrap();
        assert!(text.starts_with("a,b\r\n\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\","), "{text}");
        assert_eq!(text.matches("\r\n").count(), 2, "{text}");
        for start in ["+1", "-1", "@SUM", " =1", "\t=1", "＝1"] {
            assert!(plain(start).starts_with('\''), "{start}");
        }
        assert_eq!(plain("2026-11-20"), "2026-11-20");
    }
}
