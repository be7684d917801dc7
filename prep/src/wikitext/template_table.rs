//! Templates are not run. A table says which of them carry words of the sentence, and which words.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::Page;
use super::marks::{KEEP_CLOSE, KEEP_OPEN};
use super::wiki::{Prefix, Wiki};

/// What a wiki's templates show.
///
/// From TOML: entries with `names`, `show` and, if they hold under conditions only, `when`; with `keep` for what is not converted. `show` is wikitext in which `{1}` or
/// `{name}` stands for an argument, `{2|1}` for the first of several that is not empty, and `<…>` for a part that is left out
/// unless all arguments in it are there; `data/templates.toml` begins with the whole notation.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    exact: HashMap<String, Vec<Arc<Entry>>>,
    prefixes: Vec<(String, Arc<Entry>)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    #[serde(rename = "template", default)]
    templates: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    names: Vec<String>,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    show: String,
    /// Whether it is in another language or script, and so not converted.
    #[serde(default)]
    keep: bool,
}

/// What is wrong with a file of templates.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// It is no TOML, or not of the form.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// A pattern's brackets do not match.
    #[error("template `{name}`: `{bracket}` without its other half in show = {show:?}")]
    Unbalanced {
        /// First of the entry's names.
        name: String,
        /// What stands alone.
        bracket: char,
        /// The pattern.
        show: String,
    },
}

static BUILT_IN: LazyLock<Templates> =
    LazyLock::new(|| Templates::default().with(include_str!("data/templates.toml")).expect("the table is tested"));

impl Templates {
    /// The templates that this program knows.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// These templates and those of a file, which come first where both know a name.
    ///
    /// # Errors
    /// A file that is not of the form.
    pub fn with(&self, toml: &str) -> Result<Self, TemplatesError> {
        let file: TemplateFile = toml::from_str(toml)?;
        let mut all = Self::default();
        for entry in file.templates {
            check(&entry)?;
            let entry = Arc::new(entry);
            for name in &entry.names {
                match name.strip_suffix('*') {
                    Some(prefix) => all.prefixes.push((prefix.to_lowercase(), Arc::clone(&entry))),
                    None => all.exact.entry(name.to_lowercase()).or_default().push(Arc::clone(&entry)),
                }
            }
        }
        all.prefixes.extend(self.prefixes.iter().cloned());
        for (name, entries) in &self.exact {
            all.exact.entry(name.clone()).or_default().extend(entries.iter().cloned());
        }
        Ok(all)
    }

    /// Patterns for a name, in the order in which they are tried.
    fn patterns(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let exact = self.exact.get(name).map_or(&[][..], Vec::as_slice);
        let by_prefix = self.prefixes.iter().filter(move |(prefix, _)| exact.is_empty() && name.starts_with(prefix.as_str()));
        exact.iter().map(AsRef::as_ref).chain(by_prefix.map(|(_, entry)| entry.as_ref()))
    }
}

fn check(entry: &Entry) -> Result<(), TemplatesError> {
    let mut open: Vec<char> = Vec::new();
    for c in entry.show.chars() {
        let matched = match c {
            '{' | '<' => {
                open.push(c);
                // An argument's name holds no brackets.
                open.len() < 2 || open[open.len() - 2] != '{'
            }
            '}' => open.pop() == Some('{'),
            '>' => open.pop() == Some('<'),
            _ => true,
        };
        if !matched {
            return Err(TemplatesError::Unbalanced { name: entry.names.concat(), bracket: c, show: entry.show.clone() });
        }
    }
    match open.pop() {
        Some(bracket) => Err(TemplatesError::Unbalanced { name: entry.names.concat(), bracket, show: entry.show.clone() }),
        None => Ok(()),
    }
}

/// What a template shows; nothing if it vanishes. A part is its text and where in it the first `=` lies.
pub(super) fn expand(parts: &[(&str, Option<usize>)], page: &mut Page<'_>) -> Option<String> {
    let (head, _) = parts[0];
    if let Some(shown) = magic(head.trim(), parts, page) {
        return shown;
    }
    let name = normalise(head);
    if page.wiki.disambiguation.contains(&name) {
        page.disambiguation = true;
    }
    if name == "notea" || name == "noteta" {
        let mut marks = String::from(super::marks::GAP);
        for &(part, _) in &parts[1..] {
            let rule = part.split_once('=').filter(|(key, _)| key.trim().parse::<u32>().is_ok()).map_or(part, |(_, rule)| rule);
            marks.extend(super::variants::add_rule(rule, true, page));
        }
        return Some(marks);
    }
    let mut patterns = page.wiki.templates.patterns(&name).peekable();
    patterns.peek()?;
    let arguments = Arguments::new(head.trim(), &parts[1..]);
    let entry = patterns.find(|entry| arguments.satisfy(&entry.when, page.wiki))?;
    let shown = arguments.fill(&entry.show)?;
    Some(if entry.keep && page.wiki.has_variants() { format!("{KEEP_OPEN}{shown}{KEEP_CLOSE}") } else { shown })
}

