//! The classes of personal and secret data and their names in the record.

/// Declares the classes with their names, so that name, place-holder and order cannot fall apart.
macro_rules! classes {
    ($($class:ident = $name:literal,)*) => {
        /// A class of personal or secret data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub(crate) enum DataClass {
            $($class,)*
        }

        impl DataClass {
            /// All classes in the order of their discriminants.
            pub(crate) const ALL: [Self; [$($name),*].len()] = [$(Self::$class),*];

            pub(crate) const COUNT: usize = Self::ALL.len();

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$class => $name,)*
                }
            }

            /// The name as it stands for a name that is itself such a value.
            pub(crate) const fn placeholder(self) -> &'static str {
                match self {
                    $(Self::$class => concat!("{", $name, "}"),)*
                }
            }
        }
    };
}

classes! {
    Email = "email",
    Phone = "phone",
    Card = "card",
    CardCode = "card_code",
    Iban = "iban",
    BankAccount = "bank_account",
    Financial = "financial",
    UsSsn = "us_ssn",
    UkNino = "uk_nino",
    UkNhs = "uk_nhs",
    DeTaxId = "de_tax_id",
    FrNir = "fr_nir",
    EsNif = "es_nif",
    ItFiscalCode = "it_fiscal_code",
    PlPesel = "pl_pesel",
    NlBsn = "nl_bsn",
    BeNrn = "be_nrn",
    ChAhv = "ch_ahv",
    SePersonnummer = "se_personnummer",
    NoFnr = "no_fnr",
    FiHetu = "fi_hetu",
    DkCpr = "dk_cpr",
    BrCpf = "br_cpf",
    BrCnpj = "br_cnpj",
    ArCuit = "ar_cuit",
    MxCurp = "mx_curp",
    CaSin = "ca_sin",
    AuTfn = "au_tfn",
    ZaId = "za_id",
    InAadhaar = "in_aadhaar",
    InPan = "in_pan",
    CnResidentId = "cn_resident_id",
    KrRrn = "kr_rrn",
    Passport = "passport",
    DrivingLicence = "driving_licence",
    Vin = "vin",
    DeviceId = "device_id",
    MacAddress = "mac_address",
    IpAddress = "ip_address",
    DateOfBirth = "date_of_birth",
    PersonName = "person_name",
    Address = "address",
    Geo = "geo",
    Health = "health",
    Special = "special_category",
    Jwt = "jwt",
    ApiKey = "api_key",
    PrivateKey = "private_key",
    Password = "password",
    Secret = "secret",
}
