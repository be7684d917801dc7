//! What a wiki is like: its language, namespaces, link trail, templates.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::links::{MAX_TITLE, decode};
use super::numbers::Numbers;
use super::templates::Templates;
use super::{normalise_title, tidy};
use crate::source::SiteInfo;

/// A wiki, from its dump and the data tables.
#[derive(Debug, Clone, Default)]
pub struct Wiki {
    /// Language code.
    pub lang: String,
    namespaces: HashMap<String, i32>,
    /// Names by number, as titles are written.
    canonical: HashMap<i32, String>,
    trail: HashSet<char>,
    variants: bool,
    pub(super) numbers: Numbers,
    magic: Vec<String>,
    media: HashSet<String>,
    pub(super) disambiguation: HashSet<String>,
    pub(super) templates: Templates,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    trail: String,
    #[serde(default)]
    variants: bool,
    #[serde(default)]
    numbers: Numbers,
    #[serde(default)]
    disambiguation: Vec<String>,
    #[serde(default)]
    redirect: Vec<String>,
    #[serde(default)]
    magic: Vec<String>,
    #[serde(default)]
    media: Vec<String>,
    #[serde(default)]
    aliases: BTreeMap<String, Vec<String>>,
}

static LANGUAGES: LazyLock<BTreeMap<String, Language>> =
    LazyLock::new(|| toml::from_str(include_str!("data/languages.toml")).expect("the table is tested"));

static INTERWIKI: LazyLock<HashMap<&str, Prefix>> = LazyLock::new(|| {
    let mut prefixes = HashMap::new();
    for line in include_str!("data/interwiki.txt").lines() {
        let mut words = line.split(' ');
        let prefix = match words.next() {
            Some("languages") => Prefix::Language,
            Some("projects") => Prefix::Project,
            _ => continue,
        };
        prefixes.extend(words.map(|word| (word, prefix)));
    }
    prefixes
});

/// What stands before the colon of a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A namespace of this wiki, by number.
    Namespace(i32),
    /// Wikipedia in another language.
    Language,
    /// Another wiki.
    Project,
}

/// MediaWiki's own names: they hold in every language.
const CANONICAL: [(i32, &str); 19] = [
    (-2, "media"),
    (-1, "special"),
    (1, "talk"),
    (2, "user"),
    (3, "user talk"),
    (4, "project"),
    (5, "project talk"),
    (6, "file"),
    (7, "file talk"),
    (8, "mediawiki"),
    (9, "mediawiki talk"),
    (10, "template"),
    (11, "template talk"),
    (12, "help"),
    (13, "help talk"),
    (14, "category"),
    (15, "category talk"),
    (828, "module"),
    (829, "module talk"),
];

/// Magic words of every wiki; they show nothing.
const MAGIC: [&str; 23] = [
    "__NOTOC__",
    "__FORCETOC__",
    "__TOC__",
    "__NOEDITSECTION__",
    "__NEWSECTIONLINK__",
    "__NONEWSECTIONLINK__",
    "__NOGALLERY__",
    "__HIDDENCAT__",
    "__EXPECTUNUSEDCATEGORY__",
    "__NOCONTENTCONVERT__",
    "__NOCC__",
    "__NOTITLECONVERT__",
    "__NOTC__",
    "__START__",
    "__END__",
    "__INDEX__",
    "__NOINDEX__",
    "__STATICREDIRECT__",
    "__DISAMBIG__",
    "__NOGLOBAL__",
    "__NOHEADER__",
    "__ARCHIVEDTALK__",
    "__NOTALK__",
];