/// Variables and parser functions. Outer none: not one of these. Inner none: it shows nothing.
fn magic(head: &str, parts: &[(&str, Option<usize>)], page: &Page<'_>) -> Option<Option<String>> {
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
        "PAGENAME" | "FULLPAGENAME" | "BASEPAGENAME" | "SUBPAGENAME" => return Some(Some(page.title.to_owned())),
        _ => {}
    }
    let (function, argument) = head.split_once(':')?;
    let argument = argument.trim();
    match function.trim().to_ascii_lowercase().as_str() {
        "formatnum" => Some(Some(match parts.get(1).map(|(flag, _)| flag.trim()) {
            // Back to what can be reckoned with.
            Some("R") => page.wiki.numbers.plain(argument),
            Some("NOSEP") => argument.to_owned(),
            _ => page.wiki.numbers.format(argument),
        })),
        "lc" => Some(Some(argument.to_lowercase())),
        "uc" => Some(Some(argument.to_uppercase())),
        "ucfirst" => Some(Some(with_first(argument, |first| first.to_uppercase().collect()))),
        "lcfirst" => Some(Some(with_first(argument, |first| first.to_lowercase().collect()))),
        "defaultsort" | "displaytitle" | "int" | "padleft" | "padright" | "plural" | "grammar" | "gender" | "fullurl" | "localurl"
        | "urlencode" | "anchorencode" | "filepath" | "ns" | "tag" => Some(None),
        _ => None,
    }
}

/// A text with its first char changed.
fn with_first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = text.chars();
    chars.next().map(change).unwrap_or_default() + chars.as_str()
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
    /// The template's name first.
    positional: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> Arguments<'a> {
    fn new(name: &'a str, parts: &[(&'a str, Option<usize>)]) -> Self {
        let mut arguments = Self { positional: vec![name], named: Vec::new() };
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
        let positional = || key.parse::<usize>().ok().and_then(|number| self.positional.get(number)).copied();
        named.or_else(positional).filter(|value| value.chars().any(|c| !super::marks::is_mark(c)))
    }

    /// Whether all conditions hold.
    fn satisfy(&self, when: &BTreeMap<String, Vec<String>>, wiki: &Wiki) -> bool {
        when.iter().all(|(key, wanted)| {
            self.get(key).is_some_and(|value| {
                wanted.iter().any(|wanted| match wanted.as_str() {
                    "@any" => true,
                    "@language" => wiki.prefix(value) == Some(Prefix::Language),
                    wanted => wanted == value,
                })
            })
        })
    }

    /// What stands for `{2|1}` or `{2:month}`.
    fn value(&self, keys: &str) -> Option<Cow<'a, str>> {
        if let Some(key) = keys.strip_suffix(":month") {
            let number = self.get(key)?;
            let month = number.parse::<usize>().ok().and_then(|number| MONTHS.get(number.checked_sub(1)?));
            return Some(month.map_or(Cow::Borrowed(number), |month| Cow::Borrowed(*month)));
        }
        keys.split('|').find_map(|key| self.get(key)).map(Cow::Borrowed)
    }

    /// The pattern with its arguments; nothing if none of them is there.
    fn fill(&self, pattern: &str) -> Option<String> {
        let mut out = String::new();
        let (mut found, mut linked) = (!pattern.contains('{'), false);
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
                    let end = rest.find('}').expect("patterns are checked");
                    let keys = &rest[..end];
                    let value = self.value(keys);
                    rest = &rest[end + 1..];
                    match (value, open.last_mut()) {
                        (Some(value), _) => {
                            found |= keys != "0" || pattern == "{0}";
                            out.push_str(&value);
                            linked |= value.contains("[[");
                        }
                        (None, Some((_, whole))) => *whole = false,
                        (None, None) => {}
                    }
                }
            }
        }
        out.push_str(rest);
        // An argument that is a link already is not linked again.
        if linked && let Some(text) = text_of_link(pattern) {
            return self.fill(text);
        }
        found.then_some(out)
    }
}

/// The pattern of the text, where the whole pattern is a link.
fn text_of_link(pattern: &str) -> Option<&str> {
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

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let parts = [("  甲 ", None), ("b=c", Some(1)), ("", None), ("3=x", Some(1)), ("m=5", Some(1)), ("l=[[d|e]]", Some(1))];
        let arguments = Arguments::new("Name", &parts);
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
    fn conditions_and_files() {
        let wiki = Wiki::new(&crate::source::SiteInfo::default(), "en");
        let shown = |templates: &Templates, parts: &[(&str, Option<usize>)]| {
            let arguments = Arguments::new("", parts);
            templates.patterns("x").find(|entry| arguments.satisfy(&entry.when, &wiki)).and_then(|entry| arguments.fill(&entry.show))
        };
        let file = "[[template]]\nnames = ['X']\nwhen = { 1 = ['@language'] }\nshow = '{2}'\n[[template]]\nnames = ['x']\nshow = '{1}'";
        let templates = Templates::default().with(file).unwrap();
        assert_eq!(shown(&templates, &[("de", None), ("b", None)]).as_deref(), Some("b"));
        assert_eq!(shown(&templates, &[("Foo", None), ("b", None)]).as_deref(), Some("Foo"));
        // The later file comes first.
        let templates = templates.with("[[template]]\nnames = ['x']\nshow = '!'").unwrap();
        assert_eq!(shown(&templates, &[("de", None), ("b", None)]).as_deref(), Some("!"));
        for (file, error) in [
            ("[[template]]\nnames = ['x']\nshow = '{1'", "`{` without its other half"),
            ("[[template]]\nnames = ['x']\nshow = '1>'", "`>` without its other half"),
            ("[[template]]\nname = ['x']\nshow = '1'", "unknown field"),
        ] {
            let told = Templates::default().with(file).unwrap_err().to_string();
            assert!(told.contains(error), "{told}");
        }
    }
}
