//! Language variants: `-{zh-hans:甲;zh-hant:乙}-`, with the flags and fallbacks of MediaWiki's language converter, and the conversion
//! rules that a page defines.

use std::collections::HashSet;

use super::conversion_rule::ConversionRule;
use super::language_data::LanguageData;
use super::markers::{UNCONVERTED_CLOSE, UNCONVERTED_OPEN, rule_marker, without_markers};
use super::page_context::PageContext;
use super::script_converter::ChineseVariant;

/// The language whose text is converted.
const CHINESE: &str = "zh";

/// The variants of Chinese in MediaWiki: the simplified ones, `zh`, the traditional ones.
const CODES: [&str; 9] = ["zh-hans", "zh-cn", "zh-sg", "zh-my", "zh", "zh-hant", "zh-tw", "zh-hk", "zh-mo"];
/// Index of `zh`, which is neither simplified nor traditional, in [`CODES`].
const ZH: usize = 4;

/// Preference of each variant in [`CODES`] where nothing is converted: MediaWiki's order for readers who chose no variant.
const UNCONVERTED_RANKS: [usize; 9] = [1, 3, 6, 8, 0, 2, 4, 5, 7];

/// MediaWiki's names of the variants, in the order of [`CODES`].
const NAMES: [&str; 9] = ["简体", "大陆", "新加坡", "大马", "原文", "繁體", "臺灣", "香港", "澳門"];

/// What `-{content}-` shows. Adds the conversion rules that it defines to the page.
pub(super) fn expand_variant(content: &str, page: &mut PageContext<'_>) -> String {
    let (flags, body) = split_flags(content);
    let codes = || flags.iter().filter_map(|flag| CODES.iter().position(|code| code == flag));
    if codes().next().is_some() {
        // `-{zh-tw;zh-hk|text}-` converts the text for readers of these variants; for others it stays unchanged.
        let converts = codes().any(|code| match page.variant {
            ChineseVariant::Simplified => code < ZH,
            ChineseVariant::Traditional => code > ZH,
            ChineseVariant::Unconverted => true,
        });
        return if converts { body.trim().to_owned() } else { format!("{UNCONVERTED_OPEN}{}{UNCONVERTED_CLOSE}", body.trim()) };
    }
    let has = |flag| flags.contains(&flag);
    let marker = if has("A") || has("H") || has("+") {
        add_rule(body, true, page)
    } else if has("-") {
        add_rule(body, false, page)
    } else {
        None
    };
    let marker = marker.map(String::from).unwrap_or_default();
    let alternatives = parse_alternatives(body, &page.wiki.lang);
    let description;
    let shown = if has("R") {
        body
    } else if has("N") {
        CODES.iter().position(|code| *code == body.trim()).map_or("", |code| NAMES[code])
    } else if has("D") && !alternatives.is_empty() {
        description = if page.wiki.lang == CHINESE && !has("A") { describe(&alternatives) } else { String::new() };
        &description
    } else if ["H", "T", "V", "-", "+"].into_iter().any(has) && !has("A") && !has("S") {
        return marker;
    } else if alternatives.is_empty() {
        body
    } else {
        choose(&alternatives, page)
    };
    format!("{marker}{UNCONVERTED_OPEN}{}{UNCONVERTED_CLOSE}", shown.trim())
}

