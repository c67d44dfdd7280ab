//! The SQLite adapter, through the ports and the driver table.

mod cancel_safety;
mod database;
mod migrations;
mod support;
