//! Colons in `; term : definition`. A colon that a template, tag or external link brings into the term must not separate it from the
//! definition, so it is protected.

use super::markers::{is_marker, protect};

/// Tracks, while a text grows, whether its last line is a definition list item with a term (`; term`).
///
/// Between two calls, only the last line of the text may be changed.
#[derive(Debug, Default)]
pub struct DefinitionTermTracker {
    /// Bytes that were searched for line feeds.
    seen: usize,
    /// Where the last line begins.
    line: usize,
    /// The result for the last line, so that its prefix is not read again.
    result: Option<bool>,
}

impl DefinitionTermTracker {
    /// Whether the last line of `text` begins with list markup that ends in `;`.
    pub fn ends_in_term(&mut self, text: &str) -> bool {
        let seen = self.seen.min(text.len());
        if let Some(found) = memchr::memrchr(b'\n', &text.as_bytes()[seen..]) {
            self.line = seen + found + 1;
            self.result = None;
        }
        self.seen = text.len();
        *self.result.get_or_insert_with(|| {
            let line = text.get(self.line..).unwrap_or_default().trim_start_matches(is_marker);
            let prefix = line.bytes().take_while(|byte| matches!(byte, b'*' | b'#' | b';' | b':')).count();
            line[..prefix].ends_with(';')
        })
    }
}

/// Appends text with its colons protected, except those inside `[[…]]` and of `://`.
pub fn protect_colons(text: &str, out: &mut String) {
    let mut rest = text;
    // After the last `]]`, none is searched for again.
    let mut may_close = true;
    while let Some(at) = rest.find([':', '[']) {
        let link = if may_close && rest[at..].starts_with("[[") { rest[at..].find("]]") } else { None };
        may_close &= link.is_some() || !rest[at..].starts_with("[[");
        let length = match link {
            Some(length) => length + 2,
            None => 1,
        };
        if link.is_none() && rest[at..].starts_with(':') && !rest[at..].starts_with("://") {
            out.push_str(&rest[..at]);
            protect(":", out);
        } else {
            out.push_str(&rest[..at + length]);
        }
        rest = &rest[at + length..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::super::markers::unprotect;
    use super::*;

    #[test]
    fn colons_outside_of_links_are_protected() {
        for (text, expected) in
            [("a: b", "a_ b"), ("[[a:b]]: c", "[[a:b]]_ c"), ("http://x: y", "http://x_ y"), ("[[a:b", "[[a_b"), ("[a]", "[a]")]
        {
            let mut out = String::new();
            protect_colons(text, &mut out);
            let shown: String = out.chars().map(|c| if unprotect(c) == Some(':') { '_' } else { c }).collect();
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn the_last_line_is_tracked() {
        let mut tracker = DefinitionTermTracker::default();
        let mut text = String::new();
        for (appended, expected) in [("; a", true), (" b", true), ("\nc", false), ("\n*;d", true), ("\n;:e", false)] {
            text.push_str(appended);
            assert_eq!(tracker.ends_in_term(&text), expected, "{text}");
        }
    }
}