/// The description of a rule by the `D` flag, in MediaWiki's words and order: two-way alternatives first.
fn describe(alternatives: &[Alternative<'_>]) -> String {
    let (one_way, two_way): (Vec<_>, Vec<_>) = alternatives.iter().partition(|alternative| alternative.from.is_some());
    let words = two_way.into_iter().chain(one_way).map(|alternative| {
        let from = alternative.from.map(|from| format!("{from}⇒")).unwrap_or_default();
        format!("{from}{}：{}；", NAMES[alternative.code], alternative.text)
    });
    words.collect()
}

/// Adds the conversion rule `zh-hans:甲;zh-hant:乙` to the page. Returns the marker from which on it is active, or inactive; `None` if the
/// text defines no rule.
pub(super) fn add_rule(body: &str, activates: bool, page: &mut PageContext<'_>) -> Option<char> {
    let alternatives = parse_alternatives(body, &page.wiki.lang);
    if alternatives.is_empty() {
        // Text without alternatives is protected from conversion.
        let text = without_markers(body).trim().to_owned();
        return if text.is_empty() { None } else { push_rule(vec![(text.clone(), text)], activates, page) };
    }
    let rank_of = |alternative: &Alternative<'_>| rank(alternative.code, page.variant);
    let wanted = alternatives.iter().filter(|alternative| rank_of(alternative).is_some_and(|rank| rank <= ZH));
    let to = without_markers(wanted.min_by_key(|alternative| rank_of(alternative))?.text);
    let (mut pairs, mut known) = (Vec::new(), HashSet::new());
    for alternative in &alternatives {
        let from = without_markers(alternative.from.unwrap_or(alternative.text)).trim().to_owned();
        if !from.is_empty() && from != to && known.insert(from.clone()) {
            pairs.push((from, to.clone()));
        }
    }
    push_rule(pairs, activates, page)
}

fn push_rule(pairs: Vec<(String, String)>, activates: bool, page: &mut PageContext<'_>) -> Option<char> {
    let Some(marker) = rule_marker(page.rules.len()) else {
        page.add_issue("too many conversion rules");
        return None;
    };
    page.rules.push(ConversionRule { pairs, activates });
    Some(marker)
}

/// One alternative of `-{zh-hans:甲;zh-hant:乙}-`.
struct Alternative<'a> {
    /// Index of its variant in [`CODES`], or in the list of another language.
    code: usize,
    /// What it replaces, if the rule is one-way: `from=>zh-cn:text`.
    from: Option<&'a str>,
    text: &'a str,
}

/// Preference of a variant, lowest first; `None` where nothing is converted. Variants up to [`ZH`] have the wanted script or none.
fn rank(code: usize, variant: ChineseVariant) -> Option<usize> {
    match variant {
        ChineseVariant::Simplified => Some(code),
        // The traditional ones first, then `zh`, then the simplified ones.
        ChineseVariant::Traditional if code > ZH => Some(code - ZH - 1),
        ChineseVariant::Traditional if code == ZH => Some(code),
        ChineseVariant::Traditional => Some(code + ZH + 1),
        ChineseVariant::Unconverted => None,
    }
}

/// The text of the preferred alternative.
fn choose<'a>(alternatives: &[Alternative<'a>], page: &PageContext<'_>) -> &'a str {
    let order = |alternative: &&Alternative<'_>| match alternative.code {
        code if page.wiki.lang == CHINESE => rank(code, page.variant).unwrap_or(UNCONVERTED_RANKS[code]),
        code => code,
    };
    alternatives.iter().min_by_key(order).map_or("", |alternative| alternative.text)
}

/// Splits `flags|text`. As in MediaWiki, unknown flags are ignored. The pipe of a link does not end flags.
fn split_flags(content: &str) -> (Vec<&str>, &str) {
    let is_known = |flag: &&str| matches!(*flag, "A" | "H" | "T" | "D" | "R" | "N" | "S" | "V" | "-" | "+" | "") || CODES.contains(flag);
    match content.split_once('|') {
        Some((flags, body)) if !flags.contains(['[', '<', ':']) => (flags.split(';').map(str::trim).filter(is_known).collect(), body),
        _ => (Vec::new(), content),
    }
}

/// The alternatives in the text; none if it is plain text.
fn parse_alternatives<'a>(body: &'a str, lang: &str) -> Vec<Alternative<'a>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut starts = AlternativeStarts { body, lang, colon: None, arrow: None };
    // A semicolon separates alternatives only if a variant follows it, because entities contain semicolons too.
    for end in memchr::memchr_iter(b';', body.as_bytes()).chain([body.len()]) {
        if end < body.len() && !starts.has_variant(end + 1) && !body[end + 1..].trim_start().is_empty() {
            continue;
        }
        if let Some(alternative) = body.get(start..end).and_then(|part| parse_alternative(part, lang)) {
            found.push(alternative);
        }
        start = end + 1;
    }
    found
}

/// Tells where alternatives may begin. For ascending offsets, each part of the text is searched once.
struct AlternativeStarts<'a> {
    body: &'a str,
    lang: &'a str,
    /// The last colon that was searched for; none if there is no further one.
    colon: Option<Option<usize>>,
    /// The last arrow that was searched for, and whether a variant follows it.
    arrow: Option<Option<(usize, bool)>>,
}

