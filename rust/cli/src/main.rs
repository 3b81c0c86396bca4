//! pfscim: arguments and printing.
fn main() {}
