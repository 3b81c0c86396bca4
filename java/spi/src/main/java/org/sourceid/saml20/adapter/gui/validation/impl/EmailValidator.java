package org.sourceid.saml20.adapter.gui.validation.impl;

/** Accepts text in the form of a mail address. */
public class EmailValidator extends RegExValidator {
    private static final long serialVersionUID = 1L;

    public EmailValidator() {
        super("[^@\\s]+@[^@\\s]+");
    }
}
