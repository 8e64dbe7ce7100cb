//! One content coding.

use std::io::{self, Write};

use brotli_decompressor::{BrotliDecoderParameter, DecompressorWriter};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use zstd::stream::write::Decoder as ZstdDecoder;

use super::piece::DecodedPiece;
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
    coded: CodedStream,
    pub(super) gave: u64,
}

enum CodedStream {
    /// Zlib or bare deflate; the first byte decides.
    Deflate,
    By(Box<dyn DecodeStep>),
}

impl CodingLayer {
    pub(super) fn new(coding: Coding) -> Result<Self, Undecodable> {
        let coded = match coding {
            Coding::Gzip => CodedStream::By(Box::new(MultiGzDecoder::new(DecodedPiece::default()))),
            Coding::Deflate => CodedStream::Deflate,
            Coding::Brotli => {
                let mut decoder = DecompressorWriter::new(DecodedPiece::default(), BUFFER);
                // Windows beyond 16 MiB are not part of the `br` coding (RFC 7932).
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                CodedStream::By(Box::new(decoder))
            }
            Coding::Zstd => {
                // Only memory can fail here.
                let mut decoder = ZstdDecoder::new(DecodedPiece::default()).map_err(|_| Undecodable::Damaged)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| Undecodable::Damaged)?;
                CodedStream::By(Box::new(decoder))
            }
        };
        Ok(Self { coded, gave: 0 })
    }

    pub(super) fn decode(&mut self, bytes: &[u8]) -> (DecodedPiece, io::Result<()>) {
        if let (CodedStream::Deflate, Some(first)) = (&self.coded, bytes.first()) {
            // CM of RFC 1950 is 8. Bare deflate begins like this only with a stored block whose padding is not zero.
            self.coded = CodedStream::By(match first & 0x0f {
                8 => Box::new(ZlibDecoder::new(DecodedPiece::default())),
                _ => Box::new(DeflateDecoder::new(DecodedPiece::default())),
            });
        }
        let CodedStream::By(decoder) = &mut self.coded else { return (DecodedPiece::default(), Ok(())) };
        let written = decoder.write_all(bytes).and_then(|()| decoder.flush());
        (std::mem::take(decoder.piece()), written)
    }
}

/// What the decoders of all codings have in common.
trait DecodeStep: Write + Send + Sync {
    fn piece(&mut self) -> &mut DecodedPiece;
}

macro_rules! decode {
    ($($decoder:ident)*) => {
        $(
            impl DecodeStep for $decoder<DecodedPiece> {
                fn piece(&mut self) -> &mut DecodedPiece {
                    self.get_mut()
                }
            }
        )*
    };
}

decode! { MultiGzDecoder ZlibDecoder DeflateDecoder DecompressorWriter }

impl DecodeStep for ZstdDecoder<'static, DecodedPiece> {
    fn piece(&mut self) -> &mut DecodedPiece {
        self.get_mut()
    }
}

const BUFFER: usize = 4096;
/// 8 MiB: larger windows are not part of the `zstd` coding (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;
