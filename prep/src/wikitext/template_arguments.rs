//! The arguments of a template, and patterns filled with them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::markers::is_marker;
use super::namespaces::{Namespaces, TitlePrefix};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// A part of a template between its pipes: its text, and where in it the first `=` lies that belongs to the template.
pub(super) type TemplatePart<'a> = (&'a str, Option<usize>);

/// The arguments of a template by number and name.
pub(super) struct TemplateArguments<'a> {
    /// Argument 0 is the name of the template.
    positional: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> TemplateArguments<'a> {
    /// The arguments in `parts`, which begin after the name.
    pub fn new(name: &'a str, parts: &[TemplatePart<'a>]) -> Self {
        let mut arguments = Self { positional: vec![name], named: Vec::new() };
        for &(part, equals) in parts {
            match equals {
                Some(at) => arguments.named.push((part[..at].trim(), part[at + 1..].trim())),
                None => arguments.positional.push(part.trim()),
            }
        }
        arguments
    }

    /// An argument, unless it is missing or empty.
    fn get(&self, key: &str) -> Option<&'a str> {
        // As in MediaWiki, the last of several arguments with a name counts.
        let named = self.named.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let positional = || key.parse::<usize>().ok().and_then(|number| self.positional.get(number)).copied();
        named.or_else(positional).filter(|value| value.chars().any(|c| !is_marker(c)))
    }

    /// Whether the conditions of an entry hold.
    pub fn satisfy(&self, when: &BTreeMap<String, Vec<String>>, namespaces: &Namespaces) -> bool {
        when.iter().all(|(key, wanted)| {
            self.get(key).is_some_and(|value| {
                wanted.iter().any(|wanted| match wanted.as_str() {
                    "@any" => true,
                    "@language" => namespaces.prefix(value) == Some(TitlePrefix::Language),
                    wanted => wanted == value,
                })
            })
        })
    }

    /// The value of a placeholder such as `2|1` or `2:month`.
    fn value(&self, keys: &str) -> Option<Cow<'a, str>> {
        if let Some(key) = keys.strip_suffix(":month") {
            let number = self.get(key)?;
            let month = number.parse::<usize>().ok().and_then(|number| MONTHS.get(number.checked_sub(1)?));
            return Some(month.map_or(Cow::Borrowed(number), |month| Cow::Borrowed(*month)));
        }
        keys.split('|').find_map(|key| self.get(key)).map(Cow::Borrowed)
    }

    /// The pattern with its placeholders replaced; `None` if it has placeholders and all of them are empty.
    ///
    /// # Panics
    /// If a `{` is not closed, which the table does not allow.
    pub fn fill(&self, pattern: &str) -> Option<String> {
        let mut out = String::new();
        let (mut found, mut linked) = (!pattern.contains('{'), false);
        // The open optional parts: where they begin in the output, and whether all their arguments were present so far.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut rest = pattern;
        while let Some(at) = rest.find(['{', '<', '>']) {
            out.push_str(&rest[..at]);
            let symbol = rest.as_bytes()[at];
            rest = &rest[at + 1..];
            match symbol {
                b'<' => open.push((out.len(), true)),
                b'>' => {
                    if let Some((start, false)) = open.pop() {
                        out.truncate(start);
                    }
                }
                _ => {
                    let end = rest.find('}').expect("the table checks the brackets");
                    let keys = &rest[..end];
                    let value = self.value(keys);
                    rest = &rest[end + 1..];
                    match (value, open.last_mut()) {
                        (Some(value), _) => {
                            found |= keys != "0" || pattern == "{0}";
                            out.push_str(&value);
                            linked |= value.contains("[[");
                        }
                        (None, Some((_, complete))) => *complete = false,
                        (None, None) => {}
                    }
                }
            }
        }
        out.push_str(rest);
        // A link inside a link would not be one, so of a pattern that is a link only the text is used.
        if linked && let Some(text) = link_text(pattern) {
            return self.fill(text);
        }
        found.then_some(out)
    }
}

/// The pattern of the link text, if the whole pattern is a link.
fn link_text(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix("[[")?.strip_suffix("]]")?;
    let mut depth = 0;
    let pipe = inner.char_indices().find(|&(_, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0 && c == '|'
    });
    Some(pipe.map_or(inner, |(at, _)| &inner[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SiteInfo;
    use crate::wikitext::language_data::LanguageData;

    #[test]
    fn patterns_are_filled() {
        let parts = [("  甲 ", None), ("b=c", Some(1)), ("", None), ("3=x", Some(1)), ("m=5", Some(1)), ("l=[[d|e]]", Some(1))];
        let arguments = TemplateArguments::new("Name", &parts);
        for (pattern, expected) in [
            ("{1}", Some("甲")),
            ("{2}", None),
            ("{2|b|1}", Some("c")),
            ("{3}", Some("x")),
            ("[[{1}|{b|1}]]", Some("[[甲|c]]")),
            ("{1}< ({2})>", Some("甲")),
            ("{1}< ({b}<, {2}>)>", Some("甲 (c)")),
            ("{1}< ({2}<, {b}>)>", Some("甲")),
            ("fixed", Some("fixed")),
            ("{0}", Some("Name")),
            ("{0} {2}", None),
            ("{m:month} {1}", Some("May 甲")),
            ("[[{1}|{l|1}]]", Some("[[d|e]]")),
        ] {
            assert_eq!(arguments.fill(pattern).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn conditions_are_checked() {
        let namespaces = Namespaces::new(&SiteInfo::default(), LanguageData::of("en"));
        let parts = [("de", None), ("and", None), ("", None)];
        let arguments = TemplateArguments::new("", &parts);
        for (key, wanted, expected) in [
            ("1", "@language", true),
            ("2", "@any", true),
            ("3", "@any", false),
            ("2", "@language", false),
            ("2", "and", true),
            ("2", "or", false),
        ] {
            let when = BTreeMap::from([(key.to_owned(), vec![wanted.to_owned()])]);
            assert_eq!(arguments.satisfy(&when, &namespaces), expected, "{key} {wanted}");
        }
    }
}
