//! Fuzzes `tapscope_laws::http2`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::http2::http2(data));
