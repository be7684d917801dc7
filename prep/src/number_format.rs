//! Numbers as people read them.

/// A number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    group(&number.to_string(), ',')
}

/// ASCII digits with something between thousands.
pub fn group(digits: &str, thousands: char) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(thousands);
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 row`, `2 rows`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A number of entities.
pub fn counted_entities(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "entity" } else { "entities" })
}

/// A part of a whole in percent.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}
