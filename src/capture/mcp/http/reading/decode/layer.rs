//! One content coding.

use std::io::{self, Write};

use brotli_decompressor::{BrotliDecoderParameter, DecompressorWriter};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use zstd::stream::write::Decoder as ZstdDecoder;

use super::piece::Piece;
use crate::capture::mcp::http::reading::content::Coding;

/// Why the rest of a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// The coding is not known.
    Unknown,
    /// It does not have the coding that its header declares.
    Damaged,
    /// It becomes too large.
    Expands,
}

/// One coding.
pub(super) struct CodingLayer {
    coded: Coded,
    pub(super) gave: u64,
}

enum Coded {
    /// Zlib or bare deflate; the first byte decides.
    Deflate,
    By(Box<dyn Decode>),
}

impl CodingLayer {
    pub(super) fn new(coding: Coding) -> Result<Self, Undecodable> {
        let coded = match coding {
            Coding::Gzip => Coded::By(Box::new(MultiGzDecoder::new(Piece::default()))),
            Coding::Deflate => Coded::Deflate,
            Coding::Brotli => {
                let mut decoder = DecompressorWriter::new(Piece::default(), BUFFER);
                // Windows beyond 16 MiB are not part of the `br` coding (RFC 7932).
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                Coded::By(Box::new(decoder))
            }
            Coding::Zstd => {
                // Only memory can fail here.
                let mut decoder = ZstdDecoder::new(Piece::default()).map_err(|_| Undecodable::Damaged)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| Undecodable::Damaged)?;
                Coded::By(Box::new(decoder))
            }
        };
        Ok(Self { coded, gave: 0 })
    }

    pub(super) fn decode(&mut self, bytes: &[u8]) -> (Piece, io::Result<()>) {
        if let (Coded::Deflate, Some(first)) = (&self.coded, bytes.first()) {
            // CM of RFC 1950 is 8. Bare deflate begins like this only with a stored block whose padding is not zero.
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

const BUFFER: usize = 4096;
/// 8 MiB: larger windows are not part of the `zstd` coding (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;
