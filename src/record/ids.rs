//! The ids of a record: of its trace and span, and its own.

use std::fmt::{self, Write as _};

use crate::hex::digits;

/// A W3C trace id: 16 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// A W3C span id: 8 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

macro_rules! id {
    ($type:ident, $length:literal) => {
        impl $type {
            /// The id of those bytes; `None` if all are zero, which W3C Trace Context calls invalid.
            #[must_use]
            pub fn new(bytes: [u8; $length]) -> Option<Self> {
                (bytes != [0; $length]).then_some(Self(bytes))
            }

            /// The bytes.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl fmt::Display for $type {
            /// Lower-case hex, as W3C Trace Context and Jaeger write it.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                digits(&self.0).try_for_each(|digit| f.write_char(digit))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

/// The span that a record belongs to, or only the trace. Valid also where the trace is not sampled (flags 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanIds {
    /// The trace.
    pub trace: TraceId,
    /// The span in it; `None` where what is recorded has no span of its own: the trace is its caller's.
    pub span: Option<SpanId>,
    /// W3C trace flags; bit 0 is "sampled".
    pub flags: u8,
}

impl SpanIds {
    /// The ids of an OTel span context; `None` if it is not a valid one.
    #[must_use]
    pub fn of(context: &opentelemetry::trace::SpanContext) -> Option<Self> {
        Some(Self {
            trace: TraceId::new(context.trace_id().to_bytes())?,
            span: Some(SpanId::new(context.span_id().to_bytes())?),
            flags: context.trace_flags().to_u8(),
        })
    }

    /// The ids of what has no span of its own, where that span context is its caller's: the trace, and never the span.
    #[must_use]
    pub fn of_caller(context: &opentelemetry::trace::SpanContext) -> Option<Self> {
        Self::of(context).map(|ids| Self { span: None, ..ids })
    }
}

/// `audit.record.id` and `auditrail.call.id`: a UUID of version 7 (RFC 9562), so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(uuid::Uuid);

impl RecordId {
    /// No id yet.
    pub(crate) const NIL: Self = Self(uuid::Uuid::nil());

    /// The id made of a time in nanoseconds since 1970 and ten random bytes.
    #[must_use]
    pub fn new(unix_nano: u64, random: &[u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_nano / 1_000_000, random).into_uuid())
    }

    /// The id of that text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }

    /// Writes the 36 characters of the text form into the buffer and returns them.
    #[inline]
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.hyphenated().encode_lower(buffer)
    }

    /// The text form of an id that ends in these four bits, made of that of one which differs in nothing else.
    #[inline]
    pub(crate) fn sibling(text: &[u8; 36], last: u8) -> [u8; 36] {
        let mut sibling = *text;
        if let ([.., digit], Some(other)) = (&mut sibling, b"0123456789abcdef".get(usize::from(last & 0xF))) {
            *digit = *other;
        }
        sibling
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// `auditrail.stream.id`: one process's run. A UUID of version 7, so that streams sort by the time of their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(uuid::Uuid);

impl StreamId {
    /// The id made of a time in nanoseconds since 1970 and ten random bytes.
    #[must_use]
    pub fn new(unix_nano: u64, random: &[u8; 10]) -> Self {
        Self(RecordId::new(unix_nano, random).0)
    }

    /// The id of those bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }

    /// The id of that text form: 36 characters, lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(uuid::Uuid::try_parse(text).ok()?);
        (id.encode(&mut [0; 36]) == text).then_some(id)
    }

    /// The bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// Writes the 36 characters of the text form into the buffer and returns them.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
