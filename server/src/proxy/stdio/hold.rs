//! Relays from the client to the server and holds lines, either because a call may have to be refused or to join calls to their
//! spans. A line is held until it is complete; it is then forwarded, possibly with trace context, or refused.
//!
//! If no call may be refused, a line that cannot be held is forwarded as it arrives.
//!
//! If calls may be refused, a line that is too large to be held is refused. It may have any number of messages: they are
//! recorded and answered piece by piece, so that each gets its answer and memory stays bounded.

use std::fs::File;
use std::io;
use std::sync::Arc;

use auditrail::config::Notices;
use auditrail::internals::OpenCallInside as _;
use auditrail::internals::mcp::{DirectionReader, HoldReasons};
use auditrail::internals::message::{Id, Message, MessageKind};
use auditrail::internals::splice::{CallerTrace, MOST_MESSAGES, Splices};
use auditrail::trail::{Direction, OpenCall};
use tokio::runtime::Runtime;

use super::output::Output;
use super::refuse::RefusedCall;
use super::{fd, refuse};
use crate::proxy::refusal::Refusal;
use crate::proxy::unjoined::Unjoined;

/// Holds one line at a time.
#[derive(Debug)]
pub(super) struct LineHold {
    pub(super) why: HoldReasons,
    /// How many bytes of a line may be held.
    pub(super) most: usize,
    /// Where calls wait.
    pub(super) runtime: Arc<Runtime>,
    pub(super) notices: Notices,
    pub(super) unjoined: Unjoined,
    pub(super) line: Line,
    /// The messages of the line that were not consumed yet.
    pub(super) messages: Vec<Message>,
}

/// A call of a line, with the id for its answer.
struct HeldCall {
    call: Arc<OpenCall>,
    id: Option<Id>,
    is_one_way: bool,
}

/// What becomes of the line that is read.
#[derive(Debug)]
pub(super) enum Line {
    /// The line is complete.
    Held(Vec<u8>),
    /// The line is longer, or has more messages, than can be held: it is not forwarded.
    Rejected,
    /// The line cannot be held, but no call may be refused here, so it is forwarded.
    Passing,
}

impl LineHold {
    pub(super) fn pump(mut self, mut from: File, mut to: File, output: &Output, mut reader: DirectionReader) {
        let mut buffer = vec![0; fd::CHUNK];
        while let Some(mut unread) = fd::read_chunk(&mut from, &mut buffer) {
            output.wait_for_answers();
            while !unread.is_empty() {
                let length = self.read(unread, &mut reader);
                let (piece, rest) = unread.split_at_checked(length).unwrap_or((unread, &[]));
                unread = rest;
                if self.take(piece, &mut to, output, &mut reader).is_err() {
                    return;
                }
            }
            // If a line cannot be read it cannot be forwarded either: the server sees the end.
            if reader.has_panicked() && self.why.refuses {
                return;
            }
        }
        let messages = &mut self.messages;
        reader.end(|message| keep(messages, message));
        drop(self.decide(&mut to, output, &mut reader));
    }

    /// Reads up to the end of a line with a message, or so far that no more messages come together than can be kept.
    fn read(&mut self, bytes: &[u8], reader: &mut DirectionReader) -> usize {
        let (messages, bytes) = (&mut self.messages, bytes.get(..AT_ONCE).unwrap_or(bytes));
        reader.wait_for_disk();
        reader.read(bytes, |message| keep(messages, message))
    }

    /// Accepts what was read, as far as it can be held, and decides where it ends the line.
    fn take(&mut self, piece: &[u8], to: &mut File, output: &Output, reader: &mut DirectionReader) -> io::Result<()> {
        let is_end = piece.ends_with(b"\n");
        let cannot_hold = self.messages.len() > MOST_MESSAGES || self.is_idle(reader);
        match &mut self.line {
            Line::Held(line) if line.len() + piece.len() <= self.most && !cannot_hold => {
                line.extend_from_slice(piece);
            }
            _ => self.exceed(piece, to, output, reader)?,
        }
        if is_end { self.decide(to, output, reader) } else { Ok(()) }
    }

    /// Accepts a piece of a line that is not held any more.
    fn exceed(&mut self, piece: &[u8], to: &mut File, output: &Output, reader: &mut DirectionReader) -> io::Result<()> {
        if self.why.refuses {
            self.line = Line::Rejected;
            // As many as can be kept are answered together, as the calls of a batch should be.
            if self.messages.len() <= MOST_MESSAGES {
                return Ok(());
            }
            let messages = std::mem::take(&mut self.messages);
            return refuse::unread(messages, &self.too_large(), to, output, reader);
        }
        let messages = std::mem::take(&mut self.messages);
        messages.into_iter().for_each(|message| drop(reader.see(message)));
        if let Line::Held(line) = std::mem::replace(&mut self.line, Line::Passing) {
            if !reader.has_panicked() {
                self.unjoined.tell(self.most as u64);
            }
            fd::write_all(to, &line)?;
        }
        fd::write_all(to, piece)
    }

