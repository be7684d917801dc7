//! Chinese in several scripts on one page: `-{zh-hans:甲;zh-hant:乙}-` and the rules a page sets.

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;

use super::Page;
use super::marks::{KEEP_CLOSE, KEEP_OPEN, plain};
use crate::cli::Variant;

/// Variants of Chinese that MediaWiki knows, those a reader of Simplified falls back on first, in order.
const CODES: &[&str] = &["zh-hans", "zh-cn", "zh-sg", "zh-my", "zh", "zh-hant", "zh-tw", "zh-hk", "zh-mo"];
const SIMPLIFIED: usize = 5;

/// A page's own conversions: what to replace, and by what.
pub(super) type Rules = Vec<(String, String)>;

/// What `-{content}-` shows. Keeps the page's rules that it sets.
pub(super) fn choose(content: &str, page: &mut Page<'_>) -> String {
    let (flags, body) = split_flags(content);
    let rules = alternatives(body);
    if flags.contains(['A', 'H']) {
        add_rule(body, page);
    }
    if flags.contains(['H', 'T', 'D', 'N', '-', 'V']) {
        return String::new();
    }
    let shown = if flags.contains('R') || rules.is_empty() { body } else { pick(&rules, page.variant) };
    format!("{KEEP_OPEN}{}{KEEP_CLOSE}", shown.trim())
}

/// Adds the conversions of `zh-hans:甲;zh-hant:乙` to the page's.
pub(super) fn add_rule(body: &str, page: &mut Page<'_>) {
    if page.variant == Variant::None {
        return;
    }
    let rules = alternatives(body);
    let Some(to) = rules.iter().filter(|rule| rule.rank < SIMPLIFIED).min_by_key(|rule| rule.rank) else { return };
    let to_text = plain(to.text);
    for rule in &rules {
        let from = plain(rule.from.unwrap_or(rule.text));
        let from = from.trim();
        if !from.is_empty() && from != to_text && !page.rules.iter().any(|(known, _)| known == from) {
            page.rules.push((from.to_owned(), to_text.clone()));
        }
    }
}

struct Alternative<'a> {
    /// Place of its variant in [`CODES`].
    rank: usize,
    /// What it replaces, where the rule goes one way: `from=>zh-cn:text`.
    from: Option<&'a str>,
    text: &'a str,
}

fn pick<'a>(rules: &[Alternative<'a>], variant: Variant) -> &'a str {
    match variant {
        Variant::ZhHans => rules.iter().min_by_key(|rule| rule.rank).map_or("", |rule| rule.text),
        Variant::None => rules.first().map_or("", |rule| rule.text),
    }
}

fn split_flags(content: &str) -> (&str, &str) {
    match content.split_once('|') {
        Some((flags, body)) if is_flags(flags) => (flags, body),
        _ => ("", content),
    }
}

fn is_flags(text: &str) -> bool {
    let one = |flag: &str| matches!(flag, "A" | "H" | "T" | "D" | "R" | "N" | "S" | "V" | "-" | "+" | "") || CODES.contains(&flag);
    text.split(';').all(|flag| one(flag.trim()))
}

/// The alternatives of a rule; none where the text is no rule.
fn alternatives(body: &str) -> Vec<Alternative<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    // A semicolon parts alternatives only where a variant follows: entities hold semicolons too.
    for end in body.match_indices(';').map(|(at, _)| at).chain([body.len()]) {
        if end < body.len() && alternative(&body[end + 1..]).is_none() && !body[end + 1..].trim().is_empty() {
            continue;
        }
        if let Some(one) = body.get(start..end).and_then(alternative) {
            found.push(one);
        }
        start = end + 1;
    }
    found
}

fn alternative(part: &str) -> Option<Alternative<'_>> {
    let (from, rest) = match part.split_once("=>") {
        Some((from, rest)) => (Some(from.trim()), rest),
        None => (None, part),
    };
    let (code, text) = rest.split_once(':')?;
    let code = code.trim();
    let rank = CODES.iter().position(|known| known.eq_ignore_ascii_case(code))?;
    Some(Alternative { rank, from, text: text.trim() })
}

/// Traditional to Simplified, char by char of the result for each char of the source.
pub struct Converter(OpenCC);

impl Converter {
    /// The converter of OpenCC's `t2s`.
    pub fn simplified() -> Self {
        Self(OpenCC::from_config(BuiltinConfig::T2s).expect("the dictionaries are compiled in"))
    }

    /// Appends the converted text, of the same number of chars.
    pub fn convert(&self, text: &str, out: &mut String) {
        if text.is_ascii() {
            return out.push_str(text);
        }
        let converted = self.0.convert(text);
        // Phrases of t2s keep their length; where one should not, chars are converted alone.
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
        let texts = |body| alternatives(body).iter().map(|rule| (CODES[rule.rank], rule.text)).collect::<Vec<_>>();
        assert_eq!(texts("zh-hans:甲;zh-hant:乙"), [("zh-hans", "甲"), ("zh-hant", "乙")]);
        assert_eq!(texts(" zh-tw: 乙&nbsp;丙 ; zh-cn:甲;"), [("zh-tw", "乙&nbsp;丙"), ("zh-cn", "甲")]);
        assert_eq!(texts("a;b"), []);
        assert_eq!(alternatives("乙=>zh-cn:甲")[0].from, Some("乙"));
    }

    #[test]
    fn conversion_keeps_the_number_of_chars() {
        let converter = Converter::simplified();
        for text in ["臺灣的電腦", "後來，皇后乾杯", "頭髮發財", "乾隆"] {
            let mut out = String::new();
            converter.convert(text, &mut out);
            assert_eq!(out.chars().count(), text.chars().count(), "{out}");
        }
        let mut out = String::new();
        converter.convert("漢語 and 頭髮", &mut out);
        assert_eq!(out, "汉语 and 头发");
    }
}
