//! Tapscope.

fn main() {}
