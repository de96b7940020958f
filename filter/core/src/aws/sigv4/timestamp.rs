//! The moment of a signature, as AWS writes it.

/// A moment in the basic form of ISO 8601, to the second: `20150830T123600Z`.
pub(super) fn basic(time_s: u64) -> String {
    let (days, second) = (time_s / 86_400, time_s % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of a number of days after 1970-01-01, in the Gregorian calendar. Years are counted from 1 March,
/// so that a leap day is the last of its year, in eras of 400 years, after which the calendar repeats.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_BEFORE_1970: u64 = 719_468; // since 0000-03-01
    let days = days.saturating_add(DAYS_BEFORE_1970);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = (day_of_era / 1460).saturating_sub(day_of_era / 36_524).saturating_add(day_of_era / 146_096);
    let year_of_era = day_of_era.saturating_sub(leap_days) / 365;
    let before_year = year_of_era.saturating_mul(365).saturating_add(year_of_era / 4).saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(before_year);
    // From March on, five months in a row always have 153 days.
    let month_from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let before_month = month_from_march.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(before_month).saturating_add(1);
    let month =
        if month_from_march < 10 { month_from_march.saturating_add(3) } else { month_from_march.saturating_sub(9) };
    let year = era.saturating_mul(400).saturating_add(year_of_era).saturating_add(u64::from(month <= 2));
    (year, month, day)
}
