//! Conversion between the two scripts of Chinese.

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;
use serde::Serialize;

/// The variant of Chinese that text is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

/// Converts Chinese to one script by OpenCC. The result has as many chars as the source, so that offsets stay valid.
pub struct ScriptConverter(OpenCC);

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
        Some(Self(OpenCC::from_config(config).expect("the dictionaries are compiled in")))
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
        let converted = self.0.convert(text);
        // All phrases of these dictionaries keep their length. If one should not, chars are converted one by one.
        if converted.chars().count() == text.chars().count() {
            return out.push_str(&converted);
        }
        let mut buffer = [0; 4];
        for c in text.chars() {
            let converted = self.0.convert(c.encode_utf8(&mut buffer));
            let mut chars = converted.chars();
            out.push(match (chars.next(), chars.next()) {
                (Some(single), None) => single,
                _ => c,
            });
        }
    }
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
}
