//! `auditrail policy`.

mod call;
mod cases;
mod explained;
mod run;

pub(super) use self::run::run;
