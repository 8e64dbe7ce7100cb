//! The seam to chance.

use std::cell::RefCell;
use std::fmt::Debug;

use rand::RngCore as _;

/// Where random bytes come from; a simulation brings its own.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// A cryptographic generator per thread, seeded by the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadEntropy;

impl Entropy for ThreadEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let from_stock = |stock: &RefCell<Stock>| stock.try_borrow_mut().is_ok_and(|mut stock| stock.give(bytes));
        // At the end of a thread there is none.
        if !STOCK.try_with(from_stock).unwrap_or(false) {
            rand::rng().fill_bytes(bytes);
        }
    }
}

thread_local!(static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCKED], used: STOCKED }) });

/// Bytes for some ids: to ask the generator costs more than they do.
struct Stock {
    bytes: [u8; STOCKED],
    used: usize,
}

impl Stock {
    /// Fills a few bytes, each of which is given once; says whether they were few.
    fn give(&mut self, wanted: &mut [u8]) -> bool {
        if wanted.len() > FEW {
            return false;
        }
        if self.used + wanted.len() > STOCKED {
            rand::rng().fill_bytes(&mut self.bytes);
            self.used = 0;
        }
        let given = self.bytes.get(self.used..self.used + wanted.len());
        given.into_iter().for_each(|given| wanted.copy_from_slice(given));
        self.used += wanted.len();
        given.is_some()
    }
}

const STOCKED: usize = 320;
/// Ids; keys are not kept waiting in memory.
const FEW: usize = 10;
