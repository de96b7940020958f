//! How times are shown.

/// RFC 3339 in UTC.
pub(super) fn show_time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}
