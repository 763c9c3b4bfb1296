//! The tags that are known without being told, and what speaks for each: names that APIs use for
//! these things, in English as nearly all are.

use std::collections::BTreeSet;

use super::TagRule;

/// One rule as it is written here: words with a space between.
struct Words {
    tag: &'static str,
    path: &'static str,
    fields: &'static str,
    methods: &'static str,
    classes: &'static str,
    kinds: &'static str,
    anywhere: bool,
}

const RULES: [Words; 8] = [
    Words {
        tag: "login",
        path: "login signin logon authenticate authentication auth session sessions sso token \
               oauthtoken oauth2token accesstoken mfa otp 2fa saml",
        fields: "password passwd username granttype otp totp clientsecret rememberme",
        methods: "POST",
        classes: "password",
        kinds: "",
        anywhere: false,
    },
    Words {
        tag: "sign_up",
        path: "signup register registration registrations enroll enrollment createaccount \
               newaccount createuser",
        fields: "passwordconfirmation confirmpassword passwordconfirm acceptterms termsaccepted \
                 tos referralcode invitecode",
        methods: "POST PUT",
        classes: "password",
        kinds: "",
        anywhere: false,
    },
    Words {
        tag: "payment",
        path: "payment payments pay checkout charge charges billing refund refunds payout payouts \
               paymentmethods paymentintents wallet withdraw withdrawal purchase",
        fields: "cardnumber cardno cvv cvc cvv2 iban paymentmethod paymentmethodid amount currency \
                 expmonth expyear billingaddress",
        methods: "POST PUT PATCH",
        classes: "card card_code iban bank_account",
        kinds: "",
        anywhere: false,
    },
    Words {
        tag: "password_reset",
        path: "passwordreset resetpassword forgotpassword passwordforgot recoverpassword \
               passwordrecovery changepassword passwordchange forgot accountrecovery \
               resetpasswords passwordsreset",
        fields: "newpassword resettoken oldpassword currentpassword resetcode",
        methods: "POST PUT PATCH",
        classes: "",
        kinds: "",
        anywhere: false,
    },
    Words {
        tag: "admin",
        path: "admin administrator administration backoffice superuser internal management \
               actuator debug console impersonate adminapi",
        fields: "isadmin issuperuser impersonate",
        methods: "",
        classes: "",
        kinds: "",
        anywhere: true,
    },
    Words {
        tag: "export",
        path: "export exports download downloads dump backup extract bulkexport exportall",
        fields: "exportformat exporttype",
        methods: "",
        classes: "",
        kinds: "text/csv application/vnd.ms-excel application/zip \
                application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        anywhere: false,
    },
    Words {
        tag: "search",
        path: "search searches find lookup autocomplete suggest suggestions typeahead query",
        fields: "q query search searchterm searchquery keyword keywords term",
        methods: "GET POST QUERY",
        classes: "",
        kinds: "",
        anywhere: false,
    },
    Words {
        tag: "ai",
        path: "llm chatcompletions completions embeddings inference mcp prompt prompts copilot \
               chatbot rag generate",
        fields: "prompt messages maxtokens temperature systemprompt topp model",
        methods: "POST",
        classes: "",
        kinds: "mcp",
        anywhere: false,
    },
];

/// The rules.
pub(super) fn rules() -> Vec<TagRule> {
    let set =
        |words: &str| -> BTreeSet<String> { words.split_whitespace().map(str::to_owned).collect() };
    let rule = |one: &Words| TagRule {
        tag: one.tag.to_owned(),
        path: set(one.path),
        fields: set(one.fields),
        operations: BTreeSet::new(),
        methods: set(one.methods),
        classes: set(one.classes),
        kinds: set(one.kinds),
        anywhere: one.anywhere,
    };
    RULES.iter().map(rule).collect()
}
