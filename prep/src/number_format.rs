//! Numbers formatted for people.

/// A number with commas between groups of three digits: `12,345`.
pub fn grouped(number: u64) -> String {
    group(&number.to_string(), ',')
}

/// ASCII digits with a separator between groups of three.
pub fn group(digits: &str, separator: char) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 row`, `2 rows`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A count of entities: `1 entity`, `2 entities`.
pub fn counted_entities(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "entity" } else { "entities" })
}

/// A fraction in percent: `12.5 %`, or a dash if the whole is 0.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}