/// Parameters of pictures that are no captions, or what stands before the `=` in them.
const MEDIA: [&str; 37] = [
    "thumb",
    "thumbnail",
    "frame",
    "framed",
    "enframed",
    "frameless",
    "border",
    "right",
    "left",
    "center",
    "centre",
    "none",
    "upright",
    "baseline",
    "sub",
    "super",
    "top",
    "text-top",
    "middle",
    "bottom",
    "text-bottom",
    "alt",
    "link",
    "page",
    "lang",
    "class",
    "thumbtime",
    "start",
    "end",
    "muted",
    "loop",
    "noicon",
    "disablecontrols",
    "manualthumb",
    "noplayer",
    "nogallery",
    "px",
];

impl Wiki {
    /// The wiki of a dump, with the language that the user says or the dump does.
    pub fn new(site: &SiteInfo, lang: &str) -> Self {
        let default = Language { trail: "a-z".to_owned(), ..Language::default() };
        // `zh-min-nan` is no `zh`, but `pt-br` would be `pt`: only exact codes are looked up.
        let language = LANGUAGES.get(lang).unwrap_or(&default);
        let mut namespaces: HashMap<String, i32> = CANONICAL.iter().map(|(key, name)| ((*name).to_owned(), *key)).collect();
        namespaces.insert("image".to_owned(), 6);
        namespaces.insert("image talk".to_owned(), 7);
        let mut canonical: HashMap<i32, String> = CANONICAL.iter().map(|(key, name)| (*key, normalise_title(name))).collect();
        canonical.insert(8, "MediaWiki".to_owned());
        canonical.insert(9, "MediaWiki talk".to_owned());
        if !site.namespaces.contains_key(&4) {
            // Dumps name the wiki's own namespace; where one does not, it is Wikipedia's.
            namespaces.insert("wikipedia".to_owned(), 4);
            canonical.insert(4, "Wikipedia".to_owned());
        }
        for (&key, name) in site.namespaces.iter().filter(|(_, name)| !name.is_empty()) {
            namespaces.insert(name.to_lowercase().replace('_', " "), key);
            canonical.insert(key, name.replace('_', " "));
        }
        for (key, names) in &language.aliases {
            let key = key.parse().expect("the table is tested");
            namespaces.extend(names.iter().map(|name| (name.to_lowercase(), key)));
        }
        let english = &LANGUAGES["en"].disambiguation;
        Self {
            lang: lang.to_owned(),
            namespaces,
            trail: trail_letters(&language.trail),
            variants: language.variants,
            numbers: language.numbers.clone(),
            magic: MAGIC.iter().map(|word| (*word).to_owned()).chain(language.magic.iter().cloned()).collect(),
            disambiguation: english.iter().chain(&language.disambiguation).cloned().collect(),
            canonical,
            media: MEDIA.iter().map(|option| (*option).to_owned()).chain(language.media.iter().cloned()).collect(),
            templates: Templates::built_in().clone(),
        }
    }

    /// The same wiki with other templates.
    #[must_use]
    pub fn with_templates(self, templates: Templates) -> Self {
        Self { templates, ..self }
    }

    /// What the part of a title before its first colon is, if it is more than part of the title.
    pub fn prefix(&self, before_colon: &str) -> Option<Prefix> {
        let name = before_colon.trim().to_lowercase().replace('_', " ");
        let namespace = self.namespaces.get(&name).map(|&key| Prefix::Namespace(key));
        namespace.or_else(|| INTERWIKI.get(name.as_str()).copied())
    }

