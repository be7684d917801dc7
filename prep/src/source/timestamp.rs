//! Timestamps of revisions.

/// Milliseconds since 1970 (UTC) of a timestamp in ISO 8601: `2018-05-17T16:33:09Z`, as MediaWiki exports it, or what other programs write:
/// with fractions of a second, an offset from UTC (`+01:00`), a space for the `T`, or without a zone, which is taken for UTC.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = (time[..zone_at].trim_end(), &time[zone_at..]);
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once(['.', ',']).unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && (0..100_000).contains(&year)
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    // Howard Hinnant's days_from_civil: years start in March, so that the leap day is the last day of a year.
    let (shifted_year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds = days * 86_400 + hour * 3600 + (minute - offset_minutes(zone)?) * 60 + second;
    in_range.then_some(seconds * 1000 + millis)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let parts: Vec<i64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// Minutes by which a zone is ahead of UTC: `Z`, none, `+01:00`, `+0100` or `+01`.
fn offset_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next() {
        None | Some('Z' | 'z') => return (zone.len() <= 1).then_some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits = zone[1..].replace(':', "");
    let (hours, minutes) = (digits.get(..2)?, digits.get(2..).filter(|rest| !rest.is_empty()).unwrap_or("0"));
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_parsed() {
        const MAY: i64 = 1_526_574_789_000;
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2018-05-17T16:33:09Z", Some(MAY)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2018-05-17T16:33:09.123Z", Some(MAY + 123)),
            ("2018-05-17T16:33:09.5", Some(MAY + 500)),
            ("2018-05-17T16:33:09.1234567Z", Some(MAY + 123)),
            ("2018-05-17T17:33:09+01:00", Some(MAY)),
            ("2018-05-17T11:03:09-0530", Some(MAY)),
            ("2018-05-17T18:33:09+02", Some(MAY)),
            (" 2018-05-17 16:33:09 ", Some(MAY)),
            ("yesterday", None),
            ("2018-05-17", None),
            ("2018-13-17T16:33:09Z", None),
            ("2018-05-17T16:33:09Zulu", None),
            ("2018-05-17T16:33:09.xZ", None),
            ("2018-05-17T16:33:09+xx", None),
            ("2018-05-17T16:33:09.é", None),
        ] {
            assert_eq!(parse_timestamp(text), expected, "{text}");
        }
    }
}
