//! Chinese in several scripts on one page: `-{zh-hans:甲;zh-hant:乙}-` and the rules a page sets.

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;

use super::Page;
use super::marks::{KEEP_CLOSE, KEEP_OPEN, plain, rule_mark};
use super::options::Variant;

/// What shows of a rule where nothing is converted, by its place in [`CODES`]: MediaWiki's order for readers of no variant.
const UNCONVERTED: [usize; 9] = [1, 3, 6, 8, 0, 2, 4, 5, 7];

/// Variants of Chinese that MediaWiki knows: the simplified ones, what stands between, the traditional ones.
const CODES: [&str; 9] = ["zh-hans", "zh-cn", "zh-sg", "zh-my", "zh", "zh-hant", "zh-tw", "zh-hk", "zh-mo"];
const BETWEEN: usize = 4;

/// What MediaWiki calls them, in the order of [`CODES`].
const NAMES: [&str; 9] = ["简体", "大陆", "新加坡", "大马", "原文", "繁體", "臺灣", "香港", "澳門"];

/// A page's own conversions that begin, or end, to hold somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// What to replace, and by what.
    pub pairs: Vec<(String, String)>,
    /// False: from here on they hold no more.
    pub holds: bool,
}

/// What `-{content}-` shows. Keeps the page's rules that it sets.
pub(super) fn choose(content: &str, page: &mut Page<'_>) -> String {
    let (flags, body) = split_flags(content);
    let codes = || flags.iter().filter_map(|flag| CODES.iter().position(|code| code == flag));
    if codes().next().is_some() {
        // Text for readers of some variants only: for them it is converted, for the others it stays.
        let converts = codes().any(|code| match page.variant {
            Variant::ZhHans => code < BETWEEN,
            Variant::ZhHant => code > BETWEEN,
            Variant::None => true,
        });
        return if converts { body.trim().to_owned() } else { format!("{KEEP_OPEN}{}{KEEP_CLOSE}", body.trim()) };
    }
    let has = |flag| flags.contains(&flag);
    let mark = if has("A") || has("H") || has("+") {
        add_rule(body, true, page)
    } else if has("-") {
        add_rule(body, false, page)
    } else {
        None
    };
    let mark = mark.map(String::from).unwrap_or_default();
    let rules = alternatives(body, &page.wiki.lang);
    let described;
    let shown = if has("R") {
        body
    } else if has("N") {
        CODES.iter().position(|code| *code == body.trim()).map_or("", |code| NAMES[code])
    } else if has("D") && !rules.is_empty() {
        described = if page.wiki.lang == "zh" && !has("A") { describe(&rules) } else { String::new() };
        &described
    } else if ["H", "T", "V", "-", "+"].into_iter().any(has) && !has("A") && !has("S") {
        return mark;
    } else if rules.is_empty() {
        body
    } else {
        pick(&rules, page.variant)
    };
    format!("{mark}{KEEP_OPEN}{}{KEEP_CLOSE}", shown.trim())
}

/// A rule in words, as MediaWiki describes it: those for both ways first.
fn describe(rules: &[Alternative<'_>]) -> String {
    let (one_way, both_ways): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| rule.from.is_some());
    let words = both_ways.into_iter().chain(one_way).map(|rule| {
        let from = rule.from.map(|from| format!("{from}⇒")).unwrap_or_default();
        format!("{from}{}：{}；", NAMES[rule.code], rule.text)
    });
    words.collect()
}

/// Adds the conversions of `zh-hans:甲;zh-hant:乙` to the page's, and gives the mark from which on they hold.
pub(super) fn add_rule(body: &str, holds: bool, page: &mut Page<'_>) -> Option<char> {
    let rules = alternatives(body, &page.wiki.lang);
    if rules.is_empty() {
        // Without a table the text itself stays as it is.
        let text = plain(body).trim().to_owned();
        return if text.is_empty() { None } else { push_rule(vec![(text.clone(), text)], holds, page) };
    }
    let wanted = rules.iter().filter(|rule| rank(rule.code, page.variant).is_some_and(|rank| rank <= BETWEEN));
    let to = plain(wanted.min_by_key(|rule| rank(rule.code, page.variant))?.text);
    let mut pairs: Vec<(String, String)> = Vec::new();
    for rule in &rules {
        let from = plain(rule.from.unwrap_or(rule.text)).trim().to_owned();
        if !from.is_empty() && from != to && !pairs.iter().any(|(known, _)| *known == from) {
            pairs.push((from, to.clone()));
        }
    }
    push_rule(pairs, holds, page)
}

fn push_rule(pairs: Vec<(String, String)>, holds: bool, page: &mut Page<'_>) -> Option<char> {
    let Some(mark) = rule_mark(page.rules.len()) else {
        page.issue("too many conversion rules");
        return None;
    };
    page.rules.push(Rule { pairs, holds });
    Some(mark)
}

struct Alternative<'a> {
    /// Its variant's place in [`CODES`].
    code: usize,
    /// What it replaces, where the rule goes one way: `from=>zh-cn:text`.
    from: Option<&'a str>,
    text: &'a str,
}

/// How far a variant is from what the reader wants; none where nothing is converted.
fn rank(code: usize, variant: Variant) -> Option<usize> {
    match variant {
        Variant::ZhHans => Some(code),
        // Traditional ones first, then what stands between, then simplified ones.
        Variant::ZhHant if code > BETWEEN => Some(code - BETWEEN - 1),
        Variant::ZhHant if code == BETWEEN => Some(code),
        Variant::ZhHant => Some(code + BETWEEN + 1),
        Variant::None => None,
    }
}