    /// Whether a link may lead to this, with its fragment, as MediaWiki tells titles from other text once escapes and entities are decoded.
    pub(super) fn is_title(&self, target: &str) -> bool {
        let (title, fragment) = target.split_once('#').map_or((target, false), |(title, _)| (title, true));
        // With the longest prefix there is.
        if title.len() > 2 * MAX_TITLE {
            return false;
        }
        let title = title.replace(['_', '\n'], " ");
        let title = title.trim();
        if title.is_empty() {
            return fragment;
        }
        let odd = |c: char| matches!(c, '[' | ']' | '{' | '}' | '|' | '<' | '>' | '\u{fffd}') || c.is_control();
        if title.chars().any(odd) || title.contains("~~~") || has_escape(title) {
            return false;
        }
        let prefix = title.split_once(':').and_then(|(before, rest)| Some((self.prefix(before)?, rest.trim())));
        let (space, name) = prefix.map_or((None, title), |(prefix, name)| (Some(prefix), name));
        let again = || name.split_once(':').is_some_and(|(before, _)| self.prefix(before).is_some());
        let relative = name.split('/').any(|part| matches!(part, "." | ".."));
        let named = !relative && name.len() <= MAX_TITLE;
        match space {
            None => named,
            // The talk of a page of another namespace is in a namespace of its own.
            Some(Prefix::Namespace(1)) if again() => false,
            Some(Prefix::Namespace(_)) => named && (fragment || !name.is_empty()),
            Some(Prefix::Language | Prefix::Project) => true,
        }
    }

    /// A link's target as anchors keep it: spaces, no underscores, the first letter in upper case, and what stands before the colon
    /// as this wiki writes it.
    pub fn target(&self, title: &str) -> String {
        let colon = memchr::memchr(b':', title.as_bytes()).map(|at| (&title[..at], &title[at + 1..]));
        let prefix = colon.and_then(|(before, rest)| Some((self.prefix(before)?, before, rest)));
        match prefix {
            Some((Prefix::Namespace(key), _, rest)) if self.canonical.contains_key(&key) => {
                format!("{}:{}", self.canonical[&key], normalise_title(rest))
            }
            // Another wiki's titles are its own affair.
            Some((Prefix::Language | Prefix::Project, before, rest)) => format!("{}:{}", before.trim().to_lowercase(), tidy(rest)),
            _ => normalise_title(title),
        }
    }

    /// Whether a target, as anchors keep it, is an article of this wiki.
    pub fn is_article(&self, target: &str) -> bool {
        !target.is_empty() && memchr::memchr(b':', target.as_bytes()).is_none_or(|colon| self.prefix(&target[..colon]).is_none())
    }

    /// Bytes of what follows `]]` that belong to the link's text.
    pub(super) fn trail_length(&self, text: &str) -> usize {
        // Two apostrophes are markup in every language.
        let end = |&(at, letter): &(usize, char)| !self.trail.contains(&letter) || text[at..].starts_with("''");
        text.char_indices().find(end).map_or(text.len(), |(at, _)| at)
    }

    /// Whether pages hold `-{…}-`.
    pub(super) fn has_variants(&self) -> bool {
        self.variants
    }

    /// Whether a picture's parameter says how it is shown, and is no caption.
    pub(super) fn is_media_option(&self, parameter: &str) -> bool {
        let parameter = parameter.to_lowercase();
        let key = parameter.split_once('=').map_or(parameter.as_str(), |(key, _)| key.trim_end());
        let size = parameter.strip_suffix("px").or_else(|| parameter.strip_suffix("像素")).map(str::trim_end);
        self.media.contains(key)
            || size.is_some_and(|size| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit() || byte == b'x'))
    }

    /// Length of the magic word at the start of `text`; case does not matter in it.
    pub(super) fn magic_word(&self, text: &str) -> Option<usize> {
        // A long row of underscores is not looked through at each of them.
        if text.as_bytes().get(2) == Some(&b'_') {
            return None;
        }
        let starts = |word: &&String| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        self.magic.iter().find(starts).map(String::len)
    }
}

/// Where a page's text redirects to, for dumps that do not mark redirects or do not say where they lead.
pub fn redirect_target<'t>(lang: &str, text: &'t str) -> Option<Cow<'t, str>> {
    let text = text.trim_start().strip_prefix(['#', '＃'])?.trim_start();
    let (word, rest) = text.split_at(text.find(['[', ':', ' ', '\n'])?);
    let word = word.to_lowercase();
    let own = LANGUAGES.get(lang).map_or(&[][..], |language| &language.redirect);
    if word != "redirect" && !own.contains(&word) {
        return None;
    }
    let link = rest.trim_start().trim_start_matches(':').trim_start().strip_prefix("[[")?;
    let target = &link[..link.find("]]")?];
    let target = target.split_once('|').map_or(target, |(target, _)| target);
    let title = target.split_once('#').map_or(target, |(title, _)| title).trim().trim_start_matches(':');
    Some(decode(title)).filter(|title| !title.is_empty())
}

