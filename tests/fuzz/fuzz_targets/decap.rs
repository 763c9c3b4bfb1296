//! Fuzzes `tapscope_laws::decap`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::decap::decap(data));
