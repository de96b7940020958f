//! Where words of an answer come from, in Google's shape.

use serde::Serialize;

use crate::{canonical::Citation, formats::gemini_generate::wire::offsets::Offsets};

/// `groundingMetadata` of one citation. Sources are numbered through all of a stream, each named in the chunk that first needs
/// it (the reference of `groundingChunks`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroundingWire<'e> {
    pub(super) grounding_chunks: Vec<ChunkWire<'e>>,
    pub(super) grounding_supports: Vec<SupportWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ChunkWire<'e> {
    Web(PlaceWire<'e>),
    RetrievedContext(PlaceWire<'e>),
}

#[derive(Debug, Serialize)]
pub(super) struct PlaceWire<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'e str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SupportWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<SegmentWire>,
    grounding_chunk_indices: [usize; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SegmentWire {
    #[serde(skip_serializing_if = "is_zero")]
    part_index: usize,
    start_index: u64,
    end_index: u64,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Where a block's text stands in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the part of that number.
    Part(usize),
    /// So many bytes of text were streamed before it; a client joins the pieces.
    Behind(u64),
}

/// A citation as the source of that number.
pub(super) fn encode_citation<'e>(
    citation: &'e Citation<'_>,
    number: usize,
    text: &Offsets,
    standing: Standing,
) -> (ChunkWire<'e>, SupportWire) {
    let Citation { url, title, cited_text, span } = citation;
    let (uri, title, text_of_source) = (url.as_deref(), title.as_deref(), cited_text.as_deref());
    // A source on the web has no place for its words, one of a file store has.
    let chunk = match (uri, text_of_source) {
        (Some(_), None) => ChunkWire::Web(PlaceWire { uri, title, text: None }),
        (uri, text) => ChunkWire::RetrievedContext(PlaceWire { uri, title, text }),
    };
    let segment = span.and_then(|(start, end)| {
        let (start, end) = (text.byte_at(start)?, text.byte_at(end)?);
        let (part_index, before) = match standing {
            Standing::Part(index) => (index, 0),
            Standing::Behind(bytes) => (0, bytes),
        };
        let (start_index, end_index) = (before.saturating_add(start), before.saturating_add(end));
        Some(SegmentWire { part_index, start_index, end_index })
    });
    (chunk, SupportWire { segment, grounding_chunk_indices: [number] })
}
