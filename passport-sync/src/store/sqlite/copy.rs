//! Copying a relay's database into another, row by row, so that it can be cut and gone on with.

use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;

use super::{SqliteFile, connect, keep_private, schema};
use crate::store::StoreError;

/// Rows copied in one transaction.
const ROWS: usize = 10_000;
/// Every table, and what orders its rows.
const TABLES: [(&str, &[&str]); 12] = [
    ("relay", &["only"]),
    ("generations", &["seq"]),
    ("keys", &["id"]),
    ("channels", &["id"]),
    ("lists", &["channel_id"]),
    ("members", &["key_id", "channel_id"]),
    ("objects", &["seq"]),
    ("mailboxes", &["mailbox", "sender"]),
    ("feed", &["key_id", "position"]),
    ("counts", &["key", "meter"]),
    ("blobs", &["id"]),
    ("links", &["id"]),
];

/// What a copy has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Envelopes, letters and access lists.
    pub objects: u64,
    /// Rows of all tables.
    pub rows: u64,
}

impl SqliteFile {
    /// Copies everything into the database at `to`, which is made if it is not there, and
    /// compares every row. What an earlier run copied is not copied again. No relay may serve from
    /// either meanwhile; afterwards one may from the copy, and none from both.
    ///
    /// # Errors
    /// Returns [`StoreError::Differs`] when `to` holds something else, or the original was changed
    /// meanwhile; else as [`SqliteFile::open`].
    pub fn copy_into(&self, to: &Path) -> Result<Copied, StoreError> {
        keep_private(to)?;
        let mut copy = connect(to)?;
        schema::lay(&mut copy)?;
        let from = self.0.path().unwrap_or_default();
        copy.execute("ATTACH ?1 AS source", [from])?;
        for (table, order) in TABLES {
            while copy_some(&copy, table, &order.join(", "))? == ROWS {}
        }
        let mut copied = Copied::default();
        let compared = copy.transaction()?;
        for (table, order) in TABLES {
            let rows = compare(&compared, table, order)?;
            copied.rows += rows;
            copied.objects += if table == "objects" { rows } else { 0 };
        }
        Ok(copied)
    }
}

/// Copies the next rows of a table; how many.
fn copy_some(copy: &Connection, table: &str, order: &str) -> Result<usize, StoreError> {
    let begun = copy.query_row(
        &format!("SELECT count(*) FROM (SELECT 1 FROM main.{table} LIMIT 1)"),
        [],
        |row| row.get::<_, bool>(0),
    )?;
    let last = order.replace(", ", " DESC, ");
    let after = if begun {
        format!("WHERE ({order}) > (SELECT {order} FROM main.{table} ORDER BY {last} DESC LIMIT 1)")
    } else {
        String::new()
    };
    let sql = format!(
        "INSERT INTO main.{table} SELECT * FROM source.{table} {after} ORDER BY {order} LIMIT {ROWS}"
    );
    Ok(copy.execute(&sql, [])?)
}

/// Compares every row of a table in both; how many there are.
fn compare(copy: &Connection, table: &'static str, order: &[&str]) -> Result<u64, StoreError> {
    let count = |sql: &str| -> Result<u64, StoreError> {
        Ok(copy.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    };
    let columns: Vec<String> = copy
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let same: Vec<String> = order.iter().map(|c| format!("m.{c} = s.{c}")).collect();
    let other: Vec<String> = columns.iter().map(|c| format!("m.{c} IS NOT s.{c}")).collect();
    let differing = count(&format!(
        "SELECT count(*) FROM source.{table} s LEFT JOIN main.{table} m ON {} WHERE {}",
        same.join(" AND "),
        other.join(" OR ")
    ))?;
    let rows = count(&format!("SELECT count(*) FROM source.{table}"))?;
    let there = count(&format!("SELECT count(*) FROM main.{table}"))?;
    if differing > 0 || rows != there { Err(StoreError::Differs { table }) } else { Ok(rows) }
}
