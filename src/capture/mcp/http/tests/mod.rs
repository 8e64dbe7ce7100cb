mod body;
mod order;
mod ordinary;
mod rig;
mod service;
mod sessions;
mod stream;
mod unreadable;
