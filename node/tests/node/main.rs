//! The binary as people and scripts meet it: started, stopped, killed, and asked for things it
//! must refuse.

mod archive;
mod keys;
mod support;
mod usage;
mod working;
