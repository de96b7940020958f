//! The words that both planes use: names of things as types. What two planes must agree on is said here once.
//! Nothing here is tied to a thread, unlike the rest of the core, which shares by counting within one VM.

mod exchange;
mod format;
mod glob;
mod id;
mod key_digest;
pub mod model_name;
mod secret;
mod subset;
mod time;
mod wire;

pub use exchange::{EstimateMethod, LossKind, Operation, Outcome, Provenance};
pub use format::Format;
pub use glob::Glob;
pub use id::ExchangeId;
pub use key_digest::KeyDigest;
pub use secret::Secret;
pub use subset::Subset;
pub use time::Millis;

/// Gives an enum its names, as they stand in configuration, on records, in SQL and in JSON.
macro_rules! names {
    ($word:ident { $($variant:ident = $name:literal,)+ }) => {
        impl $word {
            /// Every one.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name in configuration, on records and in metrics.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// From its name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $word {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $word {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $word {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::from_name(&name).ok_or_else(|| serde::de::Error::custom(format_args!("`{name}` is not known")))
            }
        }
    };
}
use names;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_word() {
        assert!(Format::ALL.iter().all(|word| Format::from_name(word.name()) == Some(*word)));
        assert!(Operation::ALL.iter().all(|word| Operation::from_name(word.name()) == Some(*word)));
        assert!(Outcome::ALL.iter().all(|word| Outcome::from_name(word.name()) == Some(*word)));
        assert!(Provenance::ALL.iter().all(|word| Provenance::from_name(word.name()) == Some(*word)));
        assert!(LossKind::ALL.iter().all(|word| LossKind::from_name(word.name()) == Some(*word)));
        assert!(EstimateMethod::ALL.iter().all(|word| EstimateMethod::from_name(word.name()) == Some(*word)));
        assert_eq!(Format::from_name("openai"), None);
    }

    #[test]
    fn words_go_between_threads() {
        fn is_free<T: Send + Sync>() {}
        is_free::<(Format, Operation, Outcome, Provenance)>();
        is_free::<(ExchangeId, Glob, KeyDigest, Millis, Secret, Subset)>();
    }
}
