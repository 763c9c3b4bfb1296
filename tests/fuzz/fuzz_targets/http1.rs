//! Fuzzes `tapscope_laws::http1`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::http1::http1(data));
