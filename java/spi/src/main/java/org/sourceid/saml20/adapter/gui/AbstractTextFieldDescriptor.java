package org.sourceid.saml20.adapter.gui;

/** A row with a line of text. */
public abstract class AbstractTextFieldDescriptor extends FieldDescriptor {
    private static final long serialVersionUID = 1L;

    private int size;

    protected AbstractTextFieldDescriptor(String name, String description) {
        super(name, description);
    }

    /** Width of the text box in characters. 0 is the default of the screen. */
    public int getSize() {
        return size;
    }

    public void setSize(int size) {
        this.size = size;
    }
}