/// Whether a text holds what still reads as `%xx` or as an entity.
fn has_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let percent = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let entity = |at: usize| {
        let name = text[at + 1..].split(';').next().unwrap_or_default();
        let digits = name.strip_prefix('#').map_or(name, |number| number.strip_prefix(['x', 'X']).unwrap_or(number));
        at + 1 + name.len() < text.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80)
    };
    memchr::memchr_iter(b'%', bytes).any(percent) || memchr::memchr_iter(b'&', bytes).any(entity)
}

fn trail_letters(pattern: &str) -> HashSet<char> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut letters: HashSet<char> = chars.iter().copied().filter(|&c| c != '-').collect();
    for range in chars.windows(3).filter(|range| range[1] == '-') {
        letters.extend(range[0]..=range[2]);
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sound() {
        assert!(LANGUAGES.values().flat_map(|language| language.aliases.keys()).all(|key| key.parse::<i32>().is_ok()));
        for (lang, text, trail) in [
            ("en", "s b", "s"),
            ("en", "é", ""),
            ("de", "ße", "ße"),
            ("zh", "a", ""),
            ("xx", "zé", "z"),
            ("ca", "'x''y", "'x"),
            ("ru", "у", "у"),
        ] {
            let length = Wiki::new(&SiteInfo::default(), lang).trail_length(text);
            assert_eq!(&text[..length], trail, "{lang} {text}");
        }
    }

    #[test]
    fn redirects() {
        for (lang, text, target) in [
            ("en", "#REDIRECT [[New York]]", Some("New York")),
            ("en", "\n#redirect: [[A#b|c]]\n[[Category:x]]", Some("A")),
            ("zh", "#重定向[[北京]]", Some("北京")),
            ("de", "#WEITERLEITUNG [[Ä]]", Some("Ä")),
            ("en", "#WEITERLEITUNG [[Ä]]", None),
            ("en", "# redirected [[a]]", None),
            ("en", "#REDIRECT a", None),
            ("en", "#REDIRECT [[#a]]", None),
        ] {
            assert_eq!(redirect_target(lang, text).as_deref(), target, "{text}");
        }
    }

    #[test]
    fn prefixes() {
        let mut site = SiteInfo::default();
        site.namespaces.insert(100, "Portal".to_owned());
        let wiki = Wiki::new(&site, "zh");
        for (prefix, expected) in [
            ("File", Some(Prefix::Namespace(6))),
            (" 檔案 ", Some(Prefix::Namespace(6))),
            ("portal", Some(Prefix::Namespace(100))),
            ("User_talk", Some(Prefix::Namespace(3))),
            ("en", Some(Prefix::Language)),
            ("wikt", Some(Prefix::Project)),
            ("2001", None),
            ("Star Trek", None),
        ] {
            assert_eq!(wiki.prefix(prefix), expected, "{prefix}");
        }
        assert!(wiki.is_article("2001: A Space Odyssey"));
        assert!(!wiki.is_article("Category:Films") && !wiki.is_article(""));
        for (title, expected) in [
            ("foo_bar", "Foo bar"),
            ("category: foo", "Category:Foo"),
            ("图像:a.jpg", "File:A.jpg"),
            ("PORTAL:x", "Portal:X"),
            ("EN: foo_x", "en:foo x"),
            ("2001: a", "2001: a"),
        ] {
            assert_eq!(wiki.target(title), expected);
        }
    }
}
