//! The expressions that are compared, in the dialect that all sides share (Vixie's, with `L`, `W` and `#`).

const MINUTES: &[&str] = &["0", "30", "*/15", "7,37", "10-20/5", "59", "*", "*/7"];
const HOURS: &[&str] = &["*", "0", "1", "2", "3", "2,14", "*/2", "1-4", "23", "0,12"];
const DAYS: &[(&str, &str, &str)] = &[
    ("*", "*", "*"),
    ("1", "*", "*"),
    ("29", "2", "*"),
    ("31", "*", "*"),
    ("*", "*", "1-5"),
    ("*", "*", "0"),
    ("*", "3,10", "SUN"),
    ("13", "*", "5"),
    ("*/10", "*", "*"),
];

/// Written out one by one: what a product would write, what is rare, and what no calendar has.
const SINGLE: &[&str] = &[
    "0 9 * * 1-5",
    "*/5 8-18 * * 1-5",
    "0 0 1 1 *",
    "0 0 1 */3 *",
    "15 10 15 * *",
    "0 0 30 * *",
    "0 0 31 12 *",
    "0 0 29 2 *",
    "0 0 28-31 * *",
    "0 2 28-31 3,10 *",
    "30 1 * 3,4,10,11 *",
    "30 2 * 3,10 0",
    "45 1 * 4,10 0",
    "15 2 * 4,10 0",
    "0 3 * 4,9 0",
    "0 0 * 9,4 *",
    "0 0 * * 7",
    "0 0 * * 0,6",
    "0 12 * * MON",
    "0 12 * JAN,JUL MON-FRI",
    "0 12 1,15 * MON",
    "0 12 */2 * MON",
    "0 12 1-7 * MON",
    "0 6 * * MON,WED,FRI",
    "5 4 * * SUN",
    "0 22 * * 1-5",
    "23 0-20/2 * * *",
    "59 23 31 12 *",
    "0 0 L * *",
    "30 2 L * *",
    "0 12 L 2 *",
    "0 0 * * 5L",
    "0 12 * * 1L",
    "0 2 * 3,10 0L",
    "0 12 * * 1#1",
    "0 12 * * 5#2",
    "0 2 * 3 0#2",
    "0 2 * 11 0#1",
    "0 0 * * 3#5",
    "0 12 15W * *",
    "0 12 1W * *",
    "0 12 LW * *",
    "0 0 30 2 *",
    "0 0 31 4,6,9,11 *",
    "0 0 31 2 *",
];

/// Every expression: all combinations of times with any day, some times with every choice of days, and the single ones.
#[must_use]
pub fn all() -> Vec<String> {
    let mut all = Vec::new();
    for (minute_index, minute) in MINUTES.iter().enumerate() {
        for (hour_index, hour) in HOURS.iter().enumerate() {
            for (days_index, (day, month, weekday)) in DAYS.iter().enumerate() {
                // Any day for each time; of the others one in five, spread over the times.
                if days_index == 0 || (minute_index * 3 + hour_index * 7 + days_index) % 5 == 0 {
                    all.push(format!("{minute} {hour} {day} {month} {weekday}"));
                }
            }
        }
    }
    all.extend(SINGLE.iter().map(|&expression| expression.to_owned()));
    all
}

/// Whether minute and hour are spelled out: times of day, and no rhythm.
#[must_use]
pub fn names_times_of_day(expression: &str) -> bool {
    !expression.split(' ').take(2).any(|field| field.contains('*'))
}
