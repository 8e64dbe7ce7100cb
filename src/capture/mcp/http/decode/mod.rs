//! The copy of a body that is read, without its content coding.
//!
//! Invariants:
//! 1. What can be decoded of the bytes that have come is decoded now: an event that a server has flushed is seen when it
//!    passes, not when more follows.
//! 2. Memory is bounded whatever a body expands to, and so is the work: [`Undecodable::Expands`] beyond the limit, which is
//!    that of each coding where there are several.
//!
//!
//! zstd is read by the C library: the decoders that are written in Rust keep back a whole window of what they have decoded, so
//! the events of a stream would be seen late or, if the client goes away, not at all.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};

use brotli_decompressor::{BrotliDecoderParameter, DecompressorWriter};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use zstd::stream::write::Decoder as ZstdDecoder;

use super::content::{Coding, Codings};

/// Takes the coded bytes as they come.
pub(super) struct Decoder {
    /// What was applied last first.
    layers: Vec<Layer>,
    took: u64,
}

/// One coding.
struct Layer {
    coded: Coded,
    gave: u64,
}

enum Coded {
    /// Zlib or bare deflate; the first byte tells.
    Deflate,
    By(Box<dyn Decode>),
}

/// Why a body cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// It is coded in a way that is not known here.
    Unknown,
    /// It is not what its header says.
    Damaged,
    /// It becomes too large.
    Expands,
}

impl Decoder {
    pub(super) fn new(codings: Codings) -> Result<Self, Undecodable> {
        let codings = codings.ok_or(Undecodable::Unknown)?;
        let layers = codings.into_iter().rev().map(Layer::new).collect::<Result<_, _>>()?;
        Ok(Self { layers, took: 0 })
    }

    /// Gives what the bytes mean, in pieces.
    pub(super) fn decode(&mut self, bytes: &[u8], give: &mut dyn FnMut(&[u8])) -> Result<(), Undecodable> {
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

    /// No more bytes will come. Of some nothing may have come out: they are the beginning of something.
    pub(super) fn end(&self) -> Result<(), Undecodable> {
        let is_empty = self.took > 0 && self.layers.last().is_some_and(|layer| layer.gave == 0);
        if is_empty { Err(Undecodable::Damaged) } else { Ok(()) }
    }
}

/// Through all of the layers, of a body of which so much has come.
fn decode(layers: &mut [Layer], bytes: &[u8], took: u64, give: &mut dyn FnMut(&[u8])) -> Result<(), Undecodable> {
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

impl Layer {
    fn new(coding: Coding) -> Result<Self, Undecodable> {
        let coded = match coding {
            Coding::Gzip => Coded::By(Box::new(MultiGzDecoder::new(Piece::default()))),
            Coding::Deflate => Coded::Deflate,
            Coding::Brotli => {
                let mut decoder = DecompressorWriter::new(Piece::default(), BUFFER);
                // Windows beyond 16 MiB are no part of the `br` coding (RFC 7932).
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                Coded::By(Box::new(decoder))
            }
            Coding::Zstd => {
                // There is nothing that can fail here but memory.
                let mut decoder = ZstdDecoder::new(Piece::default()).map_err(|_| Undecodable::Damaged)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| Undecodable::Damaged)?;
                Coded::By(Box::new(decoder))
            }
        };
        Ok(Self { coded, gave: 0 })
    }

    fn decode(&mut self, bytes: &[u8]) -> (Piece, io::Result<()>) {
        if let (Coded::Deflate, Some(first)) = (&self.coded, bytes.first()) {
            // CM of RFC 1950 is 8. Bare deflate begins so only with a stored block whose padding is not zero.
            self.coded = Coded::By(match first & 0x0f {
                8 => Box::new(ZlibDecoder::new(Piece::default())),
                _ => Box::new(DeflateDecoder::new(Piece::default())),
            });
        }
        let Coded::By(decoder) = &mut self.coded else { return (Piece::default(), Ok(())) };
        let written = decoder.write_all(bytes).and_then(|()| decoder.flush());
        (std::mem::take(decoder.piece()), written)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("layers", &self.layers.len()).field("took", &self.took).finish_non_exhaustive()
    }
}

/// What the decoders of all codings have in common.
trait Decode: Write + Send + Sync {
    fn piece(&mut self) -> &mut Piece;
}

macro_rules! decode {
    ($($decoder:ident)*) => {
        $(
            impl Decode for $decoder<Piece> {
                fn piece(&mut self) -> &mut Piece {
                    self.get_mut()
                }
            }
        )*
    };
}

decode! { MultiGzDecoder ZlibDecoder DeflateDecoder DecompressorWriter }

impl Decode for ZstdDecoder<'static, Piece> {
    fn piece(&mut self) -> &mut Piece {
        self.get_mut()
    }
}

/// What came out of a few bytes.
#[derive(Debug, Default)]
struct Piece {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Piece {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_PIECE {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that are decoded at a time.
const AT_ONCE: usize = 4096;
/// The most that these may become: deflate cannot make more of them, and brotli does so only of what is no text.
const MAX_PIECE: usize = 5 * 1024 * 1024;
const BUFFER: usize = 4096;
/// 8 MiB: larger windows are no part of the `zstd` coding (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;
/// A body may become that much larger than the bytes that came allow for, so that a short body is never too large.
const MAY_GIVE: u64 = 16 * 1024 * 1024;
/// What a byte may become, over the whole body. JSON shrinks to a tenth; what is made to exhaust readers, to a thousandth.
const MAY_GIVE_PER_BYTE: u64 = 100;
