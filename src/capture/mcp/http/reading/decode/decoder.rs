//! Decodes the bytes of a body through all of its codings.

use std::fmt;

use super::layer::{CodingLayer, Undecodable};
use crate::capture::mcp::http::reading::content::Codings;

/// Decodes coded bytes as they arrive.
pub(crate) struct Decoder {
    /// The coding that was applied last is first.
    layers: Vec<CodingLayer>,
    took: u64,
}

impl Decoder {
    pub(crate) fn new(codings: Codings) -> Result<Self, Undecodable> {
        let codings = codings.ok_or(Undecodable::Unknown)?;
        let layers = codings.into_iter().rev().map(CodingLayer::new).collect::<Result<_, _>>()?;
        Ok(Self { layers, took: 0 })
    }

    /// Emits the decoded bytes in pieces.
    pub(crate) fn decode(&mut self, bytes: &[u8], give: &mut dyn FnMut(&[u8])) -> Result<(), Undecodable> {
        if self.layers.is_empty() {
            give(bytes);
            return Ok(());
        }
        for few in bytes.chunks(AT_ONCE) {
            self.took += few.len() as u64;
            decode(&mut self.layers, few, self.took, give)?;
        }
        Ok(())
    }

    /// No more bytes will come. There may be no output so far, if they are only the beginning of something.
    pub(crate) fn end(&self) -> Result<(), Undecodable> {
        let is_empty = self.took > 0 && self.layers.last().is_some_and(|layer| layer.gave == 0);
        if is_empty { Err(Undecodable::Damaged) } else { Ok(()) }
    }
}

/// Decodes through all layers, for a body of which that many bytes have arrived.
fn decode(layers: &mut [CodingLayer], bytes: &[u8], took: u64, give: &mut dyn FnMut(&[u8])) -> Result<(), Undecodable> {
    let Some((layer, inner)) = layers.split_first_mut() else {
        give(bytes);
        return Ok(());
    };
    for few in bytes.chunks(AT_ONCE) {
        let (piece, written) = layer.decode(few);
        decode(inner, &piece.bytes, took, give)?;
        layer.gave += piece.bytes.len() as u64;
        if piece.is_full || layer.gave > MAY_GIVE + MAY_GIVE_PER_BYTE * took {
            return Err(Undecodable::Expands);
        }
        written.map_err(|_| Undecodable::Damaged)?;
    }
    Ok(())
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("layers", &self.layers.len()).field("took", &self.took).finish_non_exhaustive()
    }
}

/// How many bytes are decoded at a time.
const AT_ONCE: usize = 4096;
/// A body may grow that much beyond what its length allows, so that a short body is never too large.
pub(super) const MAY_GIVE: u64 = 16 * 1024 * 1024;
/// How many bytes one byte may become, over the whole body. JSON compresses to a tenth; a decompression bomb to a
/// thousandth.
pub(super) const MAY_GIVE_PER_BYTE: u64 = 100;
