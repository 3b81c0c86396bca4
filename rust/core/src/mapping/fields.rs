//! The standard fields as data: one row each, in screen order (vendor's supported attributes reference; paths by
//! RFC 7643 sections 4.1 and 4.3, and the SCIM 1.1 core schema).
//!
//! The vendor's guides call a field by its code, so the label is the code too: an administrator finds `workEmail`
//! under `workEmail`.

use super::field::Field;
use super::values::ValueType;

/// The enterprise extension, SCIM 2.0 (RFC 7643 section 4.3).
pub(super) const ENTERPRISE_2: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The enterprise extension, SCIM 1.1.
pub(super) const ENTERPRISE_1: &str = "urn:scim:schemas:extension:enterprise:1.0";

/// One row. `path` is the SCIM 2.0 path; one that begins with `+` lies in the enterprise extension.
struct Row {
    code: &'static str,
    path: &'static str,
    /// The SCIM 1.1 path, where it is another one.
    path_1: Option<&'static str>,
    traits: &'static [Trait],
    note: &'static str,
    aliases: &'static [&'static str],
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Trait {
    Required,
    Unique,
    MultiValued,
    WriteOnly,
    CaseInsensitive,
    Reference,
    Binary,
}

use Trait::{Binary, CaseInsensitive, MultiValued, Reference, Required, Unique, WriteOnly};

const fn row(code: &'static str, path: &'static str) -> Row {
    Row { code, path, path_1: None, traits: &[], note: "", aliases: &[] }
}

const fn noted(code: &'static str, path: &'static str, note: &'static str) -> Row {
    Row { note, ..row(code, path) }
}