impl AlternativeStarts<'_> {
    /// Whether [`parse_alternative`] would accept all that begins at an offset.
    fn has_variant(&mut self, at: usize) -> bool {
        let rest = &self.body[at..];
        if self.colon.is_none_or(|colon| colon.is_some_and(|colon| colon < at)) {
            self.colon = Some(memchr::memchr(b':', rest.as_bytes()).map(|colon| at + colon));
        }
        if self.arrow.is_none_or(|arrow| arrow.is_some_and(|(arrow, _)| arrow < at)) {
            let arrow = memchr::memmem::find(rest.as_bytes(), b"=>").map(|arrow| at + arrow);
            self.arrow = Some(arrow.map(|arrow| (arrow, self.variant_before_colon(&self.body[arrow + 2..]))));
        }
        let colon = self.colon.flatten();
        let is_variant = colon.is_some_and(|colon| variant_code(&self.body[at..colon], self.lang).is_some());
        match self.arrow.flatten() {
            Some((arrow, has_variant)) if !is_variant || colon.is_some_and(|colon| arrow < colon) => has_variant,
            _ => is_variant,
        }
    }

    fn variant_before_colon(&self, text: &str) -> bool {
        text.split_once(':').is_some_and(|(code, _)| variant_code(code, self.lang).is_some())
    }
}

fn parse_alternative<'a>(part: &'a str, lang: &str) -> Option<Alternative<'a>> {
    // An arrow after the colon of a variant is text.
    let is_text = |from: &str| from.split_once(':').is_some_and(|(code, _)| variant_code(code, lang).is_some());
    let arrow = part.split_once("=>").filter(|(from, _)| !is_text(from));
    let (from, rest) = arrow.map_or((None, part), |(from, rest)| (Some(from.trim()), rest));
    let (code, text) = rest.split_once(':')?;
    Some(Alternative { code: variant_code(code, lang)?, from, text: text.trim() })
}

/// The variant that a text names: its index in [`CODES`], or in the list of a language other than Chinese, in which nothing is converted; the
/// index after the end of that list for a code that only begins with the language's. Takes time linear in the length of the first word.
fn variant_code(text: &str, lang: &str) -> Option<usize> {
    let text = text.trim_start();
    let word = &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len())];
    let is_alone = text[word.len()..].chars().all(char::is_whitespace);
    let is_code = |code: &str| is_alone && code.eq_ignore_ascii_case(word);
    if lang == CHINESE {
        return CODES.iter().position(|code| is_code(code));
    }
    let variants = &LanguageData::of(lang).variants;
    let begins_with_lang =
        || text.get(..lang.len()).is_some_and(|start| start.eq_ignore_ascii_case(lang)) && text[lang.len()..].starts_with('-');
    let is_unlisted = || is_code(lang) || begins_with_lang();
    variants.iter().position(|code| is_code(code)).or_else(|| is_unlisted().then_some(variants.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn alternatives_are_parsed() {
        let texts = |body| parse_alternatives(body, "zh").iter().map(|found| (CODES[found.code], found.text)).collect::<Vec<_>>();
        assert_eq!(texts("zh-hans:甲;zh-hant:乙"), [("zh-hans", "甲"), ("zh-hant", "乙")]);
        assert_eq!(texts(" zh-tw: 乙&nbsp;丙 ; zh-cn:甲;"), [("zh-tw", "乙&nbsp;丙"), ("zh-cn", "甲")]);
        assert_eq!(texts("a;b"), []);
        assert_eq!(parse_alternatives("乙=>zh-cn:甲", "zh")[0].from, Some("乙"));
        assert_eq!(
            parse_alternatives("SR-el x:a; sr : b;srp:c", "sr").iter().map(|found| found.text).collect::<Vec<_>>(),
            ["a", "b;srp:c"]
        );
    }

    proptest! {
        /// Looking for alternatives in order finds what parsing the rest of the text finds.
        #[test]
        fn alternatives_begin_where_they_can_be_parsed(
            pieces in prop::collection::vec(prop::sample::select(vec![";", ":", "=>", "zh-cn", "zh-tw", "ZH", "sr", "-el", " ", "a", "甲", "&nbsp;"]), 0..30),
        ) {
            let body = pieces.concat();
            for lang in ["zh", "sr"] {
                let mut starts = AlternativeStarts { body: &body, lang, colon: None, arrow: None };
                for at in body.match_indices(';').map(|(at, _)| at + 1) {
                    prop_assert_eq!(starts.has_variant(at), parse_alternative(&body[at..], lang).is_some(), "{:?} {}", body, at);
                }
            }
        }
    }
}
