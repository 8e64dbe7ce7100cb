//! Locks that go on after a panic.
//!
//! std poisons a lock whose holder panics. Here that would let one panic of a user's hook end the audit of every other thread,
//! so all locks of this crate are these, which ignore it. It is allowed because whoever holds one leaves the data valid after
//! every statement that may panic.
//!
//! They are std's and not `parking_lot`'s, which has no poisoning, because that is not safe in the children of a process that
//! forks: see `docs/adr/033-libraries-taken-and-refused.md`.

#[cfg(test)]
mod tests;

use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

pub use std::sync::MutexGuard;

/// A mutex whose data outlives a panic of its holder.
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Guards the data.
    pub const fn new(data: T) -> Self {
        Self(std::sync::Mutex::new(data))
    }

    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if another thread holds it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The data, which nobody else can reach.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read-write lock whose data outlives a panic of its writer.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(std::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) const fn new(data: T) -> Self {
        Self(std::sync::RwLock::new(data))
    }

    #[inline]
    pub(crate) fn read(&self) -> std::sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> std::sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What threads that hold a [`Mutex`] wait for.
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// Nobody waits yet.
    pub const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Returns when it is notified, or for no reason.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when it is notified, when the time is over, or for no reason.
    pub fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, within: Duration) -> MutexGuard<'a, T> {
        self.0.wait_timeout(guard, within).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Returns when the condition no longer holds, or when the time is over.
    pub fn wait_timeout_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        within: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        self.0.wait_timeout_while(guard, within, condition).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes one thread that waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
