//! Expands templates by the [`TemplateTable`](super::TemplateTable).

use super::language_variants::add_rule;
use super::markers::{BLOCK_BREAK, GAP, UNCONVERTED_CLOSE, UNCONVERTED_OPEN, hole_number, without_markers};
use super::namespaces::{TEMPLATE_NAMESPACE, TitlePrefix};
use super::page_context::PageContext;
use super::parser_functions::expand_parser_function;
use super::template_arguments::{TemplateArguments, TemplatePart};

/// What becomes of a template.
pub(super) enum Expansion {
    /// It shows this wikitext.
    Shown(String),
    /// It shows nothing.
    Removed,
    /// Nothing in the table says what the template of this name shows, so it is removed.
    Unknown(String),
}

/// What a template shows. The first part is its name. One that is not inside of other brackets is among the templates of the page.
pub(super) fn expand_template(parts: &[TemplatePart<'_>], is_inner: bool, page: &mut PageContext<'_>) -> Expansion {
    let (head, _) = parts[0];
    if let Some(shown) = expand_parser_function(head.trim(), parts, page) {
        return shown.map_or(Expansion::Removed, Expansion::Shown);
    }
    let written_name = template_name(head, page);
    let name = written_name.to_lowercase();
    if !is_inner {
        let listed_name = page.wiki.namespaces.normalize_template(&written_name);
        page.metadata.add_template(&listed_name, parts);
    }
    if page.wiki.disambiguation_templates.contains(&name) {
        page.disambiguation = true;
        return Expansion::Removed;
    }
    if name == "notea" || name == "noteta" {
        // Its numbered arguments are conversion rules of the page.
        let mut markers = String::from(GAP);
        for &(part, _) in &parts[1..] {
            let rule = part.split_once('=').filter(|(key, _)| key.trim().parse::<u32>().is_ok()).map_or(part, |(_, rule)| rule);
            markers.extend(add_rule(rule, true, page));
        }
        return Expansion::Shown(markers);
    }
    let mut entries = page.wiki.templates.entries(&name).peekable();
    if entries.peek().is_none() {
        return Expansion::Unknown(name.clone());
    }
    let arguments = TemplateArguments::new(head.trim(), &parts[1..]);
    let entry = entries.find(|entry| arguments.satisfy(&entry.when, &page.wiki.namespaces));
    let Some((entry, pattern)) = entry.and_then(|entry| Some((entry, entry.show.as_deref()?))) else { return Expansion::Removed };
    let Some(shown) = arguments.fill(pattern) else {
        // Without any of its arguments, a template shows nothing. They may have been unknown templates.
        let holes: String = parts[1..].iter().flat_map(|(part, _)| part.chars()).filter(|&c| hole_number(c).is_some()).collect();
        return if holes.is_empty() { Expansion::Removed } else { Expansion::Shown(format!("{GAP}{holes}")) };
    };
    let shown = if entry.keep && page.wiki.has_variants { format!("{UNCONVERTED_OPEN}{shown}{UNCONVERTED_CLOSE}") } else { shown };
    Expansion::Shown(if entry.block { format!("{BLOCK_BREAK}{shown}{BLOCK_BREAK}") } else { shown })
}

/// A template name without namespace, with single spaces.
fn template_name(head: &str, page: &PageContext<'_>) -> String {
    let name = without_markers(head).replace('_', " ");
    let mut name = name.trim();
    for prefix in ["subst:", "safesubst:", "msg:", "t:"] {
        let is_there = name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        name = if is_there { name[prefix.len()..].trim_start() } else { name };
    }
    if let Some((prefix, rest)) = name.split_once(':')
        && page.wiki.namespaces.prefix(prefix) == Some(TitlePrefix::Namespace(TEMPLATE_NAMESPACE))
    {
        name = rest;
    }
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
