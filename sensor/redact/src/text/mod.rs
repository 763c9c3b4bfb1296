//! Recognisers: which class of personal or secret data a text is, by its bytes alone.
//!
//! Byte-level and without tables of regular expressions: each costs one look at the text. What
//! they return is a class, never the text.

mod bytes;

mod check;

mod class;

mod contact;

mod number;

mod iban;

mod national;

mod life;

mod secret;

mod key;

mod address;

mod format;

mod field;

mod whole;

mod scan;

mod encoded;

mod name;

mod word;

mod custom;

pub(crate) use address::ip_address_of_node;
pub(crate) use bytes::{Mask, mask_of, mask_until};
pub(crate) use class::DataClass;
pub(crate) use custom::CustomHint;
pub use custom::{CustomClassError, CustomClassRule, CustomClasses, CustomValues};
pub(crate) use encoded::in_base64;
pub(crate) use field::{FieldHint, credential_parameter, field_hint};
pub(crate) use format::{is_uuid, value_type, value_type_of_text};
pub(crate) use life::is_full_name;
pub(crate) use name::safe_name;
pub(crate) use scan::{first_class, scan, scan_named};
pub(crate) use secret::{is_jwt, looks_random, looks_secret};
pub(crate) use whole::{class_of, type_and_class_of};
pub(crate) use word::{choice, common_word};
