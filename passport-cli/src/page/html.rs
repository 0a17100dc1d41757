//! The document as one HTML page: no script, nothing fetched, readable with a screen reader and
//! on paper.

use std::fmt::Write as _;

use data_encoding::BASE64;
use passport_core::section::display::neutralise;
use sha2::{Digest as _, Sha256};

use super::{ATTENTION, BETWEEN, Block, LANGUAGE, Page, Part, Row, Table, apart};

/// Dark on light, at a contrast of 7:1 or more everywhere (WCAG 2.2, 1.4.6).
const STYLE: &str = include_str!("html/style.css");

/// Writes the page. Every text is neutralised and escaped.
pub(crate) fn write(page: &Page) -> String {
    let mut out = String::new();
    let title = text(&page.title);
    // The one style block is named by its digest: no other is applied, and nothing is fetched.
    let style = BASE64.encode(&Sha256::digest(STYLE));
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{LANGUAGE}\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
base-uri 'none'; form-action 'none'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1 dir=\"auto\">{title}</h1>\n"
    );
    rows(&mut out, &page.facts);
    out.push_str("</header>\n<nav aria-label=\"Sections\">\n<ul>\n");
    for (place, part) in page.parts.iter().enumerate() {
        let _ = writeln!(out, "<li><a href=\"#part-{place}\">{}</a></li>", text(&part.title));
    }
    out.push_str("</ul>\n</nav>\n<main>\n");
    for (place, part) in page.parts.iter().enumerate() {
        section(&mut out, place, part);
    }
    let foot = text(&[page.foot.name.as_str(), &page.foot.told_by].join(BETWEEN));
    let _ =
        write!(out, "</main>\n<footer>\n<p dir=\"auto\">{foot}</p>\n</footer>\n</body>\n</html>\n");
    out
}

fn section(out: &mut String, place: usize, part: &Part) {
    let class = if part.ends_sheet { " class=\"sheet\"" } else { "" };
    let title = text(&part.title);
    let _ = write!(
        out,
        "<section aria-labelledby=\"part-{place}\"{class}>\n<h2 id=\"part-{place}\">{title}</h2>\n"
    );
    for block in &part.blocks {
        match block {
            Block::Heading(words) => element(out, "h3", "", words),
            Block::Text(words) => element(out, "p", "", words),
            Block::Aside(words) => element(out, "p", "aside", words),
            Block::Notice(words) => element(out, "p", "notice", &format!("{ATTENTION} {words}")),
            Block::Rows(content) => rows(out, content),
            Block::Table(content) => table(out, content),
        }
    }
    out.push_str("</section>\n");
}

fn element(out: &mut String, name: &str, class: &str, words: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(out, "<{name}{class} dir=\"auto\">{}</{name}>", text(words));
}

fn rows(out: &mut String, rows: &[Row]) {
    out.push_str("<table class=\"rows\">\n");
    for row in rows {
        let (label, value) = (text(&row.label), text(&row.value));
        let _ =
            writeln!(out, "<tr><th scope=\"row\">{label}</th><td dir=\"auto\">{value}</td></tr>");
    }
    out.push_str("</table>\n");
}

fn table(out: &mut String, table: &Table) {
    // On a narrow screen the cells stand one below another, each under the name of its column: the
    // roles keep it a table for a screen reader.
    out.push_str(
        "<table class=\"wide\" role=\"table\">\n<thead role=\"rowgroup\">\n<tr role=\"row\">",
    );
    for column in &table.columns {
        let column = text(column);
        let _ = write!(out, "<th scope=\"col\" role=\"columnheader\">{column}</th>");
    }
    out.push_str("</tr>\n</thead>\n<tbody role=\"rowgroup\">\n");
    for row in &table.rows {
        out.push_str("<tr role=\"row\">");
        for (place, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
            let (cell, column) = (text(cell), text(column));
            let _ = if place == 0 {
                write!(out, "<th scope=\"row\" role=\"rowheader\" dir=\"auto\">{cell}</th>")
            } else {
                write!(out, "<td role=\"cell\" dir=\"auto\" data-column=\"{column}\">{cell}</td>")
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

/// Text that can neither be markup nor turn its surroundings around.
fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in apart(&neutralise(words)).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
