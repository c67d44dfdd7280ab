//! `#[derive(Row)]`.

use std::sync::Arc;

use athyper::prelude::*;
use athyper::sql::{FromRow, SqlValue};
use serde::Deserialize;

#[derive(Debug, PartialEq, Row)]
struct UserRow {
    id: i64,
    #[row(column = "e_mail")]
    email: Option<String>,
    #[row(json)]
    settings: Settings,
    #[row(json, default)]
    tags: Vec<String>,
    #[row(default)]
    visits: u32,
    r#type: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Settings {
    dark: bool,
}

fn row(values: &[(&str, SqlValue)]) -> athyper::sql::Row {
    let columns: Vec<String> = values.iter().map(|(name, _)| (*name).to_owned()).collect();
    athyper::sql::Row::new(Arc::from(columns), values.iter().map(|(_, value)| value.clone()).collect())
}

fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.to_owned())
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let read = UserRow::from_row(row(&[
        ("type", text("person")),
        ("settings", text(r#"{"dark": true}"#)),
        ("id", SqlValue::Integer(7)),
        ("tags", text(r#"["a"]"#)),
        ("e_mail", SqlValue::Null),
        ("visits", SqlValue::Integer(3)),
        ("unread", SqlValue::Null),
    ]));
    let expected = UserRow {
        id: 7,
        email: None,
        settings: Settings { dark: true },
        tags: vec!["a".to_owned()],
        visits: 3,
        r#type: "person".to_owned(),
    };
    assert_eq!(read.unwrap(), expected);
}

#[test]
fn defaults_stand_in_for_missing_columns_and_null() {
    let base = [("id", SqlValue::Integer(1)), ("e_mail", SqlValue::Null), ("settings", text(r#"{"dark": false}"#))];
    let missing = UserRow::from_row(row(&[&base[..], &[("type", text("x"))]].concat())).unwrap();
    assert!(missing.tags.is_empty() && missing.visits == 0);
    let null = [("type", text("x")), ("tags", SqlValue::Null), ("visits", SqlValue::Null)];
    assert_eq!(UserRow::from_row(row(&[&base[..], &null].concat())).unwrap(), missing);
}

#[test]
fn what_does_not_fit_names_the_column() {
    let fails = |values: &[(&str, SqlValue)]| UserRow::from_row(row(values)).unwrap_err().to_string();
    assert!(fails(&[]).contains("`id`"));
    assert!(fails(&[("id", text("seven"))]).contains("`id`"));
    let bad = [("id", SqlValue::Integer(1)), ("e_mail", SqlValue::Null), ("settings", text("[]"))];
    assert!(fails(&bad).contains("`settings`"));
}
