//! Numbers in the format of a language: `{{formatnum:1234567.5}}` is 1,234,567.5 in English and 1.234.567,5 in German.

use serde::Deserialize;

use crate::number_format::group;

/// Decimal and thousands separators of a language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DigitGrouping {
    /// Separator between groups of three digits.
    thousands: char,
    /// Separator before the fraction.
    decimal: char,
    /// Fewest digits of the integer part that are grouped.
    #[serde(default = "default_min_digits")]
    min_digits: usize,
}

fn default_min_digits() -> usize {
    4
}

/// The format of English, Chinese and Japanese, and MediaWiki's default.
impl Default for DigitGrouping {
    fn default() -> Self {
        Self { thousands: ',', decimal: '.', min_digits: default_min_digits() }
    }
}

impl DigitGrouping {
    /// Formats a number such as `-1234567.5`. Text that is not a number stays unchanged.
    pub(super) fn format(&self, text: &str) -> String {
        let digits = text.trim_start_matches(['-', '+', '−']);
        let (integer, fraction) = digits.split_once('.').map_or((digits, None), |(integer, fraction)| (integer, Some(fraction)));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(integer) || !fraction.is_none_or(is_number) {
            return text.to_owned();
        }
        let mut out = text[..text.len() - digits.len()].to_owned();
        if integer.len() < self.min_digits {
            out.push_str(integer);
        } else {
            out.push_str(&group(integer, self.thousands));
        }
        if let Some(fraction) = fraction {
            out.push(self.decimal);
            out.push_str(fraction);
        }
        out
    }

    /// Removes the formatting: only digits, and a full stop before the fraction (`{{formatnum:…|R}}`).
    pub(super) fn unformat(&self, text: &str) -> String {
        let kept = text.chars().filter(|&c| c != self.thousands && !(self.thousands.is_whitespace() && c.is_whitespace()));
        kept.map(|c| if c == self.decimal { '.' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_and_unformatted() {
        let english = DigitGrouping::default();
        for (text, expected) in
            [("12345", "12,345"), ("123", "123"), ("-1234567.89012", "-1,234,567.89012"), ("12 km", "12 km"), ("1.2.3", "1.2.3"), ("", "")]
        {
            assert_eq!(english.format(text), expected);
        }
        assert_eq!(english.unformat("1,234.5"), "1234.5");
        let german = DigitGrouping { thousands: '.', decimal: ',', min_digits: 4 };
        assert_eq!(german.format("-1234567.5"), "-1.234.567,5");
        assert_eq!(german.unformat("1.234.567,5"), "1234567.5");
        let spanish = DigitGrouping { thousands: '\u{a0}', decimal: ',', min_digits: 5 };
        assert_eq!((spanish.format("1234"), spanish.format("12345.6")), ("1234".to_owned(), "12\u{a0}345,6".to_owned()));
        assert_eq!(spanish.unformat("12 345,6"), "12345.6");
    }
}
