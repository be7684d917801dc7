//! Numbers as a wiki writes them: `{{formatnum:1234567.5}}` is 1,234,567.5 in English and 1.234.567,5 in German.

use serde::Deserialize;

use crate::number_format::group;

/// How a language parts the digits of a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    /// Stands between thousands.
    thousands: char,
    /// Stands before the fraction.
    decimal: char,
    /// Whole numbers of fewer digits have nothing between thousands.
    #[serde(default = "four")]
    from: usize,
}

fn four() -> usize {
    4
}

/// That of English, Chinese and Japanese, and of MediaWiki itself.
impl Default for Numbers {
    fn default() -> Self {
        Self { thousands: ',', decimal: '.', from: four() }
    }
}

impl Numbers {
    /// A number for readers; what is none stays as it is.
    pub(super) fn format(&self, text: &str) -> String {
        let digits = text.trim_start_matches(['-', '+', '−']);
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !fraction.is_none_or(is_number) {
            return text.to_owned();
        }
        let mut out = text[..text.len() - digits.len()].to_owned();
        if whole.len() < self.from {
            out.push_str(whole);
        } else {
            out.push_str(&group(whole, self.thousands));
        }
        if let Some(fraction) = fraction {
            out.push(self.decimal);
            out.push_str(fraction);
        }
        out
    }

    /// A number as it was before: digits alone, and a full stop before the fraction.
    pub(super) fn plain(&self, text: &str) -> String {
        let kept = text.chars().filter(|&c| c != self.thousands && !(self.thousands.is_whitespace() && c.is_whitespace()));
        kept.map(|c| if c == self.decimal { '.' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let english = Numbers::default();
        for (text, expected) in
            [("12345", "12,345"), ("123", "123"), ("-1234567.89012", "-1,234,567.89012"), ("12 km", "12 km"), ("1.2.3", "1.2.3"), ("", "")]
        {
            assert_eq!(english.format(text), expected);
        }
        assert_eq!(english.plain("1,234.5"), "1234.5");
        let german = Numbers { thousands: '.', decimal: ',', from: 4 };
        assert_eq!(german.format("-1234567.5"), "-1.234.567,5");
        assert_eq!(german.plain("1.234.567,5"), "1234567.5");
        let spanish = Numbers { thousands: '\u{a0}', decimal: ',', from: 5 };
        assert_eq!((spanish.format("1234"), spanish.format("12345.6")), ("1234".to_owned(), "12\u{a0}345,6".to_owned()));
        assert_eq!(spanish.plain("12 345,6"), "12345.6");
    }
}
