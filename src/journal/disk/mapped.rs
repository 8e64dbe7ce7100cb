//! A segment mapped into memory, with `unsafe`.
//!
//! What pays for it: an append that survives `kill -9` costs a memory copy instead of a system call (`cargo bench --bench
//! journal` prints both in the same run).
//!
//! Invariants:
//! 1. The mapping covers exactly the bytes for which space was allocated, so a store cannot fail for want of space. Only
//!    somebody who cuts the file while it is mapped can make it fail, by a signal; its mode is 0600, the handle that has the
//!    mapping refuses to cut it, and no adopter cuts a segment. On a file system that shares blocks with a copy or a snapshot,
//!    a store needs space again: there, `Disk::without_mapping` is the remedy.
//! 2. Nobody gets a reference into the mapping: bytes are copied in, and read back through the file. So no aliasing rule of
//!    Rust depends on what other processes do with the file.
//! 3. A copy is checked against the length of the mapping before a byte is written.
//! 4. One writer at a time: `publish` is called with the turn of the journal, and whoever else calls it meanwhile gets an
//!    error. The first word of a frame is stored last,
//!    with release ordering; the file system sees stores to a shared mapping in program order, as this process made them.
//! 5. Unmapped once, on drop: by `memmap2`, as it is mapped, synced and prepared.
//! 6. A store may wait in the kernel: as long as the file system is frozen, without an end (`docs/format.md`). Nobody holds a lock
//!    meanwhile but the turn (`turn`), and `publish_if` can be taken back until its last store.

#![allow(unsafe_code, reason = "it and `forked` are the modules that may; see its header")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
use std::fs::File;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};

/// A writable shared mapping of the beginning of a file.
#[derive(Debug)]
pub(in crate::journal) struct Mapping {
    memory: MmapRaw,
    is_written: AtomicBool,
}

impl Mapping {
    /// Maps the first bytes of a file for which space is allocated.
    pub(in crate::journal) fn of(file: &File, length: u64) -> io::Result<Self> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        Ok(Self { memory: MmapOptions::new().len(length).map_raw(file)?, is_written: AtomicBool::new(false) })
    }

    /// Copies a frame to an offset, its first four bytes last.
    pub(in crate::journal) fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        self.publish_if(offset, frame, || true).map(drop)
    }

    /// As [`publish`](Self::publish), but asks before the last store whether it shall be; if not, the bytes are zero again. All
    /// pages were stored to before, so the last store waits only if the page was made read-only in that moment.
    #[inline]
    pub(in crate::journal) fn publish_if(
        &self,
        offset: u64,
        frame: &[u8],
        is_wanted: impl Fn() -> bool,
    ) -> io::Result<bool> {
        let (word, rest) = frame.split_first_chunk::<4>().ok_or(io::ErrorKind::InvalidInput)?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset.checked_add(frame.len()).ok_or(io::ErrorKind::InvalidInput)?;
        if end > self.memory.len() || !offset.is_multiple_of(4) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if self.is_written.swap(true, Ordering::Acquire) {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        // SAFETY: nobody else writes (see above), `offset + frame.len() <= memory.len()` was checked above, the mapping is page-aligned and `offset` a multiple
        // of four, so the word is aligned. `rest` cannot overlap: nobody has a reference into the mapping (invariant 2).
        // The atomic word lives as long as `self`, and all stores to it go through this function.
        let is_wanted = unsafe {
            let target = self.memory.as_mut_ptr().add(offset);
            ptr::copy_nonoverlapping(rest.as_ptr(), target.add(4), rest.len());
            #[expect(clippy::cast_ptr_alignment, reason = "checked: see SAFETY")]
            let first = AtomicU32::from_ptr(target.cast::<u32>());
            if offset % PAGE == PAGE - 4 {
                // Its page is one that `rest` is not on.
                first.store(0, Ordering::Relaxed);
            }
            let is_wanted = is_wanted();
            if is_wanted {
                first.store(u32::from_ne_bytes(*word), Ordering::Release);
            } else {
                ptr::write_bytes(target.add(4), 0, rest.len());
            }
            is_wanted
        };
        self.is_written.store(false, Ordering::Release);
        self.fetch(end);
        Ok(is_wanted)
    }

    /// Has the processor get the memory that the next frame will be written to while the caller goes on: it was last touched
    /// by the kernel, in another core's cache. `cargo bench --bench span` has what it saves.
    #[cfg(target_arch = "x86_64")]
    fn fetch(&self, from: usize) {
        let to = from.saturating_add(FETCHED).min(self.memory.len());
        for offset in (from..to).step_by(CACHE_LINE) {
            // SAFETY: `offset` is less than the length of the mapping; a prefetch changes nothing and cannot fault.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(self.memory.as_ptr().add(offset).cast()) };
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn fetch(&self, _: usize) {}

    /// Makes the pages of a range durable, as `fdatasync` does for the whole file. It leaves the pages ahead writable: after
    /// a sync of all, each would have to be made so again, at the expense of whoever writes a record.
    pub(in crate::journal) fn sync(&self, from: u64, to: u64) -> io::Result<()> {
        let from = usize::try_from(from).map_err(io::Error::other)? & !(PAGE - 1);
        let to = usize::try_from(to).map_err(io::Error::other)?.next_multiple_of(PAGE).min(self.memory.len());
        if from < to { self.memory.flush_range(from, to - from) } else { Ok(()) }
    }

    /// Has the kernel make the pages of a range writable now, so that the caller who writes a record does not wait for it.
    /// Older kernels than 5.14 do not know it: then the caller waits.
    #[cfg(target_os = "linux")]
    pub(in crate::journal) fn prepare(&self, offset: u64, length: u64) {
        let whole_pages = |offset: u64| usize::try_from(offset).ok().map(|offset| offset & !(PAGE - 1));
        let (Some(from), Some(to)) = (whole_pages(offset), whole_pages(offset.saturating_add(length))) else { return };
        let (from, to) = (from.min(self.memory.len()), to.min(self.memory.len()));
        if from < to {
            self.memory.advise_range(memmap2::Advice::PopulateWrite, from, to - from).ok();
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(in crate::journal) fn prepare(&self, _: u64, _: u64) {}
}

/// Pages are not larger on the platforms that this is tested on. Where they are, ranges are rounded to whole ones of 64 KiB.
const PAGE: usize = if cfg!(target_arch = "x86_64") { 4096 } else { 64 * 1024 };
/// Bytes of a record of the usual size.
#[cfg(target_arch = "x86_64")]
const FETCHED: usize = 16 * CACHE_LINE;
#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 64;
