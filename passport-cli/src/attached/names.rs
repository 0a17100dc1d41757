//! A title as the name of a file: whoever wrote it has no say in where that file lies.

use super::media;

/// Most characters of a name.
const LEN: usize = 100;

/// Names that mean a device on some systems, whatever follows the first dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name that every file system takes, in the folder where one is.
pub(super) fn safe(title: &str, media_type: &str) -> String {
    let last = title.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = |c: char| {
        let plain = c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')');
        if plain { c } else { '-' }
    };
    let name: String = last.chars().map(kept).collect();
    // Neither hidden, nor an option of a command, nor a folder above.
    let name = name.trim_matches([' ', '.', '-']);
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if (1..=8).contains(&ending.len()) => (stem, Some(ending)),
        _ => (name, None),
    };
    let stem: String = stem.chars().take(LEN).collect();
    let stem = stem.trim_end_matches([' ', '.']);
    let first = stem.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = ["com", "lpt"].iter().any(|d| first.len() == 4 && first.starts_with(d));
    let stem = match stem {
        "" => "file".to_owned(),
        stem if numbered || DEVICES.contains(&first.as_str()) => format!("_{stem}"),
        stem => stem.to_owned(),
    };
    match ending.or_else(|| media::extension(media_type)) {
        Some(ending) => format!("{stem}.{ending}"),
        None => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_title_leads_out_of_the_folder_or_hides() {
        for (title, name) in [
            ("Letter.pdf", "Letter.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/etc/cron.d/x", "x.pdf"),
            ("..", "file.pdf"),
            ("", "file.pdf"),
            (".bashrc", "bashrc.pdf"),
            ("-rf", "rf.pdf"),
            ("a\u{202e}fdp.exe", "a-fdp.exe"),
            ("a\nb\0c.txt", "a-b-c.txt"),
            ("CON", "_CON.pdf"),
            ("nul.txt", "_nul.txt"),
            ("COM1.pdf", "_COM1.pdf"),
            ("Brief f\u{fc}r Zo\u{eb} (2).pdf", "Brief f\u{fc}r Zo\u{eb} (2).pdf"),
        ] {
            assert_eq!(safe(title, "application/pdf"), name, "{title:?}");
        }
        let long = safe(&"\u{e9}".repeat(4000), "image/png");
        assert_eq!((long.len(), long.rsplit_once('.').unwrap().1), (204, "png"));
        assert_eq!(safe("x", "application/octet-stream"), "x");
    }
}
