//! Patterns of titles, categories and other short texts.

use std::collections::HashMap;

/// A pattern: literal text, `*` for any text, `?` for a char, `{list}` for an entry of a list. All of them match at least one char.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
    /// Tokens of the part that is the name: what stands in parentheses.
    name: Option<(usize, usize)>,
    /// Chars of the literal text: how specific the pattern is.
    literal_chars: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(String),
    AnyText,
    AnyChar,
    Listed(String),
}

/// Why a pattern is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is empty.
    #[error("is empty; expected a text in which `*` stands for any text")]
    Empty,
    /// A brace or parenthesis without its other half.
    #[error("has an unmatched `{0}`; expected {{list}} for an entry of a list, and (…) around the part that is the name")]
    Unbalanced(char),
}

impl Pattern {
    /// Parses a pattern. With `has_name`, parentheses surround the part that is the name; otherwise they are chars like any other.
    ///
    /// # Errors
    /// An empty pattern, or braces or parentheses that do not match.
    pub fn parse(text: &str, has_name: bool) -> Result<Self, PatternError> {
        let mut tokens: Vec<Token> = Vec::new();
        let (mut name_start, mut name) = (None, None);
        let mut chars = text.chars();
        let mut literal = String::new();
        let end_literal = |literal: &mut String, tokens: &mut Vec<Token>| {
            if !literal.is_empty() {
                tokens.push(Token::Literal(std::mem::take(literal)));
            }
        };
        while let Some(c) = chars.next() {
            match c {
                '*' | '?' => {
                    end_literal(&mut literal, &mut tokens);
                    tokens.push(if c == '*' { Token::AnyText } else { Token::AnyChar });
                }
                '{' => {
                    end_literal(&mut literal, &mut tokens);
                    let (list, rest) = chars.as_str().split_once('}').ok_or(PatternError::Unbalanced('{'))?;
                    tokens.push(Token::Listed(list.to_owned()));
                    chars = rest.chars();
                }
                '}' => return Err(PatternError::Unbalanced('}')),
                '(' if has_name && name_start.is_none() => {
                    end_literal(&mut literal, &mut tokens);
                    name_start = Some(tokens.len());
                }
                ')' if has_name => {
                    end_literal(&mut literal, &mut tokens);
                    let start = name_start.filter(|start| name.is_none() && *start < tokens.len());
                    name = Some((start.ok_or(PatternError::Unbalanced(')'))?, tokens.len()));
                }
                _ => literal.push(c),
            }
        }
        end_literal(&mut literal, &mut tokens);
        if name_start.is_some() && name.is_none() {
            return Err(PatternError::Unbalanced('('));
        }
        let literal_chars = tokens.iter().map(|token| if let Token::Literal(text) = token { text.chars().count() } else { 0 }).sum();
        // An entry of a list is as specific as a text.
        let literal_chars = if matches!(tokens[..], [Token::Listed(_)]) { usize::MAX } else { literal_chars };
        if tokens.is_empty() { Err(PatternError::Empty) } else { Ok(Self { tokens, name, literal_chars }) }
    }

    /// The lists that it refers to.
    pub fn lists(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| if let Token::Listed(list) = token { Some(list.as_str()) } else { None })
    }

    /// Whether it matches one text alone.
    pub fn is_literal(&self) -> bool {
        matches!(self.tokens[..], [Token::Literal(_)])
    }

    /// Whether a text is of this pattern: the part of it that is the name. `is_listed` tells whether a text is in a list.
    pub fn matches<'t>(&self, text: &'t str, is_listed: &dyn Fn(&str, &str) -> bool) -> Option<&'t str> {
        let mut ends = vec![0; self.tokens.len()];
        if !matches_from(&self.tokens, text, 0, is_listed, &mut ends) {
            return None;
        }
        let start_of = |token: usize| if token == 0 { 0 } else { ends[token - 1] };
        Some(self.name.map_or(text, |(first, end)| text[start_of(first)..start_of(end)].trim()))
    }

    /// The literal text with which it begins or ends.
    fn fixed_end(&self) -> FixedEnd<'_> {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(Token::Literal(text)), _) if self.tokens.len() == 1 => FixedEnd::Whole(text),
            (_, Some(Token::Literal(text))) => FixedEnd::End(text),
            (Some(Token::Literal(text)), _) => FixedEnd::Start(text),
            _ => FixedEnd::None,
        }
    }
}