fn pick<'a>(rules: &[Alternative<'a>], variant: Variant) -> &'a str {
    let order = |rule: &&Alternative<'_>| rank(rule.code, variant).unwrap_or(UNCONVERTED[rule.code]);
    rules.iter().min_by_key(order).map_or("", |rule| rule.text)
}

/// Flags and text. What stands before the first bar is flags, and what is none is passed over, as in MediaWiki; a link's bar is none.
fn split_flags(content: &str) -> (Vec<&str>, &str) {
    let known = |flag: &&str| matches!(*flag, "A" | "H" | "T" | "D" | "R" | "N" | "S" | "V" | "-" | "+" | "") || CODES.contains(flag);
    match content.split_once('|') {
        Some((flags, body)) if !flags.contains(['[', '<', ':']) => (flags.split(';').map(str::trim).filter(known).collect(), body),
        _ => (Vec::new(), content),
    }
}

/// The alternatives of a rule; none where the text is no rule.
fn alternatives<'a>(body: &'a str, lang: &str) -> Vec<Alternative<'a>> {
    let mut found = Vec::new();
    let mut start = 0;
    // A semicolon parts alternatives only where a variant follows: entities hold semicolons too.
    for end in body.match_indices(';').map(|(at, _)| at).chain([body.len()]) {
        if end < body.len() && alternative(&body[end + 1..], lang).is_none() && !body[end + 1..].trim().is_empty() {
            continue;
        }
        if let Some(one) = body.get(start..end).and_then(|part| alternative(part, lang)) {
            found.push(one);
        }
        start = end + 1;
    }
    found
}

fn alternative<'a>(part: &'a str, lang: &str) -> Option<Alternative<'a>> {
    // Variants of other languages are not converted: the first one shows.
    let foreign = |code: &str| lang != "zh" && code.strip_prefix(lang).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let code_of = |code: &str| {
        let code = code.trim().to_ascii_lowercase();
        CODES.iter().position(|known| *known == code).or_else(|| foreign(&code).then_some(0))
    };
    // An arrow after a variant's colon is text.
    let arrow = part.split_once("=>").filter(|(from, _)| from.split_once(':').is_none_or(|(code, _)| code_of(code).is_none()));
    let (from, rest) = arrow.map_or((None, part), |(from, rest)| (Some(from.trim()), rest));
    let (code, text) = rest.split_once(':')?;
    Some(Alternative { code: code_of(code)?, from, text: text.trim() })
}

/// One script of Chinese to the other, char by char of the result for each char of the source.
pub struct Converter(OpenCC);

impl Converter {
    /// The converter to a variant, by OpenCC's `t2s` or `s2t`; none where text stays as it is.
    pub fn to(variant: Variant) -> Option<Self> {
        let config = match variant {
            Variant::ZhHans => BuiltinConfig::T2s,
            Variant::ZhHant => BuiltinConfig::S2t,
            Variant::None => return None,
        };
        Some(Self(OpenCC::from_config(config).expect("the dictionaries are compiled in")))
    }

    /// Appends the converted text, of the same number of chars.
    pub fn convert(&self, text: &str, out: &mut String) {
        if text.is_ascii() {
            return out.push_str(text);
        }
        let converted = self.0.convert(text);
        // Phrases keep their length; where one should not, chars are converted alone.
        if converted.chars().count() == text.chars().count() {
            return out.push_str(&converted);
        }
        let mut buffer = [0; 4];
        for c in text.chars() {
            let one = self.0.convert(c.encode_utf8(&mut buffer));
            let mut chars = one.chars();
            out.push(match (chars.next(), chars.next()) {
                (Some(single), None) => single,
                _ => c,
            });
        }
    }
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Converter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let texts = |body| alternatives(body, "zh").iter().map(|rule| (CODES[rule.code], rule.text)).collect::<Vec<_>>();
        assert_eq!(texts("zh-hans:甲;zh-hant:乙"), [("zh-hans", "甲"), ("zh-hant", "乙")]);
        assert_eq!(texts(" zh-tw: 乙&nbsp;丙 ; zh-cn:甲;"), [("zh-tw", "乙&nbsp;丙"), ("zh-cn", "甲")]);
        assert_eq!(texts("a;b"), []);
        assert_eq!(alternatives("乙=>zh-cn:甲", "zh")[0].from, Some("乙"));
    }

    #[test]
    fn conversion_keeps_the_number_of_chars() {
        let converter = Converter::to(Variant::ZhHans).unwrap();
        for text in ["臺灣的電腦", "後來，皇后乾杯", "頭髮發財", "乾隆"] {
            let mut out = String::new();
            converter.convert(text, &mut out);
            assert_eq!(out.chars().count(), text.chars().count(), "{out}");
        }
        let mut out = String::new();
        converter.convert("漢語 and 頭髮", &mut out);
        assert_eq!(out, "汉语 and 头发");
        let mut out = String::new();
        Converter::to(Variant::ZhHant).unwrap().convert("汉语 and 头发", &mut out);
        assert_eq!(out, "漢語 and 頭髮");
        assert!(Converter::to(Variant::None).is_none());
    }
}
