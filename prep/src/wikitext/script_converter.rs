//! Conversion between the two scripts of Chinese.

use std::fmt;

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;
use serde::{Deserialize, Serialize};

/// The variant of Chinese that text is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChineseVariant {
    /// Simplified script (`zh-hans`).
    #[serde(rename = "zh-hans")]
    Simplified,
    /// Traditional script (`zh-hant`).
    #[serde(rename = "zh-hant")]
    Traditional,
    /// No conversion. Of the alternatives in `-{…}-`, the one that MediaWiki shows to readers who chose no variant.
    #[serde(rename = "none")]
    Unconverted,
}

impl ChineseVariant {
    /// The variant that the text of a wiki is converted to by default: Simplified for Chinese (`zh`), no conversion for other languages.
    pub fn default_of(lang: &str) -> Self {
        if lang == "zh" { Self::Simplified } else { Self::Unconverted }
    }
}

impl fmt::Display for ChineseVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simplified => "zh-hans",
            Self::Traditional => "zh-hant",
            Self::Unconverted => "none",
        })
    }
}

/// Converts Chinese to one script by OpenCC. The result has as many chars as the source, so that offsets stay valid.
pub struct ScriptConverter {
    opencc: OpenCC,
    variant: ChineseVariant,
}

/// Words in which 著 means a work or fame and stays in Simplified script; elsewhere after a Chinese char it is the particle 着, which OpenCC's
/// `t2s` leaves as it is. Chars before it, and chars behind it.
const WRITTEN_BEFORE: &str = "合名巨昭鉅钜顯显原專专編编遺遗土拙論论譯译新大所共主自撰校卓旧舊初全代論等";
const WRITTEN_BEHIND: &str = "作名者述錄录稱称書书於于志式白《〈「“）)";

/// Function words whose last char OpenCC's `s2t` takes for the first of a longer word: `被发|明`, `与制|造`. The text is parted after them,
/// but before what is in the second list: there they begin a word.
const FUNCTION_WORDS: [(char, &[&str]); 3] = [
    ('被', &["发佯", "发入", "发左", "发文", "发阳", "发缨", "发之", "头散", "动挨", "人背"]),
    ('与', &["他一斗", "她一斗"]),
    ('更', &["钟", "待干"]),
];

impl ScriptConverter {
    /// The converter to a variant, by OpenCC's `t2s` or `s2t`; `None` for [`ChineseVariant::Unconverted`].
    ///
    /// It holds the dictionaries, which are compiled in: make one and reuse it.
    pub fn to(variant: ChineseVariant) -> Option<Self> {
        let config = match variant {
            ChineseVariant::Simplified => BuiltinConfig::T2s,
            ChineseVariant::Traditional => BuiltinConfig::S2t,
            ChineseVariant::Unconverted => return None,
        };
        let opencc = OpenCC::from_config(config).expect("the dictionaries are compiled in");
        Some(Self { opencc, variant })
    }

    /// Appends the converted text, which has the same number of chars.
    ///
    /// ```
    /// use prep::wikitext::{ChineseVariant, ScriptConverter};
    ///
    /// let converter = ScriptConverter::to(ChineseVariant::Simplified).unwrap();
    /// let mut out = String::new();
    /// converter.convert("漢語 and 頭髮", &mut out);
    /// assert_eq!(out, "汉语 and 头发");
    /// ```
    pub fn convert(&self, text: &str, out: &mut String) {
        if text.is_ascii() {
            return out.push_str(text);
        }
        let from = out.len();
        if self.variant == ChineseVariant::Traditional {
            let mut rest = text;
            while let Some(end) = end_of_function_word(rest) {
                self.convert_by_opencc(&rest[..end], out);
                rest = &rest[end..];
            }
            return self.convert_by_opencc(rest, out);
        }
        self.convert_by_opencc(text, out);
        if out[from..].contains('著') {
            let simplified = simplify_particle(&out[from..]);
            out.truncate(from);
            out.push_str(&simplified);
        }
    }

