//! Text as a code to scan (ISO/IEC 18004), as a picture in a file or on the terminal.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use qrcode::{Color, EcLevel, QrCode};

use crate::app::App;
use crate::error::CliError;
use crate::files;

/// Pixels of a module's side.
const SCALE: usize = 6;
/// Modules of the quiet zone on every side.
const QUIET: usize = 4;

/// Columns that a terminal may be expected to have.
const COLUMNS: usize = 120;
/// Black on white, whatever the terminal's own colours are, and back to those.
const COLOURS: (&str, &str) = ("\u{1b}[38;5;16;48;5;231m", "\u{1b}[0m");

/// Writes text as a code to scan: a PNG picture where the name ends in `.png`, on the terminal
/// where it is `-`, otherwise SVG; error correction M, with its quiet zone.
///
/// # Errors
/// Returns an error when the text is longer than a code holds, or the file cannot be written.
pub(crate) fn write(app: &App, path: &Path, text: &str) -> Result<(), CliError> {
    let code = Code::of(text)?;
    if path == Path::new("-") {
        // Beside the answer, which is for programs too, and must come whatever a terminal holds.
        let colours = std::io::stderr().is_terminal().then_some(COLOURS);
        app.output().say(&if code.side > COLUMNS {
            format!("Its code is {} columns wide: draw it into a file, --qr code.svg.", code.side)
        } else {
            code.to_terminal(colours)
        });
        return Ok(());
    }
    let is_png = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
    let picture = if is_png { code.to_png()? } else { code.to_svg().into_bytes() };
    files::write(path, &picture)
}

/// The modules of a code with its quiet zone, row after row.
struct Code {
    /// Modules of a side.
    side: usize,
    /// Which are dark.
    dark: Vec<bool>,
}

impl Code {
    fn of(text: &str) -> Result<Self, CliError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|source| {
            CliError::user("this is too long for a code to scan")
                .caused_by(source)
                .hint("give it as text, without --qr")
        })?;
        let side = code.width().saturating_add(2 * QUIET);
        let quiet = |modules: usize| core::iter::repeat_n(false, modules);
        let mut dark: Vec<bool> = quiet(QUIET * side).collect();
        for row in code.to_colors().chunks(code.width()) {
            dark.extend(quiet(QUIET));
            dark.extend(row.iter().map(|color| *color == Color::Dark));
            dark.extend(quiet(QUIET));
        }
        dark.extend(quiet(QUIET * side));
        Ok(Self { side, dark })
    }

    fn to_svg(&self) -> String {
        use std::fmt::Write as _;
        let (mut path, side) = (String::new(), self.side);
        for (y, row) in self.dark.chunks(side).enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        let pixels = side.saturating_mul(SCALE);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
width=\"{pixels}\" height=\"{pixels}\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
<path d=\"{path}\"/></svg>\n"
        )
    }

    /// Two rows of modules in a line of text, in which a module is as wide as it is high.
    fn to_terminal(&self, colours: Option<(&str, &str)>) -> String {
        let (on, off) = colours.unwrap_or_default();
        let rows: Vec<&[bool]> = self.dark.chunks(self.side).collect();
        let line = |rows: &[&[bool]]| {
            let at = |row: usize, x: usize| rows.get(row).and_then(|r| r.get(x)) == Some(&true);
            let signs = (0..self.side).map(|x| match (at(0, x), at(1, x)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
            format!("{on}{}{off}", signs.collect::<String>())
        };
        rows.chunks(2).map(line).collect::<Vec<_>>().join("\n")
    }

    /// A PNG in black and white: a header, one compressed stream of rows, an end (W3C PNG, 11.2).
    fn to_png(&self) -> Result<Vec<u8>, CliError> {
        let side = u32::try_from(self.side.saturating_mul(SCALE)).unwrap_or_default();
        let mut rows = Vec::new();
        for row in self.dark.chunks(self.side) {
            // No filter, then a bit for each pixel, the first in the highest; 1 is white.
            let light: Vec<bool> =
                row.iter().flat_map(|dark| core::iter::repeat_n(!dark, SCALE)).collect();
            let bytes = light.chunks(8).map(|bits| {
                bits.iter().enumerate().fold(0, |byte, (n, bit)| byte | (u8::from(*bit) << (7 - n)))
            });
            let line: Vec<u8> = core::iter::once(0).chain(bytes).collect();
            rows.extend(line.repeat(SCALE));
        }
        let mut stream = ZlibEncoder::new(Vec::new(), Compression::best());
        let stream = stream.write_all(&rows).and_then(|()| stream.finish());
        let stream = stream.map_err(|e| CliError::user("the code cannot be drawn").caused_by(e))?;
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        // One bit of grey, not interlaced.
        let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
        for (kind, content) in [(b"IHDR", &header), (b"IDAT", &stream), (b"IEND", &Vec::new())] {
            chunk(&mut png, *kind, content);
        }
        Ok(png)
    }
}

/// Length, kind, content and checksum of a part of a PNG.
fn chunk(png: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(content);
    png.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    png.extend(kind);
    png.extend(content);
    png.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_begins_behind_its_quiet_zone_and_has_an_end() {
        assert!(Code::of("shlink:/abc").unwrap().to_svg().contains("<path d=\"M4 4h1"));
        assert!(Code::of(&"x".repeat(3000)).is_err());
    }

    #[test]
    fn a_code_says_that_its_error_correction_is_m() {
        let code = Code::of("shlink:/abc").unwrap();
        // The first two bits of the format are M's 00 under the mask 10 (ISO/IEC 18004, 7.9.1).
        let format = (QUIET + 8) * code.side + QUIET;
        assert_eq!(code.dark[format..format + 2], [true, false]);
    }

    #[test]
    fn a_png_has_its_parts_in_order_and_their_sums() {
        let png = Code::of("shlink:/abc").unwrap().to_png().unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        // Version 1 with its quiet zone: 29 modules of 6 pixels.
        assert_eq!(png[16..24], [0, 0, 0, 174, 0, 0, 0, 174]);
        // The sum of an empty end, as in every PNG there is.
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }

    #[test]
    fn on_a_terminal_every_module_is_where_it_is() {
        let code = Code::of("shlink:/abc").unwrap();
        let drawn = code.to_terminal(None);
        let mut dark = vec![Vec::new(); code.side + 1];
        for (row, line) in drawn.lines().enumerate() {
            assert_eq!(line.chars().count(), code.side);
            dark[2 * row].extend(line.chars().map(|c| matches!(c, '█' | '▀')));
            dark[2 * row + 1].extend(line.chars().map(|c| matches!(c, '█' | '▄')));
        }
        assert_eq!(dark.pop().unwrap(), vec![false; code.side], "below an odd number of rows");
        assert_eq!(dark.concat(), code.dark);
        let coloured = code.to_terminal(Some(COLOURS));
        assert!(coloured.lines().all(|l| l.starts_with(COLOURS.0) && l.ends_with(COLOURS.1)));
    }
}
