//! Family names in full names.

/// The family name in a person's full name: the last word, if all words begin with an upper-case letter. Initials, numerals (`Henry IV`)
/// and suffixes after a comma (`Jr.`) are not family names.
pub fn family_name(name: &str) -> Option<&str> {
    let (given, family) = name.rsplit_once(' ')?;
    let is_upper = |word: &str| word.starts_with(char::is_uppercase);
    let is_word = family.chars().all(|char| char.is_alphabetic() || matches!(char, '-' | '\'' | '’'));
    let is_name = is_word && family.chars().any(char::is_lowercase) && family.chars().nth(2).is_some();
    (is_name && !given.ends_with(',') && name.split(' ').all(is_upper)).then_some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_names_differ_from_other_last_words() {
        let check = |name: &str, expected: Option<&str>| assert_eq!(family_name(name), expected, "{name}");
        check("Ada Lovelace", Some("Lovelace"));
        check("J. R. Hartley-O'Neill", Some("Hartley-O'Neill"));
        check("Lovelace", None);
        check("Henry IV", None);
        check("Richard I of England", None);
        check("Hugh Thompson, Jr.", None);
        check("Hugh Thompson, Junior", None);
        check("Li Bo", None);
    }
}
