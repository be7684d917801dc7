//! External links, `[http://x text]`, and behaviour switches such as `__NOTOC__`.

use super::definition_terms::{DefinitionTermTracker, protect_colons};
use super::markers::GAP;
use super::page_context::PageContext;

/// URL schemes that begin an external link.
const PROTOCOLS: &[&str] = &[
    "http://",
    "https://",
    "//",
    "ftp://",
    "ftps://",
    "mailto:",
    "news:",
    "irc://",
    "ircs://",
    "gopher://",
    "telnet://",
    "nntp://",
    "worldwind://",
    "svn://",
    "git://",
    "mms://",
    "bitcoin:",
    "magnet:",
    "urn:",
    "geo:",
    "tel:",
    "sms:",
    "sip:",
    "xmpp:",
    "ssh://",
    "sftp://",
];

/// Replaces external links by their text, `[http://x text]`, or by nothing, `[http://x]`. Removes behaviour switches.
pub(super) fn resolve_external_links(text: String, page: &mut PageContext<'_>) -> String {
    let text = remove_wide_magic_words(text, page);
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut terms = DefinitionTermTracker::default();
    let mut from = 0;
    // Up to this offset there is no closing bracket, so none is searched for again.
    let mut no_close_before = 0;
    let mut search = 0;
    while let Some(at) = memchr::memchr2(b'[', b'_', &bytes[search..]).map(|found| search + found) {
        search = at + 1;
        if bytes[at] == b'_' {
            if bytes.get(at + 1) == Some(&b'_')
                && let Some(word) = page.wiki.magic_words.at_start(&text[at..])
            {
                page.disambiguation |= word.marks_disambiguation;
                out.push_str(&text[from..at]);
                search = at + word.length;
                from = search;
            }
            continue;
        }
        let Some(url) = url_length(&text[at + 1..]) else { continue };
        if at < no_close_before {
            continue;
        }
        let rest = &text[at + 1 + url..];
        let close = match memchr::memchr2(b']', b'\n', rest.as_bytes()) {
            Some(close) if rest.as_bytes()[close] == b']' => close,
            found => {
                no_close_before = found.map_or(text.len(), |found| at + 1 + url + found);
                continue;
            }
        };
        out.push_str(&text[from..at]);
        let label = rest[..close].trim();
        if label.is_empty() {
            out.push(GAP)
        } else if label.contains(':') && terms.ends_in_term(&out) {
            protect_colons(label, &mut out);
        } else {
            out.push_str(label)
        }
        from = at + 1 + url + close + 1;
        search = from;
    }
    if from == 0 {
        return text;
    }
    out.push_str(&text[from..]);
    out
}

/// Removes behaviour switches between full-width underscores, which Japanese has.
fn remove_wide_magic_words(text: String, page: &PageContext<'_>) -> String {
    const WIDE: &str = "＿＿";
    if memchr::memmem::find(text.as_bytes(), WIDE.as_bytes()).is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(WIDE) {
        out.push_str(&rest[..at]);
        let word = page.wiki.magic_words.at_start(&rest[at..]);
        out.push_str(if word.is_some() { "" } else { WIDE });
        rest = &rest[at + word.map_or(WIDE.len(), |word| word.length)..];
    }
    out + rest
}

/// Length of the URL at the start of `text`; `None` if an external link cannot begin there.
fn url_length(text: &str) -> Option<usize> {
    let starts = |protocol: &str| text.get(..protocol.len()).is_some_and(|start| start.eq_ignore_ascii_case(protocol));
    let protocol = PROTOCOLS.iter().find(|protocol| starts(protocol))?;
    let rest = &text[protocol.len()..];
    let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '<' | '>' | '"')).unwrap_or(rest.len());
    (length > 0).then_some(protocol.len() + length)
}
