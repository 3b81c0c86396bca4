package org.sourceid.saml20.adapter.gui;

/** A row with a file upload. */
public class UploadFileFieldDescriptor extends FieldDescriptor {
    private static final long serialVersionUID = 1L;

    public UploadFileFieldDescriptor(String name, String description) {
        super(name, description);
    }

    /** Ignores the value, because a file has no default. */
    @Override
    public void setDefaultValue(String value) {
        super.setDefaultValue(null);
    }
}
