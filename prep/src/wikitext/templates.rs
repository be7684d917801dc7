//! Templates are not run. A table says which of them carry words of the sentence, and which words.

use std::collections::HashMap;

use serde::Deserialize;

use super::Page;

/// What a wiki's templates show.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    exact: HashMap<String, String>,
    prefixes: Vec<(String, String)>,
}

/// A file of templates.
///
/// `show` is wikitext in which `{1}` or `{name}` stands for an argument, `{2|1}` for the first of several that is not empty, and
/// `<…>` for a part that is left out unless all arguments in it are there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateFile {
    #[serde(rename = "template", default)]
    pub templates: Vec<TemplateEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateEntry {
    pub names: Vec<String>,
    pub show: String,
}

impl Templates {
    pub(super) fn add(&mut self, file: TemplateFile) {
        for entry in file.templates {
            for name in entry.names {
                match name.strip_suffix('*') {
                    Some(prefix) => self.prefixes.push((prefix.to_owned(), entry.show.clone())),
                    None => drop(self.exact.insert(name, entry.show.clone())),
                }
            }
        }
    }

    fn pattern(&self, name: &str) -> Option<&str> {
        let by_prefix = || self.prefixes.iter().find(|(prefix, _)| name.starts_with(prefix.as_str())).map(|(_, show)| show);
        self.exact.get(name).or_else(by_prefix).map(String::as_str)
    }
}

/// What a template shows; nothing if it vanishes. A part is its text and where in it the first `=` lies.
pub(super) fn expand(parts: &[(&str, Option<usize>)], page: &mut Page<'_>) -> Option<String> {
    let (head, _) = parts[0];
    if let Some(shown) = magic(head.trim(), page) {
        return shown;
    }
    let name = normalise(head);
    if page.wiki.disambiguation.contains(&name) {
        page.disambiguation = true;
    }
    if name == "notea" || name == "noteta" {
        for &(part, _) in &parts[1..] {
            let rule = part.split_once('=').filter(|(key, _)| key.trim().parse::<u32>().is_ok()).map_or(part, |(_, rule)| rule);
            super::variants::add_rule(rule, page);
        }
        return None;
    }
    let pattern = page.wiki.templates.pattern(&name)?;
    let arguments = Arguments::new(&parts[1..]);
    let shown = arguments.fill(pattern)?;
    Some(shown)
}

/// Variables and parser functions. Outer none: not one of these. Inner none: it shows nothing.
fn magic(head: &str, page: &Page<'_>) -> Option<Option<String>> {
    if head.starts_with('#') {
        return Some(None);
    }
    match head {
        "!" => return Some(Some("|".to_owned())),
        "=" => return Some(Some("=".to_owned())),
        "PAGENAME" | "FULLPAGENAME" | "BASEPAGENAME" | "SUBPAGENAME" => return Some(Some(page.title.to_owned())),
        _ => {}
    }
    let (function, argument) = head.split_once(':')?;
    let argument = argument.trim();
    match function.trim().to_ascii_lowercase().as_str() {
        "formatnum" => Some(Some(format_number(argument))),
        "lc" => Some(Some(argument.to_lowercase())),
        "uc" => Some(Some(argument.to_uppercase())),
        "lcfirst" | "ucfirst" => Some(Some(argument.to_owned())),
        "defaultsort" | "displaytitle" | "int" | "padleft" | "padright" | "plural" | "grammar" | "gender" | "fullurl" | "localurl"
        | "urlencode" | "anchorencode" | "filepath" | "ns" | "tag" => Some(None),
        _ => None,
    }
}

/// Thousands apart, as MediaWiki writes numbers in English, Chinese and Japanese.
fn format_number(text: &str) -> String {
    let digits = text.trim_start_matches(['-', '+', '−']);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    if whole < 4 || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return text.to_owned();
    }
    let mut out = text[..text.len() - digits.len()].to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A template's name as the tables write it: lower case, no namespace, single spaces.
fn normalise(head: &str) -> String {
    let name = super::marks::plain(head).replace('_', " ").to_lowercase();
    let mut name = name.trim();
    for prefix in ["subst:", "safesubst:", "msg:", "template:", "t:", "模板:", "样板:", "樣板:"] {
        name = name.strip_prefix(prefix).unwrap_or(name).trim_start();
    }
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Arguments<'a> {
    positional: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> Arguments<'a> {
    fn new(parts: &[(&'a str, Option<usize>)]) -> Self {
        let mut arguments = Self { positional: Vec::new(), named: Vec::new() };
        for &(part, equals) in parts {
            match equals {
                Some(at) => arguments.named.push((part[..at].trim(), part[at + 1..].trim())),
                None => arguments.positional.push(part.trim()),
            }
        }
        arguments
    }

    /// The argument, unless it is empty.
    fn get(&self, key: &str) -> Option<&'a str> {
        // As in MediaWiki, the last of several wins.
        let named = self.named.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let positional = || key.parse::<usize>().ok().and_then(|number| self.positional.get(number.checked_sub(1)?)).copied();
        named.or_else(positional).filter(|value| value.chars().any(|c| !super::marks::is_mark(c)))
    }

    /// The pattern with its arguments; nothing if none of them is there.
    fn fill(&self, pattern: &str) -> Option<String> {
        let mut out = String::new();
        let mut found = !pattern.contains('{');
        // Optional parts that are open: where they began in the output, and whether all arguments were there so far.
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
                    let end = rest.find('}').expect("patterns are tested");
                    let value = rest[..end].split('|').find_map(|key| self.get(key));
                    rest = &rest[end + 1..];
                    match (value, open.last_mut()) {
                        (Some(value), _) => {
                            found = true;
                            out.push_str(value);
                        }
                        (None, Some((_, whole))) => *whole = false,
                        (None, None) => {}
                    }
                }
            }
        }
        out.push_str(rest);
        found.then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let parts = [("  甲 ", None), ("b=c", Some(1)), ("", None), ("3=x", Some(1))];
        let arguments = Arguments::new(&parts);
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
        ] {
            assert_eq!(arguments.fill(pattern).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn numbers() {
        for (text, expected) in [("12345", "12,345"), ("123", "123"), ("-1234567.89012", "-1,234,567.89012"), ("12 km", "12 km")] {
            assert_eq!(format_number(text), expected);
        }
    }
}
