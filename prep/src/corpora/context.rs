//! Tokens to running text: what stands between them, and where each one lies.

use std::ops::Range;

/// Languages that are written without spaces between words.
const WITHOUT_SPACES: [&str; 14] = ["zh", "ja", "th", "lo", "km", "my", "bo", "dz", "yue", "wuu", "gan", "hak", "nan", "lzh"];

/// Whether words of a language stand apart; region, script and variant (`zh-hans`, `zh_yue`) make no difference.
pub fn has_spaces(lang: &str) -> bool {
    let main = lang.split(['-', '_']).next().unwrap_or(lang);
    !WITHOUT_SPACES.iter().any(|code| code.eq_ignore_ascii_case(main))
}

/// Counts of tokens by script, to tell the language of a corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scripts {
    han: u64,
    kana: u64,
    thai: u64,
    lao: u64,
    khmer: u64,
    burmese: u64,
    hangul: u64,
    other: u64,
}

impl Scripts {
    /// Takes in running text: its words, or its chars where a word holds letters of a script that is told from.
    pub fn add_text(&mut self, text: &str) {
        for word in text.split_whitespace() {
            if word.chars().any(|char| rank(char).is_some()) {
                word.chars().for_each(|char| self.add(char.encode_utf8(&mut [0; 4])));
            } else {
                self.add(word);
            }
        }
    }

    /// Takes in a token. One without letters says nothing, and nor does a single letter of a script that many languages share: where
    /// every char is a token, Latin names would outweigh the text around them.
    pub fn add(&mut self, token: &str) {
        // A token of several scripts counts for the most telling one: kana among Han is Japanese.
        let mut best: Option<(u8, &mut u64)> = None;
        let mut letters = 0;
        for char in token.chars() {
            letters += usize::from(char.is_alphabetic());
            let Some(rank) = rank(char) else { continue };
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                let count = match rank {
                    6 => &mut self.kana,
                    5 => &mut self.thai,
                    4 => &mut self.lao,
                    3 => &mut self.khmer,
                    2 => &mut self.burmese,
                    1 => &mut self.hangul,
                    _ => &mut self.han,
                };
                best = Some((rank, count));
            }
        }
        match best {
            Some((_, count)) => *count += 1,
            None if letters > 1 => self.other += 1,
            None => {}
        }
    }

    /// The language whose script most tokens have. Han with at least a tenth as much kana beside it is Japanese. `None` for Latin
    /// and all other scripts that many languages share.
    pub fn lang(&self) -> Option<&'static str> {
        let total = self.han + self.kana + self.thai + self.lao + self.khmer + self.burmese + self.hangul + self.other;
        let most = |count: u64| count * 2 > total;
        if most(self.han + self.kana) {
            return Some(if self.kana * 10 >= self.han { "ja" } else { "zh" });
        }
        [("th", self.thai), ("lo", self.lao), ("km", self.khmer), ("my", self.burmese), ("ko", self.hangul)]
            .into_iter()
            .find_map(|(lang, count)| most(count).then_some(lang))
    }
}

/// How much the script of a char tells of the language; nothing where many languages share it.
fn rank(char: char) -> Option<u8> {
    Some(match char {
        '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9d}' => 6,
        '\u{0e01}'..='\u{0e5b}' => 5,
        '\u{0e81}'..='\u{0eff}' => 4,
        '\u{1780}'..='\u{17ff}' => 3,
        '\u{1000}'..='\u{109f}' => 2,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' => 1,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => 0,
        _ => return None,
    })
}

/// The tokens joined to one text, and the chars each one takes.
///
/// Tokens are joined as they are, by one space or by nothing. A token may hold spaces or be one: in Chinese corpora a token that
/// is a space stands for the space of the text. Offsets count it like any other.
pub fn join(tokens: &[String], spaces: bool) -> (String, Vec<Range<u32>>) {
    let mut text = String::with_capacity(tokens.iter().map(|token| token.len() + 1).sum());
    let mut chars = 0u32;
    let mut ranges = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        if spaces && at > 0 {
            text.push(' ');
            chars += 1;
        }
        let start = chars;
        text.push_str(token);
        chars += u32::try_from(token.chars().count()).expect("lines have a length limit");
        ranges.push(start..chars);
    }
    (text, ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn offsets_count_chars() {
        for (words, spaces, text, expected) in [
            ("Ödön|lives|in|北京", true, "Ödön lives in 北京", vec![0..4, 5..10, 11..13, 14..16]),
            ("北|京| |o|k", false, "北京 ok", vec![0..1, 1..2, 2..3, 3..4, 4..5]),
            ("New York|is", true, "New York is", vec![0..8, 9..11]),
            ("a| |b", true, "a   b", vec![0..1, 2..3, 4..5]),
            ("🎉|e\u{301}", false, "🎉e\u{301}", vec![0..1, 1..3]),
        ] {
            assert_eq!(join(&tokens(words), spaces), (text.to_owned(), expected), "{words}");
        }
    }

    #[test]
    fn languages_are_told_from_scripts() {
        for (words, lang) in [
            ("日|本|o|t|a|x|欧|风|，|1", Some("zh")),
            ("東京|は|日本|の|首都", Some("ja")),
            ("서울|은|수도", Some("ko")),
            ("กรุงเทพ|เป็น|เมือง", Some("th")),
            ("Peking|is|a|city|北京", None),
            ("1|2|,", None),
        ] {
            let mut scripts = Scripts::default();
            tokens(words).iter().for_each(|token| scripts.add(token));
            assert_eq!(scripts.lang(), lang, "{words}");
        }
    }

    #[test]
    fn spaces_by_language() {
        for (lang, expected) in
            [("zh", false), ("zh-hans", false), ("ZH_yue", false), ("ja", false), ("ko", true), ("en", true), ("", true)]
        {
            assert_eq!(has_spaces(lang), expected, "{lang}");
        }
    }
}