enum FixedEnd<'a> {
    Whole(&'a str),
    Start(&'a str),
    End(&'a str),
    None,
}

/// Matches tokens with the rest of a text from a byte on, and notes where each token ends.
fn matches_from(tokens: &[Token], text: &str, at: usize, is_listed: &dyn Fn(&str, &str) -> bool, ends: &mut [usize]) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return at == text.len() };
    let mut continues_at = |end: usize| {
        let (own, later) = ends.split_first_mut().expect("there is an end for each token");
        *own = end;
        matches_from(rest, text, end, is_listed, later)
    };
    let left = &text[at..];
    match token {
        Token::Literal(literal) => left.starts_with(literal.as_str()) && continues_at(at + literal.len()),
        Token::AnyChar => left.chars().next().is_some_and(|c| continues_at(at + c.len_utf8())),
        Token::AnyText | Token::Listed(_) => {
            let fits = |end: usize| match token {
                Token::Listed(list) => is_listed(list, &text[at..end]),
                _ => true,
            };
            let mut after_first = left.char_indices().skip(1).map(|(byte, _)| at + byte).chain((!left.is_empty()).then_some(text.len()));
            match rest.first() {
                None => !left.is_empty() && fits(text.len()) && continues_at(text.len()),
                Some(Token::Literal(literal)) => {
                    // The longest text first, as people read `*, *`: the last comma parts.
                    let mut occurrences: Vec<usize> = left.match_indices(literal.as_str()).map(|(byte, _)| at + byte).collect();
                    occurrences.reverse();
                    occurrences.into_iter().any(|end| end > at && fits(end) && continues_at(end))
                }
                Some(_) => after_first.any(|end| fits(end) && continues_at(end)),
            }
        }
    }
}

/// Patterns with a value each, of which the most specific that matches is found.
///
/// A text that is a pattern without `*` comes before all others; of the others the one with the most literal chars wins.
#[derive(Debug, Clone)]
pub struct PatternSet<V> {
    whole: HashMap<String, Vec<V>>,
    /// Patterns by the last or first char of their fixed end.
    by_last_char: HashMap<char, Vec<(Pattern, V)>>,
    by_first_char: HashMap<char, Vec<(Pattern, V)>>,
    others: Vec<(Pattern, V)>,
}

impl<V> Default for PatternSet<V> {
    fn default() -> Self {
        Self { whole: HashMap::new(), by_last_char: HashMap::new(), by_first_char: HashMap::new(), others: Vec::new() }
    }
}

/// A pattern that matches a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternMatch<'t, V> {
    /// The value of the pattern.
    pub value: V,
    /// The part of the text that is the name.
    pub name: &'t str,
}

impl<V: Copy + PartialEq> PatternSet<V> {
    /// Adds a pattern.
    pub fn add(&mut self, pattern: Pattern, value: V) {
        let last = |text: &str| text.chars().next_back().expect("literals are not empty");
        let first = |text: &str| text.chars().next().expect("literals are not empty");
        match pattern.fixed_end() {
            FixedEnd::Whole(text) => self.whole.entry(text.to_owned()).or_default().push(value),
            FixedEnd::End(text) => self.by_last_char.entry(last(text)).or_default().push((pattern, value)),
            FixedEnd::Start(text) => self.by_first_char.entry(first(text)).or_default().push((pattern, value)),
            FixedEnd::None => self.others.push((pattern, value)),
        }
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.by_last_char.is_empty() && self.by_first_char.is_empty() && self.others.is_empty()
    }

