//! Fuzzes `tapscope_laws::bodies::protobuf`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::bodies::protobuf(data));
