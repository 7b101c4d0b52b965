mod crash;
mod oracle;
mod proofs;
mod shape;
mod support;
