//! Fuzzes `tapscope_laws::websocket::websocket`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_laws::websocket::websocket(data));
