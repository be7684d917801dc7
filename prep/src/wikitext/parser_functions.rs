//! Variables such as `{{PAGENAME}}`, and parser functions such as `{{formatnum:…}}`.
//!
//! Those whose value depends on the page alone are evaluated; all others, such as `{{#if:…}}`, are removed.

use super::page_context::PageContext;
use super::template_arguments::TemplatePart;

/// Expands a variable or parser function. `None` if `head` is not one of these, `Some(None)` if it shows nothing.
///
/// `head` is the trimmed text before the first pipe.
pub(super) fn expand_parser_function(head: &str, parts: &[TemplatePart<'_>], page: &mut PageContext<'_>) -> Option<Option<String>> {
    if head.starts_with('#') {
        return Some(None);
    }
    match head {
        "!" => return Some(Some("|".to_owned())),
        "=" => return Some(Some("=".to_owned())),
        "(!" => return Some(Some("{|".to_owned())),
        "!)" => return Some(Some("|}".to_owned())),
        "!-" => return Some(Some("|-".to_owned())),
        "!!" => return Some(Some("||".to_owned())),
        "PAGENAME" | "FULLPAGENAME" | "BASEPAGENAME" | "SUBPAGENAME" => return Some(page.show_title()),
        _ => {}
    }
    let (function, argument) = head.split_once(':')?;
    let argument = argument.trim();
    match function.trim().to_ascii_lowercase().as_str() {
        "formatnum" => Some(Some(match parts.get(1).map(|(flag, _)| flag.trim()) {
            Some("R") => page.wiki.number_format.unformat(argument),
            Some("NOSEP") => argument.to_owned(),
            _ => page.wiki.number_format.format(argument),
        })),
        "lc" => Some(Some(argument.to_lowercase())),
        "uc" => Some(Some(argument.to_uppercase())),
        "ucfirst" => Some(Some(map_first(argument, |first| first.to_uppercase().collect()))),
        "lcfirst" => Some(Some(map_first(argument, |first| first.to_lowercase().collect()))),
        "shortdesc" => {
            page.metadata.set_description(argument);
            Some(None)
        }
        "defaultsort" | "displaytitle" | "int" | "padleft" | "padright" | "plural" | "grammar" | "gender" | "fullurl" | "localurl"
        | "urlencode" | "anchorencode" | "filepath" | "ns" | "tag" => Some(None),
        _ => None,
    }
}

/// The text with its first char replaced.
fn map_first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = text.chars();
    chars.next().map(change).unwrap_or_default() + chars.as_str()
}
