//! The core's words in JSON: by their names, and `null` for none. For `#[serde(with = "…")]`.

macro_rules! by_name {
    ($module:ident, $word:ident) => {
        pub(super) mod $module {
            use serde::{Deserialize, Deserializer, Serializer, de::Error};
            use tollgate_core::words::$word;

            pub(in crate::domain) fn serialize<S: Serializer>(word: &$word, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(word.name())
            }

            pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$word, D::Error> {
                let name = String::deserialize(from)?;
                $word::from_name(&name).ok_or_else(|| D::Error::custom(format!("`{name}` is not known")))
            }
        }
    };
}

macro_rules! maybe_by_name {
    ($module:ident, $word:ident) => {
        pub(super) mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
            use tollgate_core::words::$word;

            pub(in crate::domain) fn serialize<S: Serializer>(word: &Option<$word>, to: S) -> Result<S::Ok, S::Error> {
                word.map($word::name).serialize(to)
            }

            pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<Option<$word>, D::Error> {
                let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
                let known = $word::from_name(&name);
                known.map(Some).ok_or_else(|| D::Error::custom(format!("`{name}` is not known")))
            }
        }
    };
}

by_name!(provenance, Provenance);
by_name!(loss_kind, LossKind);
maybe_by_name!(maybe_format, Format);
maybe_by_name!(maybe_outcome, Outcome);