    /// The most specific patterns that match a text and that `accept` agrees to: those with the most literal chars.
    pub fn most_specific<'t>(
        &self,
        text: &'t str,
        is_listed: &dyn Fn(&str, &str) -> bool,
        accept: &dyn Fn(V) -> bool,
    ) -> Vec<PatternMatch<'t, V>> {
        let mut best: Vec<PatternMatch<'t, V>> = Vec::new();
        best.extend(
            self.whole.get(text).into_iter().flatten().filter(|&&value| accept(value)).map(|&value| PatternMatch { value, name: text }),
        );
        if !best.is_empty() {
            return best;
        }
        let (first, last) = (text.chars().next(), text.chars().next_back());
        let by_first = first.and_then(|c| self.by_first_char.get(&c));
        let by_last = last.and_then(|c| self.by_last_char.get(&c));
        let candidates = [by_first, by_last, Some(&self.others)].into_iter().flatten().flatten();
        let mut most = 0;
        for (pattern, value) in candidates {
            if (best.is_empty() || pattern.literal_chars >= most)
                && let Some(name) = pattern.matches(text, is_listed)
                && accept(*value)
            {
                if pattern.literal_chars > most {
                    best.clear();
                }
                most = pattern.literal_chars;
                best.push(PatternMatch { value: *value, name });
            }
        }
        best
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn is_listed(list: &str, text: &str) -> bool {
        match list {
            "regions" => ["Ohio", "New York"].contains(&text),
            "surnames" => ["王", "欧阳"].contains(&text),
            _ => false,
        }
    }

    #[test]
    fn patterns_match_whole_texts() {
        let check = |pattern: &str, text: &str, expected: Option<&str>| {
            let found = Pattern::parse(pattern, true).unwrap();
            assert_eq!(found.matches(text, &is_listed), expected, "{pattern} {text}");
        };
        check("Arden", "Arden", Some("Arden"));
        check("Arden", "Ardens", None);
        check("* University", "Oslo University", Some("Oslo University"));
        check("* University", " University", None);
        check("University of *", "University of Oslo", Some("University of Oslo"));
        check("*大学", "北京大学", Some("北京大学"));
        check("* of * in *", "List of rivers of it in Ohio", Some("List of rivers of it in Ohio"));
        check("(*), {regions}", "Arden, Lamar County, Ohio", Some("Arden, Lamar County"));
        check("(*), {regions}", "Arden, New York", Some("Arden"));
        check("(*), {regions}", "Arden, Texas", None);
        check("{surnames}?", "王五", Some("王五"));
        check("{surnames}?", "王五六", None);
        check("{surnames}??", "欧阳五六", Some("欧阳五六"));
        check("{regions}*", "Ohioan", Some("Ohioan"));
        check("{unknown}", "Ohio", None);
        check("?", "", None);
    }

    #[test]
    fn invalid_patterns_are_rejected() {
        let error = |pattern: &str, has_name| Pattern::parse(pattern, has_name).unwrap_err();
        assert_eq!(error("", true), PatternError::Empty);
        assert_eq!(error("{regions", true), PatternError::Unbalanced('{'));
        assert_eq!(error("regions}", false), PatternError::Unbalanced('}'));
        assert_eq!(error("(*", true), PatternError::Unbalanced('('));
        assert_eq!(error("*)", true), PatternError::Unbalanced(')'));
        assert_eq!(error("()*", true), PatternError::Unbalanced(')'));
        assert!(Pattern::parse("* (tennis)", false).is_ok());
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let mut set = PatternSet::default();
        for (pattern, value) in
            [("* station", 1), ("* space station", 2), ("list of *", 3), ("the * station", 3), ("mir station", 4), ("*", 9)]
        {
            set.add(Pattern::parse(pattern, false).unwrap(), value);
        }
        let values = |text: &str, accept: &dyn Fn(i32) -> bool| -> Vec<i32> {
            set.most_specific(text, &is_listed, accept).into_iter().map(|found| found.value).collect()
        };
        assert_eq!(values("old station", &|_| true), [1]);
        assert_eq!(values("old space station", &|_| true), [2]);
        assert_eq!(values("old space station", &|value| value != 2), [1]);
        assert_eq!(values("mir station", &|_| true), [4]);
        assert_eq!(values("the old station", &|_| true), [3]);
        assert_eq!(values("anything", &|_| true), [9]);
        assert!(values("", &|_| true).is_empty());
    }
}