    fn convert_by_opencc(&self, text: &str, out: &mut String) {
        let converted = self.opencc.convert(text);
        // All phrases of these dictionaries keep their length. If one should not, chars are converted one by one.
        if converted.chars().count() == text.chars().count() {
            return out.push_str(&converted);
        }
        let mut buffer = [0; 4];
        for c in text.chars() {
            let converted = self.opencc.convert(c.encode_utf8(&mut buffer));
            let mut chars = converted.chars();
            out.push(match (chars.next(), chars.next()) {
                (Some(single), None) => single,
                _ => c,
            });
        }
    }
}

/// Where the first function word of a text ends that is not the beginning of another word.
fn end_of_function_word(text: &str) -> Option<usize> {
    text.char_indices().find_map(|(at, c)| {
        let (_, longer) = FUNCTION_WORDS.iter().find(|(word, _)| *word == c)?;
        let end = at + c.len_utf8();
        (!longer.iter().any(|behind| text[end..].starts_with(behind))).then_some(end)
    })
}

/// The text with the particle 着 for 著.
fn simplify_particle(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, behind)) = rest.split_once('著') {
        out.push_str(start);
        let is_after_verb = |before: char| ('\u{3400}'..='\u{9fff}').contains(&before) && !WRITTEN_BEFORE.contains(before);
        // An author stands before it at the end of a line or of a parenthesis; 著有 says what somebody wrote where a title or a number of
        // works follows.
        let is_written = behind.starts_with(|c| WRITTEN_BEHIND.contains(c))
            || (behind.is_empty() && out.chars().nth(2).is_some())
            || behind.strip_prefix('有').is_some_and(|works| works.starts_with(['《', '〈', '「', '“', '多', '大']));
        out.push(if out.chars().next_back().is_some_and(is_after_verb) && !is_written { '着' } else { '著' });
        rest = behind;
    }
    out.push_str(rest);
    out
}

impl std::fmt::Debug for ScriptConverter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScriptConverter")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn conversion_keeps_the_number_of_chars() {
        let converter = ScriptConverter::to(ChineseVariant::Simplified).unwrap();
        for text in ["臺灣的電腦", "後來，皇后乾杯", "頭髮發財", "乾隆"] {
            let mut out = String::new();
            converter.convert(text, &mut out);
            assert_eq!(out.chars().count(), text.chars().count(), "{out}");
        }
        let mut out = String::new();
        converter.convert("漢語 and 頭髮", &mut out);
        assert_eq!(out, "汉语 and 头发");
        let mut out = String::new();
        ScriptConverter::to(ChineseVariant::Traditional).unwrap().convert("汉语 and 头发", &mut out);
        assert_eq!(out, "漢語 and 頭髮");
        assert!(ScriptConverter::to(ChineseVariant::Unconverted).is_none());
    }

    #[test]
    fn function_words_end_before_words() {
        let converter = ScriptConverter::to(ChineseVariant::Traditional).unwrap();
        for (text, expected) in [
            ("他参与制造，后来被发明", "他參與製造，後來被發明"),
            ("被发现的更复杂的头发", "被發現的更複雜的頭髮"),
            ("被发左衽，与他一斗", "被髮左衽，與他一鬥"),
            ("被", "被"),
        ] {
            let mut out = String::new();
            converter.convert(text, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn the_particle_is_told_from_what_is_written() {
        let converter = ScriptConverter::to(ChineseVariant::Simplified).unwrap();
        for (text, expected) in [
            ("他看著沉著的人", "他看着沉着的人"),
            ("沿著河流向東走，有著悠久歷史", "沿着河流向东走，有着悠久历史"),
            ("著名作家的著作", "著名作家的著作"),
            ("他的原著與譯著都很顯著", "他的原著与译著都很显著"),
            ("魯迅著《狂人日記》", "鲁迅著《狂人日记》"),
            ("他著有《詩集》，看著有趣", "他著有《诗集》，看着有趣"),
            ("《曲禮》（柯尚遷著）、陳榮捷著", "《曲礼》（柯尚迁著）、陈荣捷著"),
            ("沿著", "沿着"),
            ("显著的编著", "显著的编著"),
            ("台灣原住民（土著）以此著稱", "台湾原住民（土著）以此著称"),
        ] {
            let mut out = String::new();
            converter.convert(text, &mut out);
            assert_eq!(out, expected);
        }
    }
}
