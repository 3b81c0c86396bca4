use super::*;

#[test]
fn a_url_alone_takes_every_default() {
    let settings = Settings::parse([("SCIM_URL", "https://scim.example.com/v2/")]).unwrap();
    assert_eq!(settings.scim_url.as_str(), "https://scim.example.com/v2");
    assert_eq!(settings.filter, "userName eq \"%s\"");
}
