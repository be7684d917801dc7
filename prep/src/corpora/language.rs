//! The language of a corpus, told by its script.

/// Counts tokens by script, to detect the language of a corpus. Memory: 64 bytes, however large the corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptCounts {
    han: u64,
    kana: u64,
    thai: u64,
    lao: u64,
    khmer: u64,
    burmese: u64,
    hangul: u64,
    other: u64,
}

impl ScriptCounts {
    /// Adds the counts of other text.
    pub fn append(&mut self, other: &Self) {
        self.han += other.han;
        self.kana += other.kana;
        self.thai += other.thai;
        self.lao += other.lao;
        self.khmer += other.khmer;
        self.burmese += other.burmese;
        self.hangul += other.hangul;
        self.other += other.other;
    }

    /// Counts running text: words, or the chars of words with a telling script, as a corpus of tokens would have them.
    pub fn add_text(&mut self, text: &str) {
        for word in text.split_whitespace() {
            if word.chars().any(|char| TellingScript::of(char).is_some()) {
                word.chars().for_each(|char| self.add_token(char.encode_utf8(&mut [0; 4])));
            } else {
                self.add_token(word);
            }
        }
    }

    /// Counts a token by its most telling script: kana beside Han is Japanese.
    ///
    /// Tokens without letters are ignored, and so are single letters of other scripts: where every char is a token, Latin names would
    /// outnumber the text around them.
    pub fn add_token(&mut self, token: &str) {
        match token.chars().filter_map(TellingScript::of).max() {
            Some(script) => *self.count_of(script) += 1,
            None if token.chars().filter(|char| char.is_alphabetic()).nth(1).is_some() => self.other += 1,
            None => {}
        }
    }

    fn count_of(&mut self, script: TellingScript) -> &mut u64 {
        match script {
            TellingScript::Han => &mut self.han,
            TellingScript::Hangul => &mut self.hangul,
            TellingScript::Burmese => &mut self.burmese,
            TellingScript::Khmer => &mut self.khmer,
            TellingScript::Lao => &mut self.lao,
            TellingScript::Thai => &mut self.thai,
            TellingScript::Kana => &mut self.kana,
        }
    }

    /// The language whose script more than half of the tokens have. Han with at least a tenth as much kana is Japanese. `None` for Latin
    /// and other scripts that many languages share.
    pub fn lang(&self) -> Option<&'static str> {
        let total = self.han + self.kana + self.thai + self.lao + self.khmer + self.burmese + self.hangul + self.other;
        let is_majority = |count: u64| count * 2 > total;
        if is_majority(self.han + self.kana) {
            return Some(if self.kana * 10 >= self.han { "ja" } else { "zh" });
        }
        [("th", self.thai), ("lo", self.lao), ("km", self.khmer), ("my", self.burmese), ("ko", self.hangul)]
            .into_iter()
            .find_map(|(lang, count)| is_majority(count).then_some(lang))
    }
}

/// Scripts that tell the language, in ascending order of how much they tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TellingScript {
    Han,
    Hangul,
    Burmese,
    Khmer,
    Lao,
    Thai,
    Kana,
}

impl TellingScript {
    fn of(char: char) -> Option<Self> {
        Some(match char {
            '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9d}' => Self::Kana,
            '\u{0e01}'..='\u{0e5b}' => Self::Thai,
            '\u{0e81}'..='\u{0eff}' => Self::Lao,
            '\u{1780}'..='\u{17ff}' => Self::Khmer,
            '\u{1000}'..='\u{109f}' => Self::Burmese,
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' => Self::Hangul,
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => Self::Han,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_detected_by_script() {
        for (words, lang) in [
            ("日|本|o|t|a|x|欧|风|，|1", Some("zh")),
            ("東京|は|日本|の|首都", Some("ja")),
            ("서울|은|수도", Some("ko")),
            ("กรุงเทพ|เป็น|เมือง", Some("th")),
            ("Peking|is|a|city|北京", None),
            ("1|2|,", None),
        ] {
            let mut scripts = ScriptCounts::default();
            words.split('|').for_each(|token| scripts.add_token(token));
            assert_eq!(scripts.lang(), lang, "{words}");
        }
    }

    #[test]
    fn running_text_counts_like_tokens() {
        let mut scripts = ScriptCounts::default();
        scripts.add_text("她住在北京。 IBM and Sun");
        assert_eq!(scripts.lang(), Some("zh"));
    }
}
