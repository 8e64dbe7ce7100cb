//! Typed events that your own code records, by [`Trail::record`](crate::Trail::record).
