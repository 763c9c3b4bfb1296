//! Fuzzes `tapscope_laws::bodies::json_shape`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::bodies::json_shape(data));
