//! The document as a PDF of A4 sheets, tagged so that a screen reader can follow it (PDF/UA-1).
//!
//! [`flow`] decides where everything stands and what it is, without a PDF; [`draw`] puts it into
//! one. Both know letters through [`font`] alone, which [`machine`] gives more of where the built-in
//! ones do not reach.

mod draw;
mod flow;
mod font;
mod machine;
mod sheet;
mod wrap;

use passport_core::time::Timestamp;

use super::Page;
use super::card::Card;
use draw::Described;
use flow::Flow;
use font::Fonts;
use machine::Extra;
use sheet::Laid;

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PdfError {
    /// A built-in font cannot be read.
    #[error("a built-in font cannot be read")]
    Font,
    /// A text is more than a code holds.
    #[error("a text is more than a code holds")]
    Code(#[from] qrcode::types::QrError),
    /// A page, rectangle or date has no form in a PDF.
    #[error("a measure has no form in a PDF")]
    Measure,
    /// The document does not hold what PDF/UA-1 asks for.
    #[error("the PDF would not be accessible: {0}")]
    Refused(String),
}

/// Writes the document. The same page and time give the same bytes, on machines with the same
/// fonts if it has letters that are not built in.
///
/// # Errors
/// Returns [`PdfError`]; every one is a fault of this program.
pub(crate) fn write(page: &Page, now: Timestamp) -> Result<Vec<u8>, PdfError> {
    set(|fonts| Ok(Flow::of(fonts, page)), &Described { title: &page.title, now })
}

/// Writes an emergency card.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_card(card: &Card, now: Timestamp) -> Result<Vec<u8>, PdfError> {
    let title = format!("Emergency card: {}", card.name);
    set(|fonts| Flow::card(fonts, card), &Described { title: &title, now })
}

/// Lays out in the built-in letters, and anew with letters of this machine where those do not do.
fn set(
    lay: impl Fn(&Fonts<'_>) -> Result<Laid, PdfError>,
    described: &Described<'_>,
) -> Result<Vec<u8>, PdfError> {
    let none = Extra::default();
    let built_in = Fonts::new(&none)?;
    let laid = lay(&built_in)?;
    if laid.lost.is_empty() {
        return draw::write(&built_in, &laid, described);
    }
    let extra = Extra::covering(&laid.lost, &machine::fonts());
    let fonts = Fonts::new(&extra)?;
    draw::write(&fonts, &lay(&fonts)?, described)
}
