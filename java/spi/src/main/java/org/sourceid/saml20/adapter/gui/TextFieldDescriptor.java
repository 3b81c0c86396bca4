package org.sourceid.saml20.adapter.gui;

/** A row with a line of text. A secret is hidden and stored encrypted. */
public class TextFieldDescriptor extends AbstractTextFieldDescriptor {
    private static final long serialVersionUID = 1L;

    private final boolean encrypted;

    public TextFieldDescriptor(String name, String description) {
        this(name, description, false);
    }

    public TextFieldDescriptor(String name, String description, boolean encrypted) {
        super(name, description);
        this.encrypted = encrypted;
    }

    public boolean isEncrypted() {
        return encrypted;
    }
}
