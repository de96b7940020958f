//! JSON schemas on their way between formats that have them.

use std::borrow::Cow;

use crate::json::{Edit, Envelope};

/// The schema with this description in it, before its own if it has one: for formats without a member beside the schema.
pub(crate) fn describe<'s>(schema: &'s str, description: Option<&str>) -> Cow<'s, str> {
    let (Some(description), Ok(envelope)) = (description, Envelope::scan(schema.as_bytes())) else {
        return Cow::Borrowed(schema);
    };
    let both = match envelope.parse::<String>(schema.as_bytes(), "description") {
        Some(own) if own == description => return Cow::Borrowed(schema),
        Some(own) => format!("{description}\n{own}"),
        None => description.to_owned(),
    };
    let description = serde_json::to_string(&both).unwrap_or_default();
    let described = envelope.splice(schema.as_bytes(), &[Edit::Set("description", description.into())]);
    String::from_utf8(described).map_or(Cow::Borrowed(schema), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_goes_into_the_schema_before_its_own() {
        assert_eq!(describe(r#"{"type":"object"}"#, Some("a \"b\"")), r#"{"type":"object","description":"a \"b\""}"#);
        assert_eq!(describe(r#"{"description":"own"}"#, Some("other")), r#"{"description":"other\nown"}"#);
        assert_eq!(describe(r#"{"description":"own"}"#, Some("own")), r#"{"description":"own"}"#);
        assert_eq!(describe("{}", None), "{}");
    }
}
