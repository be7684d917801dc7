//! Timestamps of revisions.

/// Milliseconds since 1970 (UTC) of a timestamp such as `2018-05-17T16:33:09Z`, the one form of ISO 8601 that MediaWiki exports.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.trim().strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60 && year.abs() < 100_000;
    // Howard Hinnant's days_from_civil: years start in March, so that the leap day is the last day of a year.
    let (shifted_year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + day_of_era - 719_468;
    in_range.then_some((days * 86_400 + hour * 3600 + minute * 60 + second) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_parsed() {
        assert_eq!(parse_timestamp("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_timestamp("2018-05-17T16:33:09Z"), Some(1_526_574_789_000));
        assert_eq!(parse_timestamp("2000-02-29T12:00:00Z"), Some(951_825_600_000));
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
