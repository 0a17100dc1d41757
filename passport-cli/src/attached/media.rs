//! What kind of file it is, by its first bytes or its name. It decides nothing but what is said.

/// Bytes that are looked at.
pub(super) const HEAD: usize = 16;

/// By first bytes: what is certain.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
];

/// By name, where the first bytes say nothing.
const EXTENSIONS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("webp", "image/webp"),
    ("heic", "image/heic"),
    ("dcm", "application/dicom"),
    ("rtf", "application/rtf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("xml", "application/xml"),
    ("json", "application/json"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("mp4", "video/mp4"),
    ("zip", "application/zip"),
];

/// The media type of a file that begins so, where that is certain.
pub(super) fn certain(head: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, media)| *media)
}

/// The media type of a file of this name that begins so.
pub(super) fn of(name: &str, head: &[u8]) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let named = EXTENSIONS.iter().find(|(known, _)| Some(*known) == extension.as_deref());
    certain(head).or(named.map(|(_, media)| *media)).unwrap_or("application/octet-stream")
}

/// What names of files of this type end in.
pub(super) fn extension(media_type: &str) -> Option<&'static str> {
    EXTENSIONS.iter().find(|(_, known)| *known == media_type).map(|(extension, _)| *extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_count_before_the_name() {
        assert_eq!(of("letter.txt", b"%PDF-1.7"), "application/pdf");
        assert_eq!(of("Letter.PDF", b""), "application/pdf");
        assert_eq!(of("scan.jpeg", b"?"), "image/jpeg");
        assert_eq!(of("letter", b"?"), "application/octet-stream");
        assert_eq!(extension("image/jpeg"), Some("jpg"));
        assert_eq!(extension("application/octet-stream"), None);
    }
}
