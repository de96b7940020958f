//! The words as the protocol between the planes has them; the only place that pairs the two.

use tollgate_proto::v1;

use super::{EstimateMethod, Format, LossKind, Operation, Outcome, Provenance};

/// Pairs every value of a word with the protocol's, both ways; the protocol's `Unspecified` is none.
macro_rules! pairs {
    ($word:ident { $($variant:ident),+ $(,)? }) => {
        impl From<$word> for v1::$word {
            fn from(word: $word) -> Self {
                match word {
                    $($word::$variant => Self::$variant,)+
                }
            }
        }

        impl $word {
            /// The number that the protocol has for it, 0 for none.
            #[must_use]
            pub fn to_wire(word: Option<Self>) -> i32 {
                word.map_or(v1::$word::Unspecified, v1::$word::from).into()
            }

            /// From the protocol's number; 0 is none.
            ///
            /// # Errors
            /// The number, when this version does not know it.
            pub fn from_wire(number: i32) -> Result<Option<Self>, i32> {
                match v1::$word::try_from(number) {
                    $(Ok(v1::$word::$variant) => Ok(Some(Self::$variant)),)+
                    Ok(v1::$word::Unspecified) => Ok(None),
                    Err(_) => Err(number),
                }
            }
        }
    };
}

pairs!(Format {
    OpenaiChat,
    OpenaiEmbeddings,
    AnthropicMessages,
    OpenaiResponses,
    OpenaiCompletions,
    GeminiGenerate,
    BedrockConverse,
});
pairs!(Operation { Chat, Embeddings });
pairs!(Outcome { Success, ProviderError, ClientAbort, Refused, Interrupted, Lost });
pairs!(Provenance { Reported, Partial, Estimated, None });
pairs!(EstimateMethod { Counted, Bytes });
pairs!(LossKind { Approximated, Dropped });