    /// The line has ended: forwards it if all calls in it may run.
    fn decide(&mut self, to: &mut File, output: &Output, reader: &mut DirectionReader) -> io::Result<()> {
        let messages = std::mem::take(&mut self.messages);
        match std::mem::replace(&mut self.line, Line::Held(Vec::new())) {
            Line::Held(line) => self.decide_held(&line, messages, to, output, reader),
            Line::Rejected => {
                let reason = self.too_large();
                self.tell_refused(&reason);
                refuse::unread(messages, &reason, to, output, reader)
            }
            Line::Passing => {
                messages.into_iter().for_each(|message| drop(reader.see(message)));
                Ok(())
            }
        }
    }

    fn decide_held(
        &self,
        line: &[u8],
        messages: Vec<Message>,
        to: &mut File,
        output: &Output,
        reader: &mut DirectionReader,
    ) -> io::Result<()> {
        // Another parser may find a call in it.
        if self.why.refuses && messages.iter().any(is_unclear) {
            self.tell_refused(UNREADABLE);
            return refuse::unread(messages, UNREADABLE, to, output, reader);
        }
        let is_batch = messages.iter().any(|message| message.batch.is_some());
        let (mut calls, mut splices) = (Vec::new(), Splices::default());
        for message in messages {
            let (id, said) = (message.id.clone(), CallerTrace::of(&message));
            let is_plain = message.is_plain();
            let is_one_way = message.kind(Direction::ClientToServer) == Some(MessageKind::OneWay);
            let call = reader.see(message);
            let joined = call.as_ref().filter(|_| self.why.joins).and_then(|call| said.joined(call.span_ids()));
            splices.note(is_batch, is_plain, joined);
            calls.extend(call.map(|call| HeldCall { call, id, is_one_way }));
        }
        if self.why.refuses {
            if reader.has_panicked() {
                return Err(io::ErrorKind::Other.into());
            }
            if let Err(refusals) = self.wait(calls) {
                refuse::answer(refusals, is_batch, output, reader);
                return Ok(());
            }
        }
        let spliced = splices.apply(line);
        fd::write_all(to, spliced.as_deref().unwrap_or(line))
    }

    /// Waits until all calls of a line may run. If one may not, none may, because they share a line.
    fn wait(&self, calls: Vec<HeldCall>) -> Result<(), Vec<RefusedCall>> {
        let may_run = |asked: &HeldCall| self.runtime.handle().block_on(asked.call.may_run());
        let refused = calls.iter().enumerate().find_map(|(at, asked)| Some((at, may_run(asked).err()?)));
        let Some((at, refused)) = refused else { return Ok(()) };
        let refuse = |(other, HeldCall { call, id, is_one_way })| {
            let refusal = if other == at {
                Refusal::of(id, &refused)
            } else {
                Refusal::because(id, OF_A_BATCH, Some(call.call_id()))
            };
            RefusedCall { call, refusal, is_silent: is_one_way }
        };
        Err(calls.into_iter().enumerate().map(refuse).collect())
    }

    /// Whether nothing is known of what passes, so that nothing can be decided.
    fn is_idle(&self, reader: &DirectionReader) -> bool {
        reader.has_panicked() && !self.why.refuses
    }

    fn too_large(&self) -> String {
        format!(
            "it is larger than the {} bytes, or the {MOST_MESSAGES} messages, that are held until a call is recorded",
            self.most
        )
    }

    fn tell_refused(&self, reason: &str) {
        self.notices.warn(format!("a message of the client was not forwarded: {reason}"));
    }
}

/// Whether the server may read something else, or something that is unreadable here.
fn is_unclear(message: &Message) -> bool {
    message.flaw.is_some() || message.is_ambiguous()
}

/// Keeps a message for later.
fn keep(messages: &mut Vec<Message>, message: Message) -> Option<Message> {
    messages.push(message);
    None
}

/// How many bytes are read in one step: they contain at most half as many elements of a batch.
const AT_ONCE: usize = 2 * 1024;
const OF_A_BATCH: &str = "another call of its batch was refused";
const UNREADABLE: &str = "it cannot be read, or servers read it differently, so it cannot be audited";
