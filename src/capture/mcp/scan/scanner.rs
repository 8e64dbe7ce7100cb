//! Reads the messages of successive units of framing.

use std::sync::Arc;

use super::facts::{CompleteMessages, FactCollector};
use super::syntax::{Syntax, SyntaxProgress, behind_whitespace};
use crate::capture::mcp::message::{Flaw, Message, ScanOptions};

/// The content of one unit of framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// One document, as in a line or a server-sent event. Its message is emitted at the end of the unit, because
    /// anything that follows makes it invalid JSON.
    One,
    /// Any number of documents, as in a streamed body. Each message is emitted when its document is complete.
    #[cfg_attr(
        not(any(feature = "tower", test, fuzzing)),
        expect(dead_code, reason = "only bodies hold several documents")
    )]
    Many,
}

/// Reads the messages of successive units of framing, each in any number of pieces.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    documents: Documents,
    stage: Stage,
    syntax: Syntax,
    facts: FactCollector,
    /// The number of bytes of this unit so far.
    unit: u64,
    /// Where the document, or the element of a batch, begins and ends in the unit.
    begin: u64,
    end: u64,
    /// In this document, which is a batch.
    in_batch: bool,
    /// The number of batches.
    batches: u64,
    /// What was expected when a byte arrived that made a complete document invalid.
    spoiled: Option<(Stage, u8)>,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A document, or nothing more.
    Document,
    /// More of a document or of an element.
    Value,
    /// The first element of a batch, or its end.
    FirstElement,
    /// An element of a batch.
    Element,
    /// A comma, or the end of the batch.
    Comma,
    /// Nothing; the message is emitted at the end.
    Nothing,
    /// Nothing; all messages of the batch were emitted.
    NothingElse,
    /// Anything; it is not read.
    Flawed(Flaw),
}

impl Scanner {
    pub(crate) fn new(reading: Arc<ScanOptions>, documents: Documents) -> Self {
        let (syntax, facts) = (Syntax::default(), FactCollector::new(reading));
        let (stage, in_batch) = (Stage::Document, false);
        Self { documents, stage, syntax, facts, unit: 0, begin: 0, end: 0, in_batch, batches: 0, spoiled: None }
    }

    /// Reads more of the unit.
    pub(crate) fn read(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(Message)) {
        self.unit += bytes.len() as u64;
        while !bytes.is_empty() {
            if let Err(flaw) = self.advance(&mut bytes, emit) {
                self.stage = Stage::Flawed(flaw);
                return;
            }
        }
    }

    /// Whether only whitespace was read of the unit.
    pub(super) fn is_blank(&self) -> bool {
        self.stage == Stage::Document && self.end == 0
    }

    /// Whether the unit is not JSON.
    pub(super) fn is_spoiled(&self) -> bool {
        self.stage == Stage::Flawed(Flaw::NotJson)
    }

    /// Whether the document that is being read is incomplete.
    pub(super) fn is_unfinished(&self) -> bool {
        match self.stage {
            Stage::Value => self.in_batch || !self.syntax.is_complete(),
            Stage::FirstElement | Stage::Element | Stage::Comma => true,
            Stage::Document | Stage::Nothing | Stage::NothingElse | Stage::Flawed(_) => false,
        }
    }

