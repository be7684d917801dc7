//! What a file that is no dump of pages is, told from its first bytes, for a message that says what to give instead.

use memchr::memmem;

/// Bytes of a file, and bytes of what it holds once decompressed, with what they tell.
const MAGIC: &[(usize, &[u8], &str)] = &[
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive, which cannot be read as a stream; unpack it (`7z e FILE`), or take the dump in bzip2"),
    (0, b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (0, b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (0, b"ZIM\x04", "a ZIM file, which holds HTML; take the XML dump (pages-articles)"),
    (0, b"\x04\x22\x4d\x18", "LZ4-compressed, which is not read; decompress it, or use bzip2, gzip, zstd or xz"),
    (0, b"PAR1", "a Parquet file; a folder of pages is given by the folder's name"),
    (0, b"SQLite format 3", "an SQLite database; take the XML dump (pages-articles)"),
    (257, b"ustar", "a tar archive (Enterprise HTML dumps come as one); take the XML dump (pages-articles)"),
];

/// Strings near the start of a text, with what they tell.
const STRINGS: &[(&str, &str)] = &[
    ("<logitem>", "a dump of the log (pages-logging); take pages-articles"),
    ("<feed>", "a dump of abstracts; take pages-articles"),
    ("-- MySQL dump", "an SQL dump of a table; take pages-articles.xml"),
    ("-- MariaDB dump", "an SQL dump of a table; take pages-articles.xml"),
    ("INSERT INTO", "an SQL dump of a table; take pages-articles.xml"),
    ("\"article_body\"", "an Enterprise HTML dump (ndjson); take the XML dump (pages-articles)"),
    ("\"type\":\"item\"", "a Wikidata JSON dump, which `prep names wikidata` reads; take the XML dump of a Wikipedia"),
    ("<!DOCTYPE html", "an HTML page, perhaps an error that was downloaded in the place of the dump"),
    ("<html", "an HTML page, perhaps an error that was downloaded in the place of the dump"),
];

/// What a file that is no dump of pages is; `None` if that is unknown.
pub(super) fn kind_of_other_file(start: &[u8]) -> Option<&'static str> {
    let by_magic = MAGIC.iter().find(|(at, magic, _)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    let by_string = || STRINGS.iter().find(|(string, _)| memmem::find(start, string.as_bytes()).is_some());
    by_magic.map(|(_, _, kind)| *kind).or_else(|| by_string().map(|(_, kind)| *kind))
}