const ROWS: &[Row] = &[
    Row {
        traits: &[Required, Unique, CaseInsensitive],
        ..noted("userName", "userName", "The name the user signs in with; must be unique at the target.")
    },
    row("givenName", "name.givenName"),
    row("familyName", "name.familyName"),
    row("middleName", "name.middleName"),
    noted("honorificPrefix", "name.honorificPrefix", "A title before the name, for example Dr."),
    noted("honorificSuffix", "name.honorificSuffix", "An addition behind the name, for example III."),
    noted("formattedName", "name.formatted", "The whole name as it is shown."),
    Row {
        traits: &[CaseInsensitive],
        ..noted("workEmail", "emails[type eq \"work\"].value", "Can be the Unique User Identifier.")
    },
    Row { traits: &[CaseInsensitive], ..row("homeEmail", "emails[type eq \"home\"].value") },
    Row { traits: &[CaseInsensitive], ..row("otherEmail", "emails[type eq \"other\"].value") },
    row("displayName", "displayName"),
    row("title", "title"),
    noted("externalId", "externalId", "The user's identifier at the source."),
    Row {
        traits: &[WriteOnly],
        ..noted("password", "password", "Sent on create only; select Create Only and Mask Log Values.")
    },
    noted("preferredLanguage", "preferredLanguage", "A language tag, for example en-US."),
    noted("userType", "userType", "Free text; usual are Contractor, Employee, Intern, Temp, External and Unknown."),
    noted("locale", "locale", "A language tag for dates, numbers and currency, for example en-US."),
    row("nickName", "nickName"),
    Row { traits: &[Reference], ..noted("profileUrl", "profileUrl", "A URL.") },
    Row {
        traits: &[Reference],
        ..noted("profilePhotoUrl", "photos[type eq \"photo\"].value", "The URL of an image file.")
    },
    Row {
        traits: &[Reference],
        ..noted("profileThumbnailUrl", "photos[type eq \"thumbnail\"].value", "The URL of a small image file.")
    },
    noted("timezone", "timezone", "An IANA time zone, for example America/Los_Angeles."),
    row("workPhone", "phoneNumbers[type eq \"work\"].value"),
    row("mobilePhone", "phoneNumbers[type eq \"mobile\"].value"),
    row("pagerPhone", "phoneNumbers[type eq \"pager\"].value"),
    row("faxPhone", "phoneNumbers[type eq \"fax\"].value"),
    row("homePhone", "phoneNumbers[type eq \"home\"].value"),
    row("otherPhone", "phoneNumbers[type eq \"other\"].value"),
    Row {
        // The spellings of the vendor's Code42 guides for PingFederate and for PingOne.
        aliases: &["workStreet", "workStreetAddeess"],
        ..row("workStreetAddress", "addresses[type eq \"work\"].streetAddress")
    },
    row("workCity", "addresses[type eq \"work\"].locality"),
    row("workState", "addresses[type eq \"work\"].region"),
    row("workPostalCode", "addresses[type eq \"work\"].postalCode"),
    noted("workCountry", "addresses[type eq \"work\"].country", COUNTRY),
    noted("workFormattedAddress", "addresses[type eq \"work\"].formatted", ADDRESS),
    row("homeStreetAddress", "addresses[type eq \"home\"].streetAddress"),
    row("homeCity", "addresses[type eq \"home\"].locality"),
    row("homeState", "addresses[type eq \"home\"].region"),
    row("homePostalCode", "addresses[type eq \"home\"].postalCode"),
    noted("homeCountry", "addresses[type eq \"home\"].country", COUNTRY),
    noted("homeFormattedAddress", "addresses[type eq \"home\"].formatted", ADDRESS),
    row("otherStreetAddress", "addresses[type eq \"other\"].streetAddress"),
    row("otherCity", "addresses[type eq \"other\"].locality"),
    row("otherState", "addresses[type eq \"other\"].region"),
    row("otherPostalCode", "addresses[type eq \"other\"].postalCode"),
    noted("otherCountry", "addresses[type eq \"other\"].country", COUNTRY),
    noted("otherFormattedAddress", "addresses[type eq \"other\"].formatted", ADDRESS),
    row("qqIm", "ims[type eq \"qq\"].value"),
    row("skypeIm", "ims[type eq \"skype\"].value"),
    row("gtalkIm", "ims[type eq \"gtalk\"].value"),
    row("aimIm", "ims[type eq \"aim\"].value"),
    row("icqIm", "ims[type eq \"icq\"].value"),
    row("yahooIm", "ims[type eq \"yahoo\"].value"),
    row("msnIm", "ims[type eq \"msn\"].value"),
    row("xmppIm", "ims[type eq \"xmpp\"].value"),
    Row { traits: &[MultiValued], ..noted("entitlements", "entitlements.value", LIST) },
    Row { traits: &[MultiValued], ..noted("roles", "roles.value", LIST) },
    Row {
        traits: &[MultiValued, Binary],
        ..noted(
            "certificates",
            "x509Certificates.value",
            "A list of X.509 certificates, each the Base64 text of its DER form.",
        )
    },
    row("employeeNumber", "+employeeNumber"),
    row("costCenter", "+costCenter"),
    row("organization", "+organization"),
    row("division", "+division"),
    row("department", "+department"),
    Row {
        path_1: Some("+manager.managerId"),
        ..noted("manager", "+manager.value", "The id that the target gave to the manager, not a name or DN.")
    },
];

const COUNTRY: &str = "A two-letter country code of ISO 3166-1, for example US.";
const ADDRESS: &str = "The whole address as it is shown.";
const LIST: &str = "A list: every value of the mapped attribute is sent.";

/// A path of the table with the extension's URN in place of the `+`.
fn path(short: &str, enterprise: &str) -> String {
    short.strip_prefix('+').map_or_else(|| short.to_owned(), |rest| format!("{enterprise}:{rest}"))
}

impl From<&Row> for Field {
    fn from(row: &Row) -> Self {
        let has = |one| row.traits.contains(&one);
        Self {
            code: row.code.to_owned(),
            label: row.code.to_owned(),
            required: has(Required),
            unique: has(Unique),
            multi_valued: has(MultiValued),
            write_only: has(WriteOnly),
            case_insensitive: has(CaseInsensitive),
            value_type: match () {
                () if has(Reference) => ValueType::Reference,
                () if has(Binary) => ValueType::Binary,
                () => ValueType::String,
            },
            scim2: path(row.path, ENTERPRISE_2),
            scim1: Some(path(row.path_1.unwrap_or(row.path), ENTERPRISE_1)),
            options: Vec::new(),
            notes: Some(row.note).filter(|note| !note.is_empty()).map(str::to_owned).into_iter().collect(),
            aliases: row.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        }
    }
}

/// The standard fields, in screen order.
pub(super) fn standard() -> Vec<Field> {
    ROWS.iter().map(Field::from).collect()
}
