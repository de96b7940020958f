//! Where words of an answer come from, read out of Google's shapes.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use crate::{canonical::Citation, formats::gemini_generate::wire::offsets::Offsets, json::Text};

/// Sources of an answer and what of it rests on them: <https://ai.google.dev/gemini-api/docs/google-search#grounded-response>.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grounding<'e> {
    #[serde(borrow)]
    grounding_chunks: Option<Vec<Chunk<'e>>>,
    grounding_supports: Option<Vec<Support>>,
    pub(super) search_entry_point: Option<IgnoredAny>,
    pub(super) web_search_queries: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'e> {
    #[serde(borrow)]
    web: Option<Place<'e>>,
    #[serde(borrow)]
    retrieved_context: Option<Place<'e>>,
    #[serde(borrow)]
    maps: Option<Place<'e>>,
}

#[derive(Debug, Deserialize)]
struct Place<'e> {
    #[serde(borrow)]
    uri: Option<Text<'e>>,
    #[serde(borrow)]
    title: Option<Text<'e>>,
    #[serde(borrow)]
    text: Option<Text<'e>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Support {
    segment: Option<Segment>,
    grounding_chunk_indices: Option<Vec<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Segment {
    start_index: Option<u64>,
    end_index: Option<u64>,
}

/// Passages that the model recited: <https://ai.google.dev/api/generate-content#citationmetadata>. Vertex calls the list
/// `citations`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recited<'e> {
    #[serde(borrow, alias = "citations")]
    citation_sources: Option<Vec<Passage<'e>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Passage<'e> {
    start_index: Option<u64>,
    end_index: Option<u64>,
    #[serde(borrow)]
    uri: Option<Text<'e>>,
    #[serde(borrow)]
    title: Option<Text<'e>>,
}

/// The sources that an answer has named so far: a stream names each once and refers to it by its number from then on.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Citation<'static>>);

/// Most sources that are remembered.
const MAX_SOURCES: usize = 128;

impl Sources {
    /// The citations of this chunk. `None` in place of one whose source is not known.
    pub(super) fn decode<'e>(&mut self, grounding: Grounding<'e>, text: &Offsets) -> Vec<Option<Citation<'static>>> {
        for chunk in grounding.grounding_chunks.unwrap_or_default() {
            if self.0.len() < MAX_SOURCES {
                let place = chunk.web.or(chunk.retrieved_context).or(chunk.maps);
                self.0.push(place.map(Place::into_citation).unwrap_or_default());
            }
        }
        let supports = grounding.grounding_supports.unwrap_or_default().into_iter();
        let citations = supports.flat_map(|support| {
            let span = support.segment.and_then(|segment| span(segment.start_index, segment.end_index, text));
            let indices = support.grounding_chunk_indices.unwrap_or_default().into_iter();
            indices.map(move |index| (index, span)).collect::<Vec<_>>()
        });
        citations.map(|(index, span)| Some(Citation { span, ..self.0.get(index)?.clone() })).collect()
    }
}

impl<'e> Recited<'e> {
    /// The citations, one a passage.
    pub(super) fn decode(self, text: &Offsets) -> Vec<Option<Citation<'e>>> {
        let passages = self.citation_sources.unwrap_or_default().into_iter();
        let citations = passages.map(|passage| {
            let Passage { start_index, end_index, uri, title } = passage;
            let span = span(start_index, end_index, text);
            let (url, title) = (uri.map(|text| text.0), title.map(|text| text.0));
            let is_known = url.is_some() || title.is_some();
            is_known.then_some(Citation { url, title, cited_text: None, span })
        });
        citations.collect()
    }
}

impl Place<'_> {
    fn into_citation(self) -> Citation<'static> {
        let own = |text: Option<Text<'_>>| {
            let text = text.map(|text| text.0.into_owned()).filter(|text| !text.is_empty());
            text.map(Cow::Owned)
        };
        Citation { url: own(self.uri), title: own(self.title), cited_text: own(self.text), span: None }
    }
}

/// A start of 0 is left out on the wire.
fn span(start: Option<u64>, end: Option<u64>, text: &Offsets) -> Option<(u64, u64)> {
    let (start, end) = (text.char_at(start.unwrap_or(0))?, text.char_at(end?)?);
    (start <= end).then_some((start, end))
}
