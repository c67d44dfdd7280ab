//! A column is read into one field; the struct stays readable, so that there is one message.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
pub struct User {
    id: i64,
    #[row(column = "id")]
    number: i64,
}

fn read<T: athyper::sql::FromRow>() {}

pub fn uses() {
    read::<User>();
}

fn main() {}
