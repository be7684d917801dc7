//! Where a removed template stood: in the running text, or beside it as a box does.

use super::markers::without_markers;

/// Most bytes of the line that are looked at on either side.
const MAX_LINE: usize = 400;
/// Most chars of an example.
const MAX_EXAMPLE: usize = 80;

/// Whether a template may stand in a line of text: it is in one line itself, and there are letters beside it in `page`, the page before and
/// after it.
pub(super) fn is_in_line(template: &str, page: Option<(&str, &str)>) -> bool {
    if memchr::memchr(b'\n', template.as_bytes()).is_some() {
        return false;
    }
    let Some((before, after)) = page else { return true };
    let start = (before.len().saturating_sub(MAX_LINE)..=before.len()).find(|&at| before.is_char_boundary(at)).unwrap_or_default();
    let before = &before[start..];
    let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    line.contains(char::is_alphanumeric) || begins_with_text(after)
}

/// Whether the line that begins here begins with text or a link to an article.
fn begins_with_text(after: &str) -> bool {
    let rest = after.trim_start_matches([' ', '\'', ',', '"', '(']);
    rest.starts_with(char::is_alphanumeric) || rest.strip_prefix("[[").is_some_and(|link| link.starts_with(char::is_alphanumeric))
}

/// A template as it was written, shortened.
pub(super) fn template_example(content: &str) -> String {
    let content = without_markers(content);
    let end = content.char_indices().nth(MAX_EXAMPLE).map(|(end, _)| end);
    match end {
        Some(end) => format!("{{{{{}…}}}}", &content[..end]),
        None => format!("{{{{{content}}}}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stand_beside_the_text() {
        for (before, template, after, expected) in [
            ("He saw ", "ship|X", ".", true),
            ("", "ship|X", " sank.", true),
            ("", "ship|X", " [[sank]].", true),
            ("a\n", "infobox", "\nb", false),
            ("a ", "box\n|x=y", " b", false),
            ("* a ", "x", "", true),
            ("a\n", "x", "{{y}}", false),
        ] {
            assert_eq!(is_in_line(template, Some((before, after))), expected, "{before} {template} {after}");
        }
        assert_eq!(template_example("a|b"), "{{a|b}}");
        assert!(template_example(&"ä".repeat(100)).ends_with("ä…}}"));
    }
}
