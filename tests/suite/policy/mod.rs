//! What a policy keeps of calls, as a real receiver gets it, on every route of the library.

mod decisions;
mod explained;
mod halves;
mod levels;
mod reload;
mod rig;
mod sampling;
