//! Rows that are objects in JSON and lines in CSV, with their columns written once.

use axum::{
    http::header::CONTENT_TYPE,
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// A row of an answer.
pub(super) trait Row: Serialize {
    /// The columns in CSV.
    const COLUMNS: &'static [&'static str];
}

/// Declares a row, whose members are its columns in CSV; those after `json only` are not.
macro_rules! row {
    (
        $(#[$of_row:meta])*
        struct $row:ident {
            $($(#[$of_column:meta])* $column:ident: $type:ty,)*
        }
        $(json only { $($(#[$of_member:meta])* $member:ident: $member_type:ty,)* })?
    ) => {
        $(#[$of_row])*
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(super) struct $row {
            $($(#[$of_column])* $column: $type,)*
            $($($(#[$of_member])* $member: $member_type,)*)?
        }

        impl $crate::http::usage::table::Row for $row {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];
        }
    };
}
pub(super) use row;

/// The rows with these of their columns.
pub(super) fn csv<R: Row>(rows: &[R], shown: impl Fn(&str) -> bool, next_cursor: Option<String>) -> Response {
    let columns: Vec<&str> = R::COLUMNS.iter().copied().filter(|column| shown(column)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let line = |row: &R| {
        let members = members(row);
        columns.iter().map(|column| cell(&members, column)).collect::<Vec<_>>()
    };
    // Writing to memory cannot fail, and rows are as long as the head.
    let written =
        writer.write_record(&columns).and_then(|()| rows.iter().try_for_each(|row| writer.write_record(line(row))));
    let text = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    // Rows have no place for it, and without it nobody would see that there is more.
    let next = next_cursor.map(|cursor| AppendHeaders([("x-next-cursor", cursor)]));
    ([(CONTENT_TYPE, "text/csv; charset=utf-8")], next, text).into_response()
}

fn members(row: &impl Row) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Text, nothing for what is not known, everything else as in JSON. Clients choose some of the text, and spreadsheets run what begins
/// like a formula: an apostrophe before it makes it text (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn cell(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
