//! The text of a cron expression: which fields it has, and what may stand in each.

use std::str::FromStr;

/// One field of an expression.
struct Field {
    name: &'static str,
    range: &'static str,
    max: u32,
    /// Names that stand for numbers, with the first one's number.
    names: (&'static [&'static str], u32),
    /// The letters, besides names, that the field knows.
    modifiers: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 6] = [
    Field { name: "second", range: "0-59", max: 59, names: (&[], 0), modifiers: &[] },
    Field { name: "minute", range: "0-59", max: 59, names: (&[], 0), modifiers: &[] },
    Field { name: "hour", range: "0-23", max: 23, names: (&[], 0), modifiers: &[] },
    Field {
        name: "day of month",
        range: "1-31, `L`, `LW`, `15W`",
        max: 31,
        names: (&[], 0),
        modifiers: &["L", "W", "LW"],
    },
    Field { name: "month", range: "1-12 or JAN-DEC", max: 12, names: (MONTHS, 1), modifiers: &[] },
    Field {
        name: "day of week",
        range: "0-7 or SUN-SAT (0 and 7 are Sunday), `5L`, `5#2`",
        max: 7,
        names: (WEEKDAYS, 0),
        modifiers: &["L"],
    },
];

const NICKNAMES: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// An expression that was understood.
pub(super) struct Parsed {
    pub(super) pattern: croner::CronPattern,
    /// Whether second, minute and hour are spelled out, without an asterisk.
    pub(super) fixed_time: bool,
}

/// Reads five fields (minute first), six (second first), or a nickname such as `@daily`.
pub(super) fn parse(expression: &str) -> Result<Parsed, String> {
    let text = expand_nickname(expression.trim())?;
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    match fields.len() {
        5 => fields.insert(0, "0"),
        6 => {}
        0 => return Err("it is empty".to_owned()),
        count => return Err(format!("it has {count} fields; write five (minute first) or six (second first)")),
    }
    let mut normal = Vec::with_capacity(FIELDS.len());
    for (field, written) in FIELDS.iter().zip(&fields) {
        normal.push(
            normalise(field, written).map_err(|reason| format!("the {} field `{written}` {reason}", field.name))?,
        );
    }
    match croner::Cron::from_str(&normal.join(" ")) {
        Ok(cron) => {
            Ok(Parsed { pattern: cron.pattern, fixed_time: !normal.iter().take(3).any(|field| field.contains('*')) })
        }
        Err(_) => Err(explain(&fields, &normal)),
    }
}

fn expand_nickname(text: &str) -> Result<&str, String> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    match NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, meaning)) => Ok(meaning),
        None => {
            let known: Vec<&str> = NICKNAMES.iter().map(|(name, _)| *name).collect();
            Err(format!("`{text}` is no nickname; there are {}", known.join(", ")))
        }
    }
}

/// Replaces names by numbers and refuses what the parser behind would silently read as something else.
fn normalise(field: &Field, written: &str) -> Result<String, String> {
    let is_day = !field.modifiers.is_empty();
    if is_day && written == "?" {
        return Ok("*".to_owned());
    }
    let (both, list) = match written.strip_prefix('+') {
        Some(list) if field.name == "day of week" => ("+", list),
        _ => ("", written),
    };
    let mut items = Vec::new();
    for item in list.split(',') {
        if item.is_empty() {
            return Err("has an empty item in its list".to_owned());
        }
        if let Some((_, step)) = item.split_once('/')
            && step.parse::<u32>().is_ok_and(|step| step > field.max)
        {
            return Err(format!("has a step of {step}, more than the field holds ({})", field.range));
        }
        items.push(replace_names(field, item)?);
    }
    if field.name == "day of week" && items.iter().any(|item| item == "L") {
        return Err("has `L` without a weekday; write `5L` for the last Friday of the month".to_owned());
    }
    if items.iter().any(|item| item == "L") && items.iter().any(|item| item == "LW") {
        return Err("has both `L` and `LW`".to_owned());
    }
    Ok(format!("{both}{}", items.join(",")))
}

fn replace_names(field: &Field, item: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = item;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() {
            let end = rest.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            out.push_str(&replace_name(field, word, out.ends_with('-'))?);
            rest = tail;
        } else if first.is_ascii_digit() || matches!(first, '*' | '-' | '/' | '#') {
            out.push(first);
            rest = &rest[1..];
        } else {
            return Err(format!("has a `{first}`, which means nothing there; it takes {}", field.range));
        }
    }
    // A digit next to a name would join it to another number.
    let letter_after_digit = item.as_bytes().windows(2).any(|pair| {
        pair[0].is_ascii_digit()
            && pair[1].is_ascii_alphabetic()
            && !matches!(pair[1].to_ascii_uppercase(), b'L' | b'W')
    });
    let digit_after_letter =
        item.as_bytes().windows(2).any(|pair| pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit());
    if letter_after_digit || digit_after_letter {
        return Err("joins a number and a name".to_owned());
    }
    Ok(out)
}

fn replace_name(field: &Field, word: &str, ends_range: bool) -> Result<String, String> {
    let word = word.to_ascii_uppercase();
    if field.modifiers.contains(&word.as_str()) {
        return Ok(word);
    }
    let (names, first) = field.names;
    // `FRIL` is the last Friday.
    let (name, last) = match word.strip_suffix('L') {
        Some(name) if field.modifiers.contains(&"L") && names.contains(&name) => (name, "L"),
        _ => (word.as_str(), ""),
    };
    match names.iter().zip(first..).find(|(known, _)| **known == name) {
        // A range that ends on Sunday counts it as the seventh day.
        Some((_, 0)) if ends_range => Ok(format!("7{last}")),
        Some((_, number)) => Ok(format!("{number}{last}")),
        None => Err(format!("has `{word}`, which means nothing there; it takes {}", field.range)),
    }
}

/// Finds the field that the parser refuses: each is tried with stars in the others' places.
fn explain(written: &[&str], normal: &[String]) -> String {
    for (index, field) in FIELDS.iter().enumerate() {
        let alone: Vec<&str> =
            (0..FIELDS.len()).map(|place| if place == index { normal[index].as_str() } else { "*" }).collect();
        if croner::Cron::from_str(&alone.join(" ")).is_err() {
            return format!(
                "the {} field `{}` is not understood; it takes {}, `*`, lists `1,2`, ranges `1-5` from the smaller to \
                 the larger, and steps `*/2` or `1-9/2`",
                field.name, written[index], field.range
            );
        }
    }
    "its fields do not fit together".to_owned()
}
