//! A process that does not outlive the test that started it, even if the test fails.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command};

#[derive(Debug)]
pub(crate) struct OwnChild(Child);

impl OwnChild {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Deref for OwnChild {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for OwnChild {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for OwnChild {
    fn drop(&mut self) {
        // Most have ended, and were waited for.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
