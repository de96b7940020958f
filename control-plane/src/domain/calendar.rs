//! Where hours, days and months begin in a time zone, within a range of time.

use jiff::{Timestamp, civil, tz::TimeZone};

/// How long a stretch of time is that records are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they say it")]
pub enum Unit {
    Hour,
    Day,
    Month,
}

/// A zone, and how its clocks on the wall stand to UTC in the range that is asked about.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    range: (i64, i64),
    /// Offsets from UTC in milliseconds, each with the moment from which it holds; the first holds before, too.
    offsets: Vec<(i64, i64)>,
}

/// An hour of UTC, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// A day of UTC, in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

impl Calendar {
    /// Of the moments from `from` until before `to`.
    #[must_use]
    pub fn new(zone: TimeZone, from: i64, to: i64) -> Self {
        let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1000;
        let begin = moment(from);
        let changes = zone.following(begin).take_while(|change| change.timestamp() < moment(to));
        let first = (from, offset(begin));
        let offsets = std::iter::once(first)
            .chain(changes.map(|change| (change.timestamp().as_millisecond(), offset(change.timestamp()))))
            .collect();
        Self { zone, range: (from, to), offsets }
    }

    /// The zone's name; `UTC` where it has none.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// As this, of another range.
    #[must_use]
    pub fn of_range(&self, from: i64, to: i64) -> Self {
        Self::new(self.zone.clone(), from, to)
    }

    /// Offsets from UTC in milliseconds, each with the moment from which it holds; the first holds before, too.
    #[must_use]
    pub fn offsets(&self) -> &[(i64, i64)] {
        &self.offsets
    }

    /// Whether days begin where those of UTC do.
    #[must_use]
    pub fn is_utc(&self) -> bool {
        self.offsets.iter().all(|(_, offset)| *offset == 0)
    }

    /// Whether hours begin where those of UTC do.
    #[must_use]
    pub fn has_whole_hours(&self) -> bool {
        self.offsets.iter().all(|(_, offset)| offset % HOUR_MS == 0)
    }

    /// The months of the range: the moment that each ends before, and its first day by the clocks on the wall.
    #[must_use]
    pub fn months(&self) -> Vec<(i64, i64)> {
        let (from, to) = self.range;
        let mut first = moment(from).to_zoned(self.zone.clone()).date().first_of_month();
        let mut months = Vec::new();
        while let Ok(next) = first.checked_add(jiff::Span::new().months(1)) {
            let Ok(end) = next.to_zoned(self.zone.clone()) else { break };
            let end = end.timestamp().as_millisecond();
            months.push((end, on_the_wall(first)));
            if end >= to {
                break;
            }
            first = next;
        }
        months
    }

    /// The moment at which a day begins, `days` after the one that a moment is in.
    #[must_use]
    pub fn day_after(&self, at: i64, days: i64) -> i64 {
        let day = moment(at).to_zoned(self.zone.clone()).date();
        let later = day.saturating_add(jiff::Span::new().days(days));
        later.to_zoned(self.zone.clone()).map_or(i64::MAX, |start| start.timestamp().as_millisecond())
    }

    /// The moment at which the stretch begins that a group's value names.
    #[must_use]
    pub fn begin(&self, unit: Unit, value: i64) -> i64 {
        if unit == Unit::Hour {
            return value;
        }
        let day = moment(value).to_zoned(TimeZone::UTC).date();
        day.to_zoned(self.zone.clone()).map_or(value, |start| start.timestamp().as_millisecond())
    }

    /// A moment as RFC 3339, with the zone's offset; `Z` in UTC.
    #[must_use]
    pub fn show(&self, at: i64) -> String {
        let at = moment(at);
        if self.zone == TimeZone::UTC {
            return at.to_string();
        }
        at.display_with_offset(self.zone.to_offset(at)).to_string()
    }
}

fn moment(ms: i64) -> Timestamp {
    let held = ms.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(held).unwrap_or_default()
}

fn on_the_wall(day: civil::Date) -> i64 {
    day.to_zoned(TimeZone::UTC).map_or(0, |day| day.timestamp().as_millisecond())
}