    /// Whether the unit is one document and nothing else.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.stage, Stage::Nothing | Stage::NothingElse)
    }

    /// A copy from before the unit became invalid, if it was complete then and such a byte did it.
    pub(super) fn before_spoiled(&self, by: impl Fn(u8) -> bool) -> Option<Self> {
        let (stage, _) = self.spoiled.filter(|(_, byte)| by(*byte))?;
        Some(Self { stage, ..self.clone() })
    }

    /// A scanner of another unit.
    pub(super) fn fresh(&self) -> Self {
        let mut fresh = self.clone();
        fresh.discard();
        fresh
    }

    /// The unit ends here. What is read next belongs to another one.
    pub(crate) fn end(&mut self, emit: &mut impl FnMut(Message)) {
        match self.stage {
            Stage::Document | Stage::NothingElse => {}
            Stage::Nothing => self.give(None, emit),
            // A number on its own ends with the unit.
            Stage::Value if self.syntax.is_complete() && !self.in_batch => {
                self.end = self.unit;
                self.give(None, emit);
            }
            Stage::Flawed(flaw) => self.give_flawed(flaw, emit),
            Stage::Value | Stage::FirstElement | Stage::Element | Stage::Comma => {
                self.give_flawed(Flaw::NotJson, emit);
            }
        }
        self.reset();
    }

    /// The unit ends here and is discarded. Returns whether it contained anything except whitespace.
    pub(crate) fn discard(&mut self) -> bool {
        let any = self.stage != Stage::Document || self.end > 0;
        drop(self.facts.take());
        self.reset();
        any
    }

    /// The bytes that it holds on the heap.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.facts.held()
    }

    fn reset(&mut self) {
        (self.stage, self.in_batch) = (Stage::Document, false);
        (self.unit, self.begin, self.end) = (0, 0, 0);
        self.spoiled = None;
    }

    /// Continues with the next stage, or consumes all bytes.
    fn advance(&mut self, bytes: &mut &[u8], emit: &mut impl FnMut(Message)) -> Result<(), Flaw> {
        match self.stage {
            Stage::Value => return self.value(bytes, emit),
            Stage::Flawed(_) => *bytes = &[],
            _ => *bytes = behind_whitespace(bytes),
        }
        let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
        match (self.stage, byte) {
            (Stage::Document, b'[') => {
                self.begin = self.unit - bytes.len() as u64;
                self.in_batch = true;
                self.batches += 1;
                self.stage = Stage::FirstElement;
            }
            (Stage::FirstElement, b']') => self.complete(rest, emit),
            (Stage::Document | Stage::FirstElement | Stage::Element, _) => {
                self.begin_value(bytes);
                return Ok(());
            }
            (Stage::Comma, b',') => self.stage = Stage::Element,
            (Stage::Comma, b']') => {
                self.in_batch = false;
                self.end = self.unit - rest.len() as u64;
                self.stage = match self.documents {
                    Documents::One => Stage::NothingElse,
                    Documents::Many => Stage::Document,
                };
            }
            (stage, byte) => {
                self.spoiled = matches!(stage, Stage::Nothing | Stage::NothingElse).then_some((stage, byte));
                // There is more after one document. Its content is still known, but messages of a batch were emitted.
                if stage == Stage::NothingElse {
                    (self.in_batch, self.begin) = (true, self.end);
                }
                return Err(Flaw::NotJson);
            }
        }
        *bytes = rest;
        Ok(())
    }

    fn begin_value(&mut self, bytes: &[u8]) {
        self.begin = self.unit - bytes.len() as u64;
        self.syntax.begin(usize::from(self.in_batch));
        self.stage = Stage::Value;
    }

    fn value(&mut self, bytes: &mut &[u8], emit: &mut impl FnMut(Message)) -> Result<(), Flaw> {
        let before = *bytes;
        let held = self.facts.holding();
        let progress = self.syntax.read(bytes, &mut self.facts)?;
        if held.any() {
            let read = before.len() - bytes.len();
            self.facts.hold(held, before.get(..read).unwrap_or_default());
        }
        match progress {
            SyntaxProgress::More | SyntaxProgress::HeldBegin => {}
            SyntaxProgress::HeldEnd => self.facts.end_held(),
            SyntaxProgress::Complete if self.in_batch => {
                self.end = self.unit - bytes.len() as u64;
                self.give(None, emit);
                self.begin = self.end;
                self.stage = Stage::Comma;
            }
            SyntaxProgress::Complete => self.complete(bytes, emit),
        }
        Ok(())
    }

    /// A document that is one message, or an empty batch.
    fn complete(&mut self, bytes: &[u8], emit: &mut impl FnMut(Message)) {
        self.end = self.unit - bytes.len() as u64;
        match self.documents {
            Documents::One => self.stage = Stage::Nothing,
            Documents::Many => {
                self.give(None, emit);
                self.in_batch = false;
                self.stage = Stage::Document;
            }
        }
    }

    fn give_flawed(&mut self, flaw: Flaw, emit: &mut impl FnMut(Message)) {
        self.end = self.unit;
        self.give(Some(flaw), emit);
    }

    fn give(&mut self, flaw: Option<Flaw>, emit: &mut impl FnMut(Message)) {
        let CompleteMessages { ordinary, others } = self.facts.take();
        let batch = self.in_batch.then_some(self.batches);
        let placed = |message: Message| Message { batch, bytes: self.end - self.begin, ..message };
        let mut ordinary = placed(ordinary);
        ordinary.flaw = flaw.or(ordinary.flaw);
        if flaw.is_some() {
            // It may end in the middle of a text, of which only complete pieces were kept.
            ordinary.result.text = None;
            return emit(ordinary);
        }
        // A call to some reader is not one that nothing reads.
        if others.is_empty() || ordinary.flaw != Some(Flaw::NotAMessage) {
            emit(ordinary);
        }
        others.into_iter().map(placed).for_each(emit);
    }
}
