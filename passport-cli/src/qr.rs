//! Text as a code to scan (ISO/IEC 18004), as a picture in a file.

use std::path::Path;

use qrcode::{Color, EcLevel, QrCode};

use crate::error::CliError;
use crate::files;

/// Writes text as a code to scan: an SVG picture, error correction M, with its quiet zone.
///
/// # Errors
/// Returns an error when the text is longer than a code holds, or the file cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    files::write(path, picture(text)?.as_bytes())
}

fn picture(text: &str) -> Result<String, CliError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|source| {
        CliError::user("this is too long for a code to scan")
            .caused_by(source)
            .hint("give it as text, without --qr")
    })?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
            use std::fmt::Write as _;
            // Writing to a String cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", x.saturating_add(4), y.saturating_add(4));
        }
    }
    let side = width.saturating_add(8);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{}\" \
height=\"{}\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"{path}\"/></svg>\n",
        side.saturating_mul(6),
        side.saturating_mul(6),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_begins_behind_its_quiet_zone_and_has_an_end() {
        assert!(picture("shlink:/abc").unwrap().contains("<path d=\"M4 4h1"));
        assert!(picture(&"x".repeat(3000)).is_err());
    }
}
