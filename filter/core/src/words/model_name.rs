//! The names of models that vendors publish under a date.

/// The name without what a vendor puts behind it for one publication of the same model, which has the same price:
/// `-YYYY-MM-DD`, `-YYYYMMDD` or `-latest`. Any other name is left as it is: `mistral-large-2411` and
/// `gemini-embedding-001` are models of their own, with prices of their own.
#[must_use]
pub fn undated(model: &str) -> &str {
    let date = || ["-0000-00-00", "-00000000"].into_iter().find_map(|shape| strip_date(model, shape));
    model.strip_suffix("-latest").or_else(date).filter(|name| !name.is_empty()).unwrap_or(model)
}

/// What is before a date of this shape, in which `0` stands for any digit.
fn strip_date<'a>(model: &'a str, shape: &str) -> Option<&'a str> {
    let (name, date) = model.split_at_checked(model.len().checked_sub(shape.len())?)?;
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
    date.bytes().zip(shape.bytes()).all(fits).then_some(())?;
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u32>().ok();
    let (month, day) = (part(4..6)?, part(6..8)?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::undated;

    #[test]
    fn a_date_at_the_end_is_left_out() {
        assert_eq!(undated("gpt-4o-2024-08-06"), "gpt-4o");
        assert_eq!(undated("claude-sonnet-4-5-20250929"), "claude-sonnet-4-5");
        assert_eq!(undated("codestral-latest"), "codestral");
    }

    #[test]
    fn any_other_name_is_whole() {
        for whole in [
            "gpt-4o",
            "gpt-4o-2024",
            "gpt-4o-2024-13-01",
            "gpt-4o-20241200",
            "gpt-4-0613",
            "-20250929",
            "-latest",
            "mistral-large-2411",
            "gemini-embedding-001",
            "qwen2.5:32b",
            "größe-xyz",
            "ü-2025092",
            "",
        ] {
            assert_eq!(undated(whole), whole);
        }
    }
}
