//! A process that forks: there are two then that know one stream, and the lock on it is held as long as either lives.
//!
//! A child that goes on with its parent's journal would write its records over the parent's, in the same mapped pages. A host
//! that forks workers, or that puts itself into the background after it has started the trail, does just that.
//!
//! Invariants:
//! 1. A journal knows whether this process has opened it: by a number in a page that the kernel wipes in every child, also in
//!    one that no library knows of. That costs a load, and no system call. Where there is no such page (before Linux 4.14,
//!    macOS) it is the number of the process.
//! 2. A child has no descriptor of a locked file: in its place is one of `/dev/null`, so that whoever owns the descriptor can
//!    go on to close it. The lock is not taken from the parent: it belongs to the open file, and ends with the last descriptor
//!    of that.
//! 3. What runs in the child before `fork` returns there may be called from a signal handler: it loads, stores, opens,
//!    duplicates and closes.

#![allow(
    unsafe_code,
    reason = "what the kernel wipes is no memory that Rust knows of, and what runs at a fork is called by C"
)]

use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

use crate::journal::planted::planted;

/// The process in which something was made.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct HomeProcess {
    word: Option<&'static AtomicU64>,
    number: u64,
}

impl HomeProcess {
    /// This process.
    pub(in crate::journal) fn current() -> Self {
        static AT_FORK: Once = Once::new();
        AT_FORK.call_once(|| {
            // SAFETY: `let_go` is a function of that kind, and does what may be done there (invariant 3). It fails for want of
            // memory alone; then a child keeps the locks, and writes nothing all the same.
            let _registered = unsafe { libc::pthread_atfork(None, None, Some(let_go)) };
        });
        static WIPED: OnceLock<Option<&'static AtomicU64>> = OnceLock::new();
        let Some(word) = *WIPED.get_or_init(wiped_word) else {
            return Self { word: None, number: std::process::id().into() };
        };
        // A child counts on from where its parent was, so it has another number.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = match word.load(Ordering::Relaxed) {
            0 => {
                let new = NEXT.fetch_add(1, Ordering::Relaxed);
                word.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|there| there, |_| new)
            }
            there => there,
        };
        Self { word: Some(word), number }
    }

    /// Whether this is a child of that process.
    #[inline]
    pub(in crate::journal) fn was_forked(&self) -> bool {
        if planted("write-in-a-child") {
            return false;
        }
        match self.word {
            Some(word) => word.load(Ordering::Relaxed) != self.number,
            None => u64::from(std::process::id()) != self.number,
        }
    }
}

/// A word that is zero, and is so again in every child. It is never given back: journals may be opened at any time.
#[cfg(target_os = "linux")]
fn wiped_word() -> Option<&'static AtomicU64> {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
    // SAFETY: the kernel chooses the address, so no other mapping is touched.
    let page = unsafe {
        mmap_anonymous(std::ptr::null_mut(), PAGE, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).ok()?
    };
    // SAFETY: the range was mapped just now, and nobody has a pointer into it.
    if unsafe { madvise(page, PAGE, Advice::LinuxWipeOnFork) }.is_err() {
        // SAFETY: as above.
        unsafe { munmap(page, PAGE) }.ok();
        return None;
    }
    // SAFETY: the page is aligned, readable, writable and zero, it stays mapped until the process ends, and it is only ever
    // read and written by atomic operations.
    Some(unsafe { AtomicU64::from_ptr(page.cast()) })
}

#[cfg(not(target_os = "linux"))]
fn wiped_word() -> Option<&'static AtomicU64> {
    None
}

/// A descriptor of a locked file, until this is dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    place: &'static AtomicI32,
    home: HomeProcess,
}

impl Locked {
    /// From now on, no child that is forked keeps it.
    pub(crate) fn note(file: BorrowedFd<'_>) -> Self {
        let home = HomeProcess::current();
        let file = file.as_raw_fd();
        let mut places = &FIRST;
        loop {
            let take =
                |place: &&AtomicI32| place.compare_exchange(NONE, file, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if let Some(place) = places.files.iter().find(take) {
                return Self { place, home };
            }
            places = places.next.get_or_init(|| Box::new(Places::new()));
        }
    }

    /// Whether the descriptor is that of the parent still, or of what was put there.
    pub(crate) fn is_inherited(&self) -> bool {
        self.home.was_forked()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // In a child the place is empty, or of another by now.
        if !self.is_inherited() {
            self.place.store(NONE, Ordering::Relaxed);
        }
    }
}

/// Where descriptors of locked files are noted: few, as a rule two. More places are made when they are needed, and stay.
struct Places {
    files: [AtomicI32; 16],
    next: OnceLock<Box<Places>>,
}

impl Places {
    const fn new() -> Self {
        Self { files: [const { AtomicI32::new(NONE) }; 16], next: OnceLock::new() }
    }
}

/// In a child, before `fork` returns there.
extern "C" fn let_go() {
    // SAFETY: the path ends with a zero byte.
    let nothing = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    // Without it, standard error: what is there is never written to by a child.
    let other = if nothing < 0 { libc::STDERR_FILENO } else { nothing };
    let mut places = Some(&FIRST);
    while let Some(here) = places {
        for place in &here.files {
            let file = place.swap(NONE, Ordering::Relaxed);
            if file >= 0 {
                // SAFETY: `file` is open: who closes it takes it out of its place before. It is replaced in one step, so its
                // owner has an open descriptor at any time.
                unsafe {
                    libc::dup2(other, file);
                    libc::fcntl(file, libc::F_SETFD, libc::FD_CLOEXEC);
                }
            }
        }
        places = here.next.get().map(|next| &**next);
    }
    if nothing >= 0 {
        // SAFETY: it was opened above, and nobody else has it.
        unsafe { libc::close(nothing) };
    }
}

static FIRST: Places = Places::new();
const NONE: i32 = -1;
/// The kernel makes whole pages of it.
#[cfg(target_os = "linux")]
const PAGE: usize = 4096;
