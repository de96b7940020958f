//! Durations, sizes and numbers as people write them.

/// Milliseconds of `500ms`, `30s`, `5m` or `1h`.
pub(super) fn duration_ms(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u32 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit).filter(|ms| *ms > 0)
}

/// Bytes of `4096`, `64KiB`, `32MiB` or `1GiB`.
pub(super) fn size_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match &text[digits..] {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_are_not_zero() {
        assert_eq!(duration_ms("500ms"), Some(500));
        assert_eq!(duration_ms("10m"), Some(600_000));
        for wrong in ["30", "s", "0s", "-1s", "1.5s", "9999999h", ""] {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(size_bytes("32MiB"), Some(32 << 20));
        assert_eq!(size_bytes("100"), Some(100));
        for wrong in ["32MB", "0", "MiB", "99999999999999999999", ""] {
            assert_eq!(size_bytes(wrong), None, "{wrong}");
        }
    }
}
