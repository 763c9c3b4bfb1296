//! Fuzzes `tapscope_laws::bodies::graphql`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::bodies::graphql(data));
