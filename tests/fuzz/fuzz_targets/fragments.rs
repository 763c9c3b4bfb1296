//! Fuzzes `tapscope_laws::fragments`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::fragments::fragments(data));
