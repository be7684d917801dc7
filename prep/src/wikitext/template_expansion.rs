//! Expands templates by the [`TemplateTable`](super::TemplateTable).

use super::language_variants::add_rule;
use super::markers::{GAP, UNCONVERTED_CLOSE, UNCONVERTED_OPEN, without_markers};
use super::namespaces::{TEMPLATE_NAMESPACE, TitlePrefix};
use super::page_context::PageContext;
use super::parser_functions::expand_parser_function;
use super::template_arguments::{TemplateArguments, TemplatePart};

/// The wikitext that a template shows; `None` if it is removed. The first part is the name of the template.
pub(super) fn expand_template(parts: &[TemplatePart<'_>], page: &mut PageContext<'_>) -> Option<String> {
    let (head, _) = parts[0];
    if let Some(shown) = expand_parser_function(head.trim(), parts, page) {
        return shown;
    }
    let name = normalize_name(head, page);
    if page.wiki.disambiguation_templates.contains(&name) {
        page.disambiguation = true;
    }
    if name == "notea" || name == "noteta" {
        // Its numbered arguments are conversion rules of the page.
        let mut markers = String::from(GAP);
        for &(part, _) in &parts[1..] {
            let rule = part.split_once('=').filter(|(key, _)| key.trim().parse::<u32>().is_ok()).map_or(part, |(_, rule)| rule);
            markers.extend(add_rule(rule, true, page));
        }
        return Some(markers);
    }
    let mut entries = page.wiki.templates.entries(&name).peekable();
    entries.peek()?;
    let arguments = TemplateArguments::new(head.trim(), &parts[1..]);
    let entry = entries.find(|entry| arguments.satisfy(&entry.when, &page.wiki.namespaces))?;
    let shown = arguments.fill(&entry.show)?;
    Some(if entry.keep && page.wiki.has_variants { format!("{UNCONVERTED_OPEN}{shown}{UNCONVERTED_CLOSE}") } else { shown })
}

/// A template name as the tables write it: in lower case, without namespace, with single spaces.
fn normalize_name(head: &str, page: &PageContext<'_>) -> String {
    let name = without_markers(head).replace('_', " ").to_lowercase();
    let mut name = name.trim();
    for prefix in ["subst:", "safesubst:", "msg:", "t:"] {
        name = name.strip_prefix(prefix).unwrap_or(name).trim_start();
    }
    if let Some((prefix, rest)) = name.split_once(':')
        && page.wiki.namespaces.prefix(prefix) == Some(TitlePrefix::Namespace(TEMPLATE_NAMESPACE))
    {
        name = rest;
    }
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
