//! The classes of personal and secret data and their names in the record.

/// A class of personal or secret data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum DataClass {
    Email,
    Phone,
    Card,
    Iban,
    UsSsn,
    Jwt,
    ApiKey,
    PrivateKey,
    Password,
    Secret,
    IpAddress,
    DateOfBirth,
    PersonName,
    Address,
    Geo,
}

impl DataClass {
    pub(crate) const COUNT: usize = 15;

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::UsSsn => "us_ssn",
            Self::Jwt => "jwt",
            Self::ApiKey => "api_key",
            Self::PrivateKey => "private_key",
            Self::Password => "password",
            Self::Secret => "secret",
            Self::IpAddress => "ip_address",
            Self::DateOfBirth => "date_of_birth",
            Self::PersonName => "person_name",
            Self::Address => "address",
            Self::Geo => "geo",
        }
    }

    /// The name as it stands for a name that is itself such a value.
    pub(crate) const fn placeholder(self) -> &'static str {
        match self {
            Self::Email => "{email}",
            Self::Phone => "{phone}",
            Self::Card => "{card}",
            Self::Iban => "{iban}",
            Self::UsSsn => "{us_ssn}",
            Self::Jwt => "{jwt}",
            Self::ApiKey => "{api_key}",
            Self::PrivateKey => "{private_key}",
            Self::Password => "{password}",
            Self::Secret => "{secret}",
            Self::IpAddress => "{ip_address}",
            Self::DateOfBirth => "{date_of_birth}",
            Self::PersonName => "{person_name}",
            Self::Address => "{address}",
            Self::Geo => "{geo}",
        }
    }
}
