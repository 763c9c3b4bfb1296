//! Fuzzes `tapscope_laws::reassembly`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::reassembly::reassembly(data));
