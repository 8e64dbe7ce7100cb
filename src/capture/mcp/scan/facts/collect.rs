//! Collects the facts of one message while its syntax is read: those that most readers find and, from the first key
//! on that other readers treat differently, what those readers find.
//!
//! A message without such a key is read once. A message with one is read once more for each rule that it concerns, in
//! the same pass.

use std::sync::Arc;

use crate::capture::mcp::message::{Doubts, Message, ScanOptions};
use crate::capture::mcp::scan::tokens::{KeyText, NumberPart};

use super::key_rule::{KeyDoubt, KeyRule};
use super::reader_view::ReaderView;
use crate::capture::mcp::scan::tokens::StringSink;

pub(super) use super::reader_view::{HeldKinds, Literal};

#[derive(Debug, Clone)]
pub(crate) struct FactCollector {
    ordinary: ReaderView,
    others: Vec<ReaderView>,
    key: KeyText,
    /// How many messages of the unit were read differently by other readers.
    told: u64,
}

/// A message that was read.
#[derive(Debug)]
pub(crate) struct CompleteMessages {
    pub(crate) ordinary: Message,
    /// The calls that other readers see in its place.
    pub(crate) others: Vec<Message>,
}

impl FactCollector {
    pub(crate) fn new(reading: Arc<ScanOptions>) -> Self {
        Self { ordinary: ReaderView::new(reading), others: Vec::new(), key: KeyText::default(), told: 0 }
    }

    /// Returns what was found, with a flaw if it is not a message, and resets itself.
    pub(crate) fn take(&mut self) -> CompleteMessages {
        let mut ordinary = self.ordinary.take();
        if self.others.is_empty() {
            return CompleteMessages { ordinary, others: Vec::new() };
        }
        let mut others: Vec<Message> = Vec::new();
        for mut view in self.others.drain(..) {
            let (rule, found) = (view.rule(), view.take());
            let is_same = found.runs() == ordinary.runs();
            if rule == KeyRule::Folded {
                ordinary.doubts.key_case |= !is_same;
            }
            if is_same || found.method.is_none() || others.iter().any(|other| other.runs() == found.runs()) {
                continue;
            }
            others.push(Message { reader: rule.profile(), ..found });
        }
        if !others.is_empty() {
            self.told += 1;
            ordinary.alternative = Some(self.told);
        }
        for other in &mut others {
            other.alternative = ordinary.alternative;
            other.doubts = Doubts { readings: Vec::new(), ..ordinary.doubts.clone() };
        }
        CompleteMessages { ordinary, others }
    }

    pub(crate) fn doubts(&mut self) -> &mut Doubts {
        self.ordinary.doubts()
    }

    /// The value is nested deeper than the scanner reads.
    pub(crate) fn too_deep(&mut self) {
        self.each(ReaderView::too_deep);
    }

    /// Whether the key that begins may be one to keep.
    pub(crate) fn begin_key(&mut self) -> bool {
        let wanted = self.any(|view| view.wants_key());
        if wanted {
            self.key.clear();
        }
        wanted
    }

    pub(crate) fn key(&mut self) -> &mut KeyText {
        &mut self.key
    }

    pub(crate) fn end_key(&mut self) {
        let key = std::mem::take(&mut self.key);
        self.whole_key(key.bytes());
    }

    /// A key that is complete.
    pub(crate) fn whole_key(&mut self, key: &[u8]) {
        let slot = self.ordinary.slot_of(key);
        match self.ordinary.doubt(slot, key) {
            Some(KeyDoubt::Folded) => self.fork(KeyRule::Folded),
            Some(KeyDoubt::Again) => {
                self.fork(KeyRule::First);
                self.fork(KeyRule::Folded);
            }
            None => {}
        }
        let is_again = self.ordinary.key(slot);
        for view in &mut self.others {
            let slot = view.slot_of(key);
            let comes_again = view.key(slot) && view.rule() == KeyRule::Folded;
            self.ordinary.doubts().key_case |= comes_again && !is_again;
        }
    }

    /// Returns whether something that is held begins here.
    pub(crate) fn open_object(&mut self) -> bool {
        for view in &mut self.others {
            let _none_of_a_fork = view.open_object();
        }
        self.ordinary.open_object()
    }

    /// Returns whether something that is held begins here.
    pub(crate) fn open_array(&mut self) -> bool {
        for view in &mut self.others {
            let _none_of_a_fork = view.open_array();
        }
        self.ordinary.open_array()
    }

    /// Returns whether something that is held ends here.
    pub(crate) fn close(&mut self) -> bool {
        for view in &mut self.others {
            let _none_of_a_fork = view.close();
        }
        self.ordinary.close()
    }

    /// Whether the string that begins is to be kept.
    pub(crate) fn begin_string(&mut self) -> bool {
        self.any(ReaderView::begin_string)
    }

    pub(crate) fn end_string(&mut self) {
        self.each(ReaderView::end_string);
    }

    /// Whether the number that begins is to be kept.
    pub(crate) fn begin_number(&mut self) -> bool {
        self.any(ReaderView::begin_number)
    }

    /// A part of the number.
    pub(crate) fn number(&mut self, at: NumberPart, bytes: &[u8]) {
        self.each(|view| view.number(at, bytes));
    }

    pub(crate) fn end_number(&mut self) {
        self.each(ReaderView::end_number);
    }

    pub(crate) fn literal(&mut self, literal: Literal) {
        self.each(|view| view.literal(literal));
    }

    /// What the bytes are part of, so that they belong to [`hold`](Self::hold).
    pub(crate) fn holding(&self) -> HeldKinds {
        self.ordinary.holding()
    }

    /// Bytes of what was held when they were read.
    pub(crate) fn hold(&mut self, parts: HeldKinds, bytes: &[u8]) {
        self.ordinary.hold(parts, bytes);
    }

    /// What ends with the byte that was read last is complete.
    pub(crate) fn end_held(&mut self) {
        self.ordinary.end_held();
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.ordinary.held() + self.others.iter().map(ReaderView::held).sum::<usize>()
    }

    fn fork(&mut self, rule: KeyRule) {
        if self.others.iter().all(|view| view.rule() != rule) {
            self.others.push(self.ordinary.fork(rule));
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut ReaderView)) {
        act(&mut self.ordinary);
        self.others.iter_mut().for_each(act);
    }

    /// Whether `ask` is true for any view; it is called for all of them.
    fn any(&mut self, mut ask: impl FnMut(&mut ReaderView) -> bool) -> bool {
        let ordinary = ask(&mut self.ordinary);
        self.others.iter_mut().fold(ordinary, |any, view| ask(view) | any)
    }
}

/// The string that is being read.
impl StringSink for FactCollector {
    fn text(&mut self, piece: &str) {
        self.each(|view| view.text(piece));
    }

    fn lone_surrogate(&mut self, unit: u16) {
        self.each(|view| view.lone_surrogate(unit));
    }
}
